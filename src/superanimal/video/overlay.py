"""Drawing poses on a video and writing the labelled video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from superanimal.errors import InputError
from superanimal.poses import KeypointSpace, require_pixels
from superanimal.progress import Progress
from superanimal.video.base import Frame, Video
from superanimal.video.drawing import PosePainter
from superanimal.video.writer import VideoWriter

if TYPE_CHECKING:
    import xarray as xr


def render_overlay(
    video: Video,
    poses: xr.Dataset,
    path: str | Path,
    *,
    space: KeypointSpace | None = None,
    pcutoff: float = 0.6,
    trails: int = 0,
    boxes: bool = True,
    color_by: Literal["auto", "keypoint", "individual"] = "auto",
    progress: Progress | None = None,
) -> Path:
    """Write a copy of a video with the poses drawn on it.

    The new video shows the frames that have poses, at their times in the original.

    Parameters
    ----------
    video
        The video that the poses are of.
    poses
        Pose data set; its ``frame`` coordinate gives the frames to show.
    path
        Video to write (``.mp4``); an existing file is replaced only at the end.
    space
        Skeleton and colours; by default those of the space with these keypoints.
    pcutoff
        Points with a lower confidence are not drawn; points without a confidence always are.
    trails
        Trail length in frames; 0 draws none.
    boxes
        Draw the box of each animal.
    color_by
        ``"auto"`` colours by keypoint if there is one animal, else by individual.
    progress
        Shows progress, frame by frame.

    Returns
    -------
    Path
        The written file.

    Raises
    ------
    InputError
        When the poses are not of this video, or an option is invalid.

    Examples
    --------
    >>> import superanimal
    >>> poses = superanimal.analyze("clip.mp4")  # doctest: +SKIP
    >>> with superanimal.open_video("clip.mp4") as video:  # doctest: +SKIP
    ...     render_overlay(video, poses, "clip_labeled.mp4", trails=10)
    """
    require_pixels(poses, "an overlay")
    frames = np.asarray(poses["frame"].values, np.int64)
    if trails < 0:
        raise InputError(f"trails={trails}", "the trail length is 0 or more frames")
    if color_by not in ("auto", "keypoint", "individual"):
        raise InputError(f"color_by={color_by!r}", "colour by 'auto', 'keypoint' or 'individual'")
    if not frames.size or frames.min() < 0 or frames.max() >= len(video):
        raise InputError(
            f"the poses are of frames {frames.min(initial=0)} to {frames.max(initial=-1)}",
            f"{video.name} has frames 0 to {len(video) - 1}",
            "choose the video from which the poses were estimated",
        )
    names = [str(name) for name in poses["keypoint"].values]
    individuals = [str(name) for name in poses["individual"].values]
    painter = PosePainter(video.shape[1:3], names, individuals, space=space, color_by=color_by)
    position = poses["position"].transpose("time", "individual", "keypoint", "space").values
    if "confidence" in poses:
        confidence = poses["confidence"].transpose("time", "individual", "keypoint").values
        position = np.where((confidence < pcutoff)[..., None], np.nan, position)
    animals = None
    if boxes and "boxes" in poses:
        animals = poses["boxes"].transpose("time", "individual", "box").values
    height, width = video.shape[1:3]
    rate = video.fps or float(poses.attrs.get("fps") or 30.0)
    rows = {int(frame): row for row, frame in enumerate(frames)}
    start = video.timestamps[frames.min()] if video.fps else 0.0
    if progress:
        progress.start(len(frames), f"drawing {Path(path).name}")
    step = int(np.gcd.reduce(np.diff(np.sort(frames)))) or 1 if len(frames) > 1 else 1
    comment = str(poses.attrs.get("provenance", ""))
    with VideoWriter(path, width, height, rate / step, comment=comment) as writer:
        for k, picture in _shown(video, rows, step):
            row = rows[k]
            past = position[max(0, row - trails) : row + 1]
            painter.draw(picture, position[row], None if animals is None else animals[row], past)
            writer.write(picture, float(video.timestamps[k] - start) if video.fps else None)
            if progress:
                progress.advance()
                progress.check()
    if progress:
        progress.finish()
    return Path(path)


def _shown(video: Video, rows: dict[int, int], step: int) -> Iterator[tuple[int, Frame]]:
    for k, picture in video.frames(min(rows), max(rows) + 1, step):
        if k in rows:
            yield k, picture
