"""The result of a gait analysis: footfalls, strides, limbs, phases; what is left out; saving."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QPushButton,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_superanimal.docks.gait.joint_plot import JointPlot
from napari_superanimal.docks.gait.limb_summary import LimbSummary
from napari_superanimal.docks.gait.phase_plot import PhasePlot
from napari_superanimal.docks.gait.session import GaitSession
from napari_superanimal.docks.gait.stride_table import StrideTable
from napari_superanimal.parts.form_parts import MARGIN, SPACING, WrappedCaption, row, sentence
from napari_superanimal.parts.lane_diagram import LaneDiagram
from napari_superanimal.parts.theme import theme_colors
from superanimal.gait.hildebrand import own_side


class _Modest(QSplitter):
    """A splitter that asks for no more height than it needs, so that no page scrolls that has room for it."""

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the least size."""
        return self.minimumSizeHint()


class GaitResultView(QWidget):
    """Shows a session, corrects its events and changes what it leaves out.

    Signals
    -------
    went(float)
        The user wants to see a time, seconds from frame 0.
    edited()
        Something was corrected, left out, taken back or undone.
    """

    went = Signal(float)
    edited = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self.session: GaitSession | None = None
        self.animal = QComboBox()
        self.animal.setToolTip("Whose footfalls and strides are shown.")
        self.headline, self.notes = WrappedCaption(), WrappedCaption()
        colors = theme_colors(viewer)
        self.footfalls, self.phases = LaneDiagram(*colors, "stands"), PhasePlot(*colors)
        self.joints = JointPlot(*colors)
        self.strides, self.limbs = StrideTable(), LimbSummary()
        self.on_video = QCheckBox("Show stance on the video")
        self.on_video.setToolTip("A ring in the colour of the limb round each foot while it stands.")
        self.on_video.setChecked(True)
        self.exclude_button = QPushButton("Leave out")
        self.exclude_button.setToolTip("Leave the selected strides out, or take them back (Delete).")
        self.undo_button, self.redo_button = QPushButton("Undo"), QPushButton("Redo")
        self.undo_button.setToolTip("Take the latest change back (Ctrl+Z).")
        self.redo_button.setToolTip("Do it again (Ctrl+Shift+Z).")
        self.load_button = QPushButton("Load events…")
        self.load_button.setToolTip(
            "Take contacts and lifts from a csv table or an export of BORIS instead (Undo brings these back)."
        )
        self.save_button, self.report_button = QPushButton("Save tables…"), QPushButton("Save report…")
        self.save_button.setToolTip(
            "Events, strides, phases and the summary as csv tables in a folder, and the stances for BORIS."
        )
        self.report_button.setToolTip("One page with tables and figures that any browser shows.")
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        tabs = QTabWidget()
        shown = ((self.limbs, "Limbs"), (self.phases, "Duty factor and phase"), (self.joints, "Joint angles"))
        for widget, title in shown:
            tabs.addTab(widget, title)
        self.tabs = tabs
        strides = QWidget()
        above = QVBoxLayout(strides)
        above.setContentsMargins(0, 0, 0, 0)
        above.setSpacing(SPACING)
        above.addWidget(self.strides, 1)
        above.addWidget(row(self.exclude_button, self.undo_button, self.redo_button, self.load_button))
        splitter = _Modest(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(strides)
        splitter.addWidget(tabs)
        splitter.setStretchFactor(0, 1)
        splitter.setStretchFactor(1, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.setSpacing(SPACING)
        for part in (self.animal, self.headline, self.notes, self.footfalls, self.on_video):
            layout.addWidget(part)
        layout.addWidget(splitter, 1)
        layout.addWidget(row(self.save_button, self.report_button))

    def _connect(self) -> None:
        self.animal.currentIndexChanged.connect(self._show_animal)
        self.footfalls.went.connect(self.went)
        for signal, name in (("moved", "move_event"), ("drawn", "add_stance"), ("removed", "remove_stance")):
            getattr(self.footfalls, signal).connect(partial(self._correct, name))
        self.strides.chosen.connect(self._on_chosen)
        self.strides.toggled.connect(self.toggle)
        self.exclude_button.clicked.connect(lambda: self.toggle(self.strides.selected))
        self.undo_button.clicked.connect(self.undo)
        self.redo_button.clicked.connect(self.redo)
        model: Any = self.strides.selectionModel()
        model.selectionChanged.connect(lambda *_: self._update())

    def show_session(self, session: GaitSession) -> None:
        """Show a session."""
        if session is not self.session:
            self.session = session
            self.animal.blockSignals(True)
            self.animal.clear()
            self.animal.addItems(session.individuals)
            self.animal.blockSignals(False)
            self.animal.setVisible(len(session.individuals) > 1)
        self._show_animal()

    def show_time(self, time: float) -> None:
        """Move the line of the diagram to a time, seconds from frame 0."""
        self.footfalls.show_time(time)

    def show_theme(self) -> None:
        """Draw in the colours of the theme."""
        for part in (self.footfalls, self.phases, self.joints):
            part.show_theme(*theme_colors(self.viewer))

    def toggle(self, rows: set[int]) -> None:
        """Leave strides out, or take them back."""
        self._edit(lambda session: session.toggle(rows))

    def undo(self) -> None:
        """Take the latest change back."""
        self._edit(lambda session: session.undo())

    def redo(self) -> None:
        """Do the change again that was undone last."""
        self._edit(lambda session: session.redo())

    def replace_events(self, events: pd.DataFrame) -> None:
        """Take contacts and lifts of a person for those found."""
        self._edit(lambda session: session.replace_events(events))

    def _correct(self, how: str, limb: str, first: float, second: float) -> None:
        self._edit(lambda session: getattr(session, how)(self.animal.currentText(), limb, first, second))

    def _edit(self, action: Any) -> None:
        if self.session is not None:
            action(self.session)
            self._show_animal()
            self.edited.emit()

    def _show_animal(self) -> None:
        session, name = self.session, self.animal.currentText()
        if session is None or not name:
            return
        result = session.result
        self.headline.setText(session.headline(name))
        notes = [sentence(note) for note in session.notes_of(name)]
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))
        stances, gaps = session.stances, result.refused
        said = "refused: " + stances["refused"]
        bars = stances.assign(lane=stances["limb"], note=said.where(stances["refused"] != "", ""))
        self.footfalls.show_bars(
            session.colors,
            bars[bars["individual"] == name],
            gaps[gaps["individual"] == name].rename(columns={"limb": "lane"}),
            float(session.time[-1]),
        )
        self.strides.show_strides(session.strides_of(name), session.colors, metric=session.metric)
        own = result.summary[result.summary["individual"] == name]
        self.limbs.show_summary(own, session.colors, metric=session.metric)
        points = own_side(result)
        self.phases.show_points(points[points["individual"] == name], session.colors)
        duty = dict(zip(own["limb"], own["duty_factor"], strict=True))
        cycles = result.cycles
        if len(cycles):
            cycles = cycles[cycles["individual"] == name]
        self.joints.show_cycles(cycles, duty, session.colors)
        self._update()

    def _on_chosen(self, number: int) -> None:
        assert self.session is not None
        stride = self.session.result.strides.iloc[number]
        self.went.emit(float(stride["start_s"]))
        self.footfalls.choose(str(stride["limb"]), float(stride["start_s"]), float(stride["end_s"]))

    def _update(self) -> None:
        session, selected = self.session, self.strides.selected
        if session is None:
            return
        refused = session.analysed.strides["refused"]
        own = {number for number in selected if refused.iloc[number] == ""}
        self.exclude_button.setEnabled(bool(own))
        self.exclude_button.setText("Take back" if own and own <= session.excluded else "Leave out")
        self.undo_button.setEnabled(session.can_undo)
        self.redo_button.setEnabled(session.can_redo)
