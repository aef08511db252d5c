"""Labelled animals with their predictions, before the correspondence of keypoints is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment

from superanimal.errors import InputError
from superanimal.labels.labelled_set import LabelledSet
from superanimal.poses import KeypointSpace
from superanimal.poses.animal_frame import AnimalFrames, Shape, find_frames, mean_shape


@dataclass(frozen=True)
class Observed:
    """M animals with U labelled and K predicted keypoints each.

    Attributes
    ----------
    image : (M,) int
        Row of each animal in the labelled set.
    labelled : (M, U, 2) float64
        Pixels; NaN where unlabelled.
    predicted : (M, K, 2) float64
        Pixels; NaN where absent or below the confidence threshold.
    shape
        The model's typical pose.
    frames
        The reference frame of each predicted animal; all M have one.
    missed
        Number of labelled animals not among the M: not predicted, or with too few confident keypoints.
    """

    image: np.ndarray
    labelled: np.ndarray
    predicted: np.ndarray
    shape: Shape
    frames: AnimalFrames
    missed: int

    def __len__(self) -> int:
        return len(self.image)

    def distances(self) -> np.ndarray:
        """Return the distance between all labelled and predicted points, (M, U, K), in body lengths."""
        gaps = self.labelled[:, :, None] - self.predicted[:, None]
        return np.asarray(np.linalg.norm(gaps, axis=-1) / self.frames.length[:, None, None])

    def offsets(self, user: np.ndarray, model: np.ndarray) -> np.ndarray:
        """Return the offset from predicted to labelled points in the animal's own frame.

        Parameters
        ----------
        user, model : (P,) int
            Indices of the labelled and the predicted keypoint of each pair.

        Returns
        -------
        (M, P, 2) float64
            Body lengths, x forward, y left; NaN where either point is absent.
        """
        gaps = self.labelled[:, user] - self.predicted[:, model]
        frames = AnimalFrames(self.frames.length, self.frames.turn[:, model], self.frames.mirrored)
        return frames.to_own(gaps)


def observe(
    labels: LabelledSet, predictions: xr.Dataset, space: KeypointSpace | None, min_confidence: float
) -> Observed:
    """Combine labels and predictions of the same images, animal by animal.

    Parameters
    ----------
    labels
        I images.
    predictions
        Pose data set of I rows, one per image in the same order, as returned by
        :func:`superanimal.inference.labelled_images.predict_images`.
    space
        Keypoint space of the predictions, if they have one.
    min_confidence
        Predicted points below it are ignored.

    Raises
    ------
    InputError
        When the rows do not match the images, or no animal is both labelled and predicted.
    """
    if not 0 <= min_confidence <= 1:
        raise InputError(f"minimum confidence {min_confidence:g}", "a confidence lies in 0..1")
    _check_rows(labels, predictions)
    points = predictions["position"].values.transpose(0, 3, 2, 1).astype(float)  # (I, N, K, 2)
    confidence = predictions["confidence"].values.transpose(0, 2, 1).astype(float)
    sure = np.isfinite(points).all(-1) & ~(confidence < min_confidence)
    points = np.where(sure[..., None], points, np.nan)
    image, animal, slot = _pair_animals(labels, points)
    if not len(image):
        raise InputError(
            f"no animal on the {len(labels)} images is both labelled and predicted with a confidence of "
            f"{min_confidence:g}",
            remedy="look at a picture: is this the right model?",
        )
    predicted, certain = points[image, slot], confidence[image, slot]
    names = [str(name) for name in predictions["keypoint"].values]
    shape = mean_shape(predicted, certain, names, space)
    frames = find_frames(predicted, certain, shape)
    known = np.isfinite(frames.length)
    return Observed(
        image=image[known],
        labelled=labels.xy[animal[known]].astype(float),
        predicted=predicted[known],
        shape=shape,
        frames=AnimalFrames(frames.length[known], frames.turn[known], frames.mirrored[known]),
        missed=int(labels.labelled.any(1).sum() - known.sum()),
    )


def _check_rows(labels: LabelledSet, predictions: xr.Dataset) -> None:
    rows = predictions.sizes["time"]
    if rows != len(labels):
        raise InputError(f"{rows} rows of predictions for {len(labels)} labelled images", "one row per image")
    if "image" in predictions.coords:
        for given, image in zip(predictions["image"].values, labels.images, strict=True):
            if str(given) != image.label:
                raise InputError(
                    f"the predictions have {given} where the labels have {image.label}",
                    "one row per image, in the same order",
                )


def _pair_animals(labels: LabelledSet, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pair labelled and predicted animals of each image, before the correspondence of keypoints is known.

    The cost of a pair is the mean over the labelled points of the distance to the nearest predicted point.

    Returns
    -------
    tuple of (M,) int
        Image, row of the labelled animal, index of the predicted one.
    """
    found = []
    marked = labels.labelled
    for i in range(len(labels)):
        mine = [m for m in labels.animals_of(i).tolist() if marked[m].any()]
        there = np.flatnonzero(np.isfinite(points[i]).all(-1).any(-1))
        cost = np.zeros((len(mine), len(there)))
        for a, m in enumerate(mine):
            own = labels.xy[m][marked[m]]
            for b, n in enumerate(there):
                gaps = np.linalg.norm(own[:, None] - points[i, n][None], axis=-1)
                cost[a, b] = np.nanmin(gaps, axis=1).mean()
        found += [(i, mine[a], there[b]) for a, b in zip(*linear_sum_assignment(cost), strict=True)]
    image, animal, slot = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return image, animal, slot
