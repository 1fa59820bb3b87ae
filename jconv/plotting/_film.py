"""Animations that a notebook shows by itself, and their files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.animation import FFMpegWriter, FuncAnimation, PillowWriter
from matplotlib.figure import Figure

from jconv._core.files import beside
from jconv.plotting._dark import darken

SUFFIXES = (".html", ".gif", ".mp4")


class Film(FuncAnimation):
    """An animation that a notebook shows with a play button, without pyplot and without settings.

    `draw` draws one of the `frames` into the figure, which is darkened then if `dark`.
    """

    def __init__(
        self, fig: Figure, draw: Callable[[Any], None], frames: Sequence[float], *, interval: int, dark: bool
    ) -> None:
        def draw_frame(frame: float) -> None:
            draw(frame)
            if dark:
                darken(fig)

        super().__init__(fig, draw_frame, frames=list(frames), init_func=lambda: None, interval=interval)

    def _repr_html_(self) -> str:
        return self.to_jshtml()

    def __del__(self) -> None:
        """Say nothing: Matplotlib warns of an animation that was never drawn, but a film need not be shown."""


class _Mpeg(FFMpegWriter):
    """Matplotlib's writer with an ffmpeg from the PATH or from the package imageio-ffmpeg, without global settings."""

    @classmethod
    def bin_path(cls) -> str:
        found = shutil.which("ffmpeg")
        if found:
            return found
        try:
            import imageio_ffmpeg  # pyright: ignore[reportMissingImports]
        except ImportError:
            return "ffmpeg"
        return imageio_ffmpeg.get_ffmpeg_exe()


def save_animation(film: FuncAnimation, path: str | os.PathLike, *, fps: float = 5.0, dpi: int = 100) -> None:
    """Write an animation as a GIF, an MP4 or a page with a play button; the suffix of the file decides.

    Parameters
    ----------
    film : FuncAnimation
        What `animate_sliding_kernel` or `animate_continuous` returns.
    path : path
        Ends in .gif, .mp4 or .html; it appears whole or not at all.
    fps : float
        Frames per second. Default 5.
    dpi : int
        Pixels per inch of a GIF or an MP4. Default 100.

    Raises
    ------
    ValueError
        For another suffix.
    RuntimeError
        If an MP4 is to be written and there is no ffmpeg.

    Notes
    -----
    An MP4 needs ffmpeg on the PATH, or ``pip install imageio-ffmpeg``.

    Examples
    --------
    >>> import numpy as np
    >>> from jconv.plotting import animate_sliding_kernel
    >>> film = animate_sliding_kernel(np.ones(5), np.ones(3))
    >>> save_animation(film, "film.gif")  # doctest: +SKIP
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"`path` must end in one of {', '.join(SUFFIXES)}; got {os.fspath(path)!r}")
    if suffix == ".mp4" and not _Mpeg.isAvailable():
        raise RuntimeError("an MP4 needs ffmpeg; install it, or run: pip install imageio-ffmpeg")
    with beside(path) as name:
        if suffix == ".html":
            name.write_text(film.to_jshtml(fps=fps), encoding="utf-8")  # pyright: ignore[reportArgumentType]
        elif suffix == ".gif":
            film.save(str(name), writer=PillowWriter(fps=fps), dpi=dpi)  # pyright: ignore[reportArgumentType]
        else:
            even = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white", "-pix_fmt", "yuv420p"]  # what players read
            film.save(str(name), writer=_Mpeg(fps=fps, extra_args=even), dpi=dpi)  # pyright: ignore[reportArgumentType]
