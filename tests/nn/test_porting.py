"""Weights from PyTorch and back: layers and whole models give PyTorch's outputs."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv import InputError
from jconv.nn import Conv, ConvNeXt, ConvTranspose, MobileNetV2, ResNet, from_torch, to_torch
from tests.nn import parity

torch = pytest.importorskip("torch", reason="PyTorch is the reference of these tests")


def agree(found, wanted, tolerance=1e-5):
    """Normwise, since single logits may cancel."""
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= tolerance * np.abs(wanted).max()


def last(x):
    """Channels of a batch to the last axis."""
    return np.moveaxis(np.asarray(x), 1, -1)


def numbers(module, seed=0):
    """A PyTorch module with random parameters and random running averages, so that none is trivial."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if parameter.ndim == 1:
            parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer += 0.3 * torch.randn(buffer.shape, generator=generator)
        if name.endswith("running_var"):
            buffer *= torch.rand(buffer.shape, generator=generator) + 0.5
    return module.eval()


CONVOLUTIONS = [
    (2, {}),
    (2, {"stride": 2, "padding": 1}),
    (2, {"stride": (2, 1), "padding": (0, 2), "bias": False}),
    (2, {"padding": "same", "dilation": 2}),
    (2, {"padding": "same", "kernel_size": (4, 2)}),
    (2, {"padding": "valid", "dilation": (1, 3)}),
    (2, {"groups": 2, "padding": 3, "dilation": 2, "stride": 3}),
    (2, {"groups": 4, "padding": 1}),
    (2, {"kernel_size": 1, "stride": 2}),
    (2, {"padding": (2, 1), "padding_mode": "reflect", "dilation": (2, 1)}),
    (2, {"padding": 2, "padding_mode": "replicate", "stride": 2}),
    (1, {"padding": 3, "padding_mode": "circular", "kernel_size": 7}),
    (1, {"stride": 3, "dilation": 2, "groups": 2}),
    (3, {"padding": (1, 0, 2), "stride": (1, 2, 1), "kernel_size": (2, 3, 3)}),
]
"""Spatial axes, and options of PyTorch's layer; `kernel_size` is 3 where none is given."""

TRANSPOSED = [
    (2, {}),
    (2, {"stride": 2, "kernel_size": 2}),
    (2, {"stride": 2, "padding": 1, "output_padding": 1}),
    (2, {"stride": (3, 1), "padding": (2, 0), "dilation": (1, 2), "groups": 2, "kernel_size": (4, 3)}),
    (1, {"stride": 4, "padding": 2, "kernel_size": 8, "bias": False}),
    (3, {"stride": 2, "dilation": 2, "groups": 4}),
]


def compare(ours, theirs, rank):
    x = torch.randn(2, 4, *(11, 13, 7)[:rank], generator=torch.Generator().manual_seed(1))
    theirs = numbers(theirs)
    ported = from_torch(ours, theirs.state_dict())
    with torch.no_grad():
        agree(jax.jit(lambda x: ported(x))(jnp.asarray(last(x))), last(theirs(x)))
    assert_equal_dicts(to_torch(ported), theirs.state_dict())


def taps(rank, options):
    size = options.get("kernel_size", 3)
    return size if isinstance(size, tuple) else (size,) * rank


@pytest.mark.filterwarnings("ignore:Using padding=.same.")
@pytest.mark.parametrize(("rank", "options"), CONVOLUTIONS, ids=str)
def test_convolutions(rank, options):
    theirs = getattr(torch.nn, f"Conv{rank}d")(4, 8, **{"kernel_size": 3, **options})
    same = {
        "padding": options.get("padding", 0),
        "padding_mode": options.get("padding_mode", "zeros"),
        "kernel_dilation": options.get("dilation", 1),
        "feature_group_count": options.get("groups", 1),
        "use_bias": options.get("bias", True),
    }
    sizes = taps(rank, options), options.get("stride", 1)
    ours = parity.build(lambda rngs: Conv(4, 8, *sizes, **same, rngs=rngs))
    compare(ours, theirs, rank)


