"""The animals found in each frame, one after the other, whatever slot they came in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from superanimal.poses.similarity import oks

SIGMA = 0.1
"""OKS tolerance of every keypoint: any keypoints are tracked, and this is the one of the SuperAnimal
models."""
SAME = 0.7
"""OKS from which two detections are one animal. At this value their keypoints are 12 % of the animal's size
apart (all of them: two animals that lie on each other do not have every keypoint at the same place)."""
SIZE_UNKNOWN = 10.0
"""Size in pixels of an animal of one keypoint that is never seen beside another and never moves."""


@dataclass(frozen=True)
class Detections:
    """M detections in order of time.

    Attributes
    ----------
    points : (M, K, 2) float64
        Pixels; NaN where absent.
    row, slot : (M,) int
        Row of the data set, and individual in it.
    time : (M,) float64
        In steps: the usual time between two rows is 1.
    score : (M,) float64
        Sum of the confidences of the keypoints, 1 for each where unknown.
    anchor : (M,) int
        Individual that a person gave it, -1 if none did.
    size : float
        Usual size of an animal in pixels: the square root of the area of the box around its keypoints.
    """

    points: np.ndarray
    row: np.ndarray
    slot: np.ndarray
    time: np.ndarray
    score: np.ndarray
    anchor: np.ndarray
    size: float

    def __len__(self) -> int:
        return len(self.row)

    def select(self, keep: np.ndarray) -> Detections:
        """Return some of the detections."""
        return Detections(
            self.points[keep],
            self.row[keep],
            self.slot[keep],
            self.time[keep],
            self.score[keep],
            self.anchor[keep],
            self.size,
        )

    def frames(self) -> list[np.ndarray]:
        """Return the indices of the detections of each time that has any, in order."""
        if not len(self):
            return []
        return np.split(np.arange(len(self)), np.flatnonzero(np.diff(self.row)) + 1)


def detections_of(poses: xr.Dataset) -> Detections:
    """Return all animals with at least one keypoint.

    Parameters
    ----------
    poses
        Pose data set in pixels. Rows may lie anywhere in time and in any order.
    """
    points = poses["position"].transpose("time", "individual", "keypoint", "space").values.astype(np.float64)
    points[~np.isfinite(points).all(-1)] = np.nan
    confidence = poses["confidence"].transpose("time", "individual", "keypoint").values
    seen = np.isfinite(points[..., 0])
    steps = steps_of(poses["time"].values)
    order = np.argsort(steps, kind="stable")
    row, slot = np.nonzero(seen[order].any(-1))
    row = order[row]
    weight = np.where(np.isfinite(confidence), confidence, 1.0) * seen
    anchor = np.full(len(row), -1)
    if "edited" in poses:
        edited = (poses["edited"].transpose("time", "individual", "keypoint").values & seen).any(-1)
        loose = {str(name) for name in np.atleast_1d(poses.attrs.get("untracked", []))}
        edited &= np.array([str(name) not in loose for name in poses["individual"].values], dtype=bool)
        anchor = np.where(edited[row, slot], slot, -1)
    found = points[row, slot]
    size = _size(found, row)
    if "boxes" in poses and found.shape[1] == 1:
        boxes = poses["boxes"].transpose("time", "individual", "box").values[..., 2:]
        area = boxes.prod(-1)[row, slot]
        size = float(np.sqrt(np.nanmedian(area))) if np.isfinite(area).any() else size
    return Detections(
        found, row, slot, steps[row], weight.sum(-1)[row, slot].astype(np.float64), anchor, size
    )


def steps_of(times: np.ndarray) -> np.ndarray:
    """Return times (T,) in units of the usual time between two of them; 0, 1, 2, ... if there is none."""
    times = np.asarray(times, dtype=np.float64)
    if not np.isfinite(times).all():
        times = np.arange(len(times), dtype=np.float64)
    between = np.diff(np.sort(times))
    between = between[between > 0]
    if len(between) < len(times) - 1:  # times that occur twice tell nothing
        return np.arange(len(times), dtype=np.float64)
    return np.round(times / np.median(between), 6) if len(between) else np.zeros(len(times))


def _size(points: np.ndarray, row: np.ndarray) -> float:
    """Return the usual size of the animals: of the boxes round them, or else by what lies between them."""
    if not len(points):
        return SIZE_UNKNOWN
    count = np.isfinite(points[..., 0]).sum(-1)
    full = count >= np.quantile(count, 0.75)
    if points.shape[1] > 1 and count[full].max() > 1:
        extent = np.nanmax(points[full], axis=1) - np.nanmin(points[full], axis=1)
        # a box round a straight line has no area, the animal has
        area = np.maximum(extent.prod(-1), (extent**2).sum(-1) / 16)
        return max(float(np.sqrt(np.median(area))), 1.0)
    nearest = []
    for frame in np.split(np.arange(len(row)), np.flatnonzero(np.diff(row)) + 1):
        centres = np.nanmean(points[frame], axis=1)
        apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
        if len(frame) > 1:
            nearest.append(apart[apart > 0].min(initial=np.inf))
    near = [each for each in nearest if np.isfinite(each)]
    return max(float(np.quantile(near, 0.05)) / 2, 1.0) if near else SIZE_UNKNOWN


def pose_distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the distance in pixels of poses (..., K, 2) and (..., K, 2): the median over shared keypoints.

    The median leaves out a few keypoints that are wrong. Poses that share no keypoint are as far apart as
    their centres. Shapes broadcast.
    """
    with np.errstate(invalid="ignore"):
        apart = np.linalg.norm(first - second, axis=-1)
    distance = median_of(apart)
    bare = np.isnan(distance)
    if bare.any():
        centres = np.linalg.norm(_mean(first) - _mean(second), axis=-1)
        distance = np.where(bare, centres, distance)
    return distance


