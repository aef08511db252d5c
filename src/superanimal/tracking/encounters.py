"""Who is who within an encounter: decided frame by frame, keypoint by keypoint, from both sides in time.

Where animals touch, a detector mixes up their keypoints, finds two as one, or one twice. Tracklets are short
there, and one pose alone says little. But the individuals before and after the encounter are known
(:mod:`superanimal.tracking.identities`), and so is where each keypoint of each of them must be: it is carried
on from before and carried back from after. Each detection is given to the individual on which most of its
keypoints lie, and a keypoint that certainly lies on another individual is given to that one; an individual
has each keypoint once. What has been decided says where the keypoints are at neighbouring times, so that this
is repeated until nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from superanimal.progress import Progress
from superanimal.tracking.detections import Detections, median_of, pose_distance
from superanimal.tracking.motion import SMOOTHING, Motion, student

NEAR = 1.5
"""Animals closer than this share of their size are in an encounter."""
AROUND = 30
"""Frames before and after an encounter from which keypoints are carried into it."""
ASTRAY = 0.3
"""Probability that a keypoint of a detection in an encounter is not on its animal."""
CERTAIN = 2.5
"""A keypoint is given to another individual if that is exp(2.5), twelve times, more likely."""
WILD = 0.1
"""Probability that it is on no animal."""
FEW = 0.25
"""Less than this share of its keypoints on other detections does not make an animal that was not found."""
ROUNDS = 4
"""Decisions are repeated at most this often."""
VAGUE = 1.0
"""Where a keypoint may be further off than this share of the animal's size, it says nothing."""


@dataclass
class _Owners:
    """Individuals of detections (M,) and of their keypoints (M, K), -1 for none."""

    who: np.ndarray
    keypoint: np.ndarray


def settle(
    found: Detections,
    who: np.ndarray,
    certain: np.ndarray,
    motion: Motion,
    count: int,
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the individuals of M detections and of their keypoints (M, K), decided anew within encounters.

    Parameters
    ----------
    found
        M detections without duplicates. What a person named stays as it is.
    who : (M,)
        Individual of each, -1 for none.
    certain : (M,)
        Whether that is certain: only keypoints of these are given to others.
    count
        Greatest number of individuals.
    """
    owners = _Owners(who.copy(), _whole(found.points, who))
    frames = found.frames()
    if count > 1 and frames:
        for window, close in _windows(found, frames):
            progress.check()
            _settle_one(found, frames[window], close, owners, certain, motion, count)
    return owners.who, owners.keypoint


def _whole(points: np.ndarray, who: np.ndarray) -> np.ndarray:
    """Return the owners (n, K) of the keypoints of poses (n, K, 2) that are given to individuals (n,)."""
    return np.where(np.isfinite(points[..., 0]), who[:, None], -1)


def _windows(found: Detections, frames: list[np.ndarray]) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield runs of frames with encounters, and the numbers of those in the run that are in one.

    Frames soon before and after two animals were seen together are in the encounter, too: one of them may be
    missed, or both found as one.
    """
    close = np.zeros(len(frames), dtype=bool)
    for number, frame in enumerate(frames):
        if len(frame) > 1:
            apart = pose_distance(found.points[frame][:, None], found.points[frame][None])
            np.fill_diagonal(apart, np.inf)
            close[number] = apart.min() < NEAR * found.size
    around = np.ones(2 * AROUND + 1)
    close = np.convolve(close, around)[AROUND : AROUND + len(close)] > 0.5
    padded = np.convolve(close, around)[AROUND : AROUND + len(close)] > 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[False], padded, [False]]).astype(int)))
    for first, last in edges.reshape(-1, 2):
        yield slice(first, last), np.flatnonzero(close[first:last])


def _settle_one(
    found: Detections,
    frames: list[np.ndarray],
    close: np.ndarray,
    owners: _Owners,
    certain: np.ndarray,
    motion: Motion,
    count: int,
) -> None:
    """Decide one run of frames anew, in place."""
    for _ in range(ROUNDS):
        ahead = _carried(found, frames, owners.keypoint, motion, count, 1)
        back = _carried(found, frames, owners.keypoint, motion, count, -1)
        changed = False
        for number in close.tolist():
            frame = frames[number]
            likely = _likely(found.points[frame], *_both(ahead, back, number, motion), motion)
            who = _detections(likely, certain[frame], owners.who[frame])
            keypoint = _keypoints(likely, found.points[frame], found.anchor[frame] >= 0, who)
            changed |= bool((keypoint != owners.keypoint[frame]).any())
            owners.who[frame], owners.keypoint[frame] = who, keypoint
        if not changed:
            return


@dataclass
class _Carried:
    """Where keypoints are expected in F frames, pixels (F, N, K, 2), and steps since each was seen."""

    place: np.ndarray
    gone: np.ndarray