@pytest.mark.parametrize("transpose_kernel", [True, False])
@pytest.mark.parametrize(("rank", "options"), TRANSPOSED, ids=str)
def test_transposed_convolutions(rank, options, transpose_kernel):
    theirs = getattr(torch.nn, f"ConvTranspose{rank}d")(4, 8, **{"kernel_size": 3, **options})
    same = {
        "torch_padding": options.get("padding", 0),
        "output_padding": options.get("output_padding", 0),
        "kernel_dilation": options.get("dilation", 1),
        "feature_group_count": options.get("groups", 1),
        "use_bias": options.get("bias", True),
        "transpose_kernel": transpose_kernel,
    }
    sizes = taps(rank, options), options.get("stride", 1)
    ours = parity.build(lambda rngs: ConvTranspose(4, 8, *sizes, **same, rngs=rngs))
    compare(ours, theirs, rank)


@pytest.mark.parametrize("transpose_kernel", [True, False])
def test_flaxs_own_layers(transpose_kernel):
    plain = parity.build(lambda rngs: nnx.Conv(4, 6, (3, 2), 2, padding=1, rngs=rngs))
    compare(plain, torch.nn.Conv2d(4, 6, (3, 2), 2, 1), 2)
    # Flax pads the stuffed input: by d (k - 1) - p, as its documentation says.
    options = {"strides": 2, "padding": 2 * (3 - 1) - 1, "kernel_dilation": 2, "transpose_kernel": transpose_kernel}
    ours = parity.build(lambda rngs: nnx.ConvTranspose(4, 6, (3, 3), **options, rngs=rngs))
    compare(ours, torch.nn.ConvTranspose2d(4, 6, 3, 2, 1, dilation=2), 2)


def test_other_layers():
    def linear():
        return torch.nn.Linear(3, 5), parity.build(lambda r: nnx.Linear(3, 5, rngs=r)), torch.randn(4, 3)

    def linear_from_a_convolution():
        theirs = torch.nn.Conv2d(3, 5, 1)
        return theirs, parity.build(lambda r: nnx.Linear(3, 5, rngs=r)), torch.randn(4, 3, 2, 2)

    def embedding():
        ours = parity.build(lambda r: nnx.Embed(7, 3, rngs=r))
        return torch.nn.Embedding(7, 3), ours, torch.tensor([[1, 0], [6, 2]])

    def batch_norm():
        ours = nnx.BatchNorm(3, use_running_average=True, rngs=nnx.Rngs(0))
        return torch.nn.BatchNorm2d(3), ours, torch.randn(4, 3, 2, 5)

    def layer_norm():
        return torch.nn.LayerNorm(6, 1e-6), nnx.LayerNorm(6, rngs=nnx.Rngs(0)), torch.randn(4, 6)

    def group_norm():
        return torch.nn.GroupNorm(2, 6, 1e-6), nnx.GroupNorm(6, 2, rngs=nnx.Rngs(0)), torch.randn(4, 6, 5)

    for case in (linear, linear_from_a_convolution, embedding, batch_norm, layer_norm, group_norm):
        theirs, ours, x = case()
        theirs = numbers(theirs)
        ported = from_torch(ours, theirs.state_dict())
        with torch.no_grad():
            wanted = theirs(x)
        image = x.ndim > 2 or case is group_norm
        found = jax.jit(lambda x, ported=ported: ported(x))(jnp.asarray(last(x) if image else x))
        agree(found, last(wanted) if image else wanted)
        assert_equal_dicts(to_torch(ported, like=theirs.state_dict()), theirs.state_dict())


def assert_equal_dicts(found, wanted):
    assert found.keys() == wanted.keys()
    for name, array in found.items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(array, wanted[name], err_msg=name, strict=True)


