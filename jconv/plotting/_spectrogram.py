"""Spectrograms, with the sound above them."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from jconv._core import check
from jconv.plotting._figure import INK, SERIES, figure, ruled


def spectrogram(
    levels: np.ndarray,
    times: np.ndarray,
    frequencies: np.ndarray,
    *,
    sound: np.ndarray | None = None,
    rate: float | None = None,
    span: float = 80.0,
    unit: str = "dB",
    title: str = "",
) -> Figure:
    """Draw a spectrogram: time to the right, frequency upwards, level as colour.

    Parameters
    ----------
    levels : array (T, F)
        The level of each time and frequency, in `unit`; for a power P that is 10 log10(P) dB.
    times : array (T,)
        The middle of each frame, in s.
    frequencies : array (F,)
        In Hz, ascending; evenly spaced or not.
    sound : array (N,), optional
        The samples, drawn above the spectrogram on the same time axis; needs `rate`. Default none.
    rate : float, optional
        Samples of `sound` per second.
    span : float
        Levels this far below the largest and further are drawn alike, in `unit`. Default 80.
    unit : str
        The unit of the levels. Default "dB".
    title : str
        Default none.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the shapes do not fit, or `rate` is missing for a `sound`.

    Examples
    --------
    >>> import numpy as np
    >>> fig = spectrogram(np.zeros((5, 3)), np.arange(5) / 10, np.array([0.0, 500.0, 1000.0]))
    >>> fig.axes[0].get_xlabel(), fig.axes[0].get_ylabel()
    ('time in s', 'frequency in Hz')
    """
    levels, times, frequencies = (np.asarray(a, float) for a in (levels, times, frequencies))
    check.rank("levels", levels, 2, "pass one channel")
    if levels.shape != (len(times), len(frequencies)):
        raise ValueError(
            f"`levels` must have shape (times, frequencies) = {(len(times), len(frequencies))}, got {levels.shape}; "
            "transpose it if frequencies come first"
        )
    per_second = rate or 0.0
    if sound is not None and not per_second:
        raise ValueError("`rate` must be the samples of `sound` per second, got None; pass rate=…")
    fig = figure(7.6, 3.6 if sound is None else 5.0)
    fig.suptitle(title, fontsize=11, color=INK)
    if sound is None:
        axes = fig.subplots()
    else:
        above, axes = fig.subplots(2, 1, sharex=True, height_ratios=(1, 2.6))
        above.plot(np.arange(len(sound)) / per_second, sound, color=SERIES[0], lw=0.6)
        ruled(above, "", "amplitude")
    top = float(levels.max())
    drawn = axes.pcolormesh(times, frequencies, levels.T, cmap="magma", vmin=top - span, vmax=top, shading="nearest")
    bar = fig.colorbar(drawn, ax=axes)
    bar.set_label(f"level in {unit}", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8)
    ruled(axes, "time in s", "frequency in Hz").grid(False)
    return fig
