"""The dock widget "Gait": poses in, footfalls, strides and a report out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import napari
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QFileDialog, QTabWidget, QWidget

from napari_superanimal import console
from napari_superanimal.docks.gait.form import GaitForm
from napari_superanimal.docks.gait.job import GaitJob
from napari_superanimal.docks.gait.result_view import GaitResultView
from napari_superanimal.docks.gait.session import GaitSession
from napari_superanimal.jobs import Report
from napari_superanimal.parts.form_parts import EmptyState, LayerChoice, fill_dock, narrow_form, page_of
from napari_superanimal.parts.job_panel import JobPanel
from napari_superanimal.pose_layer.layers import is_pose_layer, plain_name, table_of
from napari_superanimal.pose_layer.playback import PoseView, attach
from napari_superanimal.pose_layer.save import folder_of
from napari_superanimal.pose_layer.table import PoseTable
from superanimal.errors import StorageError
from superanimal.gait import GaitResult, read_events, write_boris

FORM, RESULT = range(2)
SESSIONS: WeakKeyDictionary[PoseTable, GaitSession] = WeakKeyDictionary()
"""What was analysed of which poses, and left out: it outlives the dock, as long as the layer is there."""
STALE = "The poses were corrected since this analysis."


class GaitWidget(QWidget):
    """Choose poses and limbs, press Analyse gait, look at what came of it, save it.

    Parameters
    ----------
    viewer
        The viewer; its pose layers are analysed as they stand, corrections included.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self._view: PoseView | None = None
        self._analysed: Any = None  # the layer whose job is running, or ran last
        self.layer = LayerChoice(viewer, is_pose_layer)
        self.layer.setToolTip("The poses to analyse, as they stand now.")
        self.form = GaitForm(viewer)
        self.result = GaitResultView(viewer)
        self.panel = JobPanel(
            self,
            (
                "Analyse gait",
                "Find contacts, lifts and strides; the viewer stays free (Ctrl+Return).",
                self.analyse,
            ),
            ("Cancel", "Stop. An earlier result stays."),
        )
        self.message = self.panel.message
        self._lay_out()
        self._connect()
        self._on_layer()

    def _lay_out(self) -> None:
        self.tabs = QTabWidget()
        for widget, title in ((self.form, "Set up"), (self.result, "Result")):
            self.tabs.addTab(widget, title)
        form = narrow_form()
        form.addRow("Poses", self.layer)
        page = page_of(form, self.tabs, self.panel, grow=self.tabs)
        empty = EmptyState(
            "No poses yet", "Run 'Estimate poses' on a video, or open a pose file by dropping it here.", []
        )
        self.pages = fill_dock(self, empty, page)
        self.pages.setMinimumWidth(460)

    def _connect(self) -> None:
        self.layer.changed.connect(self._on_layer)
        self.form.changed.connect(self._update)
        self.panel.changed.connect(self._update)
        self.panel.ended.connect(self._on_ended)
        self.result.went.connect(self.go)
        self.result.on_video.toggled.connect(self._show_stances)
        self.result.edited.connect(self._show_stances)
        self.result.load_button.clicked.connect(self.load_events)
        self.result.save_button.clicked.connect(self.save_tables)
        self.result.report_button.clicked.connect(self.save_report)
        self.viewer.dims.events.current_step.connect(self._on_step)
        self.viewer.events.theme.connect(self.result.show_theme)

    @property
    def session(self) -> GaitSession | None:
        """What was analysed of the chosen layer."""
        layer = self.layer.layer()
        return None if layer is None else SESSIONS.get(table_of(layer))

    # ---------------------------------------------------------------- analysis

    def analyse(self) -> None:
        """Analyse the chosen poses, in a process of its own."""
        self.panel.attempt(self._begin)

    def _begin(self) -> None:
        layer = self.layer.layer()
        options = self.form.options()
        self._analysed = layer
        self.panel.begin(console.analyze_gait(self.viewer, layer, **options))

    def _on_ended(self, report: Report) -> None:
        job = cast("GaitJob", self.panel.job)
        if job is None or job.gait is None:
            return
        session = GaitSession(job.gait, job.poses)
        table = table_of(self._analysed)
        earlier = SESSIONS.get(table)
        out = session.take_over(earlier) if earlier is not None else 0
        SESSIONS[table] = session
        self.layer.choose(self._analysed)
        if self._analysed is self.layer.layer():
            self._show_session()
            self.tabs.setCurrentIndex(RESULT)
        if earlier is not None and earlier.corrected:
            self.message.show_text(
                "info", "These are events as they were found.", "Undo brings back those that you corrected."
            )
        elif out:
            self.message.show_text("info", f"{out} strides that you left out before are left out again.")

    # ---------------------------------------------------------------- what is shown

    def go(self, time: float) -> None:
        """Move the slider to a time, seconds from frame 0."""
        if self._view is not None and self.session is not None:
            self._view.show_time(self.session.row_at(time))

    def _on_layer(self) -> None:
        layer = self.layer.layer()
        self.pages.setCurrentIndex(0 if layer is None else 1)
        self._listen(None if layer is None else attach(self.viewer, layer))
        if layer is not None:
            self.form.show_layer(layer)
        self.tabs.setCurrentIndex(FORM if self.session is None else RESULT)
        self._show_session()

    def _listen(self, view: PoseView | None) -> None:
        if self._view is not None:
            self._view.table.changed.disconnect(self._on_edited)
        self._view = view
        if view is not None:
            view.table.changed.connect(self._on_edited)

    def _show_session(self) -> None:
        session = self.session
        self.tabs.setTabEnabled(RESULT, session is not None)
        if session is not None:
            self.result.show_session(session)
            self._on_step()
            self._show_stances()
        self._update()

    def _show_stances(self) -> None:
        layer, session = self.layer.layer(), self.session
        if layer is not None and session is not None:
            console.show_stances(self.viewer, layer, session.result, self.result.on_video.isChecked())

    def _on_step(self, event: Any = None) -> None:
        session, view = self.session, self._view
        if session is not None and view is not None and (now := view.time) is not None:
            self.result.show_time(float(session.time[now]))

    def _on_edited(self) -> None:
        if self.session is not None and not self.panel.running and self.message.text != STALE:
            self.message.show_text("info", STALE, "Analyse again to take the corrections in.")

    def _update(self) -> None:
        self.panel.allow(self.layer.layer() is not None and self.form.ready)
        self.form.setEnabled(not self.panel.running)

    # ---------------------------------------------------------------- loading and saving

    def load_events(self) -> None:
        """Ask for a file of contacts and lifts, and take them for those found."""
        folder = str(folder_of(self.layer.layer()))
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Load contacts and lifts", folder, "Tables (*.csv *.tsv *.txt)"
        )
        if chosen and self.panel.attempt(lambda: self.result.replace_events(read_events(chosen))) is None:
            self.message.show_text(
                "good", f"Loaded contacts and lifts of {Path(chosen).name}", "Undo brings back the others."
            )

    def save_tables(self) -> None:
        """Ask for a folder and save the tables in a folder of their own there."""
        layer = self.layer.layer()
        chosen = QFileDialog.getExistingDirectory(self, "Save tables beside", str(folder_of(layer)))
        if chosen:
            folder = Path(chosen) / f"{_name(layer)}_gait"
            if folder.exists():
                self.message.show_text(
                    "warning", f"{folder} exists already.", "Its tables would be replaced."
                )
                self.message.offer("Replace them", lambda: self._save(folder))
            else:
                self._save(folder)

    def _save(self, folder: Path) -> None:
        session = self.session
        if session is not None and self.panel.attempt(lambda: _save(session.result, folder)) is None:
            self.message.show_text("good", f"Saved the tables in {folder}")

    def save_report(self) -> None:
        """Ask for a file and save the report."""
        layer, session = self.layer.layer(), self.session
        start = str(folder_of(layer) / f"{_name(layer)}_gait.html")
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the report", start, "Web page (*.html)")
        if not chosen or session is None:
            return
        path = Path(chosen)
        self.panel.attempt(lambda: self._write_report(session, path))

    def _write_report(self, session: GaitSession, chosen: Path) -> None:
        path = (
            chosen if chosen.suffix.lower() in (".html", ".htm") else chosen.with_name(f"{chosen.name}.html")
        )
        if path != chosen and path.exists():  # the dialog asked about another name
            raise StorageError(
                f"{path} exists already", remedy="choose it in the list of files to replace it"
            )
        session.result.report(path)
        self.message.show_text("good", f"Saved {path}")

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Undo and redo."""
        if event.matches(QKeySequence.StandardKey.Undo):
            self.result.undo()
        elif event.matches(QKeySequence.StandardKey.Redo):
            self.result.redo()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Let go of the job and the viewer."""
        self.panel.end()
        self._listen(None)
        self.viewer.dims.events.current_step.disconnect(self._on_step)
        self.viewer.events.theme.disconnect(self.result.show_theme)
        self.form.release()
        self.layer.release()
        super().closeEvent(event)


def _save(result: GaitResult, folder: Path) -> None:
    result.save(folder)
    write_boris(result, folder / "stances.boris.tsv")


def _name(layer: Any) -> str:
    """Return the name of a layer as a file can have it."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in plain_name(layer))
