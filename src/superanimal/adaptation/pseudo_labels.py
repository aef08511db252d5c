"""Labels that a model makes for itself: what several looks and the frames around agree on.

Ye et al. (2024, Methods, "Video adaptation") train on the model's own predictions above a confidence. Here
the teacher is better than the model: each animal is seen in several crops and mirrored
(:mod:`superanimal.inference.views`), and a point must agree with the course of the same point in the frames
before and after. Points that are not sure are masked (visibility -1): they give no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from superanimal.adaptation.smoothing import neighbours_fit
from superanimal.inference.boxes import pose_box
from superanimal.inference.settings import AUTO_SCALES
from superanimal.inference.views import AGREE, views_of
from superanimal.labels.images import ImageRef
from superanimal.labels.labelled_set import ABSENT, UNDEFINED, VISIBLE, LabelledSet
from superanimal.progress import Progress
from superanimal.training.finetuning.replay import remember
from superanimal.zoo import PoseModel

THRESHOLD = 0.5
"""Least confidence of a pseudo-label (the paper's)."""
VIEWS = views_of(AUTO_SCALES, flip=True)
"""The teacher's looks at each animal; the first is that of the model itself."""
FEWEST_POINTS = 3
"""An animal with fewer sure points is not trained on."""
USUAL_FPS = 30.0
"""Where a video states no frame rate, to choose how many neighbours speak for a frame."""

Mask = Literal["unknown", "absent"]
"""Keypoints that are not sure are ``"unknown"`` (masked) or ``"absent"`` (trained to be invisible)."""


@dataclass(frozen=True)
class PseudoLabels:
    """What the teacher says about some frames.

    Attributes
    ----------
    labels
        One entry per animal, with the box it was seen in.
    weights : (M, K)
        How much each label counts: its confidence.
    """

    labels: LabelledSet
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """The first analysis of a stretch of a video.

    Attributes
    ----------
    video
        Its path.
    poses
        Poses of consecutive frames.
    around : (T, 2, K, N)
        What the neighbouring frames say about each point; NaN where they say nothing.
    """

    video: Path
    poses: xr.Dataset
    around: NDArray[np.float64]


def seen(video: Path, poses: xr.Dataset) -> Seen:
    """Return an analysis with what neighbouring frames say about each point."""
    position = poses["position"].values.astype(float)
    weights = np.repeat(np.nan_to_num(poses["confidence"].values)[:, None], 2, axis=1)
    flat = (len(position), -1)
    fps = float(poses.attrs.get("fps") or USUAL_FPS)
    around = neighbours_fit(position.reshape(flat), weights.reshape(flat), poses["frame"].values, fps)
    return Seen(video, poses, around.reshape(position.shape))


def choose_frames(stretches: Sequence[Seen], count: int) -> list[NDArray[np.int64]]:
    """Return the rows of each stretch to train on: poses and places that differ most.

    Farthest first (Gonzalez 1985) over the animal's pose in its own box, its place in the picture and its
    size; the first is the surest. The result depends on nothing but the poses.
    """
    owners, rows, features, sure = [], [], [], []
    for number, stretch in enumerate(stretches):
        position = stretch.poses["position"].values.transpose(0, 3, 2, 1)  # (T, N, K, 2)
        confidence = np.nan_to_num(stretch.poses["confidence"].values).transpose(0, 2, 1)
        good = np.isfinite(position).all(-1) & (confidence >= THRESHOLD)
        for row in np.flatnonzero((good.sum(-1) >= FEWEST_POINTS).any(1)):
            animal = int(good[row].sum(-1).argmax())
            points = np.where(good[row, animal, :, None], position[row, animal], np.nan)
            middle, size = np.nanmean(points, 0), np.sqrt(np.nanvar(points, 0).sum()) + 1e-6
            pose = np.nan_to_num((points - middle) / size).ravel() / np.sqrt(points.shape[0])
            owners.append(number)
            rows.append(row)
            features.append([*pose, *(middle / size / 4), np.log(size)])
            sure.append(float(confidence[row, animal].mean()))
    chosen: list[int] = []
    if features:
        table = np.array(features)
        nearest = np.full(len(table), np.inf)
        following = int(np.argmax(sure))
        while len(chosen) < min(count, len(table)):
            chosen.append(following)
            nearest = np.minimum(nearest, np.linalg.norm(table - table[following], axis=1))
            nearest[chosen] = -1.0
            following = int(nearest.argmax())
    picked = np.array(chosen, dtype=int)
    return [
        np.sort(np.array(rows, dtype=np.int64)[picked[np.array(owners)[picked] == number]])
        if len(picked)
        else np.zeros(0, np.int64)
        for number in range(len(stretches))
    ]


def animals_in(
    stretches: Sequence[Seen], chosen: Sequence[NDArray[np.int64]], model: PoseModel
) -> LabelledSet:
    """Return the animals of some frames with the boxes to see them in, without labels yet."""
    inner = np.array([name not in model.entry.beyond_box for name in model.keypoints])
    images, index, boxes, names, videos = [], [], [], [], []
    for stretch, rows in zip(stretches, chosen, strict=True):
        position = stretch.poses["position"].values.transpose(0, 3, 2, 1)
        confidence = np.nan_to_num(stretch.poses["confidence"].values).transpose(0, 2, 1)
        for row in rows.tolist():
            images.append(ImageRef(str(stretch.video), frame=int(stretch.poses["frame"].values[row])))
            videos.append(stretch.video.stem)
            for n, name in enumerate(stretch.poses["individual"].values.tolist()):
                if np.isfinite(position[row, n][inner]).all(-1).any():
                    index.append(len(images) - 1)
                    boxes.append(pose_box(position[row, n][inner], confidence[row, n][inner]))
                    names.append(str(name))
    shape = (len(index), len(model.keypoints))
    return LabelledSet(
        "pseudo-labels",
        model.keypoints,
        images,
        np.array(index, dtype=np.int64),
        np.full((*shape, 2), np.nan, np.float32),
        np.full(shape, UNDEFINED, np.int8),
        boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        individuals=np.array(names, dtype=object),
        video=np.array(videos, dtype=object),
    )


def pseudo_labels(
    stretches: Sequence[Seen],
    chosen: Sequence[NDArray[np.int64]],
    model: PoseModel,
    *,
    threshold: float = THRESHOLD,
    mask: Mask = "unknown",
    looks: bool = True,
    file: Path | None = None,
    progress: Progress | None = None,
) -> PseudoLabels:
    """Return what the teacher says about the animals of some frames.

    Parameters
    ----------
    stretches
        The first analyses.
    chosen
        Rows of each.
    model
        The model that is to be adapted.
    threshold
        Least confidence.
    mask
        What keypoints are that are not sure.
    looks
        Several looks at each animal, and agreement over time; False takes the model's own predictions as
        they are ("self-pacing").
    file
        Where what the looks see is kept: a run that is resumed, perhaps on another device, learns the same.
    progress
        Shows progress and can cancel.
    """
    animals = animals_in(stretches, chosen, model)
    memory = remember(model, animals, file, progress, VIEWS if looks else VIEWS[:1])
    if file is not None:
        memory.save(file)
    xy, sure = memory.xy.astype(float), np.nan_to_num(memory.confidence).astype(float)
    good = np.asarray(np.isfinite(xy).all(-1)) & (sure >= threshold)
    if looks:
        around = _around(stretches, chosen, animals)
        around = np.where(np.isfinite(around), around, xy)  # where neighbours say nothing, looks decide
        size = np.sqrt(animals.boxes[:, 2:].prod(1))[:, None]
        near = np.linalg.norm(xy - around, axis=-1) <= AGREE * size
        good &= near
        xy = np.where(near[..., None], (xy + around) / 2, xy)
    good &= (good.sum(1) >= FEWEST_POINTS)[:, None]
    labels = animals.with_columns(
        xy=np.where(good[..., None], xy, np.nan).astype(np.float32),
        visibility=np.where(good, VISIBLE, UNDEFINED if mask == "unknown" else ABSENT).astype(np.int8),
    )
    return PseudoLabels(labels, np.where(good, sure, 1.0))


def _around(
    stretches: Sequence[Seen], chosen: Sequence[NDArray[np.int64]], animals: LabelledSet
) -> NDArray[np.float64]:
    """Return what the neighbouring frames say about each animal (M, K, 2)."""
    found, image = [], 0
    for stretch, rows in zip(stretches, chosen, strict=True):
        names = [str(name) for name in stretch.poses["individual"].values]
        around = stretch.around.transpose(0, 3, 2, 1)
        for row in rows.tolist():
            found += [around[row, names.index(animals.individuals[m])] for m in animals.animals_of(image)]
            image += 1
    return np.array(found).reshape(animals.n_individuals, len(animals.keypoints), 2)
