"""The tab Features: what is measured of an animal in each frame, computed into a file and drawn over time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QCompleter, QPushButton, QVBoxLayout, QWidget

from napari_superanimal.docks.behavior.train_form import PRESETS
from napari_superanimal.parts.form_parts import MARGIN, SPACING, WrappedCaption, narrow_form, row
from napari_superanimal.parts.themed_plot import ThemedPlot

FILES = "Parquet (*.parquet);;Table (*.csv)"
HINT = "Type a part of a name to choose a feature; click the curve to go there."
EMPTY = "Compute the features, or open a file of them, to see each over time."
DRAWN = 5_000
"""Points of a curve that are drawn at most: the lowest and the highest of every stretch."""


class FeaturePlot(ThemedPlot):
    """One feature over time, with the present frame.

    Signals
    -------
    clicked(float)
        A time, seconds from frame 0.
    """

    clicked = Signal(float)

    def __init__(self, text: str, background: str) -> None:
        super().__init__(text, background, height=150)
        self._curve: tuple[np.ndarray, np.ndarray, str] | None = None
        self._now = 0.0
        self._line: Any = None
        self.mpl_connect("button_press_event", self._on_press)
        self.redraw()

    def show_curve(self, time: np.ndarray, values: np.ndarray, title: str) -> None:
        """Draw values (T,) over seconds (T,)."""
        self._curve = (*thinned(time, values), title)
        self.redraw()

    def clear_curve(self) -> None:
        """Draw nothing."""
        self._curve = None
        self.redraw()

    def show_time(self, time: float) -> None:
        """Mark the present frame."""
        self._now = time
        if self._line is not None:
            self._line.set_xdata([time, time])
            self.draw_idle()

    def draw_content(self) -> None:
        """Draw the curve."""
        axes, self._line = self.panels[0], None
        if self._curve is None:
            self.say(EMPTY)
            return
        time, values, title = self._curve
        axes.plot(time, values, color="#4e9de6", linewidth=0.9)
        axes.set_xlim(time[0], time[-1])
        axes.set_xlabel("seconds", color=self.text, fontsize=8)
        axes.set_ylabel(title, color=self.text, fontsize=8)
        self._line = axes.axvline(self._now, color=self.text, linewidth=0.8)

    def _on_press(self, event: Any) -> None:
        if self._curve is not None and event.inaxes is self.panels[0] and event.button == 1:
            self.clicked.emit(float(event.xdata))


class FeatureTab(QWidget):
    """Asks for features and shows them.

    Parameters
    ----------
    text, background
        Colours of the theme, ``#rrggbb``.

    Signals
    -------
    went(float)
        A time, seconds from frame 0.
    failed(object)
        The exception of a file that can no longer be read.
    """

    went = Signal(float)
    failed = Signal(object)

    def __init__(self, text: str, background: str) -> None:
        super().__init__()
        self._file: Path | None = None
        self._units: dict[str, str] = {}
        self.preset, self.feature = QComboBox(), QComboBox()
        for name, title in PRESETS.items():
            self.preset.addItem(title, name)
        self.feature.setEditable(True)
        self.feature.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.feature.setToolTip("See the page on behaviour for what each name means.")
        completer = self.feature.completer()
        if completer is not None:
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
            completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.compute_button, self.open_button = QPushButton("Compute…"), QPushButton("Open…")
        self.compute_button.setToolTip(
            "Compute all features of the animal into a file; the viewer stays free."
        )
        self.open_button.setToolTip("Open a file of features computed before.")
        self.plot, self.hint = FeaturePlot(text, background), WrappedCaption()
        self.hint.setText(HINT)
        form = narrow_form()
        form.addRow("Features", self.preset)
        form.addRow("Shown", self.feature)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addLayout(form)
        layout.addWidget(row(self.compute_button, self.open_button))
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.hint)
        self.feature.currentIndexChanged.connect(lambda _: self._choose())
        self.plot.clicked.connect(self.went.emit)
        self.feature.setEnabled(False)

    def show_file(self, path: Path) -> None:
        """Show the features of a file ``.parquet`` or ``.csv``.

        Raises
        ------
        OSError, ValueError
            When it cannot be read, or holds no ``time_s``.
        """
        names, units = columns_of(path)
        if "time_s" not in names:
            raise ValueError(f"{path.name} has no column time_s")
        self._file, self._units = path, units
        shown = [name for name in names if name not in ("frame", "time_s")]
        before = self.feature.currentText()
        self.feature.blockSignals(True)
        self.feature.clear()
        self.feature.addItems(shown)
        self.feature.setCurrentIndex(max(0, shown.index(before) if before in shown else 0))
        self.feature.blockSignals(False)
        self.feature.setEnabled(bool(shown))
        self._draw()

    def clear(self) -> None:
        """Show nothing."""
        self._file = None
        self.feature.clear()
        self.feature.setEnabled(False)
        self.plot.clear_curve()

    def _choose(self) -> None:
        try:
            self._draw()
        except (OSError, ValueError) as error:  # moved or changed meanwhile
            self.clear()
            self.failed.emit(error)

    def _draw(self) -> None:
        name = self.feature.currentText()
        if self._file is None or self.feature.findText(name) < 0:
            return
        table = read_columns(self._file, ["time_s", name])
        unit = self._units.get(name, "")
        title = f"{name}, {unit}" if unit else name
        self.plot.show_curve(table["time_s"].to_numpy(float), table[name].to_numpy(float), title)


def columns_of(path: Path) -> tuple[list[str], dict[str, str]]:
    """Return the columns of a file of features, and their units where it holds them."""
    if path.suffix != ".parquet":
        return [str(name) for name in pd.read_csv(path, nrows=0).columns], {}
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    return list(schema.names), {
        field.name: field.metadata[b"unit"].decode()
        for field in schema
        if field.metadata and b"unit" in field.metadata
    }


def read_columns(path: Path, names: list[str]) -> pd.DataFrame:
    """Return some columns of a file of features."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path, columns=names)
    return pd.read_csv(path, usecols=names)


def thinned(time: np.ndarray, values: np.ndarray, most: int = DRAWN) -> tuple[np.ndarray, np.ndarray]:
    """Return a curve (T,) with its extremes at most ``most`` points long, in the order of time."""
    if len(values) <= most:
        return time, values
    edges = np.linspace(0, len(values), most // 2 + 1).astype(int)
    kept = []
    for a, b in pairwise(edges.tolist()):
        part = values[a:b]
        if np.isfinite(part).any():
            kept += sorted({a + int(np.nanargmin(part)), a + int(np.nanargmax(part))})
        else:
            kept.append(a)
    rows = np.array(kept)
    return time[rows], values[rows]
