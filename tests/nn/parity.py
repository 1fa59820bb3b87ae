"""Comparing a layer with its counterpart: values, and the gradients in every array, with one cotangent."""

import math
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tolerances import tolerance

NEEDS_TORCH = "PyTorch is the reference here, and it is not installed: pip install torch"


def torch():
    """PyTorch, or a skipped test that says why."""
    return pytest.importorskip("torch", reason=NEEDS_TORCH)


def configurations(table, quick=4):
    """The table as parameters: the first few for every run, the rest slow."""
    return [
        pytest.param(entry, id=str(i), marks=() if i < quick else pytest.mark.slow) for i, entry in enumerate(table)
    ]


def per_axis(draw, rank, high, low=1):
    """A number from `low` to `high` for each axis."""
    return tuple(draw.randint(low, high) for _ in range(rank))


def normal(shape, seed=0, dtype=np.float64):
    """Standard normal numbers."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def fill(state, dtype=None):
    """The shapes of a module's state, filled with small numbers; variances are positive, integers zero.

    Initializers draw by compiled programs, one for each shape, which would take most of a test's time.
    """

    def values(path, leaf):
        dtype_of_leaf = getattr(leaf, "dtype", None)
        if not hasattr(leaf, "shape") or jnp.issubdtype(dtype_of_leaf, jax.dtypes.prng_key):
            return leaf
        if not jnp.issubdtype(dtype_of_leaf, jnp.floating):
            return np.zeros(leaf.shape, dtype_of_leaf)
        name = jax.tree_util.keystr(path)
        array = normal(leaf.shape, seed=zlib.crc32(name.encode()))
        if "var" in name or "scale" in name:
            array = 1 + 0.3 * np.abs(array)
        else:  # kernels keep the size of what they are applied to
            array = array / max(2.0, math.sqrt(math.prod(leaf.shape[:-1])))
        return jnp.asarray(array, dtype or dtype_of_leaf)

    return jax.tree_util.tree_map_with_path(values, state)


def build(make):
    """The module `make(rngs)` with the parameters of `fill`, where it does not matter how they are drawn."""
    from flax import nnx

    graph, state = nnx.split(nnx.eval_shape(lambda: make(nnx.Rngs(0))))
    return nnx.merge(graph, fill(state))


def trace(make):
    """Call `make(rngs)` on abstract values: what it refuses it refuses, and nothing is drawn or computed."""
    from flax import nnx

    nnx.eval_shape(lambda: make(nnx.Rngs(0)))


def count_parameters(make):
    """The parameters of a module that is never built."""
    from flax import nnx

    from jconv.nn import parameter_count

    return parameter_count(nnx.eval_shape(lambda: make(nnx.Rngs(0))))


def cotangent(shape):
    return normal(shape, seed=99)


def ours(function, *arrays):
    """(value, gradients in all arrays) of a function of JAX arrays, compiled as one program."""
    shape = jax.eval_shape(function, *arrays)
    ct = jnp.asarray(cotangent(shape.shape), shape.dtype)

    @jax.jit
    def run(arrays):
        y, pull = jax.vjp(function, *arrays)
        return y, pull(ct)

    return run(arrays)


def torchs(function, *arrays):
    """The same of a function of PyTorch tensors."""
    import torch

    tensors = [torch.tensor(np.asarray(a)).requires_grad_() for a in arrays]
    y = function(*tensors)
    y.backward(torch.tensor(cotangent(tuple(y.shape)), dtype=y.dtype))
    zero = lambda t: np.zeros(t.shape) if t.grad is None else t.grad.numpy()
    return y.detach().numpy(), tuple(zero(t) for t in tensors)


def assert_same(got, wanted, length=None):
    """Every array equal to its counterpart, to the rounding of sums of `length` products (by default of all)."""
    got, wanted = jax.tree.leaves(got), jax.tree.leaves(wanted)
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        assert np.isfinite(b).all()
        dtype = min(a.dtype, b.dtype, key=lambda d: d.itemsize)
        terms = max(length or 0, math.prod(got[0].shape), a.size)
        scale = max(1.0, float(np.abs(b).max(initial=0)))
        error = float(np.abs(a.astype(np.complex128) - b).max(initial=0))
        assert error <= tolerance(dtype, terms, "winograd4") * scale, (a.shape, error / scale)


def channels_first(x, rank):
    """(N, *space, C) to (N, C, *space), for arrays and tensors."""
    moveaxis = np.moveaxis if isinstance(x, np.ndarray) else _torch_moveaxis
    return moveaxis(x, -1, x.ndim - rank - 1)


def channels_last(x, rank):
    """(N, C, *space) to (N, *space, C)."""
    moveaxis = np.moveaxis if isinstance(x, np.ndarray) else _torch_moveaxis
    return moveaxis(x, x.ndim - rank - 1, -1)


def _torch_moveaxis(x, source, target):
    return x.movedim(source, target)


def torch_conv(x, kernel, bias, options):
    """PyTorch's convolution of tensors in jconv's layout, with what `options` of a layer say, else its defaults."""
    import torch

    rank = x.ndim - 2
    y = getattr(torch.nn.functional, f"conv{rank}d")(
        channels_first(x, rank),
        kernel.permute(-1, -2, *range(rank)),
        bias,
        options["strides"],
        options["padding"],
        options.get("kernel_dilation", 1),
        options.get("feature_group_count", 1),
    )
    return channels_last(y, rank)


def with_parameters(layer, names, *, method=None):
    """A function of (inputs, *named parameters) of a layer; the layer itself stays."""
    order, _ = all_parameters(layer)
    function = of_all(layer, method)

    def reordered(inputs, *values):
        given = dict(zip(names, values, strict=True))
        return function([given[name] for name in order], inputs)

    return reordered


def parameters(layer, names):
    """The values of the named parameters, dotted where they belong to a part."""
    known = dict(zip(*all_parameters(layer)))
    return [known[name] for name in names]


def all_parameters(layer):
    """(dotted names, values) of all parameters of a layer."""
    from flax import nnx

    flat = nnx.to_flat_state(nnx.state(layer, nnx.Param))
    return [".".join(map(str, path)) for path, _ in flat], [np.asarray(v[...]) for _, v in flat]


def of_all(layer, method=None):
    """A function of (parameters, *inputs), parameters as `all_parameters` lists them; the layer itself stays."""
    from flax import nnx

    graph, params, rest = nnx.split(layer, nnx.Param, ...)
    paths = [path for path, _ in nnx.to_flat_state(params)]

    def function(values, *inputs):
        flat = [(path, nnx.Param(value)) for path, value in zip(paths, values, strict=True)]
        model = nnx.merge(graph, nnx.from_flat_state(flat), rest)
        return (method or type(model).__call__)(model, *inputs)

    return function


def check_layer(layer, reference, *inputs, method=None):
    """A layer against a reference of (dict of its parameters as tensors, *inputs): values and all gradients."""
    names, values = all_parameters(layer)
    count = len(values)
    function = of_all(layer, method)
    got = ours(lambda *arrays: function(arrays[:count], *arrays[count:]), *values, *inputs)
    wanted = torchs(lambda *t: reference(dict(zip(names, t)), *t[count:]), *values, *inputs)
    assert_same(got, wanted)
    return got
