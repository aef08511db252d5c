"""The gait analysis as the viewer sees it: a job whose result is a :class:`superanimal.gait.GaitResult`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_superanimal.jobs import ChildJob
from superanimal.jobs.events import pack_object, unpack_object

if TYPE_CHECKING:
    import xarray as xr

    from superanimal.gait import GaitResult


class GaitJob(ChildJob):
    """The analysis of one pose data set in a child process.

    Parameters
    ----------
    poses
        The poses.
    options
        Keyword arguments of ``superanimal.gait.analyze``.

    Attributes
    ----------
    gait
        The result, once finished.
    """

    name = "gait analysis"
    kept = "the earlier result is as it was"
    grace_ms = 0

    def __init__(self, poses: xr.Dataset, options: dict[str, Any], parent: QObject | None = None) -> None:
        super().__init__(parent=parent)
        self.poses, self.options = poses, options
        self.gait: GaitResult | None = None

    def request(self) -> dict[str, Any]:
        """Return the call of ``superanimal.gait.analyze``, with the poses."""
        return {"task": "gait", "poses": pack_object(self.poses), "options": pack_object(self.options)}

    def take_event(self, kind: str, event: dict[str, Any]) -> None:
        """Take the result."""
        if kind == "finished":
            self.gait = unpack_object(event["result"])
