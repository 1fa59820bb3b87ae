"""What the artists of a figure hold: the data that are drawn, not pixels."""

import numpy as np
from matplotlib.patches import Rectangle


def images(axes):
    """The arrays that are drawn as images, in drawing order."""
    return [np.asarray(image.get_array()) for image in axes.images]


def limits(axes):
    """The values at either end of the colour scale of the first image."""
    return axes.images[0].get_clim()


def texts(axes):
    """Texts by their column and row."""
    return {tuple(int(v) for v in text.get_position()): text.get_text() for text in axes.texts}


def outlines(axes):
    """Rectangles as (column, row, width, height)."""
    return [(*p.get_xy(), p.get_width(), p.get_height()) for p in axes.patches if isinstance(p, Rectangle)]


def visible(fig):
    """The axes that show something."""
    return [axes for axes in fig.axes if axes.axison]


def has_ticks(axes):
    return len(axes.get_xticks()) > 0 or len(axes.get_yticks()) > 0


def curves(axes):
    """The lines that a legend would name, as pairs (x, y) by label."""
    return {line.get_label(): np.array(line.get_data()) for line in axes.lines if not line.get_label().startswith("_")}
