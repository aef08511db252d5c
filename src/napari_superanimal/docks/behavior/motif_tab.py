"""The tab Motifs: behaviour that nobody labelled, found, looked at and played."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QComboBox, QPushButton, QSpinBox, QTableWidget, QVBoxLayout, QWidget

from napari_superanimal.docks.behavior.embedding_plot import EmbeddingPlot, colors_of
from napari_superanimal.docks.behavior.session import BehaviorSession
from napari_superanimal.parts.form_parts import MARGIN, SPACING, WrappedCaption, narrow_form, row
from napari_superanimal.parts.tables import fill_row, height_of, make_plain, make_small, set_heads, swatch
from superanimal.behavior.motifs import Motifs

METHODS = {
    "hmm": "Postures and movements (HMM)",
    "arhmm": "Laws of movement (AR-HMM)",
    "cluster": "Dense clouds of the embedding",
}
EMBEDDINGS = {"pca": "PCA", "umap": "UMAP (extra)", "cebra": "CEBRA (extra)"}
HEADS = (
    ("Motif", "Click one to play its most typical bouts."),
    ("Share", "Of the time."),
    ("Bouts", ""),
    ("Bout s", "Median duration, seconds."),
)
AROUND_S = 0.25
"""Seconds that are played before and after what is chosen."""
HINT = "Click a point to go to its frame; drag a rectangle to choose points, and play them."


class MotifTab(QWidget):
    """Asks for a search of motifs and shows its result.

    Parameters
    ----------
    text, background
        Colours of the theme, ``#rrggbb``.

    Signals
    -------
    went(float, str)
        A time, seconds from frame 0, and the animal to show.
    """

    went = Signal(float, str)

    def __init__(self, text: str, background: str) -> None:
        super().__init__()
        self._session: BehaviorSession | None = None
        self._shown: Motifs | None = None
        self._left: list[tuple[float, str]] = []
        self._timer = QTimer(self)
        self.method, self.embedding, self.count = QComboBox(), QComboBox(), QSpinBox()
        for box, choices in ((self.method, METHODS), (self.embedding, EMBEDDINGS)):
            for name, title in choices.items():
                box.addItem(title, name)
        self.count.setRange(0, 50)
        self.count.setSpecialValueText("as many as two halves agree on")
        self.find_button, self.play_button = QPushButton("Find motifs"), QPushButton("Play chosen points")
        self.save_button = QPushButton("Save report…")
        self.find_button.setToolTip("In all animals of these poses; the viewer stays free.")
        self.play_button.setToolTip("Play the frames around the chosen points; click again to stop.")
        self.save_button.setToolTip("One page with the motifs, and their tables beside it.")
        self.plot, self.table = EmbeddingPlot(text, background), QTableWidget(0, len(HEADS))
        self.hint = WrappedCaption()
        self.hint.setText(HINT)
        make_small(self.table)
        make_plain(self.table)
        set_heads(self.table, HEADS)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setFixedHeight(height_of(self.table, 5))
        form = narrow_form()
        form.addRow("Method", self.method)
        form.addRow("Motifs", self.count)
        form.addRow("Embedding", self.embedding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addLayout(form)
        layout.addWidget(row(self.find_button, self.play_button, self.save_button))
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.hint)
        layout.addWidget(self.table)
        self.method.currentIndexChanged.connect(self._update)
        self.plot.clicked.connect(self._go)
        self.plot.chosen.connect(lambda rows: self._update())
        self.table.cellClicked.connect(lambda line, _: self._play_motif(line))
        self.play_button.clicked.connect(self._play_or_stop)
        self._timer.timeout.connect(self._tick)

    def options(self) -> dict[str, Any]:
        """Return keyword arguments of :func:`superanimal.behavior.segment`."""
        return {
            "method": self.method.currentData(), "embedding": self.embedding.currentData(),
            "motifs": self.count.value() or None,
        }  # fmt: skip

    def show_session(self, session: BehaviorSession) -> None:
        """Show the motifs of a session, if any were found."""
        if session is self._session and session.motifs is self._shown:
            return
        self._session, self._shown = session, session.motifs
        self.stop()
        motifs = session.motifs
        names = [] if motifs is None else motifs.summary["motif"].tolist()
        colors = colors_of(names)
        self.plot.show_frames(None if motifs is None else motifs.frames, colors)
        self.table.setRowCount(len(names))
        for number, one in enumerate([] if motifs is None else motifs.summary.to_dict("records")):
            figures = (f"{one['share']:.1%}", str(one["bouts"]), f"{one['median_s']:.2f}")
            fill_row(self.table, number, (str(one["motif"]), *figures), swatch(colors[str(one["motif"])]))
        self._update()

    @property
    def playing(self) -> bool:
        """Whether chosen frames are being played."""
        return self._timer.isActive()

    def play(self, stretches: pd.DataFrame) -> None:
        """Play stretches, ``start_s, end_s, individual``, one after the other."""
        session = self._session
        if session is None:
            return
        self._left = [
            (float(time), str(one["individual"]))
            for one in stretches.to_dict("records")
            for time in session.time[
                (session.time >= float(one["start_s"]) - AROUND_S)
                & (session.time <= float(one["end_s"]) + AROUND_S)
            ]
        ]
        if self._left:
            self._timer.start(max(10, round(1000 / (session.rate or 30.0))))
        self._update()

    def stop(self) -> None:
        """Stop playing."""
        self._timer.stop()
        self._left = []
        self._update()

    def _tick(self) -> None:
        if not self._left:
            self.stop()
            return
        time, individual = self._left.pop(0)
        self.went.emit(time, individual)

    def _play_or_stop(self) -> None:
        if self.playing:
            self.stop()
        else:
            self.play(self._stretches())

    def _stretches(self) -> pd.DataFrame:
        """Return the stretches of time in which chosen points lie, those near each other joined."""
        assert self._session is not None and self._session.motifs is not None
        chosen = self._session.motifs.frames.iloc[self.plot.rows]
        parts = []
        for individual, own in chosen.groupby("individual", sort=False):
            times = np.sort(own["time_s"].to_numpy(float))
            cut = np.flatnonzero(np.diff(times) > 2 * AROUND_S)
            first, last = times[np.append(0, cut + 1)], times[np.append(cut, len(times) - 1)]
            parts.append(pd.DataFrame({"start_s": first, "end_s": last, "individual": individual}))
        return pd.concat(parts) if parts else pd.DataFrame(columns=["start_s", "end_s", "individual"])

    def _play_motif(self, line: int) -> None:
        item, session = self.table.item(line, 0), self._session
        if item is None or session is None or session.motifs is None:
            return
        frames, clips = session.motifs.frames, session.motifs.clips
        self.plot.choose(np.flatnonzero((frames["motif"] == item.text()).to_numpy()))
        self.play(clips[clips["motif"] == item.text()])

    def _go(self, number: int) -> None:
        if self._session is not None and self._session.motifs is not None:
            one = self._session.motifs.frames.iloc[number]
            self.went.emit(float(one["time_s"]), str(one["individual"]))
        self._update()

    def _update(self) -> None:
        found = self._session is not None and self._session.motifs is not None
        self.count.setEnabled(self.method.currentData() != "cluster")
        self.play_button.setText("Stop" if self.playing else "Play chosen points")
        self.play_button.setEnabled(self.playing or (found and len(self.plot.rows) > 0))
        self.save_button.setEnabled(found)
