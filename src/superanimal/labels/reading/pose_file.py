"""Any pose file as labels: tables with a column ``image``, NWB, predictions with their video."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from superanimal.errors import InputError
from superanimal.formats import load_poses
from superanimal.formats.recordings import recordings
from superanimal.labels.images import ImageRef, safe_join
from superanimal.labels.labelled_set import LabelledSet, from_poses
from superanimal.labels.reading.one_video import on_video
from superanimal.labels.reading.predictions import predicted_confidence, settle


def read(
    path: Path,
    *,
    images: str | os.PathLike[str] | None = None,
    name: str | None = None,
    video: str | os.PathLike[str] | None = None,
    min_confidence: float | None = None,
    recording: str | None = None,
) -> LabelledSet:
    """Read a file of :mod:`superanimal.formats`.

    Parameters
    ----------
    images
        Folder of the images named in the file; by default the folder of the file.
    video
        Video of the frames, for files without image names; by default the one named in the file, looked up
        beside it if it has moved. Of several recordings, the one of this video is read.
    recording
        Name of the recording to read.
    """
    ds = load_poses(path, **_choice(path, recording, video))
    label = name or path.stem
    if "image" in ds.coords:
        folder = Path(images) if images else path.parent
        names = [str(image) for image in ds["image"].values]
        refs = [ImageRef(str(safe_join(folder, image))) for image in names]
        groups = [Path(image.replace("\\", "/")).parent.name for image in names]
        labelled = from_poses(ds, name=label, images=refs).with_columns(video=groups)
        labelled = settle(labelled, predicted_confidence(labelled, ds), min_confidence)
        return labelled if video is None else on_video(labelled, video)
    known = str(video or ds.attrs.get("video_path") or "")
    if known and not Path(known).exists() and (beside := path.parent / Path(known).name).exists():
        known = str(beside)
    labelled = from_poses(ds, name=label, video=known)
    if "edited" not in ds and not np.isfinite(ds["confidence"].values).any():
        note = f"{label}: the file does not state whether its points were set by a person or a model"
        labelled = labelled.with_columns(notes=(*labelled.notes, note))
    return settle(labelled, predicted_confidence(labelled, ds), min_confidence)


def _choice(path: Path, recording: str | None, video: str | os.PathLike[str] | None) -> dict[str, Any]:
    """Return the ``load_poses`` option that selects one of several recordings."""
    if recording is None and video is None:
        return {}
    known = recordings(path)
    if recording is not None and not known:
        raise InputError(
            f"recording {recording!r} of {path}", "only SLEAP projects and NWB files hold several videos"
        )
    if recording is None and len(known) < 2:
        return {}
    return {"video": Path(str(video)).name if recording is None else recording}
