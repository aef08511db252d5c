"""The tab Results: time budget, bouts, report."""

from __future__ import annotations

from typing import Any

import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_superanimal.docks.behavior.session import BehaviorSession
from napari_superanimal.parts.form_parts import MARGIN, SPACING, Caption, narrow_form, row
from napari_superanimal.parts.small_table import make_small, swatch
from superanimal.behavior.results.tables import time_budget

LABELLED, PREDICTED = range(2)
GREY = "#808080"
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
    """

    went = Signal(float)
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._session: BehaviorSession | None = None
        self.source = QComboBox()
        self.source.addItems(["Labels", "Predictions"])
        self.source.setToolTip("What is summed up and reported.")
        self.budget, self.bouts = _table(BUDGET), _table(BOUTS)
        self.bouts.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.bouts.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.budget.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.budget.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.budget_said, self.bouts_said = Caption("Time budget"), Caption("Bouts: click one to go there")
        self.save_button, self.report_button = QPushButton("Save tables…"), QPushButton("Save report…")
        self.save_button.setToolTip(
            "Bouts, time budget, transitions, measures as csv, and figures, in a folder."
        )
        self.report_button.setToolTip("One page with tables and figures that any browser shows.")
        form = narrow_form()
        form.addRow("Results of", self.source)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addLayout(form)
        for part in (self.budget_said, self.budget, self.bouts_said):
            layout.addWidget(part)
        layout.addWidget(self.bouts, 1)
        layout.addWidget(row(self.save_button, self.report_button))
        self.source.currentIndexChanged.connect(self._on_source)
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
            _fill(
                self.budget,
                number,
                (name, *figures, f"{one['mean_s']:.2f}", f"{one['latency_s']:.2f}"),
                colors[label],
            )
        height = self.budget.fontMetrics().height() + 8
        self.budget.setFixedHeight((min(max(len(budget), 2), 6) + 1) * height + 6)
        self.bouts.blockSignals(True)
        self.bouts.setRowCount(len(bouts))
        self.bouts.setColumnHidden(len(BOUTS) - 1, not several)
        for number, one in enumerate(bouts.to_dict("records")):
            times = (one["start_s"], one["end_s"], one["end_s"] - one["start_s"])
            texts = (str(one["label"]), *(f"{time:.2f}" for time in times), str(one["individual"]))
            _fill(self.bouts, number, texts, colors[str(one["label"])])
        self.bouts.blockSignals(False)
        for button in (self.save_button, self.report_button):
            button.setEnabled(len(bouts) > 0)

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
    side: Any = table.verticalHeader()
    side.hide()
    side.setDefaultSectionSize(table.fontMetrics().height() + 8)
    header: Any = table.horizontalHeader()
    header.setHighlightSections(False)
    for column, title in enumerate(heads):
        head = QTableWidgetItem(title)
        align = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
        head.setTextAlignment(align | Qt.AlignmentFlag.AlignVCenter)
        table.setHorizontalHeaderItem(column, head)
        mode = QHeaderView.ResizeMode.ResizeToContents if column else QHeaderView.ResizeMode.Stretch
        header.setSectionResizeMode(column, mode)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)
    table.setWordWrap(False)
    table.setMinimumHeight(6 * (table.fontMetrics().height() + 8))
    return table


def _fill(table: QTableWidget, number: int, texts: tuple[str, ...], icon: Any) -> None:
    for column, text in enumerate(texts):
        item = QTableWidgetItem("–" if text == "nan" else text)
        if column:
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        else:
            item.setIcon(icon)
        table.setItem(number, column, item)