SMALL = {
    "resnet18": (ResNet, "ResNet", {"width": 8, "stem": "small"}, 16),
    "resnet50": (ResNet, "ResNet", {"width": 4, "depth": 50}, 64),
    "mobilenet": (MobileNetV2, "MobileNetV2", {"width": 0.25}, 64),
    "convnext": (ConvNeXt, "ConvNeXt", {"depths": (1, 2, 1), "widths": (8, 16, 24)}, 32),
}
FULL = {
    "resnet18": (ResNet, "ResNet", {}, 96),
    "resnet50": (ResNet, "ResNet", {"depth": 50}, 96),
    "mobilenet": (MobileNetV2, "MobileNetV2", {}, 96),
    "convnext_atto": (ConvNeXt, "ConvNeXt", {"variant": "atto"}, 96),
    "convnext_tiny": (ConvNeXt, "ConvNeXt", {}, 96),
}


def carried_over(kind, name, options, size, classes=1000):
    from benchmarks import twins_of_models

    torch.manual_seed(0)
    theirs = numbers(getattr(twins_of_models, name)(3, classes, **options))
    ours = nnx.eval_shape(lambda: kind(3, classes, **options, rngs=nnx.Rngs(0)))
    ours = from_torch(ours, theirs.state_dict())
    ours.eval()
    x = torch.randn(2, 3, size, size)
    with torch.no_grad():
        wanted = theirs(x)
    found = nnx.jit(lambda model, x: model(x))(ours, jnp.asarray(last(x)))
    agree(found, wanted)
    # And back: PyTorch loads it strictly, and computes the same.
    assert_equal_dicts(to_torch(ours, like=theirs.state_dict()), theirs.state_dict())
    again = getattr(twins_of_models, name)(3, classes, **options).eval()
    again.load_state_dict({k: torch.from_numpy(v) for k, v in to_torch(ours, like=again.state_dict()).items()})
    with torch.no_grad():
        np.testing.assert_array_equal(again(x), wanted)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name != "resnet18" else ()) for name in SMALL]
)
def test_small_models_give_pytorchs_logits_and_go_back(name):
    carried_over(*SMALL[name], classes=7)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_the_papers_models_give_pytorchs_logits_and_go_back(name):
    carried_over(*FULL[name])


def renamed(names, rules):
    for pattern, new in rules:
        names = [re.sub(pattern, new, name) for name in names]
    return names


TIMM = [
    (r"^norm", "head.norm"),
    (r"^head\.(weight|bias)", r"head.fc.\1"),
    (r"^downsample_layers\.0", "stem"),
    (r"^downsample_layers\.(\d)", r"stages.\1.downsample"),
    (r"^stages\.(\d)\.(\d)", r"stages.\1.blocks.\2"),
    ("dwconv", "conv_dw"),
    ("pwconv", "mlp.fc"),
]
TORCHVISION = [
    (r"^norm", "classifier.0"),
    (r"^head", "classifier.2"),
    (r"^downsample_layers\.(\d)", lambda m: f"features.{2 * int(m[1])}"),
    (r"^stages\.(\d)\.(\d)", lambda m: f"features.{2 * int(m[1]) + 1}.{m[2]}"),
    (r"(\.\d)\.(dwconv|norm|pwconv1|pwconv2)\.", lambda m: f"{m[1]}.block.{PLACES[m[2]]}."),
    ("gamma", "layer_scale"),
]
PLACES = {"dwconv": 0, "norm": 2, "pwconv1": 3, "pwconv2": 5}