def _carried(
    found: Detections, frames: list[np.ndarray], owner: np.ndarray, motion: Motion, count: int, way: int
) -> _Carried:
    """Carry the keypoints of all individuals through the frames, forwards (1) or backwards (-1)."""
    keypoints = found.points.shape[1]
    place = np.full((count, keypoints, 2), np.nan)
    seen = np.full((count, keypoints), -np.inf)
    velocity, last = np.zeros((count, 2)), np.full(count, -np.inf)
    result = _Carried(
        np.full((len(frames), *place.shape), np.nan), np.full((len(frames), *seen.shape), np.inf)
    )
    usual = float(motion.spread(np.ones(1))[0][0])
    for number in range(len(frames))[::way]:
        frame = frames[number]
        time = way * float(found.time[frame[0]])
        gone = np.where(np.isfinite(last), time - last, 1.0)
        moved = motion.moved(velocity, gone)
        expected = place + moved[:, None]
        result.place[number], result.gone[number] = expected, time - seen
        points = np.full_like(place, np.nan)
        member, keypoint = np.nonzero(owner[frame] >= 0)
        points[owner[frame][member, keypoint], keypoint] = found.points[frame][member, keypoint]
        step = points - expected
        known = np.isfinite(step[..., 0])
        scale, tail = motion.spread(np.where(known, time - seen, 1.0))
        off = np.where(known, np.linalg.norm(step, axis=-1), np.inf)
        good = known & ((1 - ASTRAY) * np.exp(student(off, scale, tail)) * motion.near > ASTRAY)
        told = np.where(good.any(1)[:, None], good, known)
        shift = median_of(np.where(told[..., None], step, np.nan).swapaxes(1, 2))
        there = known.any(1)
        new = expected + np.where(there[:, None], shift, 0.0)[:, None]
        gain = 1 - 0.5 * (usual / scale) ** 2  # the less certain it was, the more is learned
        new[good] = (expected + gain[..., None] * step)[good]
        fresh = np.isfinite(points[..., 0]) & ~known
        new[fresh] = points[fresh]
        share = np.where(velocity.any(1), SMOOTHING, 1.0)[there, None]
        pace = (moved + shift)[there] / gone[there, None]
        velocity[there] += share * (pace - velocity[there])
        come = there | fresh.any(1)
        place[come], last[come] = new[come], time
        seen[good | fresh] = time
    return result


def _both(
    ahead: _Carried, back: _Carried, number: int, motion: Motion
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return place (N, K, 2), NaN if unknown, scale and tail (N, K) of keypoints, carried from both sides."""
    noise = motion.spread(np.ones(1))[0][0] ** 2 / 2
    places = np.stack([ahead.place[number], back.place[number]])
    gone = np.stack([ahead.gone[number], back.gone[number]])
    known = np.isfinite(places[..., 0]) & np.isfinite(gone)
    scale, tail = motion.spread(np.where(known, gone, 1.0))
    weight = np.where(known, 1 / np.maximum(scale**2 - noise, noise), 0.0)
    total = weight.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        place = (np.where(known[..., None], places, 0.0) * weight[..., None]).sum(0) / total[..., None]
        scale = np.sqrt(1 / total + noise)
    place[(total == 0) | (scale > VAGUE * motion.size)] = np.nan
    return place, scale, tail.min(0)


def _likely(
    points: np.ndarray, place: np.ndarray, scale: np.ndarray, tail: np.ndarray, motion: Motion
) -> np.ndarray:
    """Return how likely keypoints (n, N, K) are, over keypoints anywhere near; NaN where nothing is known."""
    off = np.linalg.norm(points[:, None] - place[None], axis=-1)
    with np.errstate(invalid="ignore"):
        return np.exp(student(off, scale, tail)) * motion.near


def _detections(likely: np.ndarray, certain: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return the individual (n,) of each detection of a frame; where nothing is known it stays as before."""
    unknown = np.isnan(likely).all((0, 2))
    stays = certain | ((before >= 0) & unknown[before])
    given = np.where(stays, before, -1)
    rows = np.flatnonzero(~stays)
    columns = np.setdiff1d(np.flatnonzero(~unknown), given)
    each = np.log((1 - ASTRAY) * likely[np.ix_(rows, columns)] + ASTRAY)
    worth = np.maximum(np.nansum(each, axis=-1), 0.0)
    for i, j in zip(*linear_sum_assignment(-worth), strict=True):
        if worth[i, j] > 0:
            given[rows[i]] = columns[j]
    loose = (given < 0) & (before >= 0) & ~np.isin(before, given)  # a poor match, but there is no better one
    return np.where(loose, before, given)


def _keypoints(likely: np.ndarray, points: np.ndarray, named: np.ndarray, who: np.ndarray) -> np.ndarray:
    """Return the individual (n, K) of each keypoint of a frame.

    A keypoint stays with its detection unless it certainly lies on another individual, or its own individual
    has a better one.
    """
    owner = _whole(points, who)
    n, count = likely.shape[:2]
    own = (who[:, None] == np.arange(count))[..., None]
    likely = np.where(np.isnan(likely), np.where(own, 1.0, 0.0), likely)
    with np.errstate(divide="ignore"):
        worth = np.log(likely) + np.where(own, np.log1p(-ASTRAY), np.log(ASTRAY) - CERTAIN)
    taken = np.zeros(count, dtype=bool)
    taken[who[named]] = True
    worth[named] = -np.inf
    worth[:, taken] = -np.inf
    stay = np.log(WILD)
    elsewhere = np.where(own, -np.inf, worth).max(1) > np.maximum(np.where(own, worth, -np.inf).max(1), stay)
    for k in np.flatnonzero(((worth > stay) & ~own).any((0, 1))):
        table = np.column_stack([np.maximum(worth[..., k], stay - 1.0), np.full((n, n), stay)])
        rows, columns = linear_sum_assignment(-table)
        moved = {int(i): int(j) for i, j in zip(rows, columns, strict=True) if j < count}
        for i in np.flatnonzero(owner[:, k] >= 0).tolist():
            if i not in moved and not named[i] and (elsewhere[i, k] or owner[i, k] in moved.values()):
                owner[i, k] = -1
        for i, j in moved.items():
            owner[i, k] = j
    for individual in set(range(count)) - set(who.tolist()):
        few = np.argwhere(owner == individual)
        if len(few) < FEW * points.shape[1]:
            for i, k in few:
                owner[i, k] = -1 if who[i] in owner[:, k] else who[i]
    return owner
