"""Identities for a whole recording: one call."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from superanimal.errors import InputError, option
from superanimal.poses import require_pixels
from superanimal.poses.provenance import get_provenance, make_provenance, set_provenance
from superanimal.progress import Progress
from superanimal.tracking.appearance import see
from superanimal.tracking.detections import Detections, detections_of, without_duplicates
from superanimal.tracking.encounters import settle
from superanimal.tracking.identities import LASTING, find_identities
from superanimal.tracking.motion import learn_motion
from superanimal.tracking.names import Names, choose_names
from superanimal.tracking.shape import learn_looks
from superanimal.tracking.tracklets import make_tracklets
from superanimal.video import Video


class TrackingWarning(UserWarning):
    """Some detections belong to none of the animals and are not in the result."""


def track(
    poses: xr.Dataset | str | os.PathLike[str],
    max_individuals: int = 2,
    *,
    video: Video | str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Find out who is who: give the animals of a recording identities that last.

    The whole recording is used: what is uncertain where animals meet is decided by where they go and what
    they look like before and after. Slots of the input mean nothing, except where a person edited a point:
    that animal keeps its name in that frame. No point is moved. Detections that are no animal of their own
    (duplicates, spurious ones, more than ``max_individuals``) are left out with a warning.

    Parameters
    ----------
    poses
        Pose data set in pixels (time, space, keypoint, individual), or a file or run that holds one. Rows
        may have gaps, animals may be absent, keypoints NaN. A run is tracked anew without its networks.
    max_individuals
        Greatest number of animals.
    video
        The video of the poses, by which animals of different colour or brightness are told apart; None for
        poses alone.
    progress
        Shows progress and can cancel.

    Returns
    -------
    xarray.Dataset
        The same poses, with at most ``max_individuals`` individuals and a new variable
        ``identity_confidence`` (time, individual): the probability in 0..1 that this is the same animal as
        where the animals are seen best, NaN where absent.

    Raises
    ------
    InputError
        When the poses are not in pixels, ``max_individuals`` is no positive whole number, or a person named
        more animals than that.
    NotFoundError, FormatError, VideoError
        When a file is missing or unreadable.
    Cancelled
        When ``progress`` was cancelled.

    Warns
    -----
    TrackingWarning
        When detections are left out.

    Examples
    --------
    >>> from superanimal.synth.herd import make_herd
    >>> herd = make_herd(animals=2, frames=60, seed=0)
    >>> tracked = track(herd.shuffled(seed=1), max_individuals=2)
    >>> dict(tracked["identity_confidence"].sizes)
    {'time': 60, 'individual': 2}
    """
    number = _checked(max_individuals)
    if isinstance(poses, (str, os.PathLike)):
        from superanimal.formats import load_poses

        poses = load_poses(poses)
    require_pixels(poses, "tracking")
    progress = progress or Progress()
    found = detections_of(poses)
    names = Names(poses, found, number)
    every = len(found)
    found = found.select(without_duplicates(found))
    duplicates = every - len(found)
    motion = learn_motion(found)
    tracklets = make_tracklets(found, motion)
    colours = None if video is None else see(video, poses, found, tracklets, progress)
    usual = max(float(np.median(found.score)), 1e-6) if len(found) else 1.0
    weights = np.array([np.minimum(found.score[each.members] / usual, 1).sum() for each in tracklets])
    anchored = [names.anchored(each) for each in tracklets]
    looks = learn_looks(found, tracklets, colours)
    result = find_identities(anchored, weights, motion, looks, number, progress)
    who = np.full(len(found), -1)
    sure = np.full(len(found), np.nan)
    for tracklet, individual, confidence in zip(tracklets, result.who, result.confidence, strict=True):
        who[tracklet.members], sure[tracklet.members] = individual, confidence
    certain = found.anchor >= 0
    for tracklet in tracklets:
        certain[tracklet.members] |= len(tracklet) >= LASTING
    settled, owner = settle(found, who, certain, motion, number, progress)
    sure = np.where(settled == who, sure, np.nan)
    placed = _places(found, settled, owner, sure, poses.sizes["time"], number)
    chosen = choose_names(names, placed.source)
    _warn_of_losses(poses, found, settled, owner, duplicates, number)
    return _arranged(poses, placed.order(chosen.order), chosen.names, number, video)


def _checked(number: int) -> int:
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
        raise InputError(
            f"max_individuals is {number!r}",
            "it is the greatest number of animals, a whole number from 1",
            f"give the number of animals in the video{option('max_individuals', '2')}",
        )
    return int(number)


@dataclass(frozen=True)
class _Placed:
    """Slots from which T rows of N individuals come, -1 where absent.

    Attributes
    ----------
    source : (T, N) int
        Of the animal as a whole.
    keypoint : (T, N, K) int
        Of each keypoint: in an encounter they may come from the detections of others.
    probability : (T, N) float32
        Of being this individual; NaN where absent.
    """

    source: np.ndarray
    keypoint: np.ndarray
    probability: np.ndarray

    def order(self, individuals: list[int]) -> _Placed:
        """Return some of the individuals, in this order."""
        return _Placed(
            self.source[:, individuals], self.keypoint[:, individuals], self.probability[:, individuals]
        )