def median_of(values: np.ndarray) -> np.ndarray:
    """Return the median over the last axis without NaN, NaN where nothing is left."""
    ordered = np.sort(values, axis=-1)  # NaN last
    count = np.isfinite(values).sum(-1)
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, values.shape[-1] - 1)
    pick = [np.take_along_axis(ordered, each[..., None], -1)[..., 0] for each in (low, high)]
    return np.where(count > 0, (pick[0] + pick[1]) / 2, np.nan)


def _mean(points: np.ndarray) -> np.ndarray:
    """Return the centre (..., 2) of the keypoints present."""
    seen = np.isfinite(points)
    return np.where(seen, points, 0).sum(-2) / np.maximum(seen.sum(-2), 1)


def centres_of(points: np.ndarray) -> np.ndarray:
    """Return the centre (M, 2) of the keypoints present of poses (M, K, 2)."""
    return _mean(points)


def without_duplicates(found: Detections) -> np.ndarray:
    """Return which detections (M,) remain when of two on the same pixels only the better one is kept.

    Two detections are one animal if all keypoints they share coincide (OKS), or if the weaker one has
    nothing but keypoints of the better one. What a person set is always kept.
    """
    keep = np.ones(len(found), dtype=bool)
    sigmas = np.full(found.points.shape[1], SIGMA)
    for frame in found.frames():
        if len(frame) < 2:
            continue
        best = frame[np.lexsort((found.slot[frame], -found.score[frame], found.anchor[frame] < 0))]
        for place, weaker in enumerate(best):
            if found.anchor[weaker] >= 0:
                continue
            for better in best[:place][keep[best[:place]]]:
                if _same_animal(found.points[better], found.points[weaker], found.size, sigmas):
                    keep[weaker] = False
                    break
    return keep


def _same_animal(better: np.ndarray, weaker: np.ndarray, size: float, sigmas: np.ndarray) -> bool:
    distance = np.linalg.norm(better - weaker, axis=-1)
    shared = np.isfinite(distance)
    own = np.isfinite(weaker[:, 0])
    if not shared.any() or 2 * shared.sum() < own.sum():
        return False
    return bool(oks(distance[None], size**2, sigmas)[0] > SAME)
