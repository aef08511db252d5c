"""Tracking as the viewer sees it: a job whose result is a pose data set with identities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_superanimal.jobs import ChildJob
from superanimal.jobs.events import pack_object, unpack_object

if TYPE_CHECKING:
    import xarray as xr


class TrackingJob(ChildJob):
    """Tracks one pose data set in a child process.

    Parameters
    ----------
    poses
        The poses.
    options
        Keyword arguments of ``superanimal.track``.

    Attributes
    ----------
    tracked
        The result, once finished.
    notes
        What was left out, in sentences.
    """

    name = "tracking"
    unit = "animals"
    kept = "the poses are as they were"
    grace_ms = 0

    def __init__(self, poses: xr.Dataset, options: dict[str, Any], parent: QObject | None = None) -> None:
        super().__init__(parent=parent)
        self.poses, self.options = poses, options
        self.tracked: xr.Dataset | None = None
        self.notes: list[str] = []

    def request(self) -> dict[str, Any]:
        """Return the call of ``superanimal.track``, with the poses."""
        return {"task": "track", "poses": pack_object(self.poses), "options": self.options}

    def take_event(self, kind: str, event: dict[str, Any]) -> None:
        """Take the result."""
        if kind == "finished":
            self.tracked, self.notes = unpack_object(event["result"])
