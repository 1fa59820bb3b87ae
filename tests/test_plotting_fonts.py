"""Names in other scripts: a font that has them, or their numbers, said once."""

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager

from jconv.plotting import _fonts, confusion, save

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def own_fonts(monkeypatch):
    """A machine with no other fonts than those that Matplotlib carries."""
    root = matplotlib.get_data_path()
    carried = [entry for entry in font_manager.fontManager.ttflist if entry.fname.startswith(root)]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", carried)
    _fonts._fonts.cache_clear()
    _fonts._characters.cache_clear()
    _fonts._warn_once.cache_clear()
    yield
    monkeypatch.undo()
    _fonts._fonts.cache_clear()
    _fonts._characters.cache_clear()
    _fonts._warn_once.cache_clear()


def labels(figure):
    return [text.get_text() for text in figure.axes[0].get_xticklabels()]


def test_characters_that_no_font_has_are_written_as_numbers_and_said_once(own_fonts, tmp_path):
    figure = confusion(np.array([[3, 1], [0, 4]]), ["längs", "縦"])
    with pytest.warns(UserWarning, match="no font on this machine has the characters '縦'"):
        save(figure, tmp_path / "a.png")
    assert labels(figure) == ["längs", "\\u7e26"]
    save(confusion(np.array([[3, 1], [0, 4]]), ["längs", "縦"]), tmp_path / "b.png")


def test_a_font_that_has_them_is_used(own_fonts, tmp_path, monkeypatch):
    whole = _fonts._characters
    monkeypatch.setattr(_fonts, "_characters", lambda font: whole(font) - ({"Q"} if font == "DejaVu Sans" else set()))
    figure = confusion(np.array([[3, 1], [0, 4]]), ["plain", "Q"])
    save(figure, tmp_path / "a.png")
    assert labels(figure) == ["plain", "Q"]
    plain, other = (text.get_fontfamily() for text in figure.axes[0].get_xticklabels())
    assert len(plain) == 1
    assert len(other) == 2
    assert "Q" in whole(other[1])
