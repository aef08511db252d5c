"""``superanimal info``: describe a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from superanimal.cli.convert import Recording
from superanimal.errors import FormatError, NotFoundError, VideoError
from superanimal.progress import clock

if TYPE_CHECKING:
    import xarray as xr

    from superanimal.labels import LabelledSet
    from superanimal.poses.run_store import RunStore
    from superanimal.video import Video


def info(
    file: Annotated[Path, typer.Argument(help="Video, pose file, labels or run store.")],
    recording: Recording = None,
) -> None:
    """Describe a video, a pose file, labels or a run store."""
    from superanimal.formats import load_poses, recognise
    from superanimal.formats.describe import unknown_file
    from superanimal.formats.guard import reading
    from superanimal.labels import read_labels
    from superanimal.poses.run_store import RunStore, is_store
    from superanimal.video import VIDEO_SUFFIXES, open_video

    if not file.exists():
        raise NotFoundError(f"{file}: no such file")
    if is_store(file):
        with reading(file, "a run store", "analyze the video again"):
            store = RunStore.open(file)
            rows = store_rows(store) | pose_rows(store.to_poses())
    elif (name := recognise(file)) is not None:
        chosen: dict[str, Any] = {} if recording is None else {"video": recording}
        rows = {"format": name} | pose_rows(load_poses(file, **chosen))
    else:
        try:
            with open_video(file) as video:
                rows = video_rows(video)
        except VideoError as error:
            if kind := kind_of_labels(file):
                rows = {"format": f"{kind} labels"} | label_rows(read_labels(file))
            elif file.suffix.lower() in VIDEO_SUFFIXES or file.is_dir():
                raise
            else:
                raise unknown_file(file, "known are videos, pose files, labels and run stores") from error
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


def kind_of_labels(file: Path) -> str:
    """Return the kind of labels in a file or folder; empty if there are none of a known kind."""
    from superanimal.labels.reading import recognise_labels

    try:
        kind = recognise_labels(file)
    except FormatError:
        return ""
    return "" if kind == "other" else kind


def label_rows(labels: LabelledSet) -> dict[str, str]:
    """Describe a labelled data set."""
    animals = labels.n_individuals
    rows = {
        "labels": f"{len(labels)} images, {animals} animal{'s' if animals != 1 else ''}, "
        f"{int(labels.labelled.sum())} points",
        "keypoints": ", ".join(labels.keypoints),
    }
    return rows | ({"notes": "\n".join(labels.notes)} if labels.notes else {})


def pose_rows(poses: xr.Dataset) -> dict[str, str]:
    """Describe a pose data set."""
    present = poses["position"].notnull().all("space").values
    scores = poses["confidence"].values
    scores = scores[np.isfinite(scores)]
    animals = poses.sizes["individual"]
    rows = {
        "poses": f"{poses.sizes['time']} frames, {animals} animal{'s' if animals != 1 else ''}, "
        f"{poses.sizes['keypoint']} keypoints",
        "individuals": ", ".join(map(str, poses["individual"].values)),
        "keypoints": ", ".join(map(str, poses["keypoint"].values)),
        "present": f"{100 * present.mean():.1f} % of the points" if present.size else "no point",
        "frames with animals": f"{int(present.any((1, 2)).sum())}",
    }
    if scores.size:
        rows["mean confidence"] = f"{scores.mean():.3f}"
    if "edited" in poses and bool(poses["edited"].any()):
        rows["edited"] = f"{int(poses['edited'].sum())} points"
    return rows
