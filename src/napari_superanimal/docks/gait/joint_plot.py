"""Joint angles of one limb over the stride: mean and spread of the kept strides."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtWidgets import QComboBox, QSizePolicy, QVBoxLayout, QWidget

from napari_superanimal.docks.gait.limb_table import swatch
from napari_superanimal.parts.form_parts import SPACING

LINES = ("#3d94d9", "#e69f00", "#00a878", "#cc79a7", "#8f86d9", "#888888")
STYLES = ("-", "--", "-.", ":")


class JointPlot(QWidget):
    """A choice of limb, and the angles of its joints from contact to contact.

    Parameters
    ----------
    text, background
        Colours of the theme, ``#rrggbb``.
    """

    def __init__(self, text: str, background: str) -> None:
        super().__init__()
        self.limb = QComboBox()
        self.limb.setToolTip("Which limb's joints are shown.")
        self.canvas = FigureCanvasQTAgg(Figure(figsize=(4, 2), layout="constrained"))
        self.canvas.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.canvas.setMinimumHeight(130)
        self._theme = text, background
        self._cycles, self._duty = pd.DataFrame(columns=["limb", "joint"]), dict[str, float]()
        self.axes: Any = self.canvas.figure.subplots()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACING, 0, 0)
        layout.setSpacing(SPACING)
        layout.addWidget(self.limb)
        layout.addWidget(self.canvas, 1)
        self.limb.currentIndexChanged.connect(self._draw)
        self._draw()

    def show_cycles(self, cycles: pd.DataFrame, duty: dict[str, float], colors: dict[str, str]) -> None:
        """Show an animal's ``GaitResult.cycles``.

        Parameters
        ----------
        cycles
            ``limb, joint, percent, mean_deg, sd_deg, strides``.
        duty, colors
            Duty factor and colour of each limb.
        """
        self._cycles, self._duty = cycles, duty
        limbs, before = list(dict.fromkeys(cycles["limb"])), self.limb.currentData()
        self.limb.blockSignals(True)
        self.limb.clear()
        for name in limbs:
            self.limb.addItem(swatch(colors[name]), name.replace("_", " "), name)
        self.limb.setCurrentIndex(max(0, limbs.index(before) if before in limbs else 0))
        self.limb.blockSignals(False)
        self.limb.setVisible(bool(limbs))
        self._draw()

    def show_theme(self, text: str, background: str) -> None:
        """Draw in the colours of another theme."""
        self._theme = text, background
        self._draw()

    def _draw(self) -> None:
        text, background = self._theme
        axes, limb = self.axes, self.limb.currentData()
        axes.clear()
        self.canvas.figure.set_facecolor(background)
        axes.set_facecolor(background)
        own = self._cycles[self._cycles["limb"] == limb]
        if own.empty:
            axes.set_axis_off()
            axes.text(
                0.5, 0.5, "No joint angle: that takes three points of one limb and a kept stride.",
                transform=axes.transAxes, ha="center", va="center", fontsize=8, color=text, wrap=True,
            )  # fmt: skip
        else:
            self._draw_joints(own, self._duty.get(limb, float("nan")))
        self.canvas.draw_idle()

    def _draw_joints(self, own: pd.DataFrame, duty: float) -> None:
        text, axes = self._theme[0], self.axes
        axes.set_axis_on()
        for number, (joint, curve) in enumerate(own.groupby("joint", sort=False)):
            color, percent = LINES[number % len(LINES)], curve["percent"].to_numpy()
            mean, spread = curve["mean_deg"].to_numpy(), curve["sd_deg"].fillna(0).to_numpy()
            axes.fill_between(percent, mean - spread, mean + spread, color=color, alpha=0.3, lw=0)
            style = STYLES[number % len(STYLES)]
            axes.plot(percent, mean, style, color=color, lw=1.6, label=str(joint).replace("_", " "))
        if duty == duty:
            axes.axvline(100 * duty, color=text, lw=0.8, alpha=0.5)
            axes.text(
                100 * duty,
                1.0,
                " lift",
                transform=axes.get_xaxis_transform(),
                fontsize=8,
                color=text,
                va="top",
            )
        axes.set_xlim(0, 100)
        axes.margins(y=0.12)
        axes.tick_params(colors=text, labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(text)
        axes.set_xlabel("Stride, % (contact to contact)", fontsize=8, color=text)
        axes.set_ylabel("Angle, °", fontsize=8, color=text)
        axes.legend(
            fontsize=8, frameon=False, labelcolor=text, loc="lower center", bbox_to_anchor=(0.5, 1.0),
            ncols=3, borderaxespad=0.0, handlelength=1.8, columnspacing=1.0,
        )  # fmt: skip