def _places(
    found: Detections, who: np.ndarray, owner: np.ndarray, sure: np.ndarray, rows: int, count: int
) -> _Placed:
    """Return where individuals come from; ``sure`` (M,) is NaN where it follows from before and after."""
    source = np.full((rows, count), -1)
    keypoint = np.full((rows, count, owner.shape[1]), -1)
    probability = np.full((rows, count), np.nan, np.float32)
    # what a person named comes last and stays
    members = np.argsort(found.anchor >= 0, kind="stable")
    member, k = np.nonzero(owner[members] >= 0)
    member = members[member]
    keypoint[found.row[member], owner[member, k], k] = found.slot[member]
    kept = members[who[members] >= 0]
    kept = kept[(owner[kept] == who[kept][:, None]).any(1)]
    source[found.row[kept], who[kept]] = found.slot[kept]
    probability[found.row[kept], who[kept]] = sure[kept]
    there = np.asarray((keypoint >= 0).any(-1))
    order = np.unique(found.row, return_index=True)
    times = order[0][np.argsort(order[1], kind="stable")]
    for individual in range(count):
        known = probability[times, individual]
        around = np.fmin(_latest(known), _latest(known[::-1])[::-1])
        filled = np.where(np.isnan(known) & there[times, individual], around, known)
        probability[times, individual] = filled
    return _Placed(source, keypoint, probability)


def _latest(values: np.ndarray) -> np.ndarray:
    """Return the latest value (n,) that is no NaN at each place."""
    last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), 0))
    return values[last] if len(values) else values


def _warn_of_losses(
    poses: xr.Dataset,
    found: Detections,
    who: np.ndarray,
    owner: np.ndarray,
    duplicates: int,
    count: int,
) -> None:
    used = owner >= 0
    kept = np.asarray(used.any(1))
    left = int((~kept).sum())
    parts = []
    if duplicates:
        parts.append(f"{duplicates} that lie on another one")
    if left:
        parts.append(f"{left} that fit none of at most {count} animals")
    if parts:
        warnings.warn(
            f"{left + duplicates} of {len(found) + duplicates} detections are left out: {', '.join(parts)}",
            TrackingWarning,
            stacklevel=3,
        )
    moved = int((used & (owner != who[:, None])).sum())
    lost = int((~used & np.isfinite(found.points[..., 0]) & kept[:, None]).sum())
    if moved or lost:
        warnings.warn(
            f"where animals touch, {moved} keypoints lay on another animal than the rest of their detection "
            f"and are given to it; {lost} lay on none or on one that has a better one, and are left out",
            TrackingWarning,
            stacklevel=3,
        )
    if "boxes" in poses:
        boxes = np.isfinite(poses["boxes"].transpose("time", "individual", "box").values).all(-1)
        points = poses["position"].transpose("time", "individual", "keypoint", "space").values
        bare = int((boxes & ~np.isfinite(points).all(-1).any(-1)).sum())
        if bare:
            warnings.warn(f"{bare} boxes without keypoints are left out", TrackingWarning, stacklevel=3)


def _arranged(
    poses: xr.Dataset,
    placed: _Placed,
    names: list[str],
    count: int,
    video: Video | str | os.PathLike[str] | None,
) -> xr.Dataset:
    """Return the poses with each individual taken from where it was placed."""
    variables: dict[str, object] = {}
    shared = poses.drop_dims("individual")
    rows = np.arange(len(placed.source))[:, None]
    for name, variable in poses.data_vars.items():
        if "individual" not in variable.dims:
            continue
        if "time" not in variable.dims:  # belongs to the name
            variables[str(name)] = variable.reindex(individual=names).variable
            continue
        first = ("time", "individual", "keypoint") if "keypoint" in variable.dims else ("time", "individual")
        slots = variable.transpose(*first, ...).values
        if "keypoint" in variable.dims:
            absent = placed.keypoint < 0
            values = slots[rows[..., None], placed.keypoint, np.arange(slots.shape[2])]
        else:
            absent = placed.source < 0
            values = slots[rows, placed.source]
        empty: object = False if values.dtype == bool else np.nan
        if values.dtype.kind in "iu" and absent.any():
            values = values.astype(np.float64)
        if values.dtype.kind in "OUS":
            empty = ""
        values[absent] = empty
        dims = (*first, *(dim for dim in variable.dims if dim not in first))
        moved = xr.Variable(dims, values, variable.attrs)
        variables[str(name)] = moved.transpose(*variable.dims)
    coords = {
        name: coord.variable
        for name, coord in poses.coords.items()
        if "individual" not in coord.dims and name not in shared.coords
    }
    result = shared.assign_coords({**coords, "individual": names}).assign(variables)
    result["identity_confidence"] = (("time", "individual"), placed.probability)
    result.attrs = {name: value for name, value in poses.attrs.items() if name != "untracked"}
    earlier: Mapping[str, object] = get_provenance(poses)
    record = make_provenance(
        "track", max_individuals=count, video=None if video is None else str(getattr(video, "path", video))
    )
    return set_provenance(result, {**record, **({"poses": dict(earlier)} if earlier else {})})
