"""Text in scripts that Matplotlib's own font lacks, such as the names of classes."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Set

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from matplotlib.ticker import Formatter, FuncFormatter

_OWN = "DejaVu Sans"


def make_legible(figure: Figure) -> None:
    """Give every text of a figure a font that has its characters; escape those that no font here has.

    Without this, each of them is drawn as an empty box. What is escaped is said once in a process, as a warning.
    """
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        missing = {character for character in text.get_text() if not character.isspace()} - _characters(_OWN)
        if not missing:
            continue
        name = next((font for font in _fonts() if missing <= _characters(font)), None)
        if name is not None:
            text.set_fontfamily([_OWN, name])
            continue
        _warn_once("".join(sorted(missing)))
        text.set_text(_escape(text.get_text(), missing))
        for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
            axis.set_major_formatter(FuncFormatter(_escaping(axis.get_major_formatter(), missing)))


def _escaping(formatter: Formatter, missing: Set[str]) -> Callable[[float, int | None], str]:
    """Return a formatter that writes the labels of ticks, at every drawing, with the missing characters escaped."""
    return lambda value, position: _escape(formatter(value, position), missing)


def _escape(text: str, missing: Set[str]) -> str:
    r"""Write the numbers of the characters that are missing.

    >>> print(_escape("längs 縦", {"縦"}))
    längs \u7e26
    """
    return "".join(c.encode("ascii", "backslashreplace").decode() if c in missing else c for c in text)


@functools.cache
def _fonts() -> dict[str, str]:
    """Return the files of the fonts of this machine by their names."""
    entries = font_manager.fontManager.ttflist
    # The font of last resort has a box for every character there is.
    return {entry.name: entry.fname for entry in entries if not entry.name.startswith("Last Resort")}


@functools.cache
def _characters(name: str) -> frozenset[str]:
    """Return the characters that a font has."""
    path = _fonts().get(name) or font_manager.findfont(name)
    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError, ValueError):  # a file that is not a font after all
        return frozenset()


@functools.cache
def _warn_once(characters: str) -> None:
    warnings.warn(
        f"no font on this machine has the characters {characters!r}; pictures show their numbers instead. Install a "
        "font that has them, such as Noto",
        stacklevel=4,
    )
