"""``superanimal info``: describe a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from superanimal.errors import NotFoundError, VideoError
from superanimal.progress import clock

if TYPE_CHECKING:
    import xarray as xr

    from superanimal.poses.run_store import RunStore
    from superanimal.video import Video


def info(file: Annotated[Path, typer.Argument(help="Video, pose file or run store.")]) -> None:
    """Describe a video, a pose file or a run store."""
    from superanimal.formats import load_poses, recognise
    from superanimal.formats.describe import unknown_file
    from superanimal.formats.guard import reading
    from superanimal.poses.run_store import RunStore, is_store
    from superanimal.video import VIDEO_SUFFIXES, open_video

    if not file.exists():
        raise NotFoundError(f"{file}: no such file")
    if is_store(file):
        with reading(file, "a run store", "analyze the video again"):
            store = RunStore.open(file)
            rows = store_rows(store) | pose_rows(store.to_poses())
    elif (name := recognise(file)) is not None:
        rows = {"format": name} | pose_rows(load_poses(file))
    else:
        try:
            with open_video(file) as video:
                rows = video_rows(video)
        except VideoError as error:
            if file.suffix.lower() in VIDEO_SUFFIXES or file.is_dir():
                raise
            raise unknown_file(file, "known are videos, pose files and run stores") from error
    table = Table(show_header=False, box=None)
    for key, value in rows.items():
        table.add_row(key, value)
    console = Console(highlight=False, markup=False)
    console.print(str(file), soft_wrap=True)
    console.print(table)


def video_rows(video: Video) -> dict[str, str]:
    """Describe a video."""
    frames, height, width, _ = video.shape
    rows = {"kind": "video", "size": f"{width} x {height} pixels", "frames": f"{frames}"}
    if video.fps:
        rows["rate"] = f"{video.fps:.6g} frames/s"
        rows["duration"] = clock(frames / video.fps)
    return rows


def store_rows(store: RunStore) -> dict[str, str]:
    """Describe a run store: its progress and its settings."""
    identity = store.attrs["identity"]
    settings = identity.get("settings", {})
    return {
        "kind": "pose run",
        "finished": f"{store.finished_frames()} of {len(store)} frames",
        "video": store.attrs["video_path"],
        "model": str(identity.get("model", "")),
        "weights": str(identity.get("weights", ""))[:16],
        "settings": ", ".join(f"{key}={value}" for key, value in settings.items() if value is not None),
    }


def pose_rows(poses: xr.Dataset) -> dict[str, str]:
    """Describe a pose data set."""
    present = poses["position"].notnull().all("space")
    confidence = float(poses["confidence"].mean())
    animals = poses.sizes["individual"]
    rows = {
        "poses": f"{poses.sizes['time']} frames, {animals} animal{'s' if animals != 1 else ''}, "
        f"{poses.sizes['keypoint']} keypoints",
        "individuals": ", ".join(map(str, poses["individual"].values)),
        "keypoints": ", ".join(map(str, poses["keypoint"].values)),
        "present": f"{100 * float(present.mean()):.1f} % of the points",
        "frames with animals": f"{int(present.any(('keypoint', 'individual')).sum())}",
    }
    if confidence == confidence:
        rows["mean confidence"] = f"{confidence:.3f}"
    if "edited" in poses and bool(poses["edited"].any()):
        rows["edited"] = f"{int(poses['edited'].sum())} points"
    return rows
