"""Moving averages: `uniform_filter` and `uniform_filter1d`."""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np

from jconv.ndimage._frame import arguments
from jconv.ndimage._frame import output as _output
from jconv.ndimage._frame import passes as _passes


def uniform_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    """The mean of `size` neighbours along one axis; see `uniform_filter`. Speaks `scipy.ndimage.uniform_filter1d`.

    >>> uniform_filter1d([2.0, 8.0, 0.0, 4.0], 3).tolist()
    [4.0, 3.33..., 4.0, 2.66...]
    """
    x = arguments.image(input)
    return _boxes(x, [(arguments.axis_of(axis, x.ndim), size, origin, mode)], output, cval)


def uniform_filter(input, size=3, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    r"""The mean of a box of neighbours, :math:`y = \frac1n \sum_{k \in box} x[i + k]`, one axis after the other.

    Parameters
    ----------
    input: image of any rank, real or complex.
    size: samples of the box, one or one per axis.
    output, mode, cval, origin, axes: see `jconv.ndimage.correlate`; `mode` and `origin` may be one per axis.

    Notes
    -----
    The cost per sample grows with √`size` at most. Linear. Speaks `scipy.ndimage.uniform_filter`.
    """
    x = arguments.image(input)
    axes = arguments.axes_of(axes, x.ndim)
    plan = zip(
        axes,
        arguments.sequence("size", size, len(axes)),
        arguments.sequence("origin", origin, len(axes)),
        arguments.sequence("mode", mode, len(axes)),
    )
    return _boxes(x, [step for step in plan if step[1] > 1], output, cval)


def _boxes(x, plan, output, cval):
    dtype = _output.dtype_of(output, x, complex_result=jnp.iscomplexobj(x))
    sizes = tuple(arguments.window_size(size) for _, size, _, _ in plan)
    lefts = tuple(arguments.before(origin, size) for (_, _, origin, _), size in zip(plan, sizes))
    rules = tuple(arguments.boundary(mode) for *_, mode in plan)
    if x.size and plan:
        work = _output.working_dtype(x.dtype, dtype)
        axes = tuple(axis for axis, *_ in plan)
        if _passes.in_one_pass(sizes, rules, cval, dtype):
            whole = lambda values, rest: tuple(dict(zip(axes, values)).get(a, rest) for a in range(x.ndim))
            share = np.full(whole(sizes, 1), 1 / math.prod(sizes))
            given = {"rules": whole(rules, "edge"), "lefts": whole(lefts, 0), "work": work, "dtype": dtype}
            x = _passes.dense(x, share, cval, **given)
        else:
            x = _passes.boxes(x, cval, sizes=sizes, axes=axes, rules=rules, lefts=lefts, work=work, dtype=dtype)
    return _output.deliver(x.astype(dtype), output)
