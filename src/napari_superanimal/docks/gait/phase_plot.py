"""Hildebrand's diagram of an animal's strides, see :mod:`superanimal.gait.hildebrand`."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtWidgets import QSizePolicy

from superanimal.gait.hildebrand import draw_regions

MARKS = ("o", "s", "^", "D")


class PhasePlot(FigureCanvasQTAgg):
    """One mark for each kept stride of a hind limb.

    Parameters
    ----------
    text, background
        Colours of the theme, ``#rrggbb``.
    """

    def __init__(self, text: str, background: str) -> None:
        super().__init__(Figure(figsize=(4, 2.4), layout="constrained"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(170)
        self._theme = text, background
        self._points = pd.DataFrame(columns=["limb", "phase", "duty_factor"])
        self._colors: dict[str, str] = {}
        self.axes: Any = self.figure.subplots()
        self._draw()

    def show_points(self, points: pd.DataFrame, colors: dict[str, str]) -> None:
        """Show the strides of an animal, ``limb, phase, duty_factor``, and the colours of the limbs."""
        self._points, self._colors = points, colors
        self._draw()

    def show_theme(self, text: str, background: str) -> None:
        """Draw in the colours of another theme."""
        self._theme = text, background
        self._draw()

    def _draw(self) -> None:
        text, background = self._theme
        axes = self.axes
        axes.clear()
        self.figure.set_facecolor(background)
        axes.set_facecolor(background)
        if self._points.empty:
            axes.set_axis_off()
            axes.text(
                0.5, 0.5, "No kept stride has the phase of a hind and a fore limb of one side.",
                transform=axes.transAxes, ha="center", va="center", fontsize=8, color=text, wrap=True,
            )  # fmt: skip
        else:
            axes.set_axis_on()
            draw_regions(axes, text, _mixed(text, background, 0.65), _mixed(text, background, 0.25))
            axes.tick_params(colors=text, labelsize=8)
            axes.spines[["top", "right"]].set_visible(False)
            axes.spines[["left", "bottom"]].set_color(text)
            for label in (axes.xaxis.label, axes.yaxis.label):
                label.set_fontsize(8)
            for mark, (limb, own) in zip(MARKS * 9, self._points.groupby("limb", sort=False), strict=False):
                name = f"{limb}".replace("_hind", "").replace("_", " ")
                axes.plot(
                    own["phase"], own["duty_factor"], mark, color=self._colors[str(limb)], ms=6, mec=text,
                    mew=0.6, label=name, clip_on=False, zorder=3,
                )  # fmt: skip
            axes.legend(fontsize=8, frameon=False, labelcolor=text, loc="lower right")
        self.draw_idle()


def _mixed(a: str, b: str, share: float) -> str:
    parts = [(int(a[i : i + 2], 16), int(b[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(x * share + y * (1 - share)):02x}" for x, y in parts)
