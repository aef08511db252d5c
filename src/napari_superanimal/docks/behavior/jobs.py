"""Training, prediction and reports of behaviour as the viewer sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_superanimal.jobs import ChildJob
from superanimal.jobs.events import unpack_object

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from napari_superanimal.docks.behavior.session import BehaviorSession


class TrainingJob(ChildJob):
    """Training of a classifier.

    Attributes
    ----------
    folder
        Folder of the model, once finished.
    scores
        F1 out of fold, frames and recordings of each class.
    notes
        What limits the model, in sentences.
    """

    name = "training"
    kept = "no model was saved"
    grace_ms = 0

    def __init__(self, request: dict[str, Any], folder: Path, parent: QObject | None = None) -> None:
        super().__init__({"task": "train_behavior", "out": str(folder), **request}, parent)
        self.folder = folder
        self.scores: pd.DataFrame | None = None
        self.notes: list[str] = []

    def take_event(self, kind: str, event: dict[str, Any]) -> None:
        """Take the scores."""
        if kind == "finished":
            self.scores, self.notes = unpack_object(event["result"])


class PredictionJob(ChildJob):
    """Prediction of behaviour; the bouts are shown in the session.

    Attributes
    ----------
    predictions
        What ``superanimal.behavior.predict`` returns, once finished.
    scores
        F1 out of fold, frames and recordings of each class of the model.
    notes
        What limits the model, and what was unusual in the poses.
    """

    name = "prediction"
    kept = "earlier predictions are as they were"
    grace_ms = 0

    def __init__(
        self, request: dict[str, Any], session: BehaviorSession, parent: QObject | None = None
    ) -> None:
        super().__init__({"task": "predict_behavior", **request}, parent)
        self._session = session
        self.predictions: pd.DataFrame | None = None
        self.scores: pd.DataFrame | None = None
        self.notes: list[str] = []

    def take_event(self, kind: str, event: dict[str, Any]) -> None:
        """Take the predictions."""
        if kind == "finished":
            self.predictions, bouts, self.scores, self.notes = unpack_object(event["result"])
            self._session.predicted = bouts


class MotifJob(ChildJob):
    """A search for motifs; they are shown in the session."""

    name = "search for motifs"
    kept = "earlier motifs are as they were"
    unit = "steps"
    grace_ms = 0

    def __init__(
        self, request: dict[str, Any], session: BehaviorSession, parent: QObject | None = None
    ) -> None:
        super().__init__({"task": "find_motifs", **request}, parent)
        self._session = session

    def take_event(self, kind: str, event: dict[str, Any]) -> None:
        """Take the motifs."""
        if kind == "finished":
            self._session.motifs = unpack_object(event["result"])


class FeatureJob(ChildJob):
    """Features of each frame, written into a file.

    Attributes
    ----------
    notes
        What could not be computed.
    """

    name = "features"
    kept = "no features were written"
    grace_ms = 0

    def __init__(self, request: dict[str, Any], parent: QObject | None = None) -> None:
        super().__init__({"task": "write_features", **request}, parent)
        self.notes: list[str] = []

    def take_event(self, kind: str, event: dict[str, Any]) -> None:
        """Take the notes."""
        if kind == "finished":
            self.notes = unpack_object(event["result"])


class ReportJob(ChildJob):
    """A report, or tables, of what the animals did."""

    name = "report"
    kept = "nothing was written"
    unit = "files"
    grace_ms = 0
