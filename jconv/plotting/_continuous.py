"""The convolution integral at one point, and how it moves: f, g mirrored and shifted, their product and its area."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jax.typing import ArrayLike
from matplotlib.figure import Figure

from jconv.plotting._figure import INK, SERIES, figure, ruled, short, with_unit
from jconv.plotting._film import Film

RealFunction = Callable[[np.ndarray], ArrayLike]
Interval = tuple[float, float]
_SAMPLES = 2000
"""Midpoints at which an integral is summed, and points of each curve: finer than a pixel (a guess)."""


class _Integral:
    """(f ⊗ g)(t) over a range of t, in plain numbers."""

    def __init__(
        self,
        f: RealFunction,
        g: RealFunction,
        f_domain: Interval | None,
        g_domain: Interval | None,
        result: RealFunction | None,
    ) -> None:
        self.f, self.g, self.result = f, g, result
        self.f_domain, self.g_domain = _domain("f", f, f_domain), _domain("g", g, g_domain)
        (a, b), (c, d) = self.f_domain, self.g_domain
        self.range = (a + c, b + d)
        margin = 0.04 * (b + d - a - c)
        self.window = (min(a, self.range[0]) - margin, max(b, self.range[1]) + margin)

    def f_values(self, s: np.ndarray) -> np.ndarray:
        return _inside(self.f, s, self.f_domain)

    def g_values(self, s: np.ndarray) -> np.ndarray:
        return _inside(self.g, s, self.g_domain)

    def at(self, t: np.ndarray) -> np.ndarray:
        """Return the convolution at every t: `result`, or the midpoint rule."""
        if self.result is not None:
            return np.asarray(self.result(t), float)
        (a, b) = self.f_domain
        s = a + (np.arange(_SAMPLES) + 0.5) * (b - a) / _SAMPLES
        weights = self.f_values(s) * (b - a) / _SAMPLES
        return np.array([weights @ self.g_values(one - s) for one in np.atleast_1d(t)]).reshape(np.shape(t))


def sliding_function(
    f: RealFunction,
    g: RealFunction,
    t: float,
    *,
    f_domain: Interval | None = None,
    g_domain: Interval | None = None,
    result: RealFunction | None = None,
    unit: str = "",
    title: str = "",
) -> Figure:
    r"""Draw the convolution integral at one point: f, g mirrored and shifted to t, their product, and its area.

    .. math:: (f * g)(t) = \int f(s)\, g(t - s)\, ds

    Parameters
    ----------
    f, g : callable (N,) -> (N,)
        Real functions of an array, such as `jconv.continuous.Function` objects.
    t : float
        Where the integral is taken.
    f_domain, g_domain : pair of float, optional
        (lower, upper): the functions are zero outside. Default: the `domain` of a function object.
    result : callable (N,) -> (N,), optional
        The convolution, such as `f @ g` for function objects. Default: the midpoint rule with 2000 points, which is
        exact enough for a picture and no more.
    unit : str
        The unit of s and t. Default none.
    title : str
        Default none.

    Returns
    -------
    Figure
        Three panels: f(s) and g(t - s); their product with its area; the convolution with the point at t.

    Raises
    ------
    ValueError
        If a domain is neither given nor known from the function, or not finite and ascending.

    Examples
    --------
    >>> import numpy as np
    >>> fig = sliding_function(np.ones_like, np.ones_like, 0.5, f_domain=(0, 1), g_domain=(0, 1), unit="s")
    >>> fig.axes[1].get_title()
    'their product: area 0.5'
    """
    fig, draw = _stage(_Integral(f, g, f_domain, g_domain, result), unit)
    draw(float(t))
    fig.suptitle(title, fontsize=11, color=INK)
    return fig


def animate_continuous(
    f: RealFunction,
    g: RealFunction,
    *,
    f_domain: Interval | None = None,
    g_domain: Interval | None = None,
    result: RealFunction | None = None,
    unit: str = "",
    times: np.ndarray | None = None,
    frames: int = 60,
    interval: int = 80,
    dark: bool = False,
) -> Film:
    """Animate `sliding_function` while t moves from where the functions begin to overlap to where they end.

    Parameters
    ----------
    f, g, f_domain, g_domain, result, unit
        As in `sliding_function`.
    times : array (T,), optional
        The values of t, a frame each. Default: `frames` evenly spaced ones.
    frames : int
        The number of frames where `times` are not given. Default 60.
    interval : int
        Milliseconds per frame. Default 80.
    dark : bool
        Light ink on a dark ground, as `darken` makes it. Default False.

    Returns
    -------
    FuncAnimation
        A notebook shows it with a play button; `save_animation` writes it as a GIF, an MP4 or a page.

    Raises
    ------
    ValueError
        If a domain is neither given nor known from the function, or not finite and ascending.

    Examples
    --------
    >>> import numpy as np
    >>> film = animate_continuous(np.ones_like, np.ones_like, f_domain=(0, 1), g_domain=(0, 2), frames=12)
    >>> film.to_jshtml()  # doctest: +SKIP
    """
    integral = _Integral(f, g, f_domain, g_domain, result)
    if times is None:
        times = np.linspace(*integral.range, frames)
    fig, draw = _stage(integral, unit)
    return Film(fig, draw, [float(t) for t in times], interval=interval, dark=dark)


def _stage(integral: _Integral, unit: str) -> tuple[Figure, Callable[[float], None]]:
    """Return a figure, and the function that draws one t into it; limits do not move."""
    s = np.linspace(*integral.window, _SAMPLES)
    t_all = np.linspace(*integral.window, 401)
    curve = integral.at(t_all)
    left = integral.f_values(s)
    extent = np.linspace(*integral.g_domain, _SAMPLES)
    first = _limits(left, integral.g_values(extent))
    reach = _products(left, integral.g_values(extent))
    fig = figure(7.2, 6.2)
    axes = fig.subplots(3, 1, sharex=True)

    def draw(t: float) -> None:
        right = integral.g_values(t - s)
        for one in axes:
            one.clear()
        axes[0].plot(s, left, color=SERIES[0], lw=1.8, label="f(s)")
        axes[0].plot(s, right, color=SERIES[1], lw=1.8, ls="--", label="g(t − s)")
        ruled(axes[0], "", "value", f"g mirrored and shifted to t = {short(t)}{' ' + unit if unit else ''}")
        axes[0].legend(fontsize=8, frameon=False, loc="upper right")
        axes[0].set_ylim(*first)
        product = left * right
        value = float(integral.at(np.array([t]))[0])
        axes[1].plot(s, product, color=SERIES[2], lw=1.6)
        axes[1].fill_between(s, 0, product, color=SERIES[2], alpha=0.35, lw=0)
        ruled(axes[1], with_unit("s", unit), "f(s) g(t − s)", f"their product: area {value:.3g}")
        axes[1].set_ylim(*_limits(reach))
        axes[2].plot(t_all, curve, color=INK, lw=0.8, alpha=0.35)
        past = t_all <= t
        axes[2].plot(np.append(t_all[past], t), np.append(curve[past], value), color=SERIES[0], lw=1.8)
        axes[2].plot([t], [value], color=SERIES[1], marker="o", ms=6)
        ruled(axes[2], with_unit("t", unit), "(f ⊗ g)(t)", "the area for every t: the convolution")
        axes[2].set_ylim(*_limits(curve))
        axes[2].set_xlim(*integral.window)

    return fig, draw


def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the products of the extreme values: between them lies every product."""
    extremes = [np.array([v.min(initial=0.0), v.max(initial=0.0)]) for v in (left, right)]
    return np.multiply.outer(*extremes)


