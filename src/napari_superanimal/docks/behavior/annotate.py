"""The tab Annotate: which behaviours are labelled, by whom, with which keys; files in and out."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_superanimal.docks.behavior.behavior_table import BehaviorTable
from napari_superanimal.docks.behavior.session import BehaviorSession
from napari_superanimal.parts.form_parts import MARGIN, SPACING, WrappedCaption, narrow_form, row

HINT = (
    "Hold a key while the video plays or while you step; or tap it to begin a bout and again to end it. In "
    "the lanes above: drag the ends of a bar, Shift and a drag draw one, Delete removes the bar clicked last."
)


class AnnotateForm(QWidget):
    """Shows the behaviours and labels of a session.

    Signals
    -------
    rater_chosen(str)
        Another rater was chosen or typed.
    """

    rater_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.rater = QComboBox()
        self.rater.setEditable(True)
        self.rater.setToolTip("Who labels. The bouts of one rater are shown and changed.")
        line = self.rater.lineEdit()
        assert line is not None
        line.setPlaceholderText("your name or initials, if several people label")
        self.behaviors = BehaviorTable()
        self.keys = QCheckBox("Label with keys")
        self.keys.setToolTip(
            "The keys of the behaviours label while this tab is open, wherever the pointer is."
        )
        self.keys.setChecked(True)
        self.hint, self.saved = WrappedCaption(), WrappedCaption()
        self.hint.setText(HINT)
        self.add_button, self.remove_button = QPushButton("Add behaviour"), QPushButton("Remove")
        self.color_button = QPushButton("Colour…")
        self.add_button.setToolTip("Add a behaviour and type its name.")
        self.remove_button.setToolTip("Remove the selected behaviour and its bouts (Delete).")
        self.color_button.setToolTip("Choose the colour of the selected behaviour.")
        self.undo_button, self.redo_button = QPushButton("Undo"), QPushButton("Redo")
        self.undo_button.setToolTip("Take the latest change back (Ctrl+Z).")
        self.redo_button.setToolTip("Do it again (Ctrl+Shift+Z).")
        self.import_button, self.export_button = QPushButton("Import…"), QPushButton("Export…")
        self.check_button = QPushButton("Check…")
        self.check_button.setToolTip("How well raters agree, and whether labels come late.")
        self.import_button.setToolTip("Add labels of BORIS, SimBA, Caltech annotator, VIA, JABS, NWB or csv.")
        self.export_button.setToolTip("Write the labels for BORIS or as a csv table.")
        form = narrow_form()
        form.addRow("Rater", self.rater)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        layout.addLayout(form)
        layout.addWidget(self.behaviors, 1)
        layout.addWidget(row(self.add_button, self.color_button, self.remove_button))
        layout.addWidget(self.keys)
        layout.addWidget(self.hint)
        layout.addWidget(
            row(self.undo_button, self.redo_button, self.check_button, self.import_button, self.export_button)
        )
        layout.addWidget(self.saved)
        self.rater.activated.connect(lambda: self.rater_chosen.emit(self.rater.currentText().strip()))
        line.editingFinished.connect(lambda: self.rater_chosen.emit(self.rater.currentText().strip()))
        self.behaviors.itemSelectionChanged.connect(self._update)

    def show_session(self, session: BehaviorSession) -> None:
        """Show a session as it stands."""
        self.behaviors.show_behaviors(session.behaviors, session.own())
        self.rater.blockSignals(True)
        self.rater.clear()
        self.rater.addItems(session.raters)
        self.rater.setEditText(session.rater)
        self.rater.blockSignals(False)
        self.undo_button.setEnabled(session.can_undo)
        self.redo_button.setEnabled(session.can_redo)
        self.export_button.setEnabled(len(session.bouts) > 0)
        self.check_button.setEnabled(len(session.bouts) > 0)
        if session.path is None:
            said = "No video file is known beside which labels could be kept: export them before you close."
        elif session.problem is not None:
            said = "Not saved."
        else:
            said = f"Every change is saved in {session.path.name}, beside the video."
        self.saved.setText(said)
        self.saved.setToolTip(str(session.path or ""))
        self._update()

    def _update(self) -> None:
        for button in (self.remove_button, self.color_button):
            button.setEnabled(bool(self.behaviors.chosen))
