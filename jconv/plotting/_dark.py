"""Figures in light colours on a dark ground."""

from __future__ import annotations

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure, FigureBase
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from jconv.plotting._figure import GROUND, INK
from jconv.plotting._gallery import RIGHT, WRONG

DARK_GROUND = "#16181d"
_LIGHT_INK = "#e8e8e8"
_DARK = {
    GROUND: DARK_GROUND,
    INK: _LIGHT_INK,
    "#000000": _LIGHT_INK,
    "#262626": _LIGHT_INK,
    "#0072b2": "#3d9fdc",  # the blue of Okabe and Ito has a contrast of only 3 to 1 on this ground
    RIGHT: "#2bc48a",
    WRONG: "#ff8a50",
}
"""What a colour of the light figures becomes; all others stay."""


def darken(fig: Figure) -> Figure:
    """Give a figure a dark ground and light ink, in place.

    Parameters
    ----------
    fig : Figure
        Any figure of `jconv.plotting`.

    Returns
    -------
    Figure
        The same figure. Pictures, and what is written or outlined on them, keep their colours.

    Notes
    -----
    Colours are those of Okabe and Ito, *Color Universal Design* (2008), which people of every colour vision tell
    apart; the blue is lighter on the dark ground.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.colors import to_hex
    >>> from jconv.plotting import kernel_grid
    >>> to_hex(darken(kernel_grid([np.eye(3)])).get_facecolor())
    '#16181d'
    """
    on_pictures = {id(artist) for axes in fig.axes if axes.images for artist in (*axes.texts, *axes.patches)}
    for artist in fig.findobj():
        if id(artist) not in on_pictures:
            _recolour(artist)
    for axes in fig.axes:
        _recolour_ticks(axes)
    return fig


def _dark(colour: object) -> object:
    """Return the colour on a dark ground, with the opacity that it had."""
    if isinstance(colour, str) and colour in ("none", "auto"):
        return colour
    *_, opacity = _rgba(colour)
    opaque = to_hex(colour)  # pyright: ignore[reportArgumentType]
    if opaque not in _DARK:
        return colour
    return (*_rgba(_DARK[opaque])[:3], opacity)


def _rgba(colour: object) -> tuple[float, float, float, float]:
    text = to_hex(colour, keep_alpha=True)  # pyright: ignore[reportArgumentType]
    red, green, blue, opacity = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5, 7))
    return red, green, blue, opacity


def _recolour(artist: Artist) -> None:
    if isinstance(artist, Text):
        artist.set_color(_dark(artist.get_color()))  # pyright: ignore[reportArgumentType]
    elif isinstance(artist, Line2D):
        artist.set_color(_dark(artist.get_color()))  # pyright: ignore[reportArgumentType]
        artist.set_markerfacecolor(_dark(artist.get_markerfacecolor()))  # pyright: ignore[reportArgumentType]
        artist.set_markeredgecolor(_dark(artist.get_markeredgecolor()))  # pyright: ignore[reportArgumentType]
    elif isinstance(artist, Patch):
        artist.set_edgecolor(_dark(artist.get_edgecolor()))  # pyright: ignore[reportArgumentType]
        artist.set_facecolor(_dark(artist.get_facecolor()))  # pyright: ignore[reportArgumentType]
    elif isinstance(artist, FigureBase):
        artist.set_facecolor(_dark(artist.get_facecolor()))  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]


def _recolour_ticks(axes: Axes) -> None:
    """Ticks are made again whenever limits change, in the colours that the axis remembers."""
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_tick_params(which="both", color=_LIGHT_INK, labelcolor=_LIGHT_INK)
