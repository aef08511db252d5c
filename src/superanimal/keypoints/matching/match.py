"""Matching the keypoints of a model to those of a labelled data set, by position rather than by name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from superanimal.errors import InputError
from superanimal.keypoints.matching.assignment import assign, vote
from superanimal.keypoints.matching.bias import medians, offset_intervals
from superanimal.keypoints.matching.doubts import find_doubts, find_namesakes, mirror_of
from superanimal.keypoints.matching.observed import Observed, observe
from superanimal.keypoints.matching.result import Matching, Pair
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.usable import usable, within_images
from superanimal.poses import KeypointSpace, get_provenance, make_provenance, space_for
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.zoo import PoseModel

MIN_CONFIDENCE = 0.3
"""Predicted points below this confidence are ignored."""
MAX_DISTANCE = 0.1
"""Maximum distance in body lengths between two corresponding points in an image."""
MIN_SCORE = 0.3
"""Minimum fraction of the images that must agree on a pair."""


def match_keypoints(
    labels: LabelledSet,
    model: str | os.PathLike[str] | PoseModel,
    *,
    boxes: str = "labels",
    min_confidence: float = MIN_CONFIDENCE,
    max_distance: float = MAX_DISTANCE,
    min_score: float = MIN_SCORE,
    names: bool = True,
    progress: Progress | None = None,
    **model_options: Any,
) -> Matching:
    """Run a model on labelled images and match its keypoints to the labels by position.

    Parameters
    ----------
    labels
        The labelled set; its images are read. Unusable labels are left out with a warning.
    model
        Name in the catalogue, weight file, or loaded pose model.
    boxes
        Source of the bounding boxes: ``"labels"`` or ``"detector"``.
    min_confidence, max_distance, min_score, names
        See :func:`match_predictions`.
    progress
        Shows progress and can cancel.
    **model_options
        See :func:`superanimal.inference.labelled_images.predict_images`.

    Examples
    --------
    >>> matching = match_keypoints(read_labels("project"), "mini_topviewmouse")  # doctest: +SKIP
    >>> matching.table("project"), matching.warnings  # doctest: +SKIP
    """
    from superanimal.inference.labelled_images import predict_images

    labels = usable(labels, progress)
    predictions = predict_images(labels, model, boxes=boxes, progress=progress, **model_options)
    return match_predictions(
        labels,
        predictions,
        min_confidence=min_confidence,
        max_distance=max_distance,
        min_score=min_score,
        names=names,
    )


def match_predictions(
    labels: LabelledSet,
    predictions: xr.Dataset,
    space: KeypointSpace | None = None,
    *,
    min_confidence: float = MIN_CONFIDENCE,
    max_distance: float = MAX_DISTANCE,
    min_score: float = MIN_SCORE,
    names: bool = True,
    samples: int = 1000,
    seed: int = 0,
) -> Matching:
    """Match the keypoints of predictions to those of labels.

    In every image the labelled points are assigned to predicted ones so that the total distance is minimal
    (Hungarian method); a point farther than ``max_distance`` from all free points stays unmatched. The
    fractions of images in which two points were paired are then assigned in the same way. Ye et al. (2024),
    Extended Data Fig. 2, do this with all points, in pixels, and without unmatched points.

    A keypoint without a label in any image is ignored; the model keypoint with its name is reserved for it,
    so that no other label is assigned to it.

    Names never override positions silently. If the keypoint with the same name (or a synonym of the space) is
    within ``max_distance`` in half of the images, no other label claims the nearer keypoint by its name, and
    the nearer keypoint is not the mirror image, the two are one point with different definitions: the name
    decides, the pair is marked ``by_name``, and a warning states what the positions suggest.

    Parameters
    ----------
    labels
        I images. Points outside their image are left out with a warning.
    predictions
        Pose data set of I rows in the same order, as returned by
        :func:`superanimal.inference.labelled_images.predict_images`.
    space
        Keypoint space of the predictions; by default guessed from their names.
    min_confidence
        Predicted points below it are not used (0..1).
    max_distance
        Maximum distance of a pair in body lengths.
    min_score
        Minimum fraction of the images (0..1) that must agree on a pair.
    names
        False to use positions alone.
    samples, seed
        Number of draws and random seed of the bootstrap intervals of the offsets.

    Raises
    ------
    InputError
        When labels and predictions have no image or animal in common.
    """
    if not max_distance > 0:
        raise InputError(f"maximum distance {max_distance:g}", "more than 0 body lengths")
    if not 0 < min_score <= 1:
        raise InputError(
            f"minimum score {min_score:g}", "a fraction of the images, more than 0 and at most 1"
        )
    labels = within_images(labels)
    known = tuple(str(name) for name in predictions["keypoint"].values)
    space = space or space_for(known)
    seen = observe(labels, predictions, space, min_confidence)
    distances = seen.distances()
    own = labels.keypoints
    namesakes = find_namesakes(own, known, space) if names else np.full(len(own), -1)
    silent = ~labels.labelled.any(0)
    kept = np.setdiff1d(namesakes[silent], namesakes[~silent])
    free = distances.copy()
    free[:, :, kept[kept >= 0]] = np.nan
    frequency = vote(free, max_distance)
    distance = _column_means(distances)
    nearest = assign(frequency, min_score)
    near = medians(distances) <= max_distance
    chosen = _prefer_names(nearest, namesakes, near, known, space)
    pairs = _pairs(seen, labels.keypoints, known, chosen, nearest, distances, frequency, samples, seed)
    result = Matching(
        user_keypoints=labels.keypoints,
        model_keypoints=known,
        pairs=pairs,
        distance=distance,
        frequency=frequency,
        unmatched_user=tuple(u for u, k in zip(labels.keypoints, chosen, strict=True) if k < 0),
        unmatched_model=tuple(name for k, name in enumerate(known) if k not in chosen),
        shape=seen.shape,
        facts={
            "images": len(np.unique(seen.image)),
            "animals": len(seen),
            "animals_left_out": seen.missed,
            "space": space.name if space else None,
            "axis": seen.shape.axis,
            "body_length_px": float(np.median(seen.frames.length)),
            "settings": {
                "min_confidence": min_confidence, "max_distance": max_distance, "min_score": min_score,
                "names": names, "samples": samples, "seed": seed,
            },
            "labels": labels.name,
            "provenance": make_provenance("match", predictions=get_provenance(predictions)),
        },
    )  # fmt: skip
    return replace(result, warnings=(*labels.notes, *find_doubts(result, nearest, namesakes)))


def _prefer_names(
    nearest: np.ndarray,
    namesakes: np.ndarray,
    near: np.ndarray,
    known: Sequence[str],
    space: KeypointSpace | None,
) -> np.ndarray:
    """Return the assignment (U,) after applying the name rule of :func:`match_predictions`."""
    chosen = nearest.copy()
    for u, same in enumerate(namesakes.tolist()):
        rival = int(nearest[u])
        if same < 0 or rival == same or same in chosen or not near[u, same]:
            continue
        claimed = rival >= 0 and rival in namesakes
        if not claimed and not (rival >= 0 and mirror_of(known[rival], space) == known[same]):
            chosen[u] = same
    return chosen


def _pairs(
    seen: Observed,
    user: Sequence[str],
    known: Sequence[str],
    chosen: np.ndarray,
    nearest: np.ndarray,
    distances: np.ndarray,
    frequency: np.ndarray,
    samples: int,
    seed: int,
) -> tuple[Pair, ...]:
    """Return the pairs with their figures."""
    rows = np.flatnonzero(chosen >= 0)
    columns = chosen[rows]
    offsets = seen.offsets(rows, columns)
    bias = offset_intervals(offsets, seen.image, samples=samples, level=0.95, seed=seed)
    found = []
    for p, (u, k) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        rivals = np.concatenate([np.delete(frequency[u], k), np.delete(frequency[:, k], u)])
        apart = distances[:, u, k][np.isfinite(distances[:, u, k])]
        found.append(
            Pair(
                user=user[u],
                model=known[k],
                score=float(frequency[u, k]),
                margin=float(frequency[u, k] - rivals.max(initial=0.0)),
                distance=float(np.median(apart)),
                images=len(apart),
                offset=bias.value[p],
                interval=np.stack([bias.low[p], bias.high[p]]),
                by_name=bool(nearest[u] != k),
            )
        )
    return tuple(found)


def _column_means(distances: np.ndarray) -> np.ndarray:
    """Return the mean over animals of distances (M, U, K); NaN for pairs never seen together."""
    seen = np.isfinite(distances)
    count = seen.sum(0)
    total = np.where(seen, distances, 0).sum(0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