def _limits(*arrays: np.ndarray) -> tuple[float, float]:
    """Limits that hold zero and all finite values, with a margin."""
    values = np.concatenate([np.ravel(a) for a in arrays])
    values = values[np.isfinite(values)]
    low, high = values.min(initial=0.0), values.max(initial=0.0)
    margin = 0.08 * (high - low or 1.0)
    return float(low - margin), float(high + margin)


def _inside(f: RealFunction, s: np.ndarray, domain: Interval) -> np.ndarray:
    """Return the values of a function inside its domain, zero outside."""
    inside = (s >= domain[0]) & (s <= domain[1])
    values = np.asarray(f(np.where(inside, s, 0.5 * (domain[0] + domain[1]))), float)
    return np.where(inside, values, 0.0)


def _domain(name: str, f: RealFunction, domain: Interval | None) -> Interval:
    if domain is None:
        domain = getattr(f, "domain", None)
    if domain is None:
        raise ValueError(f"`{name}_domain` must be given for a function that has no `domain`; pass (lower, upper)")
    lower, upper = (float(v) for v in domain)
    if not (np.isfinite(lower) and np.isfinite(upper) and lower < upper):
        raise ValueError(
            f"`{name}_domain` must be finite and ascending, got {(lower, upper)}; cut it where the "
            "function is negligible"
        )
    return lower, upper
