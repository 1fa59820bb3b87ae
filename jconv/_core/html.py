"""What objects show of themselves in a notebook: small tables and curves that follow its light or dark page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

import numpy as np

from jconv._core.arrays import ArrayLike

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # Okabe & Ito
_MOST_CELLS = 441
"""Kernels up to 21 × 21 are shown as cells; larger ones would fill the page (a guess)."""
_MOST_NUMBERS = 81
"""Kernels up to 9 × 9 bear their numbers."""


def table(
    rows: Iterable[Sequence[object]], header: Sequence[str] = (), *, caption: str = "", bold: int | None = None
) -> str:
    """Lay out a table; the row of number `bold` stands out."""
    lines = ['<table style="border-collapse:collapse">']
    if caption:
        lines.append(f'<caption style="caption-side:top;text-align:left">{html.escape(caption)}</caption>')
    if header:
        lines.append("<thead><tr>" + "".join(f"<th>{html.escape(word)}</th>" for word in header) + "</tr></thead>")
    lines.append("<tbody>")
    for number, row in enumerate(rows):
        style = ' style="font-weight:bold"' if number == bold else ""
        lines.append(f"<tr{style}>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>")
    lines.append("</tbody></table>")
    return "".join(lines)


def cells(kernel: ArrayLike) -> str:
    """Draw a real kernel of one or two axes as coloured cells, red positive and blue negative; "" for others."""
    values = np.atleast_2d(np.asarray(kernel))
    if values.ndim != 2 or np.iscomplexobj(values) or not 0 < values.size <= _MOST_CELLS:
        return ""
    values = values.astype(float)
    reach = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    side = 34 if values.size <= _MOST_NUMBERS else 14
    lines = ['<table style="border-collapse:collapse">']
    for row in values:
        lines.append("<tr>")
        for value in row:
            share = min(abs(value) / reach, 1.0) if np.isfinite(value) else 0.0
            colour = f"rgba({'213,94,0' if value > 0 else '0,114,178'},{0.75 * share:.2f})"
            text = f"{value:.2g}" if values.size <= _MOST_NUMBERS else ""
            style = f"width:{side}px;height:{side}px;padding:0;text-align:center;font-size:10px;background:{colour}"
            lines.append(f'<td style="{style}" title="{value:.6g}">{text}</td>')
        lines.append("</tr>")
    lines.append("</table>")
    return "".join(lines)


def curve(pieces: Sequence[tuple[np.ndarray, np.ndarray]], label: str) -> str:
    """Curves in an SVG: each piece is abscissae (N,) and ordinates (N, channels); "" where nothing is finite."""
    x = np.concatenate([piece[0] for piece in pieces])
    y = np.concatenate([piece[1] for piece in pieces])
    if not (np.isfinite(x).all() and np.isfinite(y).all()) or not y.size:
        return ""
    width, height, margin = 320, 120, 6
    low, high = min(float(y.min()), 0.0), max(float(y.max()), 0.0)
    left, right = float(x.min()), float(x.max())

    def place(a: np.ndarray, b: np.ndarray) -> str:
        across = margin + (a - left) / ((right - left) or 1.0) * (width - 2 * margin)
        down = height - margin - (b - low) / ((high - low) or 1.0) * (height - 2 * margin)
        return " ".join(f"{u:.1f},{v:.1f}" for u, v in zip(across, down))

    axis = place(np.array([left, right]), np.zeros(2))
    lines = [
        f'<svg width="{width}" height="{height}" role="img" aria-label="{html.escape(label)}">',
        f'<polyline points="{axis}" fill="none" stroke="currentColor" stroke-opacity="0.4"/>',
    ]
    for a, b in pieces:
        for channel, colour in zip(b.T, COLOURS):
            lines.append(f'<polyline points="{place(a, channel)}" fill="none" stroke="{colour}" stroke-width="2"/>')
    lines.append("</svg>")
    return "".join(lines)
