"""Frames that a person corrected, as labels that count in full."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from superanimal.adaptation.pseudo_labels import THRESHOLD
from superanimal.errors import InputError
from superanimal.formats import load_poses
from superanimal.inference.boxes import pose_box
from superanimal.labels.combine import reorder
from superanimal.labels.images import ImageRef
from superanimal.labels.labelled_set import ABSENT, UNDEFINED, VISIBLE, LabelledSet
from superanimal.labels.reading import read_labels
from superanimal.zoo import PoseModel

SOURCE = "corrections"
"""Name of their source, which is sampled as often as all pseudo-labels together."""

Corrections = str | os.PathLike[str] | xr.Dataset | LabelledSet


def read_corrections(
    corrections: Corrections, model: PoseModel, videos: Sequence[Path]
) -> tuple[LabelledSet, NDArray[np.float64]]:
    """Return the corrected animals in the keypoints of a model, and how much each point counts (M, K).

    Parameters
    ----------
    corrections
        A pose data set or file with ``edited`` points (a ``.poses.zarr`` with its journal included), or
        labelled images: a ``CollectedData`` file, its folder, or any other labels.
    model
        The model that is to be adapted.
    videos
        The videos; a pose file that names none belongs to the only one.

    Raises
    ------
    InputError
        When nothing was corrected, keypoints have other names, or the video is unknown.
    """
    if isinstance(corrections, LabelledSet):
        found = corrections
    elif isinstance(corrections, xr.Dataset):
        return _from_poses(corrections, model, videos, "corrections")
    else:
        try:
            poses = load_poses(corrections)
        except Exception:  # labels of many kinds are no pose files
            poses = None
        if poses is not None and "image" not in poses.coords:
            return _from_poses(poses, model, videos, str(corrections))
        found = read_labels(corrections)
    other = [name for name in found.keypoints if name not in model.keypoints]
    if other:
        raise InputError(
            f"{found.name}: keypoints {other[:4]} are not those of {model.entry.name}",
            f"corrections have the model's keypoints, such as {list(model.keypoints[:3])}",
            "fine-tune the model on these labels instead, which matches the keypoints",
        )
    found = reorder(found, model.keypoints)
    found = found.with_columns(source=np.full(len(found), SOURCE, dtype=object))
    return found, np.ones(found.visibility.shape)


def _from_poses(
    poses: xr.Dataset, model: PoseModel, videos: Sequence[Path], name: str
) -> tuple[LabelledSet, NDArray[np.float64]]:
    """Return the animals with an edited point; points a person left count by their confidence."""
    edited = poses["edited"].values if "edited" in poses else np.zeros(poses["confidence"].shape, bool)
    if not edited.any():
        raise InputError(
            f"{name}: no point was edited",
            "corrections are frames in which a person moved, added or deleted points",
            "correct some frames in the viewer and save, or leave the corrections out",
        )
    if tuple(map(str, poses["keypoint"].values)) != model.keypoints:
        raise InputError(
            f"{name}: the keypoints are not those of {model.entry.name}",
            "corrections are made on the poses of the model that is to be adapted",
            f"estimate poses with {model.entry.name} and correct these",
        )
    video = _video_of(poses, videos, name)
    inner = np.array([keypoint not in model.entry.beyond_box for keypoint in model.keypoints])
    position = poses["position"].values.transpose(0, 3, 2, 1)
    confidence = np.nan_to_num(poses["confidence"].values).transpose(0, 2, 1)
    touched = edited.transpose(0, 2, 1).astype(bool)
    present = np.isfinite(position).all(-1)
    visibility = np.where(present & (touched | (confidence >= THRESHOLD)), VISIBLE, UNDEFINED)
    visibility = np.where(touched & ~present, ABSENT, visibility).astype(np.int8)
    rows, animals = np.nonzero(touched.any(-1) & (visibility == VISIBLE).any(-1))
    frames = list(dict.fromkeys(rows.tolist()))
    shown = (visibility == VISIBLE)[rows, animals]
    boxes = [
        pose_box(xy[sure & inner], np.ones(int((sure & inner).sum())))
        if (sure & inner).any()
        else np.full(4, np.nan)
        for xy, sure in zip(position[rows, animals], shown, strict=True)
    ]
    labels = LabelledSet(
        SOURCE,
        model.keypoints,
        [ImageRef(str(video), frame=int(poses["frame"].values[row])) for row in frames],
        np.array([frames.index(row) for row in rows.tolist()], dtype=np.int64),
        np.where(shown[..., None], position[rows, animals], np.nan).astype(np.float32),
        visibility[rows, animals],
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        individuals=poses["individual"].values[animals].astype(object),
        source=np.full(len(frames), SOURCE, dtype=object),
        video=np.full(len(frames), video.stem, dtype=object),
    )
    return labels, np.where(touched, 1.0, np.clip(confidence, 0.0, 1.0))[rows, animals]


def _video_of(poses: xr.Dataset, videos: Sequence[Path], name: str) -> Path:
    """Return which of the videos poses are of."""
    said = str(poses.attrs.get("video_path") or "")
    same = [video for video in videos if said and video.name == Path(said).name]
    if len(same) == 1:
        return same[0]
    if len(videos) == 1 and not said:
        return videos[0]
    raise InputError(
        f"{name} is of the video {Path(said).name or 'that it does not name'}",
        f"corrections belong to one of {', '.join(video.name for video in videos[:4])}",
        "adapt to the video that was corrected",
    )