@pytest.mark.parametrize(("library", "rules"), [("timm", TIMM), ("torchvision", TORCHVISION)])
def test_convnext_with_the_names_of_other_libraries(library, rules):
    model = parity.build(lambda rngs: ConvNeXt(3, 4, depths=(1, 2), widths=(4, 8), rngs=rngs))
    own = to_torch(model)
    assert own.keys() >= {"stages.1.1.gamma", "downsample_layers.1.0.weight", "norm.bias"}
    theirs = dict(zip(renamed(own, rules), own.values()))
    assert to_torch(model, names=library).keys() == theirs.keys() != own.keys()
    # As those libraries hold them: linear maps as 1×1 convolutions, the scale over an image.
    for name, array in theirs.items():
        if name.endswith("layer_scale"):
            theirs[name] = array[:, None, None]
        if name.endswith("fc1.weight"):
            theirs[name] = array[:, :, None, None]
    blank = nnx.eval_shape(lambda: ConvNeXt(3, 4, depths=(1, 2), widths=(4, 8), rngs=nnx.Rngs(0)))
    for names in (None, library, blank.torch_names[library]):
        assert_equal_dicts(to_torch(from_torch(blank, theirs, names=names)), own)
    assert_equal_dicts(to_torch(model, like=theirs), theirs)


def test_skipped_layers_keep_what_they_have():
    model, other = (parity.build(lambda rngs, n=n: ResNet(3, n, width=4, rngs=rngs)) for n in (5, 9))
    model.conv1.kernel[...] = 2 * other.conv1.kernel[...]
    ported = from_torch(model, to_torch(other), skip=("fc",))
    np.testing.assert_array_equal(ported.fc.kernel[...], model.fc.kernel[...])
    np.testing.assert_array_equal(ported.conv1.kernel[...], other.conv1.kernel[...])
    assert not np.array_equal(model.conv1.kernel[...], other.conv1.kernel[...])


def test_half_precision_is_cast():
    weights = {"weight": torch.ones(2, 3, dtype=torch.bfloat16), "bias": torch.zeros(2, dtype=torch.float16)}
    ported = from_torch(nnx.Linear(3, 2, rngs=nnx.Rngs(0)), weights)
    assert ported.kernel.dtype == ported.bias.dtype == jnp.float32
    np.testing.assert_array_equal(ported(np.ones((1, 3), np.float32)), [[3, 3]])


@functools.cache
def _model():
    return parity.build(lambda rngs: ResNet(3, 5, width=4, rngs=rngs))


def _without(name):
    return {key: value for key, value in to_torch(_model()).items() if key != name}


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (
            lambda: {**_without("fc.weight"), "fcc.weight": np.ones((5, 32))},
            {},
            r"`state_dict` lacks 1 \('fc.weight' \(nearest: 'fcc.weight'\)\) of the 102 entries of ResNet; it has 1 ",
        ),
        (lambda: {**to_torch(_model()), "head.w": np.ones(1)}, {}, r"^it has 1 \('head.w'\) that ResNet does not have"),
        (
            lambda: {**to_torch(_model()), "fc.weight": np.ones((7, 32))},
            {},
            r"`state_dict\['fc.weight'\]` has shape \(7, 32\), where this model has \(5, 32\).*skip=\('fc',\)",
        ),
        (
            lambda: {"module." + k: v for k, v in to_torch(_model()).items()},
            {},
            "every name in `state_dict` begins with 'module.'",
        ),
        (lambda: {"model": to_torch(_model())}, {}, "lacks 102 "),
        (lambda: {**to_torch(_model()), "fc.weight": {"a": 1}}, {}, r"`state_dict\['fc.weight'\]` is itself a mapping"),
        (lambda: _model(), {}, "`state_dict` must be a mapping of names to arrays, got ResNet"),
        (lambda: to_torch(_model()), {"skip": ("layr1",)}, "`skip` names 'layr1', which this model.*nearest: 'layer1'"),
        (lambda: to_torch(_model()), {"names": "tim"}, "`names` must be one of 'own'; got 'tim'"),
    ],
)
def test_bad_weights(given, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        from_torch(_model(), given(), **options)
    assert isinstance(caught.value, InputError) or "names" in options


def test_a_pattern_of_another_model():
    with pytest.raises(InputError, match=r"`like\['weight'\]` has shape \(3, 2\), where this model has \(2, 3\)"):
        to_torch(nnx.Linear(3, 2, rngs=nnx.Rngs(0)), like={"weight": np.ones((3, 2)), "bias": np.ones(2)})
