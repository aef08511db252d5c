"""An analysis in the viewer: a job, the video it reads and the pose layer it fills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_superanimal._settings import setting
from napari_superanimal.jobs import Job, Report
from napari_superanimal.parts.layers import video_path
from napari_superanimal.pose_layer.layers import poses_to_layer, read_table
from napari_superanimal.pose_layer.playback import PoseView, attach
from napari_superanimal.pose_layer.transforms import copy_transform
from napari_superanimal.pose_layer.views import view_of
from superanimal.poses.run_store import run_name

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

#: Metadata key of a video layer for its current or last analysis.
ESTIMATION_KEY = "superanimal_estimation"


class Estimation(QObject):
    """A run of a pose model over the video of a layer.

    Parameters
    ----------
    viewer, video
        Viewer in which the poses appear, and image layer of the video.
    options
        Keyword arguments of ``superanimal.inference.Analyzer``.
    """

    def __init__(self, viewer: ViewerModel, video: Image, options: dict[str, Any]) -> None:
        super().__init__()
        source = video_path(video)
        self.viewer, self.video = viewer, video
        self.job = Job(source, options, self)
        self.job.end_with(viewer)
        self.view: PoseView | None = None
        self._earlier = estimation_of(video)
        self._frames = options.get("frames")
        self.job.opened.connect(self._on_opened)
        self.job.landed.connect(self._on_landed)
        self.job.reported.connect(self._on_reported)
        viewer.layers.events.removed.connect(self._on_removed)
        video.metadata[ESTIMATION_KEY] = self

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """A copy of a layer does not take part in the run."""

    @property
    def report(self) -> Report:
        """Progress of the run."""
        return self.job.report

    def start(self) -> None:
        """Start the run, or resume from the store."""
        if self.view is not None and self.view.points not in self.viewer.layers:  # its layer was deleted
            self.view = None
            self.job.reopen()
        self.job.start()

    def frames_left(self, total: int) -> int:
        """Return how many frames a run to the last of ``total`` frames would add to this one."""
        from superanimal.inference.settings import parse_frames

        here = parse_frames(self._frames, total)
        return len(range(here.start, total, here.step)) - len(here)

    def cancel(self) -> None:
        """Stop; finished frames are kept."""
        self.job.cancel()

    def start_over(self) -> None:
        """Start from the first frame, discarding the earlier run of this video and model."""
        if self.view is not None:  # its corrections belong to the earlier run, whose journal is moved with it
            self.view.table.journal = None
        self.job.start_over()

    def _on_reported(self, report: Report) -> None:
        view = self.view
        if report.state == "finished" and view is not None and view_of(view.points) is view:
            here = view.time
            if here is None or not view.table.present(here).any():
                there = view.table.present().any(axis=(1, 2))
                if there.any():
                    view.show_time(int(there.argmax()))

    def _on_opened(self, store: Any) -> None:
        earlier, before = self.view, self._earlier
        if before is not None and before.job.store_path == self.job.store_path:
            earlier, self._earlier = before.view, None
        if earlier is not None and earlier.points in self.viewer.layers:
            table = earlier.table
            if table.journal is not None or not table.edited.any():  # corrections come with the run
                self.viewer.layers.remove(earlier.points)
        layer = poses_to_layer(
            read_table(store.path),
            name=run_name(store.path),
            cutoff=setting("display", "cutoff"),
            size=setting("display", "point_size") or None,
        )
        copy_transform(self.video, layer)
        self.viewer.layers.append(layer)
        self.view = attach(self.viewer, layer)
        self.view.cutoff = setting("display", "cutoff")
        self.view.show_overlay("skeleton")

    def _on_landed(self, times: slice, arrays: dict[str, Any]) -> None:
        view = self.view
        if view is None or view_of(view.points) is not view:
            return
        first = not view.table.present().any()
        view.fill(times, arrays)
        if first and not setting("display", "point_size"):
            view.set_point_size(None)

    def _on_removed(self, event: Any) -> None:
        if event.value is self.video:
            self.viewer.layers.events.removed.disconnect(self._on_removed)
            self.job.stop()


def estimation_of(video: Any) -> Estimation | None:
    """Return the run of a video layer, if there is one."""
    return video.metadata.get(ESTIMATION_KEY)
