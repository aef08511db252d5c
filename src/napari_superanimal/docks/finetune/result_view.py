"""Result of a training: verdict, labels and predictions, figures before and after, forgetting."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from qtpy.QtCore import Qt, QUrl, Signal
from qtpy.QtGui import QDesktopServices, QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHeaderView,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_superanimal.docks.finetune.compare_canvas import CompareCanvas
from napari_superanimal.parts.form_parts import (
    MARGIN,
    SPACING,
    Caption,
    EmptyState,
    Message,
    WrappedCaption,
    row,
    sentence,
)
from superanimal.training.finetuning.run_folder import Comparison, Forgetting, TrainingResult

FIGURES = {
    "mean_euclidean_px": ("Mean error (px)", 2, "Mean distance between label and prediction."),
    "p50_px": ("Median error (px)", 2, "Half of the points have a smaller error."),
    "p95_px": ("95 % of errors below (px)", 2, "5 % of the points have a larger error."),
    "AP": ("Average precision", 3, "COCO mAP over OKS thresholds 0.5 to 0.95; 1 is perfect."),
    "PCK@0.1": ("Within 0.1 animal lengths", 3, "Fraction of points with an error below 0.1 animal lengths."),
    "missed_keypoints": ("Keypoints missed", 3, "Fraction of labelled points without a prediction."),
    "calibration_error": (
        "Calibration error",
        3,
        "Deviation of the confidence from the fraction of correct points.",
    ),
}
HIGHER_IS_BETTER = ("AP", "PCK@0.1")


class ResultView(QWidget):
    """Shows a :class:`~superanimal.training.finetuning.run_folder.TrainingResult`.

    Signals
    -------
    used()
        The user chose the trained model.
    kept()
        The user kept the base model.
    """

    used = Signal()
    kept = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.result: TrainingResult | None = None
        self._animal = 0
        self.verdict = Message()
        self.canvas = CompareCanvas()
        self.previous_button, self.next_button = QPushButton("◀"), QPushButton("▶")
        self.place = Caption()
        self.names = QCheckBox("Names")
        self.table = QTableWidget(0, 3)
        self.forgetting = WrappedCaption()
        self.notes = WrappedCaption()
        self.use_button, self.keep_button = QPushButton(), QPushButton("Keep the base model")
        self.folder_button = QPushButton("Open folder")
        self._lay_out()
        self.previous_button.clicked.connect(lambda: self.step(-1))
        self.next_button.clicked.connect(lambda: self.step(1))
        self.names.toggled.connect(self.canvas.show_names)
        self.use_button.clicked.connect(self.used)
        self.keep_button.clicked.connect(self.kept)
        self.folder_button.clicked.connect(self._open_folder)
        for keys, by in (("Alt+Left", -1), ("Alt+Right", 1)):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda by=by: self.step(by))

    def _lay_out(self) -> None:
        for button in (self.previous_button, self.next_button):
            button.setFixedWidth(34)
        self.previous_button.setToolTip("Previous held-out animal (Alt+Left).")
        self.next_button.setToolTip("Next held-out animal (Alt+Right).")
        self.names.setToolTip("Show the name beside every label.")
        self.folder_button.setToolTip("Open the folder with model, report, curves and predictions.")
        self.table.setHorizontalHeaderLabels(["Held-out frames", "Before", "After"])
        lines, header = self.table.verticalHeader(), self.table.horizontalHeader()
        assert lines is not None and header is not None
        lines.setVisible(False)
        lines.setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setShowGrid(False)
        self.table.setMinimumHeight(90)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)

        pictures, figures = QWidget(), QWidget()
        above, below = QVBoxLayout(pictures), QVBoxLayout(figures)
        for layout in (above, below):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(SPACING)
        above.addWidget(row(self.place, self.names, self.previous_button, self.next_button, stretch=1))
        above.addWidget(self.canvas, 1)
        below.addWidget(self.table, 1)
        below.addWidget(self.forgetting)
        below.addWidget(self.notes)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(pictures)
        splitter.addWidget(figures)
        splitter.setSizes([280, 240])
        self.empty = EmptyState(
            "No result yet",
            "After training, held-out predictions and figures before and after are shown here.",
            [],
        )
        self.page = QWidget()
        layout = QVBoxLayout(self.page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACING)
        layout.addWidget(self.verdict)
        layout.addWidget(splitter, 1)
        layout.addWidget(row(self.use_button, self.keep_button, self.folder_button))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        outer.addWidget(self.empty)
        outer.addWidget(self.page, 1)
        self.show_result(None)

    def show_result(self, result: TrainingResult | None) -> None:
        """Show a result, or an empty state."""
        self.result, self._animal = result, 0
        self.empty.setVisible(result is None)
        self.page.setVisible(result is not None)
        if result is None:
            return
        good = result.recommended
        self.verdict.show_text(
            "good" if good else "warning", result.verdict, "\n".join(map(sentence, result.warnings))
        )
        self.use_button.setText("Use this model" if good else "Use it anyway")
        self.use_button.setToolTip(f"Choose {result.model} in Estimate poses.")
        self.keep_button.setToolTip(f"Choose {result.base_model} in Estimate poses.")
        self.keep_button.setVisible(not good)
        (self.use_button if good else self.keep_button).setDefault(True)
        self._fill_table(result)
        self.forgetting.setText(_forgetting(result.forgetting))
        notes = "\n".join(result.notes)
        self.notes.setText(notes)
        self.notes.setVisible(bool(notes))
        self.step(0)

    def step(self, by: int) -> None:
        """Show the next or previous held-out animal."""
        animals = self.result.animals if self.result is not None else []
        if self.result is None or not animals:
            self.place.setText("no held-out frames")
            self.canvas.show_comparison(Comparison(note="Nothing was held out."))
        else:
            self._animal = (self._animal + by) % len(animals)
            labels = self.result.labels
            image = labels.images[int(labels.image_index[animals[self._animal][2]])]
            self.place.setText(f"{self._animal + 1} of {len(animals)} · {image.label.rsplit('/', 1)[-1]}")
            self.place.setToolTip(f"{image.label}\nRing: your label. Dot: prediction. Line: error.")
            self.canvas.show_comparison(self.result.comparison(self._animal))
        for button in (self.previous_button, self.next_button):
            button.setEnabled(len(animals) > 1)

    def _fill_table(self, result: TrainingResult) -> None:
        figures = result.figures
        lines = [
            (title, *figures[key], digits, tip, key in HIGHER_IS_BETTER)
            for key, (title, digits, tip) in FIGURES.items()
            if key in figures
        ]
        lines += [
            (name, before, after, 2, "Mean error (px) of this keypoint.", False)
            for name, before, after in result.keypoint_errors
        ]
        self.table.setRowCount(len(lines))
        for i, (title, old, new, digits, tip, higher) in enumerate(lines):
            cells = [_item(title, tip), _item(_number(old, digits), tip), _item(_number(new, digits), tip)]
            for column, item in enumerate(cells):
                self.table.setItem(i, column, item)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if _is_number(old) and _is_number(new) and (new > old if higher else new < old):
                font = cells[2].font()
                font.setBold(True)
                cells[2].setFont(font)

    def _open_folder(self) -> None:
        if self.result is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.result.folder)))


def _forgetting(facts: Forgetting | None) -> str:
    if facts is None:
        return "Forgetting: not measured, because the model has no keypoints besides those you labelled."
    text = f"Forgetting, over the {facts.keypoints} keypoints you did not label: "
    if facts.lost is not None:
        text += f"{facts.lost:.1%} of the confident predictions are no longer confident"
    if facts.moved_px is not None:
        text += f"; the others moved by {facts.moved_px:.1f} px (median)"
    return f"{text}."


def _item(text: str, tip: str) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    item.setToolTip(f"{text}: {tip}")
    return item


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _number(value: Any, digits: int) -> str:
    return f"{value:.{digits}f}" if _is_number(value) else "–"
