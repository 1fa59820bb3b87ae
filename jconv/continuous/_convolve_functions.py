"""Convolution of two function objects, whatever their kinds."""

from __future__ import annotations

from typing import TypeVar

from jconv._core import check
from jconv.continuous._distributions import Delta, Distribution
from jconv.continuous._function import EXTENTS, Function
from jconv.continuous._periodic import PeriodicFunction

FunctionObject = TypeVar("FunctionObject", Function | Delta | Distribution, PeriodicFunction)


def convolve_functions(f: FunctionObject, g: FunctionObject, *, extent: str = "full") -> FunctionObject:
    r"""Convolve two function objects into a function object.

    .. math:: (f \otimes g)(x) = \int f(s)\, g(x - s)\, ds

    The same as `f @ g`. For values at points, with an error estimate, there is `convolve`.

    Parameters
    ----------
    f, g : Function, Delta or Distribution; or both PeriodicFunction
        The two factors. Periodic functions are convolved over one period.
    extent : {"full", "same"}
        "full": the result lives on [a + c, b + d], the sum of the two domains. "same": on the domain of `f`, which
        must be a `Function`.

    Returns
    -------
    Function, Delta, Distribution or PeriodicFunction
        As simple an object as the result allows.

    Raises
    ------
    TypeError
        If `f` and `g` are not function objects of one kind.
    ValueError
        If `extent` is unknown, or "same" meets deltas or periodic functions.

    Notes
    -----
    Exact for piecewise polynomials, and differentiable in coefficients, breakpoints, locations and weights. Cost and
    source: see `Function.convolve`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> box = Function.fit(jnp.ones_like, (0, 1))
    >>> float(convolve_functions(box, Delta(2.0)).domain[0])
    2.0
    """
    check.choice("extent", extent, EXTENTS)
    on_line = (Function, Delta, Distribution)
    if not all(isinstance(h, on_line) for h in (f, g)) and not all(isinstance(h, PeriodicFunction) for h in (f, g)):
        raise TypeError(
            f"`f` and `g` must be function objects of one kind, got {type(f).__name__} and {type(g).__name__}; fit "
            "them with Function.fit(f, domain), or use convolve(f, g, t) for values at points"
        )
    if extent == "full":
        return f @ g
    if not isinstance(f, Function):
        raise ValueError(f"`extent='same'` needs a Function as `f`, got a {type(f).__name__}; use 'full'")
    return f.convolve(g, extent=extent)
