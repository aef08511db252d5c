"""The path of one animal: where its body is, how fast it moves, how long it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter1d

from superanimal.behavior.bouts import frame_edges
from superanimal.errors import InputError, unknown_name
from superanimal.poses.animal_frame import BACK, FRONT

LEAST_CONFIDENCE = 0.6
"""Minimum confidence of the points used, as everywhere in this project."""
GAP_S = 0.5
"""Gaps up to this length are bridged by a straight line."""
SMOOTH_S = 0.1
"""Standard deviation of the Gaussian that takes the jitter of keypoints out of the path."""
_NOT_TRUNK = re.compile(
    r"tail(?!.?base)|paw|foot|hand|hoof|leg|knee|elbow|wrist|ankle|finger|toe|nose|snout|ear|eye|mouth|jaw|"
    r"whisker|antler|horn|wing|antenna",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class BodyPath:
    """One animal.

    Attributes
    ----------
    individual
        Its name.
    edges
        (T + 1,) seconds at which frames begin, and the last one ends.
    position
        (T, 2) or (T, 3) smoothed place of the body; NaN where it is not known.
    step
        (T,) way to the next frame, of the points known in both; NaN where there are none, and in the last
        frame.
    length
        Body length, in the units of the poses; NaN if never seen.
    """

    individual: str
    edges: np.ndarray
    position: np.ndarray
    step: np.ndarray
    length: float

    @property
    def times(self) -> np.ndarray:
        """(T,) times of the frames, seconds."""
        return self.edges[:-1]

    @property
    def shown(self) -> np.ndarray:
        """(T,) seconds for which each frame is shown."""
        return np.diff(self.edges)

    @property
    def seen(self) -> np.ndarray:
        """(T,) bool, where its place is known."""
        return np.isfinite(self.position).all(axis=1)

    @property
    def speed(self) -> np.ndarray:
        """(T,) units per second, NaN where unknown."""
        return self.step / self.shown


def body_path(poses: xr.Dataset, individual: str, times: np.ndarray, point: str | None = None) -> BodyPath:
    """Return the path of one animal.

    Parameters
    ----------
    times
        (T,) seconds of the frames.
    point
        Keypoint that stands for the animal; by default the mean of its trunk's keypoints.

    Raises
    ------
    NotFoundError
        No such keypoint.
    """
    names = [str(name) for name in poses["keypoint"].values]
    if point is not None and point not in names:
        raise unknown_name("keypoint", point, names)
    if len(times) < 2:
        raise InputError(f"{len(times)} frames", "measures need two frames or more")
    one = poses.sel(individual=individual)
    position = one["position"].transpose("time", "keypoint", "space").values.astype(float)
    position[one["confidence"].values < LEAST_CONFIDENCE] = np.nan
    used = [names.index(point)] if point is not None else trunk(names)
    points = np.stack([_smooth(_bridged(position[:, k], times), times) for k in used], axis=1)
    step = np.append(np.linalg.norm(_mean(np.diff(points, axis=0)), axis=1), np.nan)
    return BodyPath(individual, frame_edges(times), _mean(points), step, _length(position, names))


def trunk(names: Sequence[str]) -> list[int]:
    """Return which keypoints are the trunk's, by their names; all if none is."""
    found = [k for k, name in enumerate(names) if not _NOT_TRUNK.search(name)]
    return found or list(range(len(names)))


def _mean(points: np.ndarray) -> np.ndarray:
    """Return the mean of the points that are known, (T, K, D) to (T, D); NaN where none is."""
    known = np.isfinite(points).all(axis=2)
    total = np.where(known[..., None], points, 0).sum(axis=1)
    count = known.sum(axis=1)[:, None]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _bridged(path: np.ndarray, times: np.ndarray) -> np.ndarray:
    seen = np.isfinite(path).all(axis=1)
    if not seen.any():
        return path
    filled = np.stack([np.interp(times, times[seen], axis[seen]) for axis in path.T], axis=1)
    known = np.flatnonzero(seen)
    after = known[np.clip(np.searchsorted(known, np.arange(len(times))), 0, len(known) - 1)]
    before = known[
        np.clip(np.searchsorted(known, np.arange(len(times)), side="right") - 1, 0, len(known) - 1)
    ]
    short = (times[after] - times[before] <= GAP_S + 1e-9) & (after >= np.arange(len(times)))
    short &= before <= np.arange(len(times))
    return np.where((seen | short)[:, None], filled, np.nan)


def _smooth(path: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Smooth each stretch on its own."""
    out = path.copy()
    seen = np.isfinite(path).all(axis=1)
    borders = np.flatnonzero(np.diff(np.concatenate([[0], seen.astype(np.int8), [0]])))
    sigma = SMOOTH_S / float(np.median(np.diff(times)))
    around = max(1, round(4 * sigma))
    for first, last in borders.reshape(-1, 2):
        wide = np.pad(path[first:last], ((around, around), (0, 0)), "reflect", reflect_type="odd")
        out[first:last] = gaussian_filter1d(wide, sigma, axis=0)[around:-around]
    return out


def _length(position: np.ndarray, names: Sequence[str]) -> float:
    """Return the median distance from nose to tail base, else that of the two points furthest apart."""
    lower = [name.lower().replace(" ", "_") for name in names]
    front, back = (next((lower.index(n) for n in known if n in lower), None) for known in (FRONT, BACK))
    if front is not None and back is not None:
        return _median(_apart(position, front, back))
    count = range(len(names))
    pairs = [_median(_apart(position, a, b)) for a in count for b in count if a < b]
    return float(np.nanmax(pairs)) if np.isfinite(pairs).any() else float("nan")


def _apart(position: np.ndarray, a: int, b: int) -> np.ndarray:
    return np.asarray(np.linalg.norm(position[:, a] - position[:, b], axis=1))


def _median(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(np.median(values)) if values.size else float("nan")
