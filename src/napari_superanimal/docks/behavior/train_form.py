"""The tab Train & predict: what to learn from, what came of it, and predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from napari_superanimal.docks.behavior.recordings import RecordingTable
from napari_superanimal.docks.behavior.session import BehaviorSession
from napari_superanimal.parts.form_parts import MARGIN, SPACING, Caption, Message, narrow_form, row
from napari_superanimal.parts.tables import (
    fill_row,
    height_of,
    make_plain,
    make_small,
    make_still,
    set_heads,
    swatch,
)  # fmt: skip
from superanimal.behavior.bouts import labels_of
from superanimal.errors import InputError

CLASSIFIERS = {
    "ensemble": "Ensemble (most accurate)",
    "boosting": "Boosting",
    "forest": "Random forest",
    "mlp": "Neural network of the paper",
    "logistic": "Logistic regression (fastest)",
}
PRESETS = {"default": "Default features", "paper": "Features of the paper"}
SCORES = (
    ("Class", "What the model tells apart."),
    ("F1", "Out of fold: on parts or recordings that were left out in training. 1 is perfect."),
    ("Frames", "Labelled frames."),
    ("Recordings", "Recordings in which it occurs."),
)


class TrainForm(QWidget):
    """Asks for a training and a prediction, and shows how good a model is.

    Signals
    -------
    changed()
        A person changed something.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._left_out: set[str] = set()
        self.own = QCheckBox("Learn from the labels of these poses")
        self.own.setChecked(True)
        self.recordings = RecordingTable()
        self.add_button, self.remove_button = QPushButton("Add recording…"), QPushButton("Remove")
        self.add_button.setToolTip("Learn from a pose file and a file of its labels, too.")
        self.remove_button.setToolTip("Do not learn from the selected recordings.")
        self.classes = QListWidget()
        self.classes.setToolTip("Behaviours to learn. Bouts of others count as not labelled.")
        self.classes.setFlow(QListWidget.Flow.LeftToRight)
        self.classes.setWrapping(True)
        self.classes.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.classes.setSpacing(2)
        self.classes.setFixedHeight(2 * (self.classes.fontMetrics().height() + 12))
        self.other = QCheckBox("Everything not labelled is “other”")
        self.other.setToolTip(
            "Tick it if every occurrence was labelled. Otherwise frames without a label are left out of "
            "training, and are given to one of the classes in prediction."
        )
        self.other.setChecked(True)
        self.places = QCheckBox("Distances to the drawn regions are features")
        self.places.setToolTip("For behaviour at certain places, such as rears at the wall; see Results.")
        self.classifier, self.preset = QComboBox(), QComboBox()
        for box, choices in ((self.classifier, CLASSIFIERS), (self.preset, PRESETS)):
            for name, title in choices.items():
                box.addItem(title, name)
        self.name = QLineEdit("behavior_model")
        self.name.setToolTip("Name of the folder of the model.")
        self.where = Caption()
        self.scores, self.score_said, self.doubt = QTableWidget(0, len(SCORES)), Caption(), Message()
        self.predict_button, self.open_button = (
            QPushButton("Predict on these poses"),
            QPushButton("Open model…"),
        )
        self.predict_button.setToolTip("Show what the model finds, in pale bars below the labels.")
        self.open_button.setToolTip("Predict with a model that was trained before.")
        self._lay_out()
        self.own.toggled.connect(self.changed)
        self.recordings.changed.connect(self._on_recordings)
        self.recordings.itemSelectionChanged.connect(self._update)
        self.remove_button.clicked.connect(self.recordings.remove)
        self.classes.itemChanged.connect(self._on_ticked)
        self.name.textEdited.connect(self.changed)
        self._on_recordings()

    def _lay_out(self) -> None:
        make_small(self.scores)
        make_plain(self.scores)
        make_still(self.scores)
        set_heads(self.scores, SCORES)
        form = narrow_form()
        form.addRow("Classes", self.classes)
        form.addRow("", self.other)
        form.addRow("Classifier", self.classifier)
        form.addRow("Features", self.preset)
        form.addRow("", self.places)
        form.addRow("Model", self.name)
        form.addRow("", self.where)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        for part in (
            self.own,
            self.recordings,
            row(self.add_button, self.remove_button),
        ):
            layout.addWidget(part)
        layout.addLayout(form)
        for part in (self.score_said, self.scores, self.doubt, row(self.predict_button, self.open_button)):
            layout.addWidget(part)
        layout.addStretch(1)

    def show_session(self, session: BehaviorSession, folder: Path) -> None:
        """Show which classes there are, and where a model is saved."""
        names = set(labels_of(session.own())) if self.own.isChecked() else set()
        names |= self.recordings.labels
        self.classes.blockSignals(True)
        self.classes.clear()
        for name in sorted(names):
            item = QListWidgetItem(name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked if name in self._left_out else Qt.CheckState.Checked)
            if name in session.colors:
                item.setIcon(swatch(session.colors[name]))
            self.classes.addItem(item)
        self.classes.blockSignals(False)
        where = str(folder.absolute() / self.name.text().strip())
        self.where.setText(self.where.fontMetrics().elidedText(where, Qt.TextElideMode.ElideMiddle, 330))
        self.where.setToolTip(where)

    @property
    def ticked(self) -> list[str]:
        """Behaviours to learn."""
        items = [self.classes.item(number) for number in range(self.classes.count())]
        return [item.text() for item in items if item and item.checkState() == Qt.CheckState.Checked]

    def options(self) -> dict[str, Any]:
        """Return keyword arguments of :func:`napari_superanimal.train_behavior`.

        Raises
        ------
        InputError
            When the model has no name.
        """
        if not self.name.text().strip():
            raise InputError("the model has no name", remedy="type one")
        return {
            "own": self.own.isChecked(),
            "others": self.recordings.recordings,
            "labels": self.ticked,
            "classes": None if self.other.isChecked() else self.ticked,
            "classifier": self.classifier.currentData(),
            "preset": self.preset.currentData(),
        }

    def ask_recording(self, folder: Path) -> tuple[Path, Path] | None:
        """Ask for a pose file and a file of its labels."""
        poses, _ = QFileDialog.getOpenFileName(self, "Poses of another recording", str(folder))
        if not poses:
            return None
        title = f"Labels of {Path(poses).name}"
        labels, _ = QFileDialog.getOpenFileName(self, title, str(Path(poses).parent))
        return (Path(poses), Path(labels)) if labels else None

    def show_scores(self, name: str, scores: pd.DataFrame | None, notes: list[str]) -> None:
        """Show how good a model is and what limits it."""
        known = scores is not None
        for part in (self.scores, self.score_said):
            part.setVisible(known)
        self.doubt.clear()
        if scores is not None:
            self.score_said.setText(f"<b>{name}</b>: macro F1 {scores['f1'].mean():.2f}, out of fold")
            self.scores.setRowCount(len(scores))
            for number, one in enumerate(scores.to_dict("records")):
                figures = (f"{one['f1']:.2f}", f"{one['frames']:,}", str(one["groups"]))
                fill_row(self.scores, number, (str(one["label"]), *figures))
            self.scores.setFixedHeight(height_of(self.scores, min(len(scores), 6)))
        if notes:
            self.doubt.show_text("warning", "\n".join(notes))

    def _on_ticked(self, item: QListWidgetItem) -> None:
        ticked = item.checkState() == Qt.CheckState.Checked
        (self._left_out.discard if ticked else self._left_out.add)(item.text())

    def _on_recordings(self) -> None:
        some = bool(self.recordings.recordings)
        self.recordings.setVisible(some)
        self.remove_button.setVisible(some)
        self._update()
        self.changed.emit()

    def _update(self) -> None:
        self.remove_button.setEnabled(bool(self.recordings.selectedIndexes()))
