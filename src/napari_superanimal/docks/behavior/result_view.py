"""The tab Results: time budget, bouts, report."""

from __future__ import annotations

from typing import Any

import pandas as pd
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from napari_superanimal.docks.behavior.lanes import GREY
from napari_superanimal.docks.behavior.session import BehaviorSession
from napari_superanimal.parts.form_parts import MARGIN, SPACING, Caption, narrow_form, row
from napari_superanimal.parts.tables import (
    fill_row,
    height_of,
    make_plain,
    make_small,
    make_still,
    set_heads,
    swatch,
)
from superanimal.behavior.results.tables import time_budget

LABELLED, PREDICTED = range(2)
BUDGET = ("Behaviour", "Share", "Total s", "Bouts", "Mean s", "First at s")
BOUTS = ("Behaviour", "Start s", "End s", "Lasts s", "Animal")


class ResultView(QWidget):
    """Sums up the labels or predictions of a session.

    Signals
    -------
    went(float)
        The user wants to see a time, seconds from frame 0.
    changed()
        Labels or predictions were chosen.
    named(list)
        The regions were given other names.
    """

    went = Signal(float)
    changed = Signal()
    named = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self._session: BehaviorSession | None = None
        self.source = QComboBox()
        self.source.addItems(["Labels", "Predictions"])
        self.source.setToolTip("What is summed up and reported.")
        self.budget, self.bouts = _table(BUDGET), _table(BOUTS)
        self.bouts.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.bouts.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        make_still(self.budget)
        self.budget_said, self.bouts_said = Caption("Time budget"), Caption("Bouts: click one to go there")
        self.save_button, self.report_button = QPushButton("Save tables…"), QPushButton("Save report…")
        self.save_button.setToolTip(
            "Bouts, time budget, transitions, measures as csv, and figures, in a folder."
        )
        self.report_button.setToolTip("One page with tables and figures that any browser shows.")
        self.draw_button, self.regions = QPushButton("Draw…"), QLineEdit()
        self.draw_button.setToolTip("Draw the arena first, then regions, in a layer of shapes.")
        self.regions.setPlaceholderText("none drawn")
        self.regions.setToolTip(
            "Names of the shapes in the order in which they were drawn, separated by commas. The one called "
            "arena has a centre and a periphery."
        )
        form = narrow_form()
        form.addRow("Results of", self.source)
        form.addRow("Regions", row(self.regions, self.draw_button, stretch=1))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addLayout(form)
        for part in (self.budget_said, self.budget, self.bouts_said):
            layout.addWidget(part)
        layout.addWidget(self.bouts, 1)
        layout.addWidget(row(self.save_button, self.report_button))
        self.source.currentIndexChanged.connect(self._on_source)
        self.regions.editingFinished.connect(self._on_names)
        self.bouts.currentCellChanged.connect(lambda row, *_: self._go(row))
        self.bouts.cellClicked.connect(lambda row, _: self._go(row))

    @property
    def predicted(self) -> bool:
        """Whether predictions are shown."""
        return self.source.currentIndex() == PREDICTED

    def show_session(self, session: BehaviorSession) -> None:
        """Show a session as it stands."""
        self._session = session
        item: Any = self.source.model().item(PREDICTED)  # type: ignore[union-attr]
        item.setEnabled(session.predicted is not None)
        if session.predicted is None and self.predicted:
            self.source.setCurrentIndex(LABELLED)
        predicted = session.predicted if self.predicted else None
        bouts = session.own() if predicted is None else predicted
        colors = {name: swatch(session.colors.get(name, GREY)) for name in set(bouts["label"])}
        several = len(session.individuals) > 1
        budget = time_budget(bouts, float(session.edges[-1])) if len(bouts) else pd.DataFrame()
        self.budget.setRowCount(len(budget))
        for number, one in enumerate(budget.to_dict("records")):
            label, who = str(one["label"]), str(one["individual"])
            name = f"{label}, {who}" if several and who else label
            figures = (f"{one['share']:.1%}", f"{one['total_s']:.1f}", str(one["bouts"]))
            ends = [f"{one[each]:.2f}".replace("nan", "–") for each in ("mean_s", "latency_s")]
            fill_row(self.budget, number, (name, *figures, *ends), colors[label])
        self.budget.setFixedHeight(height_of(self.budget, min(max(len(budget), 2), 6)))
        self.bouts.blockSignals(True)
        self.bouts.setRowCount(len(bouts))
        self.bouts.setColumnHidden(len(BOUTS) - 1, not several)
        for number, one in enumerate(bouts.to_dict("records")):
            times = (one["start_s"], one["end_s"], one["end_s"] - one["start_s"])
            texts = (str(one["label"]), *(f"{time:.2f}" for time in times), str(one["individual"]))
            fill_row(self.bouts, number, texts, colors[str(one["label"])])
        self.bouts.blockSignals(False)
        for button in (self.save_button, self.report_button):
            button.setEnabled(len(bouts) > 0)

    def show_regions(self, names: list[str]) -> None:
        """Show the names of the regions that are drawn."""
        self.regions.setText(", ".join(names))
        self.regions.setEnabled(bool(names))

    def _on_names(self) -> None:
        if self.regions.isModified():
            self.regions.setModified(False)
            self.named.emit([name.strip() for name in self.regions.text().split(",")])

    def _on_source(self) -> None:
        if self._session is not None:
            self.show_session(self._session)
            self.changed.emit()

    def _go(self, number: int) -> None:
        item = self.bouts.item(number, 1)
        if item is not None and self._session is not None:
            predicted = self._session.predicted if self.predicted else None
            bouts = self._session.own() if predicted is None else predicted
            self.went.emit(float(bouts["start_s"].iloc[number]))


def _table(heads: tuple[str, ...]) -> QTableWidget:
    table = QTableWidget(0, len(heads))
    make_small(table)
    make_plain(table)
    set_heads(table, [(title, "") for title in heads])
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setMinimumHeight(height_of(table, 5))
    return table
