"""How errors fall with the degree of a function object, or with anything else that is raised."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from jconv.plotting._figure import INK, PALE, SERIES, figure, ruled

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def convergence(
    degrees: np.ndarray,
    errors: Mapping[str, np.ndarray],
    *,
    estimates: Mapping[str, np.ndarray] | None = None,
    rounding: float | None = None,
    across: str = "degree",
    unit: str = "",
    title: str = "",
) -> Figure:
    """Draw errors against the degree of function objects, on a logarithmic scale.

    Parameters
    ----------
    degrees : array (D,)
        The degrees, or the number of nodes, panels or samples.
    errors : mapping of str to array (D,)
        The true errors of each function, by its name. Zeros have no place on the scale and are left out.
    estimates : mapping of str to array (D,), optional
        The errors that the function objects state themselves, such as `Function.error`, by the same names; dashed.
        Default none.
    rounding : float, optional
        A level that no error falls below, such as the rounding unit; dotted. Default none.
    across : str
        What `degrees` are. Default "degree".
    unit : str
        The unit of the errors. Default none.
    title : str
        Default none.

    Returns
    -------
    Figure

    Examples
    --------
    >>> import numpy as np
    >>> fig = convergence(np.arange(4), {"exp": 10.0 ** -np.arange(4)}, rounding=2.2e-16)
    >>> fig.axes[0].get_xlabel(), fig.axes[0].get_yscale()
    ('degree', 'log')
    """
    fig = figure(7.8, 4.0)
    axes = fig.subplots()
    for index, (name, values) in enumerate(errors.items()):
        colour, marker = SERIES[index % len(SERIES)], MARKERS[index % len(MARKERS)]
        axes.plot(degrees, _positive(values), color=colour, marker=marker, ms=4, lw=1.4, label=name)
        if estimates and name in estimates:
            axes.plot(degrees, _positive(estimates[name]), color=colour, lw=1.2, ls="--", label=f"{name}, estimated")
    if rounding is not None:
        axes.axhline(rounding, color=PALE, lw=1.0, ls=":", label=f"rounding, {rounding:.1e}")
    axes.set_yscale("log")
    ruled(axes, across, "largest error" + (f" in {unit}" if unit else ""), title)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0))  # beside the curves
    axes.title.set_color(INK)
    return fig


def _positive(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float)
    return np.where(values > 0, values, np.nan)
