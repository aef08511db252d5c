"""Training curves: loss at the top, held-out error below, with the best validation marked."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from napari_superanimal.parts.themed_plot import ThemedPlot
from superanimal.training.finetuning.run_folder import ERROR, best_row

TRAIN, HELD_OUT, BEST = "#e69f00", "#56b4e9", "#00a878"


class CurvePlot(ThemedPlot):
    """A plot of the rows that a training writes after each validation.

    Parameters
    ----------
    text, background
        Colours of the theme, ``#rrggbb``.
    """

    def __init__(self, text: str, background: str) -> None:
        super().__init__(text, background, rows=2, height=220)
        self._rows: list[dict[str, float]] = []
        self._steps = 0
        self.loss, self.error = self.panels
        self.redraw()

    def show_rows(self, rows: list[dict[str, float]], steps: int = 0) -> None:
        """Show other rows; ``steps`` is the total number of training steps, 0 if unknown."""
        self._rows, self._steps = rows, steps
        self.redraw()

    @property
    def best(self) -> dict[str, float]:
        """The row with the best held-out score; empty if there is none."""
        return best_row(self._rows)

    def draw_content(self) -> None:
        """Draw the curves."""
        for axes, title in ((self.loss, "Loss"), (self.error, "Held-out error (px)")):
            axes.set_title(title, loc="left", fontsize=9, color=self.text)
            axes.grid(True, color=self.text, alpha=0.12, linewidth=0.8)
            axes.yaxis.set_major_locator(MaxNLocator(4))
        self._line(self.loss, "loss", TRAIN, "training")
        self._line(self.loss, "held_out_loss", HELD_OUT, "held out")
        self._line(self.error, ERROR, HELD_OUT, "")
        if self.loss.lines:
            self.loss.legend(fontsize=8, frameon=False, labelcolor=self.text, loc="upper right", ncols=2)
        else:
            self.say("The first point appears after the first validation.")
        if ERROR in self.best:
            self.error.plot(
                self.best["step"], self.best[ERROR], "o", color=BEST, markersize=8, zorder=3, clip_on=False
            )
            self.error.set_title(f"best: {self.best[ERROR]:.2f}", loc="right", fontsize=9, color=BEST)
            self.error.set_ylim(bottom=0)
        self.error.set_xlabel("step", fontsize=9, color=self.text)
        if self._steps:
            self.error.set_xlim(0, self._steps)

    def _line(self, axes: Any, key: str, color: str, label: str) -> None:
        known = [(row["step"], row[key]) for row in self._rows if np.isfinite(row.get(key, np.nan))]
        if known:
            axes.plot(
                *zip(*known, strict=True), color=color, marker="o", markersize=3, linewidth=1.6, label=label
            )
