"""Pooling and up-sampling against Flax and PyTorch."""

import random
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jconv import ndimage, nn
from tests.nn import parity

WORDS = ["VALID", "SAME", None]


def flax_configurations():
    draw = random.Random(4)
    for i in range(36):
        rank = (2, 1, 3)[i % 3]
        sizes = partial(parity.per_axis, draw, rank)
        window = sizes(4)
        explicit = tuple((draw.randint(0, k - 1), draw.randint(0, k - 1)) for k in window)
        yield (
            {
                "window_shape": window,
                "strides": draw.choice([None, sizes(3), window]),
                "padding": WORDS[i // 3 % 3] or explicit,
            },
            (*((2,), (), (2, 2))[i % 3], *(draw.randint(6, 9) for _ in range(rank)), 3),
            i,
        )


@pytest.mark.parametrize("name", ["max_pool", "min_pool", "avg_pool"])
@pytest.mark.parametrize("configuration", parity.configurations(list(flax_configurations()), quick=2))
def test_flax(name, configuration):
    options, shape, i = configuration
    if name == "avg_pool":
        options = {**options, "count_include_pad": i % 2 == 0}
    x = np.round(parity.normal(shape), 0 if i % 4 == 0 else 8)  # whole numbers tie

    def flax_pool(x):
        # Flax's takes one leading axis where the padding is in numbers.
        rank = len(options["window_shape"])
        y = getattr(nnx, name)(x.reshape(-1, *x.shape[-rank - 1 :]), **options)
        return y.reshape(*x.shape[: -rank - 1], *y.shape[1:])

    got = parity.ours(lambda x: getattr(nn, name)(x, **options), x)
    wanted = parity.ours(flax_pool, x)
    if name == "avg_pool" or i % 4 or options["strides"] == options["window_shape"]:
        parity.assert_same(got, wanted)
    else:  # XLA gives the gradient of overlapping ties elsewhere than to the first
        parity.assert_same(got[0], wanted[0])


def torch_configurations():
    draw = random.Random(5)
    for i in range(36):
        rank = (2, 1, 3)[i % 3]
        sizes = partial(parity.per_axis, draw, rank)
        window = sizes(4, 2)
        yield window, sizes(3), tuple(draw.randint(0, k // 2) for k in window), sizes(2), (
            2, *(draw.randint(7, 9) for _ in range(rank)), 3), i  # fmt: skip


@pytest.mark.parametrize("kind", ["max", "avg", "lp"])
@pytest.mark.parametrize("configuration", parity.configurations(list(torch_configurations()), quick=2))
def test_torch(kind, configuration):
    F = parity.torch().nn.functional
    window, strides, padding, dilation, shape, i = configuration
    rank = len(window)
    x = np.round(parity.normal(shape), 0 if i % 4 == 0 and kind == "max" else 8)
    if kind == "max":
        ours = lambda x: nn.max_pool(x, window, strides, padding, dilation=dilation)
        theirs = lambda x: getattr(F, f"max_pool{rank}d")(x, window, strides, padding, dilation)
    elif kind == "avg":
        counted = i % 2 == 0
        ours = lambda x: nn.avg_pool(x, window, strides, padding, count_include_pad=counted)
        theirs = lambda x: getattr(F, f"avg_pool{rank}d")(x, window, strides, padding, count_include_pad=counted)
    else:
        norm = (2, 3, 2.5, 1)[i % 4]
        x = np.abs(x) + 0.1  # PyTorch raises to the power without the modulus
        ours = lambda x: nn.lp_pool(x, window, strides, norm=norm)
        only = lambda sizes: sizes[0] if rank == 1 else sizes
        theirs = lambda x: getattr(F, f"lp_pool{rank}d")(x, norm, only(window), only(strides))
    reference = lambda x: parity.channels_last(theirs(parity.channels_first(x, rank)), rank)
    parity.assert_same(parity.ours(ours, x), parity.torchs(reference, x))


def adaptive_configurations():
    draw = random.Random(6)
    for i in range(32):
        rank = (2, 1, 3)[i % 3]
        space = tuple(draw.randint(4, 9) for _ in range(rank))
        wanted = tuple(draw.choice([None, 1, n, draw.randint(1, n + 2)]) for n in space)
        yield wanted if any(wanted) else (2, *wanted[1:]), (2, *space, 3)


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("configuration", parity.configurations(list(adaptive_configurations()), quick=2))
def test_adaptive(kind, configuration):
    F = parity.torch().nn.functional
    wanted, shape = configuration
    rank = len(wanted)
    theirs = getattr(F, f"adaptive_{kind}_pool{rank}d")
    # PyTorch takes None only where there are several axes.
    sizes = tuple(n if m is None else m for m, n in zip(wanted, shape[1:]))
    reference = lambda x: parity.channels_last(theirs(parity.channels_first(x, rank), sizes), rank)
    ours = lambda x: getattr(nn, f"adaptive_{kind}_pool")(x, wanted)
    x = parity.normal(shape)
    parity.assert_same(parity.ours(ours, x), parity.torchs(reference, x))


def blur_configurations():
    draw = random.Random(7)
    for i in range(30):
        rank = (2, 1)[i % 2]
        mode = ("reflect", "replicate", "circular")[i % 3]
        yield i % 5 + 1, tuple(draw.randint(1, 3) for _ in range(rank)), mode, (
            *((2,), (2, 2))[i % 4 // 3], *(draw.randint(6, 9) for _ in range(rank)), 3)  # fmt: skip


@pytest.mark.parametrize("configuration", parity.configurations(list(blur_configurations())))
def test_blur(configuration):
    """Against the reference code of its paper: an outer product of binomials, one strided grouped convolution."""
    torch = parity.torch()
    size, strides, mode, shape = configuration
    rank = len(strides)
    taps = {1: [1], 2: [1, 1], 3: [1, 2, 1], 4: [1, 3, 3, 1], 5: [1, 4, 6, 4, 1]}[size]
    weight = torch.tensor(np.multiply.outer(taps, taps) if rank == 2 else np.array(taps), dtype=torch.float64)
    weight = weight / weight.sum()

    def reference(x):
        y = parity.channels_first(x.reshape(-1, *x.shape[-rank - 1 :]), rank)
        y = torch.nn.functional.pad(y, [(size - 1) // 2, size // 2] * rank, mode=mode)
        y = getattr(torch.nn.functional, f"conv{rank}d")(
            y, weight.expand(3, 1, *weight.shape), stride=strides, groups=3
        )
        y = parity.channels_last(y, rank)
        return y.reshape(*x.shape[: -rank - 1], *y.shape[1:])

    ours = lambda x: nn.blur_pool(x, size, strides, padding=mode)
    x = parity.normal(shape)
    parity.assert_same(parity.ours(ours, x), parity.torchs(reference, x))


@pytest.mark.parametrize("mode", ["reflect", "constant", "nearest", "mirror", "wrap"])
def test_blur_is_the_one_of_ndimage(mode):
    """The two functions of this name have the same arguments, defaults and results."""
    x = parity.normal((7, 6))
    cval = 0.5 if mode == "constant" else 0.0
    for size, strides in ((4, 2), (3, 1)):
        parity.assert_same(
            nn.blur_pool(x[..., None], size, strides, mode, cval)[..., 0],
            ndimage.blur_pool(x, size, strides, mode=mode, cval=cval),
        )
    parity.assert_same(nn.blur_pool(x[..., None])[..., 0], ndimage.blur_pool(x))


def resize_configurations():
    draw = random.Random(8)
    for i in range(40):
        rank = (2, 1, 3)[i % 3]
        space = tuple(draw.randint(1, 6) for _ in range(rank))
        kind = ("upsample", "resize", "aligned", "nearest")[i % 4]
        yield kind, space, tuple(draw.randint(1, 4) for _ in space), tuple(draw.randint(1, 9) for _ in space), i % 8 < 4


@pytest.mark.parametrize("configuration", parity.configurations(list(resize_configurations())))
def test_resize(configuration):
    F = parity.torch().nn.functional
    kind, space, scale, sizes, linear = configuration
    rank = len(space)
    if kind == "upsample":
        sizes = tuple(n * s for n, s in zip(space, scale))
    word = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank] if linear and kind != "nearest" else "nearest"
    aligned = kind == "aligned" and word != "nearest"
    options = {"align_corners": aligned} if word != "nearest" else {}
    x = parity.normal((2, *space, 3))

    def ours(x):
        return nn.upsample(x, scale, word) if kind == "upsample" else nn.resize(x, sizes, word, **options)

    def reference(x):
        return parity.channels_last(F.interpolate(parity.channels_first(x, rank), sizes, mode=word, **options), rank)

    parity.assert_same(parity.ours(ours, x), parity.torchs(reference, x))


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_pixel_shuffle(factor):
    F = parity.torch().nn.functional
    x = parity.normal((2, 3, 4, 2 * factor**2))
    reference = lambda x: parity.channels_last(F.pixel_shuffle(parity.channels_first(x, 2), factor), 2)
    got, wanted = parity.ours(lambda x: nn.pixel_shuffle(x, (factor,) * 2), x), parity.torchs(reference, x)
    parity.assert_same(got, wanted)
    np.testing.assert_array_equal(nn.pixel_unshuffle(got[0], (factor,) * 2), x)
    assert nn.pixel_shuffle(np.ones((5, 6, 7, 12)), (1, 2, 3)).shape == (5, 12, 21, 2)


def test_global():
    x = parity.normal((2, 3, 4, 5, 6))
    np.testing.assert_allclose(nn.global_avg_pool(x), x.mean((2, 3)))
    np.testing.assert_array_equal(nn.global_max_pool(x, rank=3, keepdims=True), x.max((1, 2, 3), keepdims=True))


def test_many_taps_are_scanned():
    x = parity.normal((1, 100, 2))
    wanted = np.stack([x[:, i : i + 40].max(1) for i in range(0, 61, 2)], axis=1)
    y, (slope,) = parity.ours(lambda x: nn.max_pool(x, (40,), (2,)), x)
    np.testing.assert_array_equal(y, wanted)
    np.testing.assert_allclose(slope.sum(), parity.cotangent(y.shape).sum())


def test_what_is_special():
    x = jnp.array([1.0, jnp.nan, 0.0, 2.0])[None, :, None]
    np.testing.assert_array_equal(nn.max_pool(x, (2,))[0, :, 0], [np.nan, np.nan, 2])
    assert nn.max_pool(jnp.arange(4).reshape(1, 4, 1), (3,), padding="SAME").dtype == jnp.arange(4).dtype
    slope = jax.grad(lambda x: nn.lp_pool(x, (2,)).sum())(jnp.zeros((1, 4, 1)))
    np.testing.assert_array_equal(slope, 0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: nn.max_pool(x, 2),
            TypeError,
            r"`window_shape` must hold one number .* got 2; pass \(2,\)",
        ),
        (lambda x: nn.max_pool(x, (2, 2, 2, 2)), ValueError, "`inputs` must have 4 spatial axes"),
        (lambda x: nn.max_pool(x, (2, 2), padding="SAM"), ValueError, "did you mean 'SAME'"),
        (lambda x: nn.avg_pool(x, (9, 9)), ValueError, "reaches over the padded input"),
        (lambda x: nn.lp_pool(x, (2, 2), norm=0.5), ValueError, "`norm` must be at least 1"),
        (lambda x: nn.blur_pool(x, 3, (2.5, 2)), TypeError, "`strides` must be an integer"),
        (
            lambda x: nn.blur_pool(x, mode="mirror", padding="SAME"),
            ValueError,
            "`padding` and `mode` exclude each other",
        ),
        (lambda x: nn.blur_pool(x, mode="reflext"), ValueError, "did you mean 'reflect'"),
        (lambda x: nn.adaptive_avg_pool(x, 2), TypeError, "`output_shape` must hold"),
        (lambda x: nn.adaptive_max_pool(x, (0, 2)), ValueError, "`output_shape` must be at least 1"),
        (lambda x: nn.resize(x, (8, 8), "cubic"), ValueError, "`method` must be one of"),
        (lambda x: nn.resize(x, (8, 8), align_corners=True), ValueError, "`align_corners` is for"),
        (lambda x: nn.upsample(x, 2), TypeError, "`scale` must hold one number"),
        (lambda x: nn.pixel_shuffle(x, (2, 2)), ValueError, "multiple of 4 channels"),
        (lambda x: nn.pixel_unshuffle(x, (2, 2)), ValueError, "must divide the spatial shape"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call(np.ones((1, 5, 4, 3)))
