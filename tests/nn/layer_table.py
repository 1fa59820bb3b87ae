"""Every public layer, model and function of `jconv.nn` on small inputs: one table for the tests of all of them.

A new layer is covered by one line here; `test_every_layer.py` says so where it is missing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jconv import nn
from tests.nn import parity


class Entry(NamedTuple):
    """A module or a function, and what its tests need to know."""

    build: Callable[..., Any]
    """options -> callable; the options are `param_dtype` and `dtype`, as far as `options` names them."""
    shapes: tuple[tuple[int, ...], ...]
    """Of the inputs."""
    options: tuple[str, ...] = ()
    differentiable: bool = True
    widens: bool = False
    """Whether half precision becomes float32."""
    costly: bool = False
    """Whether it is compiled in the slow tests alone."""
    method: Callable[..., Any] = lambda module, *inputs: module(*inputs)
    positive: bool = False
    """Whether the inputs are the corners of boxes."""
    is_module: bool = True


BOTH, PARAMETERS = ("param_dtype", "dtype"), ("param_dtype",)


def layer(kind, *sizes, x, options=BOTH, **more):
    """An entry of a module that takes random keys."""
    return Entry(lambda **o: kind(*sizes, **more, **o, rngs=nnx.Rngs(0)), x, options)


def function(call, *shapes, **facts):
    """An entry of a function of arrays."""
    return Entry(lambda: call, shapes, is_module=False, **facts)


def model(kind, *sizes, x, costly=True, **more):
    """An entry of a network in evaluation mode, whose parameters are converted."""

    def build():
        network = kind(*sizes, **more, rngs=nnx.Rngs(0))
        network.eval()
        return network

    return Entry(build, (x,), costly=costly)


def stream(layer, x):
    """The outputs for the last piece of a stream of two."""
    cache = layer.init_cache(x.shape[:1], dtype=x.dtype)
    cache, _ = layer.step(cache, x[:, :4])
    return layer.step(cache, x[:, 4:])[1]


IMAGE, LINE, BOXES = (2, 6, 5, 3), (2, 9, 3), (4, 4)
INNER = {"widths": (4, 4), "pyramid": 4, "norm": "none"}
PLACES = nn.Places(*map(jnp.float32, ([[2, 2], [2, 6]], [4, 4])))


def loss_of_detector(logits, boxes, truth):
    """The losses for one picture with two boxes."""
    return nn.detection_loss(nn.DetectorOutput(logits, boxes), PLACES, truth, jnp.array([[0, 1]]))


def detect(logits, boxes):
    """Boxes and scores of one picture."""
    return nn.detections(nn.DetectorOutput(logits, boxes), most=3)


def stack(**options):
    rngs = nnx.Rngs(0)
    first = nn.Conv(3, 4, 3, padding="CAUSAL", rngs=rngs, **options)
    return nn.CausalStack(first, nnx.relu, nn.DepthwiseConv(4, 2, padding="CAUSAL", rngs=rngs, **options))


TABLE: dict[str, Entry] = {
    "Conv": layer(nn.Conv, 3, 4, (3, 3), x=(IMAGE,)),
    "Conv, causal": layer(nn.Conv, 3, 4, 4, padding="CAUSAL", kernel_dilation=2, x=(LINE,)),
    "Conv, masked": layer(nn.Conv, 3, 4, 3, 2, padding="REFLECT", mask=np.ones((3, 3, 4), np.float32), x=(LINE,)),
    "Conv, a stream": layer(nn.Conv, 3, 4, 3, padding="CAUSAL", x=(LINE,))._replace(method=stream),
    "ConvTranspose": layer(nn.ConvTranspose, 3, 4, (3, 2), 2, x=(IMAGE,)),
    "ConvTranspose, circular": layer(nn.ConvTranspose, 3, 4, 5, 2, padding="CIRCULAR", x=(LINE,)),
    "ConvTranspose, PyTorch's": layer(
        nn.ConvTranspose, 3, 4, 4, 2, transpose_kernel=True, torch_padding=1, output_padding=1, x=(LINE,)
    ),
    "ConvLocal": layer(nn.ConvLocal, 3, 4, (3, 3), space=(6, 5), x=(IMAGE,)),
    "DepthwiseConv": layer(nn.DepthwiseConv, 3, (3, 3), depth_multiplier=2, x=(IMAGE,)),
    "SeparableConv": layer(nn.SeparableConv, 3, 4, (3, 3), x=(IMAGE,)),
    "DeformableConv": layer(nn.DeformableConv, 3, 4, (2, 3), x=(IMAGE,)),
    "DynamicConv": layer(nn.DynamicConv, 3, 4, (3, 3), kernels=2, x=(IMAGE,)),
    "ContinuousConv": layer(nn.ContinuousConv, 3, 4, (3, 3), x=(IMAGE,)),
    "ContinuousConv, Gabor": layer(nn.ContinuousConv, 3, 4, 5, network="magnet", x=(LINE,)),
    "ContinuousConv, irregular": layer(nn.ContinuousConv, 3, 4, 5, x=((7, 3), (7, 1), (4, 1), (7,)))._replace(
        method=lambda layer, x, positions, queries, weights: layer.at(x, positions, queries, weights=weights)
    ),
    "LongConv": layer(nn.LongConv, 3, 12, hidden=4, depth=1, bands=2, x=(LINE,), options=PARAMETERS),
    "SpectralConv": layer(nn.SpectralConv, 3, 4, (2, 2), x=(IMAGE,), options=PARAMETERS),
    "WeightStandardizedConv": layer(nn.WeightStandardizedConv, 3, 4, (3, 3), use_gain=True, x=(IMAGE,)),
    "LipschitzConv": layer(nn.LipschitzConv, 3, 4, (3, 3), iterations=2, x=(IMAGE,)),
    "Siren": layer(nn.Siren, 2, 3, hidden=4, depth=2, x=((5, 2),), options=PARAMETERS)._replace(widens=True),
    "MAGNet": layer(nn.MAGNet, 2, 3, hidden=4, depth=2, x=((5, 2),), options=PARAMETERS)._replace(widens=True),
    "CausalStack": Entry(stack, (LINE,), BOTH),
    "CausalStack, a stream": Entry(stack, (LINE,), BOTH, method=stream),
    "ConvBlock": model(nn.ConvBlock, 3, 4, (3, 3), x=IMAGE, costly=False),
    "ConvBlock, batch": model(nn.ConvBlock, 3, 4, (3, 3), norm="batch", x=IMAGE, costly=False),
    "adaptive_avg_pool": function(lambda x: nn.adaptive_avg_pool(x, (4, None)), IMAGE),
    "adaptive_max_pool": function(lambda x: nn.adaptive_max_pool(x, (4, 2)), IMAGE),
    "avg_pool": function(lambda x: nn.avg_pool(x, (3, 2), 2, "SAME", False), IMAGE),
    "blur_pool": function(nn.blur_pool, IMAGE),
    "conv_norm_bound": function(lambda k: nn.conv_norm_bound(k, iterations=2), (3, 2, 3), widens=True),
    "conv_per_sample": function(nn.conv_per_sample, LINE, (2, 3, 3, 4)),
    "deform_conv": function(
        lambda x, o, k, m: nn.deform_conv(x, o, k, mask=m, padding=1), LINE, (2, 9, 1, 3, 1), (3, 3, 4), (2, 9, 1, 3)
    ),
    "global_avg_pool": function(nn.global_avg_pool, IMAGE),
    "global_max_pool": function(nn.global_max_pool, IMAGE),
    "log_mel": function(functools.partial(nn.log_mel, rate=8000, window=32, hop=16, mels=4), (2, 64)),
    "lp_pool": function(lambda x: nn.lp_pool(x, (2, 2), norm=3), IMAGE),
    "max_pool": function(lambda x: nn.max_pool(x, (3, 2), 2, "SAME"), IMAGE),
    "min_pool": function(lambda x: nn.min_pool(x, (3,), dilation=2), LINE),
    "pixel_shuffle": function(lambda x: nn.pixel_shuffle(x, (3,)), LINE),
    "pixel_unshuffle": function(lambda x: nn.pixel_unshuffle(x, (3,)), LINE),
    "resize": function(lambda x: nn.resize(x, (4, 7), "linear"), IMAGE),
    "upsample": function(lambda x: nn.upsample(x, (2, 3), "linear"), IMAGE),
    "box_area": function(nn.box_area, BOXES, widens=True, positive=True),
    "box_iou": function(nn.box_iou, BOXES, BOXES, widens=True, positive=True),
    "generalized_iou": function(nn.generalized_iou, BOXES, BOXES, widens=True, positive=True),
    "non_max_suppression": function(nn.non_max_suppression, BOXES, (4,), differentiable=False, positive=True),
    "assign_boxes": function(
        lambda b: nn.assign_boxes(PLACES, b, jnp.array([True] * 4)), BOXES, differentiable=False, positive=True
    ),
    "detection_loss": function(loss_of_detector, (1, 2, 3), (1, 2, 4), (1, 2, 4), widens=True, positive=True),
    "detections": function(detect, (1, 2, 3), (1, 2, 4), differentiable=False, positive=True),
    "saliency": function(lambda x: nn.saliency(lambda x: jnp.sin(x).reshape(2, -1), x), LINE, differentiable=False),
    "effective_receptive_field": function(
        lambda x: nn.effective_receptive_field(lambda x: nn.avg_pool(x, (3,)), x), LINE, differentiable=False
    ),
    "Detector": model(nn.Detector, 3, 2, **INNER, x=(1, 8, 8, 3))._replace(widens=True),
    "CNN": model(nn.CNN, 3, 2, (6, 5), widths=(4,), hidden=4, x=IMAGE),
    "ConvNeXt": model(nn.ConvNeXt, 3, 2, depths=(1, 1), widths=(4, 4), patch=1, kernel_size=3, x=(1, 6, 4, 3)),
    "MobileNetV2": model(nn.MobileNetV2, 3, 2, width=0.1, stem="small", x=(1, 8, 8, 3)),
    "ResNet": model(nn.ResNet, 3, 2, width=4, stem="small", x=(1, 8, 8, 3)),
    "SpaceTimeConv": model(nn.SpaceTimeConv, 3, 8, x=(1, 3, 4, 4, 3)),
    "SpectrogramNet": model(nn.SpectrogramNet, 2, rate=8000, window=32, hop=16, mels=8, widths=(8,), x=(1, 160)),
    "UNet": model(nn.UNet, 3, 2, widths=(4, 4), x=(1, 6, 4, 3)),
    "VideoNet": model(nn.VideoNet, 3, (2, 3), widths=(8, 8), x=(1, 3, 4, 4, 3)),
}

ELSEWHERE = {
    "Detections", "DetectorOutput", "Places", "ReceptiveField",  # named tuples
    "from_torch", "to_torch", "mel_bands", "parameter_count", "receptive_field",  # no arrays in
}  # fmt: skip


def arrays_of(entry: Entry, dtype: Any) -> list[jax.Array]:
    """Random inputs; corners of boxes in order where they are boxes."""
    arrays = []
    for i, shape in enumerate(entry.shapes):
        array = parity.normal(shape, seed=i)
        if entry.positive and shape[-1] == 4:
            array = np.sort(8 * np.abs(array.reshape(*shape[:-1], 2, 2)), axis=-2).reshape(shape)
        arrays.append(jnp.asarray(array, dtype))
    return arrays


def function_of(entry: Entry, dtype: Any, compute: Any = None) -> tuple[Callable[..., Any], Any]:
    """(function of parameters and inputs, parameters) for a parameter dtype and, where given, a dtype to compute in."""
    options = {"param_dtype": dtype, "dtype": compute}
    build = functools.partial(entry.build, **{name: options[name] for name in entry.options})
    if not entry.is_module:
        return lambda _, *inputs: build()(*inputs), ()
    graph, state = nnx.split(nnx.eval_shape(build))
    return lambda state, *inputs: entry.method(nnx.merge(graph, state), *inputs), parity.fill(state, dtype)
