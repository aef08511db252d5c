"""Hildebrand's diagram of an animal's strides, see :mod:`superanimal.gait.hildebrand`."""

from __future__ import annotations

import pandas as pd

from napari_superanimal.parts.themed_plot import ThemedPlot
from superanimal.gait.hildebrand import draw_regions

MARKS = (("o", 8), ("s", 5), ("^", 5), ("D", 4))
"""Shapes and sizes of marks: those of the first limb are seen behind the others."""


class PhasePlot(ThemedPlot):
    """One mark for each kept stride of a hind limb.

    Parameters
    ----------
    text, background
        Colours of the theme, ``#rrggbb``.
    """

    def __init__(self, text: str, background: str) -> None:
        super().__init__(text, background)
        self._points = pd.DataFrame(columns=["limb", "phase", "duty_factor"])
        self._colors: dict[str, str] = {}
        self.redraw()

    def show_points(self, points: pd.DataFrame, colors: dict[str, str]) -> None:
        """Show the strides of an animal, ``limb, phase, duty_factor``, and the colours of the limbs."""
        self._points, self._colors = points, colors
        self.redraw()

    def draw_content(self) -> None:
        """Draw the regions of gaits and the strides."""
        (axes,) = self.panels
        if self._points.empty:
            self.say("No kept stride has the phase of a hind and a fore limb of one side.")
            return
        dim, line = (_mixed(self.text, self.background, share) for share in (0.65, 0.25))
        draw_regions(axes, self.text, dim, line)
        for label in (axes.xaxis.label, axes.yaxis.label):
            label.set_fontsize(8)
        for (mark, size), (limb, own) in zip(
            MARKS * 9, self._points.groupby("limb", sort=False), strict=False
        ):
            name = f"{limb}".replace("_hind", "").replace("_", " ")
            axes.plot(
                own["phase"], own["duty_factor"], mark, color=self._colors[str(limb)], ms=size, mec=self.text,
                mew=0.6, label=name, clip_on=False, zorder=3,
            )  # fmt: skip
        axes.legend(fontsize=8, frameon=False, labelcolor=self.text, loc="lower right")


def _mixed(a: str, b: str, share: float) -> str:
    parts = [(int(a[i : i + 2], 16), int(b[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(x * share + y * (1 - share)):02x}" for x, y in parts)
