"""A plot in the colours of napari's theme."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtWidgets import QSizePolicy


class ThemedPlot(FigureCanvasQTAgg):
    """Axes below each other that share x; a subclass draws into them in :meth:`draw_content`.

    Parameters
    ----------
    text, background
        Colours of the theme, ``#rrggbb``.
    rows
        Number of axes.
    height
        Least height in pixels.

    Attributes
    ----------
    panels
        The axes, from top to bottom.
    text, background
        The present colours.
    """

    def __init__(self, text: str, background: str, *, rows: int = 1, height: int = 170) -> None:
        super().__init__(Figure(figsize=(4, height / 70), layout="constrained"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(height)
        self.text, self.background = text, background
        self.panels: list[Any] = list(np.ravel(self.figure.subplots(rows, sharex=True)))

    def show_theme(self, text: str, background: str) -> None:
        """Draw in the colours of another theme."""
        self.text, self.background = text, background
        self.redraw()

    def redraw(self) -> None:
        """Clear the axes, give them the colours of the theme and draw the content again."""
        self.figure.set_facecolor(self.background)
        for axes in self.panels:
            axes.clear()
            axes.set_axis_on()
            axes.set_facecolor(self.background)
            axes.tick_params(colors=self.text, labelsize=8)
            axes.spines[["top", "right"]].set_visible(False)
            axes.spines[["left", "bottom"]].set_color(self.text)
        self.draw_content()
        self.draw_idle()

    def draw_content(self) -> None:
        """Draw into empty axes; to be overridden."""

    def say(self, sentence: str) -> None:
        """Show a sentence in place of the axes."""
        for axes in self.panels:
            axes.set_axis_off()
        self.panels[0].text(
            0.5, 0.5, sentence, transform=self.panels[0].transAxes, ha="center", va="center", fontsize=9,
            color=self.text, alpha=0.7, wrap=True,
        )  # fmt: skip
