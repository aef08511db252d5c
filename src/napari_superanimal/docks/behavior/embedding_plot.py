"""Frames as points in the plane of an embedding: a click goes to one, a dragged rectangle chooses many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle
from qtpy.QtCore import Signal

from napari_superanimal.docks.behavior.catalogue import COLORS
from napari_superanimal.docks.behavior.lanes import GREY
from napari_superanimal.parts.themed_plot import ThemedPlot

DRAWN = 4000
"""Points that are drawn at most, evenly spaced in time."""
CLICK = 4
"""Pixels within which a press and a release are a click."""


class EmbeddingPlot(ThemedPlot):
    """A point for each frame, in the colour of its motif.

    Attributes
    ----------
    rows
        The chosen rows of the frames, (n,) int.

    Signals
    -------
    clicked(int)
        A row of the frames was clicked.
    chosen(object)
        Rows of the frames were chosen, (n,) int.
    """

    clicked = Signal(int)
    chosen = Signal(object)

    def __init__(self, text: str, background: str) -> None:
        super().__init__(text, background, height=200)
        self._frames: pd.DataFrame | None = None
        self._colors: dict[str, str] = {}
        self.rows = np.zeros(0, int)
        self._press: Any = None
        self._box: Any = None
        self.mpl_connect("button_press_event", self._on_press)
        self.mpl_connect("motion_notify_event", self._on_move)
        self.mpl_connect("button_release_event", self._on_release)
        self.redraw()

    def show_frames(self, frames: pd.DataFrame | None, colors: dict[str, str]) -> None:
        """Show other frames, with the columns ``motif, x, y``; None for nothing."""
        self._frames, self._colors, self.rows = frames, colors, np.zeros(0, int)
        self.redraw()

    def choose(self, rows: np.ndarray) -> None:
        """Mark rows of the frames."""
        self.rows = rows
        self.redraw()

    def draw_content(self) -> None:
        """Draw the points."""
        axes = self.panels[0]
        if self._frames is None or not len(self._frames):
            self.say("Find motifs to see every frame as a point.")
            return
        shown = np.unique(np.linspace(0, len(self._frames) - 1, DRAWN).astype(int))
        own = self._frames.iloc[shown]
        colors = [self._colors.get(str(motif), GREY) for motif in own["motif"]]
        axes.scatter(own["x"], own["y"], s=5, c=colors, alpha=0.6, linewidths=0)
        if len(self.rows):
            every = self._frames.iloc[self.rows[:: max(1, len(self.rows) // DRAWN)]]
            axes.scatter(every["x"], every["y"], s=9, facecolors="none", edgecolors=self.text, linewidths=0.5)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[["left", "bottom"]].set_visible(False)

    def _on_press(self, event: Any) -> None:
        if self._frames is not None and event.inaxes is self.panels[0] and event.button == 1:
            self._press = event
            self._box = Rectangle((event.xdata, event.ydata), 0, 0, fill=False, ec=self.text, lw=1, ls="--")
            self.panels[0].add_patch(self._box)

    def _on_move(self, event: Any) -> None:
        if self._press is not None and event.inaxes is self.panels[0]:
            self._box.set_width(event.xdata - self._press.xdata)
            self._box.set_height(event.ydata - self._press.ydata)
            self.draw_idle()

    def _on_release(self, event: Any) -> None:
        if self._press is None or self._frames is None:
            return
        press, box = self._press, self._box
        self._press = self._box = None
        box.remove()
        places = self._frames[["x", "y"]].to_numpy(float)
        if np.hypot(event.x - press.x, event.y - press.y) <= CLICK:
            extent = np.ptp(places, axis=0)
            near = (places - [press.xdata, press.ydata]) / np.where(extent > 0, extent, 1)
            row = int(np.nanargmin(np.hypot(*near.T)))
            self.choose(np.array([row]))
            self.clicked.emit(row)
            return
        x, width, y, height = box.get_x(), box.get_width(), box.get_y(), box.get_height()
        low, high = np.sort([[x, y], [x + width, y + height]], axis=0)
        rows = np.flatnonzero(((places >= low) & (places <= high)).all(axis=1))
        self.choose(rows)
        self.chosen.emit(rows)


def colors_of(motifs: list[str]) -> dict[str, str]:
    """Return a colour for each motif."""
    return {name: COLORS[k % len(COLORS)] for k, name in enumerate(motifs)}
