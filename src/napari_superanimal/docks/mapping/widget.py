"""The dock widget "Keypoint mapping": map the keypoints of a data set to those of a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import napari
from napari.utils.notifications import show_info
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from napari_superanimal import console
from napari_superanimal.docks.mapping.job import MatchJob, sample_of
from napari_superanimal.docks.mapping.pair_canvas import PairCanvas
from napari_superanimal.docks.mapping.pair_table import NOTHING, WARNING_COLOR, PairTable
from napari_superanimal.docks.mapping.session import Session
from napari_superanimal.jobs import Report
from napari_superanimal.parts.form_parts import (
    Caption,
    EmptyState,
    Message,
    fill_dock,
    narrow_form,
    page_of,
    row,
)
from napari_superanimal.parts.job_panel import JobPanel
from napari_superanimal.parts.labels_menu import LabelsMenu
from napari_superanimal.parts.model_choice import ModelChoice
from superanimal.errors import InputError
from superanimal.keypoints.mapping import KeypointMapping
from superanimal.labels.labelled_set import LabelledSet
from superanimal.zoo.home import home

IMAGES = 50
"""Default number of images to match: enough for a score, and takes seconds on a CPU."""


class KeypointMappingWidget(QWidget):
    """Load labels, press Auto-match, correct the pairs, save the table.

    Parameters
    ----------
    viewer
        The viewer; its labelled Points layers can be used as data sets.

    Signals
    -------
    edited(KeypointMapping)
        The mapping was replaced or edited.
    """

    edited = Signal(object)

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self.session: Session | None = None
        self._labels: LabelledSet | None = None
        self._source = ""
        self._mappings: dict[tuple[str, str], KeypointMapping] = {}
        self._animal = 0

        self.menu = LabelsMenu(viewer, self)
        self.data_set = QLabel()
        self.open_button, self.empty_open = QPushButton("Open…"), QPushButton("Open labels…")
        self.model = ModelChoice()
        self.most = QSpinBox()
        self.panel = JobPanel(
            self,
            (
                "Auto-match",
                "Run the model on your images and pair keypoints by position.",
                self.auto_match,
            ),
            ("Cancel", "Stop. The table stays as it is."),
        )
        self.previous_button, self.next_button = QPushButton("◀"), QPushButton("▶")
        self.place = Caption()
        self.names = QCheckBox("Names")
        self.canvas = PairCanvas()
        self.summary = Caption()
        self.table = PairTable()
        self.doubt = QLabel()
        self.unmap_button, self.new_button = QPushButton("Unmap"), QPushButton("New keypoint")
        self.join_button = QPushButton("Join")
        self.undo_button, self.redo_button = QPushButton("Undo"), QPushButton("Redo")
        self.load_button, self.save_button = QPushButton("Load table…"), QPushButton("Save table…")
        self.message = self.panel.message
        self._describe()
        self._lay_out()
        self._connect()
        self._show()

    def _describe(self) -> None:
        tips: dict[QWidget, str] = {
            self.open_button: "Open another labelled data set, or use a labelled Points layer.",
            self.most: "Maximum number of labelled images used, evenly spread over the data set.",
            self.previous_button: "Previous labelled animal (Alt+Left).",
            self.next_button: "Next labelled animal (Alt+Right).",
            self.names: "Show the name beside every point.",
            self.unmap_button: "Leave the selected keypoint without a counterpart (Delete).",
            self.new_button: "Add the selected keypoint to the keypoint space (Shift+N).",
            self.join_button: "Several of your keypoints on one: use their mean, or the first labelled one.",
            self.undo_button: "Undo the latest change (Ctrl+Z).",
            self.redo_button: "Redo (Ctrl+Shift+Z).",
            self.load_button: "Load a conversion table (csv).",
            self.save_button: "Save the conversion table (csv), and the space if it has new keypoints.",
        }
        for widget, tip in tips.items():
            widget.setToolTip(tip)

    def _lay_out(self) -> None:
        self.most.setRange(1, 10_000)
        self.most.setValue(IMAGES)
        self.most.setKeyboardTracking(False)
        self.data_set.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.data_set.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for button in (self.previous_button, self.next_button):
            button.setFixedWidth(34)
        self.doubt.setStyleSheet(f"color: {WARNING_COLOR.name()}")
        self.doubt.setWordWrap(True)
        self.doubt.setFixedHeight(3 * self.fontMetrics().lineSpacing() + 4)
        self.doubt.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        rules = QMenu(self.join_button)
        rules.addAction("Mean of all", lambda: self._join("mean"))
        rules.addAction("First that is labelled", lambda: self._join("first"))
        self.join_button.setMenu(rules)

        form = narrow_form()
        form.addRow("Labels", row(self.data_set, self.open_button, stretch=1))
        form.addRow("Model", self.model)
        self.most_caption = QLabel()
        form.addRow("Images", row(self.most, self.most_caption))

        pictures = QWidget()
        above = QVBoxLayout(pictures)
        above.setContentsMargins(0, 0, 0, 0)
        above.addWidget(row(self.place, self.names, self.previous_button, self.next_button, stretch=1))
        above.addWidget(self.canvas, 1)
        pairs = QWidget()
        below = QVBoxLayout(pairs)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.summary)
        below.addWidget(self.table, 1)
        below.addWidget(self.doubt)
        below.addWidget(row(self.unmap_button, self.new_button, self.join_button))
        below.addWidget(row(self.undo_button, self.redo_button, self.load_button, self.save_button))
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(pictures)
        splitter.addWidget(pairs)
        splitter.setSizes([300, 340])

        self.empty_message = Message()
        empty = EmptyState(
            "Open labelled images first",
            "A DeepLabCut, Lightning Pose, COCO, SLEAP, Label Studio or NWB data set, or a Points layer "
            "whose points have a feature 'keypoint'. Then press Auto-match and check the pairs.",
            [self.empty_open],
            self.empty_message,
        )
        page = page_of(form, self.panel, splitter, grow=splitter)
        self.pages = fill_dock(self, empty, page)
        self.pages.setMinimumWidth(400)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def _connect(self) -> None:
        self.open_button.setMenu(self.menu)
        self.empty_open.setMenu(self.menu)
        self.menu.tell(self.message, self.empty_message)
        self.menu.read.connect(self._on_read)
        self.model.changed.connect(self._show_session)
        self.model.failed.connect(self.message.show_error)
        self.most.valueChanged.connect(self._show_session)
        for signal in (self.menu.began, self.menu.failed, self.model.accepted, self.panel.changed):
            signal.connect(self._update_buttons)
        self.panel.ended.connect(self._on_ended)
        self.previous_button.clicked.connect(lambda: self.step(-1))
        self.next_button.clicked.connect(lambda: self.step(1))
        self.names.toggled.connect(self.canvas.show_names)
        self.canvas.chosen.connect(self.table.choose)
        self.canvas.paired.connect(self.assign)
        self.table.chosen.connect(self._on_chosen)
        self.table.entered.connect(self.enter, Qt.ConnectionType.QueuedConnection)
        self.table.unmapped.connect(self.unmap)
        self.table.added.connect(self.add)
        self.table.joined.connect(self.join)
        self.unmap_button.clicked.connect(lambda: self.unmap(self.table.current))
        self.new_button.clicked.connect(lambda: self.add(self.table.current))
        self.undo_button.clicked.connect(self.undo)
        self.redo_button.clicked.connect(self.redo)
        self.load_button.clicked.connect(self.load_table)
        self.save_button.clicked.connect(self.save_table)

    # ---------------------------------------------------------------- labels and model

    def work_on(self, labels: LabelledSet, source: str, model: str) -> None:
        """Use labels that are open in another dock, and a model by name."""
        self._labels, self._source = labels, source
        if self.model.box.currentData() == model:
            self._show_session()
        else:
            self.model.choose(model)

    def _on_read(self, labels: LabelledSet, source: str) -> None:
        self._labels, self._source = labels, source
        self._show_session()

    def _show_session(self) -> None:
        """Start or resume the mapping of the labels to the chosen model or space."""
        if self._labels is None:
            return
        self.panel.end()
        labels = sample_of(self._labels, self.most.value())
        space = self.model.space
        key = (self._source, space.name)
        mapping = self._mappings.get(key)
        known = mapping is not None and mapping.keypoints == labels.keypoints
        if mapping is None or not known:
            mapping = self._mappings[key] = KeypointMapping(labels.name or "labels", labels.keypoints, space)
            mapping.propose_by_name()
        self.session = Session(labels, mapping, self.model.title, can_match=self.model.entry is not None)
        self._animal = 0
        self.most_caption.setText(f"at most, of {len(self._labels):,}")
        self.message.clear()
        if not known:
            named = len(mapping.keypoints) - len(mapping.unmapped)
            text = f"{named} of {len(mapping.keypoints)} keypoints were mapped by name."
            self.message.show_text("info", text, "Auto-match compares their positions.")
        self._show(fit=True)
        self.table.setFocus()

    # ---------------------------------------------------------------- auto-match

    def auto_match(self) -> None:
        """Match the keypoints by position, in a separate process."""
        entry, session = self.model.entry, self.session
        if entry is not None and session is not None:
            accepted = self.model.accept.isChecked()
            self.panel.attempt(
                lambda: self.panel.begin(
                    console.match_keypoints(session.labels, model=entry.name, accept_license=accepted)
                )
            )

    def _on_ended(self, report: Report) -> None:
        session, job = self.session, cast("MatchJob", self.panel.job)
        if session is None or job.matching is None or job.predictions is None:
            return
        session.take(job.matching, job.predictions)
        images, animals = job.matching.facts["images"], job.matching.facts["animals"]
        text = f"Matched {len(job.matching.pairs)} of {len(session.mapping.keypoints)} keypoints"
        general = [  # doubts about a single keypoint are shown in its row
            text[:1].upper() + text[1:]
            for text in job.matching.warnings
            if text.split(" ")[0] not in session.mapping.keypoints
        ]
        self.message.show_text(
            "warning" if general else "good",
            f"{text} ({images} images, {animals} animals).",
            "\n".join(general),
        )
        self._show(fit=True)

    # ---------------------------------------------------------------- edits

    def assign(self, keypoint: str, target: str) -> None:
        """Map a keypoint to one of the space."""
        self._edit(lambda mapping: mapping.assign(keypoint, target))
        self.table.choose(keypoint)

    def enter(self, keypoint: str, text: str) -> None:
        """Map a keypoint to a typed target: a name, or a unique part of a name."""
        if text == NOTHING:
            self.unmap(keypoint)
        else:
            self._edit(lambda mapping: mapping.assign(keypoint, mapping.find(text)))
        self.table.setFocus()

    def unmap(self, keypoint: str) -> None:
        """Leave a keypoint without a counterpart."""
        self._edit(lambda mapping: mapping.unmap(keypoint))

    def add(self, keypoint: str) -> None:
        """Mark a keypoint as new in the space."""
        self._edit(lambda mapping: mapping.add(keypoint))

    def join(self, target: str, rule: str) -> None:
        """Set how several keypoints mapped to one are combined."""
        self._edit(lambda mapping: mapping.join(target, rule))

    def undo(self) -> None:
        """Undo the latest change."""
        self._edit(lambda mapping: mapping.undo())

    def redo(self) -> None:
        """Redo the change that was undone last."""
        self._edit(lambda mapping: mapping.redo())

    def _join(self, rule: str) -> None:
        if self.session is not None and self.table.current:
            self.join(self.session.mapping.target(self.table.current), rule)

    def _edit(self, action: Callable[[KeypointMapping], Any]) -> None:
        session = self.session
        if session is not None:
            self.panel.attempt(lambda: action(session.mapping))
            self._show()

    # ---------------------------------------------------------------- table file

    def load_table(self) -> None:
        """Ask for a conversion table and load it."""
        path, _ = QFileDialog.getOpenFileName(
            self, "Load a conversion table", "", "Conversion tables (*.csv)"
        )
        session = self.session
        if not path or session is None:
            return
        self._edit(lambda mapping: mapping.read(path, self._column(path, mapping.column)))
        if self.message.kind != "error":
            self.message.show_text("good", f"Loaded {path}.")

    def _column(self, path: str, name: str) -> str | None:
        """Return the column of the data set; ask if the table has several and none matches its name."""
        from superanimal.keypoints.conversion_table import load_table

        columns = list(load_table(path).columns)
        if name in columns or len(columns) == 1:
            return name if name in columns else None
        chosen, ok = QInputDialog.getItem(
            self, "Load a conversion table", f"Which column belongs to {name}?", columns, 0, False
        )
        if not ok:
            raise InputError(f"no column of {path} was chosen", "a table has one column per data set")
        return chosen

    def save_table(self) -> None:
        """Ask for a file and save the conversion table; the dialog asks before replacing a file."""
        session = self.session
        if session is None:
            return
        start = f"{session.mapping.column}.csv"
        path, _ = QFileDialog.getSaveFileName(self, "Save the table", start, "Conversion tables (*.csv)")
        if not path:
            return
        target = Path(path) if Path(path).suffix else Path(path).with_suffix(".csv")
        asked = target == Path(path)  # without this suffix the dialog asked about another file
        written: list[Path] = []
        self._edit(lambda mapping: written.extend(mapping.write(target, overwrite=asked)))
        if written:
            left_out = len(session.mapping.unmapped)
            note = f"{left_out} of your keypoints are left out." if left_out else ""
            self.message.show_text("good", "Saved " + ", ".join(map(str, written)), note)

    # ---------------------------------------------------------------- display

    def step(self, by: int) -> None:
        """Show the next or previous labelled animal."""
        if self.session is not None:
            self._animal = (self._animal + by) % len(self.session.animals)
            self._show(fit=True)

    def _show(self, fit: bool = False) -> None:
        session = self.session
        self.pages.setCurrentIndex(0 if session is None else 1)
        if session is None:
            self._update_buttons()
            return
        labels, mapping = session.labels, session.mapping
        self.edited.emit(mapping)
        title = f"{labels.name} · {len(labels.keypoints)} keypoints"
        self.data_set.setText(
            self.data_set.fontMetrics().elidedText(title, Qt.TextElideMode.ElideMiddle, 260)
        )
        self.data_set.setToolTip("\n".join([self._source, *labels.notes]))
        self.table.show_rows(session.rows(), mapping.space.keypoints)
        animal = int(session.animals[self._animal])
        self.canvas.show_picture(session.picture(animal), fit=fit)
        image = int(labels.image_index[animal])
        who = f" · {labels.individuals[animal]}" if len(labels.animals_of(image)) > 1 else ""
        name = Path(labels.images[image].label).name
        self.place.setText(f"{self._animal + 1} of {len(session.animals)} · {name}{who}")
        self.place.setToolTip(labels.images[image].label)
        mapped = len(mapping.keypoints) - len(mapping.unmapped)
        parts = [f"{mapped} of {len(mapping.keypoints)} mapped"]
        if mapping.added:
            parts.append(f"{len(mapping.added)} new")
        doubts = len(session.doubtful())
        parts.append(f"{doubts} to check" if doubts else "nothing to check")
        parts.append("not saved" if mapping.modified else "")
        self.summary.setText(" · ".join(filter(None, parts)))
        self._on_chosen(self.table.current)
        self._update_buttons()

    def _on_chosen(self, keypoint: str) -> None:
        self.canvas.choose(keypoint)
        session = self.session
        doubts = session.mapping.warnings(session.matching).get(keypoint, []) if session else []
        self.doubt.setText(f"{keypoint}: {'; '.join(map(str, doubts))}" if doubts else "")
        self._update_buttons()

    def _update_buttons(self) -> None:
        session, busy = self.session, self.panel.running or self.menu.busy
        self.panel.allow(session is not None and self.model.usable and not busy)
        for widget in (self.open_button, self.empty_open, self.model, self.most):
            widget.setEnabled(not busy)
        mapping = session.mapping if session is not None else None
        target = mapping.target(self.table.current) if mapping and self.table.current else ""
        self.unmap_button.setEnabled(bool(target))
        self.new_button.setEnabled(bool(self.table.current) and (not mapping or target not in mapping.added))
        self.join_button.setEnabled(mapping is not None and target in mapping.conflicts)
        self.undo_button.setEnabled(mapping is not None and mapping.can_undo)
        self.redo_button.setEnabled(mapping is not None and mapping.can_redo)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Undo, redo, previous and next animal."""
        alt = event.modifiers() == Qt.KeyboardModifier.AltModifier
        if event.matches(QKeySequence.StandardKey.Undo):
            self.undo()
        elif event.matches(QKeySequence.StandardKey.Redo):
            self.redo()
        elif alt and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.step(1 if event.key() == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Stop the job, remove temporary images and keep unsaved edits."""
        self.panel.end()
        self.menu.release()
        kept = [mapping.write_draft(home() / "drafts") for mapping in self._mappings.values()]
        self._mappings.clear()
        if paths := [str(path) for path in kept if path is not None]:
            show_info(
                f"The keypoint mapping was not saved; it is kept in {', '.join(paths)}. Load table… opens it."
            )
        super().closeEvent(event)
