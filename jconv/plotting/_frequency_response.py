"""Frequency responses of kernels along one axis and two."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jconv._core import check
from jconv.plotting._figure import INK, SERIES, figure, ruled


def frequency_response(
    response: np.ndarray, *, spacing: float = 1.0, unit: str = "sample", floor: float = -80.0, title: str = ""
) -> Figure:
    """Draw the frequency response of a kernel, as `jconv.kernels.frequency_response` computes it.

    Parameters
    ----------
    response : complex array (N,) or (N1, N2)
        At the frequencies of `numpy.fft.fftfreq`.
    spacing : float
        The distance of two samples, in `unit`. Default 1.
    unit : str
        The unit of `spacing`: frequencies are in cycles per unit. Default "sample".
    floor : float
        The lowest gain that is drawn, in dB; zeros of the response lie there. Default -80.
    title : str
        Default none.

    Returns
    -------
    Figure
        Along one axis: gain in dB and phase in degrees, up to the Nyquist frequency (from its negative where the
        kernel is complex). Along two axes: gain as a picture with frequency zero in the middle, and its cuts along
        both axes.

    Raises
    ------
    ValueError
        If `response` has another rank.

    Examples
    --------
    >>> import numpy as np
    >>> fig = frequency_response(np.fft.fft([0.25, 0.5, 0.25], 64), spacing=0.01, unit="s")
    >>> fig.axes[1].get_xlabel()
    'frequency in cycles per s'
    """
    response = np.asarray(response)
    check.rank("response", response, (1, 2), "draw the response along one axis or two")
    label = f"frequency in cycles per {unit}"
    draw = _draw_line if response.ndim == 1 else _draw_plane
    fig = draw(response, spacing, label, floor)
    fig.suptitle(title, fontsize=11, color=INK)
    return fig


def _draw_line(response: np.ndarray, spacing: float, label: str, floor: float) -> Figure:
    count = len(response)
    order = np.arange(count // 2 + 1) if _is_hermitian(response) else np.argsort(np.fft.fftfreq(count), kind="stable")
    frequency = np.fft.fftfreq(count, spacing)
    frequency[count // 2] *= 1 if order[0] or count % 2 else -1  # the Nyquist frequency stands at either end
    gain = _decibels(response, floor)
    phase = np.where(gain > floor, np.degrees(np.angle(response)), np.nan)  # a zero has no phase
    fig = figure(6.4, 4.6)
    above, below = fig.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    above.plot(frequency[order], gain[order], color=SERIES[0], lw=1.6)
    below.plot(frequency[order], phase[order], color=SERIES[1], lw=1.6)
    ruled(above, "", "gain in dB")
    ruled(below, label, "phase in degrees")
    below.set_ylim(-195, 195)
    below.set_yticks((-180, -90, 0, 90, 180))
    return fig


def _draw_plane(response: np.ndarray, spacing: float, label: str, floor: float) -> Figure:
    gain = np.fft.fftshift(_decibels(response, floor))
    frequencies = [np.fft.fftshift(np.fft.fftfreq(n, spacing)) for n in response.shape]
    (bottom, top), (left, right) = map(_edges, frequencies)
    fig = figure(9.6, 4.1)
    plane, cuts = fig.subplots(1, 2, width_ratios=(1.15, 1))
    drawn = plane.imshow(
        gain, cmap="viridis", extent=(left, right, bottom, top), origin="lower", interpolation="nearest", aspect="equal"
    )
    bar = fig.colorbar(drawn, ax=plane, shrink=0.9)
    bar.set_label("gain in dB", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8)
    ruled(plane, f"along columns: {label}", f"along rows: {label}").grid(False)
    rows, cols = (n // 2 for n in response.shape)
    cuts.plot(frequencies[1], gain[rows], color=SERIES[0], lw=1.6, label="along columns")
    cuts.plot(frequencies[0], gain[:, cols], color=SERIES[1], lw=1.6, ls="--", label="along rows")
    ruled(cuts, label, "gain in dB", "cuts through frequency zero")
    cuts.legend(fontsize=8, frameon=False)
    return fig


def _is_hermitian(response: np.ndarray) -> bool:
    """Whether the kernel was real, so that negative frequencies say nothing new."""
    scale = float(np.abs(response).max())
    return bool(np.allclose(response[1:], response[1:][::-1].conj(), rtol=0, atol=1e-5 * scale))


def _decibels(response: np.ndarray, floor: float) -> np.ndarray:
    return 20 * np.log10(np.maximum(np.abs(response), 10 ** (floor / 20)))


def _edges(frequencies: np.ndarray) -> tuple[float, float]:
    """Where the first cell of a picture begins and the last one ends."""
    half = float(frequencies[1] - frequencies[0]) / 2 if len(frequencies) > 1 else 0.5
    return float(frequencies[0]) - half, float(frequencies[-1]) + half
