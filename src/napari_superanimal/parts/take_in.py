"""Adding a trained model to the list of models, and choosing it in *Estimate poses*."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_superanimal.jobs import ChildJob, Report
from napari_superanimal.parts.form_parts import Message

if TYPE_CHECKING:
    import napari


class TakeIn(QObject):
    """Adds models of a dock to the list of models, one at a time, in a child process.

    Parameters
    ----------
    viewer
        The viewer with the dock *Estimate poses*.
    message
        Where the dock shows what happens.
    parent
        The dock.

    Signals
    -------
    changed()
        A model is being added, or no longer.
    """

    changed = Signal()

    def __init__(self, viewer: napari.viewer.Viewer, message: Message, parent: QObject) -> None:
        super().__init__(parent)
        self.viewer, self.message = viewer, message
        self.job: ChildJob | None = None

    @property
    def busy(self) -> bool:
        """Whether a model is being added."""
        return self.job is not None

    def take(self, folder: Path) -> None:
        """Add the model in a folder, without replacing another model of the same name, and choose it."""
        if self.job is None:
            self.job = ChildJob({"task": "take_in", "folder": str(folder), "name": free_name(folder)}, self)
            self.job.name = "import"
            self.job.reported.connect(self._on_report)
            self.job.start()
            self.changed.emit()

    def choose(self, model: str) -> None:
        """Choose a model in *Estimate poses*."""
        _, widget = self.viewer.window.add_plugin_dock_widget("napari-superanimal", "Estimate poses")
        widget.choose_model(model)
        self.message.show_text("good", f"{model} is selected in Estimate poses.")

    def stop(self) -> None:
        """Stop adding."""
        if self.job is not None:
            self.job.stop()

    def _on_report(self, report: Report) -> None:
        job = self.job
        if job is None:
            return
        if report.running:
            self.message.show_text("info", "Adding the model to the list of models…")
            return
        self.job = None
        if report.state == "finished":
            self.choose(str(job.result["model"]))
        else:
            self.message.show_text("error", report.text, report.remedy)
        job.deleteLater()
        self.changed.emit()


def free_name(folder: Path) -> str:
    """Return the listed name of the model in a folder, or a name that is not taken by another model."""
    from superanimal.zoo.catalog import load_catalog, shipped_catalog
    from superanimal.zoo.folder import read_entry

    trained, catalog = read_entry(folder, shipped_catalog().licences), load_catalog()
    name, number = trained.name, 1
    while name in catalog and catalog[name].sha256 != trained.sha256:
        number += 1
        name = f"{trained.name}-{number}"
    return name
