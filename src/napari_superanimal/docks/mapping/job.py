"""Keypoint matching in the viewer: a job that runs a model on labelled images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject

from napari_superanimal.jobs import ChildJob
from superanimal.jobs.events import pack_object, unpack_object

if TYPE_CHECKING:
    import xarray as xr

    from superanimal.keypoints.matching.result import Matching
    from superanimal.labels.labelled_set import LabelledSet


class MatchJob(ChildJob):
    """Runs a pose model on labelled images in a child process and matches its keypoints.

    Parameters
    ----------
    labels
        Labelled images.
    model
        Name of a pose model.
    accept_license
        The user accepts the terms of the model.

    Attributes
    ----------
    matching, predictions
        The result, once finished: :class:`superanimal.keypoints.Matching`, and the predicted poses, one row
        per image, with animals in the order of the labels.
    """

    name = "matching"
    unit = "images"
    kept = "the table is unchanged"
    grace_ms = 0

    def __init__(
        self, labels: LabelledSet, model: str, *, accept_license: bool = False, parent: QObject | None = None
    ) -> None:
        super().__init__(parent=parent)
        self.labels, self.model, self.accept_license = labels, model, accept_license
        self.matching: Matching | None = None
        self.predictions: xr.Dataset | None = None

    def request(self) -> dict[str, Any]:
        """Return the call of ``match``, with the labelled set."""
        labels = pack_object(self.labels)
        return {"task": "match", "labels": labels, "model": self.model, "accept_license": self.accept_license}

    def take_event(self, kind: str, event: dict[str, Any]) -> None:
        """Store the result."""
        if kind == "finished":
            self.matching, self.predictions = unpack_object(event["result"])


def sample_of(labels: LabelledSet, most: int) -> LabelledSet:
    """Return a limited number of labelled images, evenly spread over the data set."""
    used = np.unique(labels.image_index[labels.labelled.any(axis=1)])
    chosen = np.linspace(0, len(used) - 1, min(most, len(used))).round().astype(np.int64)
    return labels.subset(used[chosen])
