"""The style of all figures, light and dark: one accent colour, everything else in greys."""

from __future__ import annotations

import io
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from superanimal.bootstrap import Interval
from superanimal.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACCENT, BAND, INK, SOFT, LINE = "#0b63ce", "#a9c7ee", "#1d2733", "#66727f", "#d9dee4"
VARIABLES = {ACCENT: "--accent", BAND: "--band", INK: "--ink", SOFT: "--soft", LINE: "--line"}
"""CSS variable for each figure colour, so that a page can show the figure light or dark."""
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 9.5,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "svg.fonttype": "path",
    "svg.hashsalt": "superanimal",
}


def style() -> AbstractContextManager[None]:
    """Return a context in which figures are drawn in this style."""
    from matplotlib import rc_context

    return rc_context(STYLE)


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a given size in inches, without needing a display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def band(axes: Axes, x: np.ndarray, curve: Interval, factor: float = 1, **line: Any) -> None:
    """Draw a curve with its confidence interval."""
    axes.fill_between(x, factor * curve.low, factor * curve.high, color=ACCENT, alpha=0.16, lw=0)
    axes.plot(x, factor * curve.value, color=ACCENT, lw=1.8, ms=4, clip_on=False, **line)
    axes.grid(color=LINE, lw=0.6)
    axes.set_axisbelow(True)


def svg(figure: Figure) -> Markup:
    """Return a figure as HTML whose colours follow those of the page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for color, name in VARIABLES.items():
        text = text.replace(color, f"var({name})")
    return Markup(text)


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure to an image file (``.png``, ``.svg`` or ``.pdf``) on a white background."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=150, bbox_inches="tight", pad_inches=0.08)
    return Path(path)
