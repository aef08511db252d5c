"""Joint angles of one limb over the stride: mean and spread of the kept strides."""

from __future__ import annotations

import pandas as pd
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_superanimal.parts.form_parts import SPACING
from napari_superanimal.parts.tables import swatch
from napari_superanimal.parts.themed_plot import ThemedPlot

LINES = ("#3d94d9", "#e69f00", "#00a878", "#cc79a7", "#8f86d9", "#888888")
STYLES = ("-", "--", "-.", ":")


class AngleCurves(ThemedPlot):
    """The angles of a limb's joints from contact to contact, with the lift.

    Parameters
    ----------
    text, background
        Colours of the theme, ``#rrggbb``.
    """

    def __init__(self, text: str, background: str) -> None:
        super().__init__(text, background, height=130)
        self._curves, self._duty = pd.DataFrame(), float("nan")
        self.redraw()

    def show_curves(self, curves: pd.DataFrame, duty: float) -> None:
        """Show rows ``joint, percent, mean_deg, sd_deg`` of a limb with this duty factor."""
        self._curves, self._duty = curves, duty
        self.redraw()

    def draw_content(self) -> None:
        """Draw the curves, or say why there are none."""
        (axes,) = self.panels
        if self._curves.empty:
            self.say("No joint angle: that takes three points of one limb and a kept stride.")
            return
        for number, (joint, curve) in enumerate(self._curves.groupby("joint", sort=False)):
            color, percent = LINES[number % len(LINES)], curve["percent"].to_numpy()
            mean, spread = curve["mean_deg"].to_numpy(), curve["sd_deg"].fillna(0).to_numpy()
            axes.fill_between(percent, mean - spread, mean + spread, color=color, alpha=0.3, lw=0)
            style = STYLES[number % len(STYLES)]
            axes.plot(percent, mean, style, color=color, lw=1.6, label=str(joint).replace("_", " "))
        if not pd.isna(self._duty):
            axes.axvline(100 * self._duty, color=self.text, lw=0.8, alpha=0.5)
            axes.text(
                100 * self._duty, 1.0, " lift", transform=axes.get_xaxis_transform(), fontsize=8,
                color=self.text, va="top",
            )  # fmt: skip
        axes.set_xlim(0, 100)
        axes.margins(y=0.12)
        axes.set_xlabel("Stride, % (contact to contact)", fontsize=8, color=self.text)
        axes.set_ylabel("Angle, °", fontsize=8, color=self.text)
        axes.legend(
            fontsize=8, frameon=False, labelcolor=self.text, loc="lower center", bbox_to_anchor=(0.5, 1.0),
            ncols=3, borderaxespad=0.0, handlelength=1.8, columnspacing=1.0,
        )  # fmt: skip


class JointPlot(QWidget):
    """A choice of limb, and the angles of its joints.

    Parameters
    ----------
    text, background
        Colours of the theme, ``#rrggbb``.
    """

    def __init__(self, text: str, background: str) -> None:
        super().__init__()
        self.limb = QComboBox()
        self.limb.setToolTip("Which limb's joints are shown.")
        self.curves = AngleCurves(text, background)
        self.show_theme = self.curves.show_theme
        self._cycles, self._duty = pd.DataFrame(columns=["limb"]), dict[str, float]()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACING, 0, 0)
        layout.setSpacing(SPACING)
        layout.addWidget(self.limb)
        layout.addWidget(self.curves, 1)
        self.limb.currentIndexChanged.connect(self._show_limb)

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
        self._show_limb()

    def _show_limb(self) -> None:
        limb = self.limb.currentData()
        own = self._cycles[self._cycles["limb"] == limb]
        self.curves.show_curves(own, self._duty.get(limb, float("nan")))
