"""The dock widget "Behaviour": label bouts, train a classifier, predict, sum up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
import pandas as pd
from qtpy.QtGui import QColor, QKeySequence
from qtpy.QtWidgets import (
    QColorDialog,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QSizePolicy,
    QTabWidget,
    QWidget,
)

from napari_superanimal import console
from napari_superanimal.docks.behavior.annotate import AnnotateForm
from napari_superanimal.docks.behavior.check import checked_labels
from napari_superanimal.docks.behavior.feature_tab import FILES, FeatureTab
from napari_superanimal.docks.behavior.jobs import (
    FeatureJob,
    MotifJob,
    PredictionJob,
    ReportJob,
    TrainingJob,
)
from napari_superanimal.docks.behavior.keys import LabelKeys
from napari_superanimal.docks.behavior.lanes import MODEL, bars_of, lanes_of
from napari_superanimal.docks.behavior.motif_tab import MotifTab
from napari_superanimal.docks.behavior.recordings import read_recording
from napari_superanimal.docks.behavior.region_layer import (
    REGIONS,
    draw_regions,
    names_of,
    region_layer,
    regions_of,
    set_names,
)
from napari_superanimal.docks.behavior.result_view import ResultView
from napari_superanimal.docks.behavior.session import SESSIONS, BehaviorSession
from napari_superanimal.docks.behavior.train_form import TrainForm
from napari_superanimal.jobs import Report
from napari_superanimal.parts.form_parts import EmptyState, LayerChoice, fill_dock, narrow_form, page_of
from napari_superanimal.parts.job_panel import JobPanel
from napari_superanimal.parts.lane_diagram import LaneDiagram
from napari_superanimal.parts.theme import theme_colors
from napari_superanimal.pose_layer.layers import is_pose_layer, layer_to_poses, plain_name, table_of
from napari_superanimal.pose_layer.playback import PoseView, attach
from napari_superanimal.pose_layer.save import folder_of
from superanimal.errors import FormatError, StorageError
from superanimal.poses import states_rate

ANNOTATE, TRAIN, MOTIFS, FEATURES, RESULTS = range(5)
NO_GAPS = pd.DataFrame(columns=["lane", "start_s", "end_s", "reason"])
ANNOTATIONS = "Annotations (*.csv *.tsv *.txt *.json *.boris *.annot *.nwb *.h5 *.xlsx);;All files (*)"
EXPORTS = {
    "BORIS project (*.boris)": ".boris", "BORIS aggregated events (*.tsv)": ".tsv", "Table (*.csv)": ".csv"
}  # fmt: skip


class BehaviorWidget(QWidget):
    """Label bouts of behaviour, train a classifier on them, predict, and report.

    Parameters
    ----------
    viewer
        The viewer; the animals of its pose layers are labelled.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = viewer
        self._view: PoseView | None = None
        self._open: dict[str, int] = {}  # behaviour being labelled, and the frame in which it begins
        self._down: dict[str, int] = {}  # key that is held, and the frame in which it was pressed
        self._model: Path | None = None
        self.layer = LayerChoice(viewer, is_pose_layer)
        self.layer.setToolTip("The poses whose animals are labelled.")
        self.rate = QDoubleSpinBox()
        self.rate.setRange(0, 10_000)
        self.rate.setDecimals(3)
        self.rate.setSpecialValueText("not known: type it")
        self.rate.setSuffix(" frames per second")
        self.animal = QComboBox()
        self.animal.setToolTip("Whose behaviour is shown and labelled.")
        self.lanes = LaneDiagram(*theme_colors(viewer), "lasts")
        self.annotate, self.train, self.results = AnnotateForm(), TrainForm(), ResultView()
        self.motifs = MotifTab(*theme_colors(viewer))
        self.features = FeatureTab(*theme_colors(viewer))
        window = getattr(getattr(viewer, "__wrapped__", viewer), "window", None)
        self.keys = LabelKeys(None if window is None else window._qt_window, self)
        self.panel = JobPanel(
            self,
            ("Train", "Train a classifier; the viewer stays free (Ctrl+Return).", self.train_model),
            ("Cancel", "Stop. Labels and predictions stay as they are."),
        )
        self.message = self.panel.message
        self._lay_out()
        self._connect()
        self._on_layer()

    def _lay_out(self) -> None:
        self.tabs = QTabWidget()
        for widget, title in (
            (self.annotate, "Annotate"), (self.train, "Train && predict"), (self.motifs, "Motifs"),
            (self.features, "Features"), (self.results, "Results"),
        ):  # fmt: skip
            self.tabs.addTab(widget, title)
        self.form = narrow_form()
        self.form.addRow("Poses", self.layer)
        self.form.addRow("Frame rate", self.rate)
        self.form.addRow("Animal", self.animal)
        page = page_of(self.form, self.lanes, self.tabs, self.panel, grow=self.tabs)
        empty = EmptyState(
            "No poses yet", "Run 'Estimate poses' on a video, or open a pose file by dropping it here.", []
        )
        self.pages = fill_dock(self, empty, page)
        self.pages.setMinimumWidth(460)
        self.train.show_scores("", None, [])
        self._on_tab()

    def _connect(self) -> None:
        self.layer.changed.connect(self._on_layer)
        self.rate.editingFinished.connect(self._show_session)
        self.animal.currentIndexChanged.connect(self._on_animal)
        self.tabs.currentChanged.connect(self._on_tab)
        self.lanes.went.connect(self.go)
        self.lanes.moved.connect(self._move_end)
        self.lanes.drawn.connect(self._draw)
        self.lanes.removed.connect(self._remove_bout)
        self.keys.pressed.connect(self._on_pressed)
        self.keys.released.connect(self._on_released)
        form, train, results = self.annotate, self.train, self.results
        form.rater_chosen.connect(self._on_rater)
        form.keys.toggled.connect(self._update)
        form.behaviors.changed.connect(self._change_behavior)
        form.behaviors.removed.connect(self._remove_behavior)
        form.add_button.clicked.connect(self.add_behavior)
        form.remove_button.clicked.connect(lambda: self._remove_behavior(form.behaviors.chosen))
        form.color_button.clicked.connect(self.choose_color)
        form.undo_button.clicked.connect(self.undo)
        form.redo_button.clicked.connect(self.redo)
        form.import_button.clicked.connect(self.import_labels)
        form.export_button.clicked.connect(self.export_labels)
        train.changed.connect(self._show_session)
        train.classes.itemChanged.connect(lambda: self._update())
        train.add_button.clicked.connect(self.add_recording)
        train.predict_button.clicked.connect(self.predict)
        train.open_button.clicked.connect(self.open_model)
        form.check_button.clicked.connect(self.check_labels)
        self.motifs.went.connect(self._show_animal)
        self.motifs.find_button.clicked.connect(self.find_motifs)
        self.motifs.save_button.clicked.connect(self.save_motifs)
        self.features.went.connect(self.go)
        self.features.failed.connect(lambda error: self._tell_unread("features", error))
        self.features.compute_button.clicked.connect(self.compute_features)
        self.features.open_button.clicked.connect(self.open_features)
        results.draw_button.clicked.connect(self.draw_regions)
        results.named.connect(self._name_regions)
        results.went.connect(self.go)
        results.save_button.clicked.connect(self.save_tables)
        results.report_button.clicked.connect(self.save_report)
        self.panel.changed.connect(self._update)
        self.panel.ended.connect(self._on_ended)
        self.viewer.dims.events.current_step.connect(self._on_step)
        self.viewer.events.theme.connect(self._on_theme)

    @property
    def session(self) -> BehaviorSession | None:
        """The labels of the chosen layer; None while no frame rate is known."""
        layer = self.layer.layer()
        return None if layer is None else SESSIONS.get(table_of(layer))

    @property
    def _folder(self) -> Path:
        """Where files are saved: beside the video of the labels, else of the poses."""
        session = self.session
        if session is not None and session.path is not None:
            return session.path.parent
        return folder_of(self.layer.layer())

    @property
    def individual(self) -> str:
        """The animal that is labelled."""
        return self.animal.currentText()

    # ---------------------------------------------------------------- what is shown

    def go(self, time: float) -> None:
        """Move the slider to a time, seconds from frame 0."""
        if self._view is not None and self.session is not None:
            self._view.show_time(self._row_at(self.session, time))

    def _on_layer(self) -> None:
        layer = self.layer.layer()
        self.pages.setCurrentIndex(0 if layer is None else 1)
        self._view = None if layer is None else attach(self.viewer, layer)
        self._open.clear()
        self._down.clear()
        self.features.clear()
        if layer is not None:
            template = table_of(layer).template
            self._show_row(self.rate, not states_rate(template))
            self.animal.blockSignals(True)
            self.animal.clear()
            self.animal.addItems(table_of(layer).individuals)
            self.animal.blockSignals(False)
            self._show_row(self.animal, self.animal.count() > 1)
            self.rate.setValue(0)
        self._show_session()

    def _show_row(self, field: QWidget, show: bool) -> None:
        field.setVisible(show)
        label = self.form.labelForField(field)
        if label is not None:
            label.setVisible(show)

    def _show_session(self) -> None:
        layer = self.layer.layer()
        if layer is not None and self.session is None and (self.rate.isHidden() or self.rate.value()):
            fps = None if self.rate.isHidden() else self.rate.value()
            self.panel.attempt(lambda: console.behavior_labels(self.viewer, layer, fps=fps))
        session = self.session
        self.rate.setEnabled(session is None)
        self.tabs.setEnabled(session is not None)
        self.lanes.setVisible(session is not None and bool(lanes_of(session)))
        if session is not None:
            self.annotate.show_session(session)
            self.train.show_session(session, self._folder)
            self.results.show_session(session)
            self.motifs.show_session(session)
            self._show_lanes()
            self._on_step()
            self._tell_problem(session)
        self._update()

    def _show_lanes(self) -> None:
        session = self.session
        if session is None:
            return
        now = None if self._view is None else self._view.time
        unended = {}
        for name, first in self._open.items():
            low, high = sorted((first, first if now is None else now))
            unended[name] = float(session.edges[low]), float(session.edges[high + 1])
        bars = bars_of(session, self.individual, unended)
        self.lanes.show_bars(lanes_of(session), bars, NO_GAPS, float(session.edges[-1]))

    def _on_step(self, event: Any = None) -> None:
        session, view = self.session, self._view
        if session is not None and view is not None and (now := view.time) is not None:
            if self._open:
                self._show_lanes()
            self.lanes.show_time(float(session.time[now]))
            self.features.plot.show_time(float(session.time[now]))

    def _on_theme(self, event: Any = None) -> None:
        self.lanes.show_theme(*theme_colors(self.viewer))
        self.motifs.plot.show_theme(*theme_colors(self.viewer))
        self.features.plot.show_theme(*theme_colors(self.viewer))

    def _on_animal(self) -> None:
        self._open.clear()
        self._show_lanes()

    def _tell_problem(self, session: BehaviorSession) -> None:
        """Say why labels are not saved, until it is mended."""
        if session.problem is None or self.panel.running:
            return
        self.message.show_error(session.problem)
        replace = isinstance(session.problem, StorageError)
        act = session.replace_file if replace else session.try_again
        self.message.offer("Replace it" if replace else "Try again", lambda: self._edit(lambda _: act()))

    def _on_tab(self) -> None:
        """Let the dock be as high as the tab that is shown, not as the highest."""
        for number in range(self.tabs.count()):
            page = self.tabs.widget(number)
            shown = number == self.tabs.currentIndex()
            if page is not None:
                policy = QSizePolicy.Policy.Preferred if shown else QSizePolicy.Policy.Ignored
                page.setSizePolicy(QSizePolicy.Policy.Preferred, policy)
        self._update()

    def _update(self) -> None:
        session = self.session
        at, running = self.tabs.currentIndex(), self.panel.running
        labelled = at == ANNOTATE and self.annotate.keys.isChecked() and session is not None
        named = [one.key for one in session.behaviors if one.key] if session is not None else []
        self.keys.listen(named if labelled and self.isVisible() else [])
        buttons = self.panel.run_button.parentWidget()
        if buttons is not None:
            buttons.setVisible(at == TRAIN or running)
        self.panel.run_button.setVisible(at == TRAIN)
        self.panel.allow(session is not None and bool(self.train.ticked) and at == TRAIN)
        self.train.predict_button.setEnabled(self._model is not None and not running)
        self.train.open_button.setEnabled(not running)
        self.motifs.find_button.setEnabled(session is not None and not running)
        self.features.compute_button.setEnabled(session is not None and not running)
        names = names_of(region_layer(self.viewer))
        self.results.show_regions(names)
        self.train.places.setEnabled(bool(names))

    # ---------------------------------------------------------------- labelling

    def _on_pressed(self, key: str) -> None:
        if self._view is not None and (now := self._view.time) is not None and (name := self._named(key)):
            self._down[key] = now
            if name in self._open:  # tapped before: this ends it
                self._end(name, now)
                del self._down[key]
            else:
                self._open[name] = now
                self._show_lanes()

    def _on_released(self, key: str) -> None:
        first, name = self._down.pop(key, None), self._named(key)
        now = None if self._view is None else self._view.time
        if first is not None and now is not None and now != first and name in self._open:
            self._end(name, now)  # held while the slider moved

    def _end(self, name: str, now: int) -> None:
        first, who = self._open.pop(name), self.individual
        self._edit(lambda session: session.label_frames(name, first, now, who))

    def _named(self, key: str) -> str:
        behaviors = () if self.session is None else self.session.behaviors
        return next((one.name for one in behaviors if one.key == key), "")

    def _move_end(self, lane: str, time: float, to: float) -> None:
        if not lane.endswith(MODEL):
            self._edit(lambda session: session.move_end(lane, time, to, self.individual))

    def _draw(self, lane: str, start: float, end: float) -> None:
        def draw(session: BehaviorSession) -> None:
            first, last = (self._row_at(session, time) for time in (start, end))
            session.label_frames(lane, first, last, self.individual)

        if not lane.endswith(MODEL):
            self._edit(draw)

    def _remove_bout(self, lane: str, start: float, end: float) -> None:
        self._edit(lambda session: session.remove(lane, start, end, self.individual))

    @staticmethod
    def _row_at(session: BehaviorSession, time: float) -> int:
        row = int(np.searchsorted(session.edges, time + 1e-9, side="right")) - 1
        return int(np.clip(row, 0, len(session.time) - 1))

    def _on_rater(self, name: str) -> None:
        if self.session is not None and name != self.session.rater:
            self._edit(lambda session: session.label_as(name))

    def _edit(self, action: Callable[[BehaviorSession], Any]) -> bool:
        session = self.session
        if session is None:
            return False
        done = self.panel.attempt(lambda: action(session)) is None
        self._show_session()
        return done

    def undo(self) -> None:
        """Take the latest change back."""
        self._edit(lambda session: session.undo())

    def redo(self) -> None:
        """Do the change again that was undone last."""
        self._edit(lambda session: session.redo())

    # ---------------------------------------------------------------- behaviours

    def add_behavior(self) -> None:
        """Add a behaviour and begin to type its name."""
        if self.session is not None:
            taken = set(self.session.colors)
            name = next(f"behaviour {k}" for k in range(1, len(taken) + 2) if f"behaviour {k}" not in taken)
            if self._edit(lambda session: session.add_behavior(name)):
                self.annotate.behaviors.choose(name)

    def choose_color(self) -> None:
        """Ask for the colour of the selected behaviour."""
        session, name = self.session, self.annotate.behaviors.chosen
        if session is not None and name:
            color = QColorDialog.getColor(QColor(session.colors[name]), self, f"Colour of {name}")
            if color.isValid():
                self._change_behavior(name, "color", color.name())

    def _change_behavior(self, name: str, field: str, value: str) -> None:
        self._edit(lambda session: session.change_behavior(name, **{field: value}))

    def _remove_behavior(self, name: str) -> None:
        self._open.pop(name, None)
        self._edit(lambda session: session.remove_behavior(name))

    def check_labels(self) -> None:
        """Say how well raters agree, and propose to move labels that come late or early."""
        self.panel.attempt(self._check_labels)

    def _check_labels(self) -> None:
        session, layer = self.session, self.layer.layer()
        if session is None or layer is None:
            return
        said, shift, whose = checked_labels(session, layer_to_poses(layer), self.individual)
        self.message.show_text("warning" if shift else "good", said)
        if shift:
            title = f"Move {'the labels' if not whose else f'those of {whose}'} by {shift:+.2f} s"
            self.message.offer(title, lambda: self._edit(lambda session: session.shift(shift, whose)))

    # ---------------------------------------------------------------- files

    def import_labels(self) -> None:
        """Ask for a file of annotations and add its bouts."""
        start = str(self._folder)
        path, _ = QFileDialog.getOpenFileName(self, "Import labels", start, ANNOTATIONS)
        if path:
            counts: list[int] = []
            if self._edit(lambda session: counts.append(session.take_in(Path(path)))):
                self.message.show_text("good", f"{counts[0]} bouts were added from {Path(path).name}.")

    def export_labels(self) -> None:
        """Ask for a file and write the labels."""
        layer, session = self.layer.layer(), self.session
        start = str(self._folder / f"{_name(layer)}_behavior.boris")
        chosen, kind = QFileDialog.getSaveFileName(self, "Export labels", start, ";;".join(EXPORTS))
        if not chosen or session is None:
            return
        path = Path(chosen)
        if path.suffix.lower() not in EXPORTS.values():
            path = path.with_name(path.name + EXPORTS.get(kind, ".boris"))
        self.panel.attempt(lambda: self._export(session, path, asked=path == Path(chosen)))

    def _export(self, session: BehaviorSession, path: Path, *, asked: bool) -> None:
        _check_new(path, asked)
        session.export(path)
        self.message.show_text("good", f"Saved {path}")

    # ---------------------------------------------------------------- training and prediction

    def add_recording(self) -> None:
        """Ask for a pose file and its labels to learn from."""
        found = self.train.ask_recording(self._folder)
        if found is not None:
            poses, labels = found
            fps = None if self.session is None else self.session.fps
            self.panel.attempt(
                lambda: self.train.recordings.add(poses, labels, read_recording(poses, labels, fps)[1])
            )

    def train_model(self) -> None:
        """Train a classifier, in a process of its own."""
        self.panel.attempt(self._train)

    def _train(self) -> None:
        layer, options = self.layer.layer(), self.train.options()
        out = self._folder / self.train.name.text().strip()
        regions = regions_of(self.viewer, layer) if self.train.places.isChecked() else None
        self.panel.begin(console.train_behavior(self.viewer, out, layer, regions=regions, **options))

    def open_model(self) -> None:
        """Ask for the folder of a model and predict with it."""
        start = str(self._folder)
        chosen = QFileDialog.getExistingDirectory(self, "Open a model of behaviour", start)
        if chosen:
            self._model = Path(chosen)
            self.predict()

    def predict(self) -> None:
        """Predict the behaviour in the poses, in a process of its own."""
        layer, model = self.layer.layer(), self._model
        if model is not None:
            self.panel.attempt(lambda: self.panel.begin(console.predict_behavior(self.viewer, model, layer)))

    def _on_ended(self, report: Report) -> None:
        job: Any = self.panel.job
        if report.state != "finished":
            return
        if isinstance(job, TrainingJob):
            self._model = job.folder
            self.train.show_scores(job.folder.name, job.scores, job.notes)
            self.message.show_text("good", f"Saved the model in {job.folder}")
        elif isinstance(job, PredictionJob):
            assert self._model is not None
            self.train.show_scores(self._model.name, job.scores, job.notes)
            self._show_session()
        elif isinstance(job, MotifJob):
            self._show_session()
            motifs = None if self.session is None else self.session.motifs
            if motifs is not None and motifs.notes:
                self.message.show_text("warning", "\n".join(motifs.notes))
        elif isinstance(job, FeatureJob):
            self._show_features(Path(report.files[0]))
            self.message.show_text("warning" if job.notes else "good", "\n".join([
                f"Saved {report.files[0]}", *job.notes]))  # fmt: skip
        elif isinstance(job, ReportJob):
            files = report.files
            self.message.show_text(
                "good", f"Saved {files[0] if len(files) == 1 else f'the tables in {files[0].parent}'}"
            )

    # ---------------------------------------------------------------- features

    def compute_features(self) -> None:
        """Ask for a file and compute the features of the animal into it, in a process of its own."""
        layer, preset = self.layer.layer(), self.features.preset.currentData()
        who = self.individual if self.animal.count() > 1 else None
        ending = f"_{who}_features.parquet" if who else "_features.parquet"
        start = str(self._folder / f"{_name(layer)}{ending}")
        chosen, kind = QFileDialog.getSaveFileName(self, "Compute features into a file", start, FILES)
        if not chosen:
            return
        path = Path(chosen)
        if path.suffix not in (".parquet", ".csv"):
            path = path.with_name(path.name + (".csv" if "csv" in kind else ".parquet"))

        def begin() -> None:
            _check_new(path, path == Path(chosen))
            self.panel.begin(console.write_features(self.viewer, path, layer, preset=preset, individual=who))

        self.panel.attempt(begin)

    def open_features(self) -> None:
        """Ask for a file of features and show them."""
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Open features", str(self._folder), "Features (*.parquet *.csv)"
        )
        if chosen:
            self._show_features(Path(chosen))

    def _show_features(self, path: Path) -> None:
        try:
            self.features.show_file(path)
        except (OSError, ValueError) as error:
            self._tell_unread(str(path), error)

    def _tell_unread(self, what: str, error: Exception) -> None:
        self.message.show_error(FormatError(f"{what}: no file of features ({error})"))

    # ---------------------------------------------------------------- motifs

    def find_motifs(self) -> None:
        """Find motifs in the poses, in a process of its own."""
        layer, options = self.layer.layer(), self.motifs.options()
        self.panel.attempt(lambda: self.panel.begin(console.find_motifs(self.viewer, layer, **options)))

    def save_motifs(self) -> None:
        """Ask for a file, save the report on motifs there, and their tables in a folder beside it."""
        session = self.session
        start = str(self._folder / f"{_name(self.layer.layer())}_motifs.html")
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the report on motifs", start, "Web page (*.html)")
        if chosen and session is not None and session.motifs is not None:
            motifs, path = session.motifs, Path(chosen)
            if path.suffix.lower() not in (".html", ".htm"):
                path = path.with_name(f"{path.name}.html")

            def save() -> None:
                _check_new(path, path == Path(chosen))
                motifs.report(path)
                folder = path.with_name(f"{path.stem}_tables")
                if folder.exists():
                    raise StorageError(
                        f"{folder} exists already", remedy="choose another name for the report"
                    )
                motifs.save(folder)
                self.message.show_text("good", f"Saved {path}, and tables in {folder.name}")

            self.panel.attempt(save)

    def _show_animal(self, time: float, individual: str) -> None:
        if self.animal.currentText() != individual:
            self.animal.setCurrentText(individual)
        self.go(time)

    # ---------------------------------------------------------------- regions

    def draw_regions(self) -> None:
        """Let the user draw the arena and regions."""
        layer = self.layer.layer()
        if layer is not None:
            shapes = draw_regions(self.viewer, layer)
            shapes.events.data.disconnect(self._update)
            shapes.events.data.connect(self._update)
            self._update()

    def _name_regions(self, names: list[str]) -> None:
        shapes = region_layer(self.viewer)
        if shapes is None:
            return
        known = names_of(shapes)
        if len(names) != len(known) or len(set(names)) != len(names) or "" in names:
            self.message.show_text(
                "warning", f"{len(known)} shapes are drawn in the layer {REGIONS!r}.",
                "Give each a name of its own, separated by commas.",
            )  # fmt: skip
        else:
            set_names(shapes, names)
        self._update()

    # ---------------------------------------------------------------- results

    def save_tables(self) -> None:
        """Ask for a folder and save the tables in a folder of their own there."""
        layer = self.layer.layer()
        chosen = QFileDialog.getExistingDirectory(self, "Save tables beside", str(self._folder))
        if chosen:
            folder = Path(chosen) / f"{_name(layer)}_behavior"
            if folder.exists():
                self.message.show_text(
                    "warning", f"{folder} exists already.", "Its tables would be replaced."
                )
                self.message.offer("Replace them", lambda: self._report(folder, tables=True))
            else:
                self._report(folder, tables=True)

    def save_report(self) -> None:
        """Ask for a file and save the report."""
        layer = self.layer.layer()
        start = str(self._folder / f"{_name(layer)}_behavior.html")
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the report", start, "Web page (*.html)")
        if chosen:
            path = Path(chosen)
            if path.suffix.lower() not in (".html", ".htm"):
                path = path.with_name(f"{path.name}.html")
            if self.panel.attempt(lambda: _check_new(path, path == Path(chosen))) is None:
                self._report(path, tables=False)

    def _report(self, out: Path, *, tables: bool) -> None:
        layer, predicted = self.layer.layer(), self.results.predicted

        def begin() -> None:
            job = console.report_behavior(self.viewer, out, layer, predicted=predicted, tables=tables)
            self.panel.begin(job)

        self.panel.attempt(begin)

    # ---------------------------------------------------------------- life

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Listen to keys while the dock is shown."""
        super().showEvent(event)
        self._update()

    def hideEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Leave keys to napari while the dock is hidden."""
        super().hideEvent(event)
        self.keys.listen([])

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Undo and redo."""
        if event.matches(QKeySequence.StandardKey.Undo):
            self.undo()
        elif event.matches(QKeySequence.StandardKey.Redo):
            self.redo()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Let go of the job and the viewer."""
        self.keys.listen([])
        self.motifs.stop()
        self.panel.end()
        self.viewer.dims.events.current_step.disconnect(self._on_step)
        self.viewer.events.theme.disconnect(self._on_theme)
        self.layer.release()
        super().closeEvent(event)


def _check_new(path: Path, asked: bool) -> None:
    """Refuse to replace a file about which the dialog did not ask, because its suffix was added."""
    if path.exists() and not asked:
        raise StorageError(f"{path} exists already", remedy="choose it in the list of files to replace it")


def _name(layer: Any) -> str:
    """Return the name of a layer as a file can have it."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in plain_name(layer))
