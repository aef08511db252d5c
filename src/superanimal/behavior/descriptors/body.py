"""The typical body of an animal: its length, its shape and where its front is."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from superanimal.behavior.descriptors.names import BACK, FRONT, first_of, trunk_points

MOVES_FORWARD = 0.15
"""Least mean direction of movement in the body frame (0..1) that tells front from back."""
ROUNDS = 6
"""Times that poses are turned onto their median."""


_SIDE = re.compile(r"(^|_)(left|right|l|r)(_|$)")


@dataclass(frozen=True)
class Body:
    """The body of one animal.

    Attributes
    ----------
    length
        Body length in the unit of the poses.
    points
        Indices of the n keypoints that give position and direction.
    shape
        (n,) complex, body lengths: real forward, imaginary to the left, about the middle of the trunk.
    midline
        Indices of keypoints along the middle of the body, from back to front.
    ends
        Indices of front, middle and back of the trunk.
    floor
        Height of the floor in the unit of the poses, 0 in two dimensions.
    axis
        How the direction is known, such as ``"tail_base to nose"``.
    notes
        What could not be computed.
    """

    length: float
    points: tuple[int, ...]
    shape: np.ndarray
    midline: tuple[int, ...]
    ends: tuple[int, ...]
    floor: float
    axis: str
    notes: tuple[str, ...]


def plane(points: np.ndarray) -> np.ndarray:
    """Return the horizontal part of points (K, S, T) as complex (K, T), counterclockwise positive.

    In images y points down, so it is negated; positions in space have y as it is.
    """
    sign = -1 if points.shape[1] == 2 else 1
    return np.asarray(points[:, 0] + 1j * sign * points[:, 1], dtype=np.complex64)


def find_body(now: np.ndarray, then: np.ndarray, names: Sequence[str]) -> Body | None:
    """Return the body of an animal from F sampled poses; None for an animal that is never seen.

    Parameters
    ----------
    now, then
        (K, S, F) poses, and those of the same animal a fifth of a second later.
    names
        K canonical names.
    """
    if not np.isfinite(now).all(axis=1).any():
        return None
    notes = []
    found = _shape(now, trunk_points(names)) or _shape(now, list(range(len(names))))
    front, back = first_of(names, FRONT), first_of(names, BACK)
    ends = [k for k in (front, back) if k is not None]
    if found is None:
        notes.append(
            "too few keypoints are seen at once for a body frame; only paths and speeds are computed."
        )
        return Body(1.0, (0,), np.zeros(1, complex), (), (0,), _floor(now), "none", tuple(notes))
    shape, points = found
    ends = [k for k in ends if k in points]
    if len(ends) == 2:
        forward = shape[points.index(ends[0])] - shape[points.index(ends[1])]
        axis = f"{names[ends[1]]} to {names[ends[0]]}"
        apart = np.linalg.norm(now[ends[0]] - now[ends[1]], axis=0)
    elif len(ends) == 1:  # the other points are in front of the back, or behind the front
        away = shape.mean() - shape[points.index(ends[0])]
        forward = away if ends[0] == back else -away
        axis = f"{names[ends[0]]} to the middle" if ends[0] == back else f"the middle to {names[ends[0]]}"
        apart = _extent(now[points])
    else:
        forward, axis = _by_motion(now, then, points, shape)
        if axis == "long axis of the shape":
            notes.append(
                "no keypoint names its front and back, and it does not move one way; forward is the long "
                "axis of the typical shape."
            )
        apart = _extent(now[points])
    finite = apart[np.isfinite(apart)]
    length = float(np.percentile(finite, 75)) if finite.size else float("nan")
    if not length > 0:
        return None
    shape = (shape - shape.mean()) / (forward / abs(forward)) / length
    order = np.argsort(shape.real)
    middle = [k for k in order if abs(shape[k].imag) < 0.12 and not _SIDE.search(names[points[k]])]
    ends_of_trunk = (points[order[-1]], points[order[(len(order) - 1) // 2]], points[order[0]])
    return Body(
        length, tuple(points), shape.astype(np.complex64), tuple(_spread([points[k] for k in middle])),
        tuple(dict.fromkeys(ends_of_trunk)), _floor(now), axis, tuple(notes),
    )  # fmt: skip


def _spread(midline: list[int]) -> list[int]:
    """Return at most five of the points, evenly chosen, with both ends."""
    if len(midline) <= 5:
        return midline
    return [midline[k] for k in np.round(np.linspace(0, len(midline) - 1, 5)).astype(int)]


def _shape(now: np.ndarray, points: list[int]) -> tuple[np.ndarray, list[int]] | None:
    """Return the typical shape, (n,) complex in any rotation in the unit of the poses, and its n points.

    Poses are turned onto a first one, then repeatedly onto the median of all of them. Points that are never
    seen together with others are left out; None where fewer than two remain.
    """
    z = plane(now)[points]
    seen = np.isfinite(z)
    usable = seen.sum(axis=0) >= min(3, len(points))
    if not usable.any() or len(points) < 2:
        return None
    z, seen = z[:, usable], seen[:, usable]
    spread = np.abs(z - np.nanmean(z, axis=0)).max(axis=0, initial=0, where=seen)
    whole = np.flatnonzero(seen.sum(axis=0) == seen.sum(axis=0).max())
    first = whole[np.argsort(spread[whole])[len(whole) // 2]]
    shape = z[:, first]
    for _ in range(ROUNDS):
        known = np.isfinite(shape)
        turn, origin = fit(z[known], shape[known], 1.0)
        with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # points never seen stay absent
            own = (z - origin) / turn
            shape = np.nanmedian(own.real, axis=1) + 1j * np.nanmedian(own.imag, axis=1)
    known = np.isfinite(shape)
    if known.sum() < 2 or not np.abs(shape[known] - shape[known].mean()).max() > 0:
        return None
    return shape[known], [point for point, there in zip(points, known, strict=True) if there]


def _by_motion(
    now: np.ndarray, then: np.ndarray, points: list[int], shape: np.ndarray
) -> tuple[complex, str]:
    """Return the forward direction of a shape: animals move forward; the long axis where they do not."""
    before, after = plane(now)[points], plane(then)[points]
    turn, _ = fit(before, shape, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = after - before
        there = np.isfinite(moved)
        own = np.where(there, moved, 0).sum(axis=0) / there.sum(axis=0) / turn
    own = own[np.isfinite(own)]
    moving = own[np.abs(own) > np.percentile(np.abs(own), 50)] if own.size else own
    mean = complex(np.mean(moving / np.abs(moving))) if moving.size and (np.abs(moving) > 0).all() else 0j
    centred = shape - shape.mean()
    long = complex(np.exp(0.5j * np.angle(np.sum(centred**2))))
    if abs(mean) < MOVES_FORWARD:
        return long, "long axis of the shape"
    if abs((mean * long.conjugate()).real) > 0.7 * abs(mean):  # along the long axis, which is steadier
        return long * np.sign((mean * long.conjugate()).real), "long axis, the way it moves"
    return mean, "the way it moves"


def fit(z: np.ndarray, shape: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Fit a shape to poses: return direction (T,) and origin (T,), complex; NaN with fewer than two points.

    Parameters
    ----------
    z
        (n, T) complex positions, NaN where absent.
    shape
        (n,) complex, body lengths.
    length
        Body length.
    """
    seen = np.isfinite(z)
    z0 = np.where(seen, z, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        count = seen.sum(axis=0)
        middle = z0.sum(axis=0) / count
        own = (shape @ seen) / count
        product = shape.conj() @ z0 - count * own.conj() * middle
        turn = product / np.abs(product)
        turn = np.where(count >= 2, turn, np.nan)
    return turn.astype(np.complex64), (middle - length * turn * own).astype(np.complex64)


def _extent(points: np.ndarray) -> np.ndarray:
    """Return the largest distance between points (n, S, F) in each pose, NaN where one is absent."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    return np.asarray(apart.max(axis=(0, 1)))


def _floor(now: np.ndarray) -> float:
    """Return a low height of the points: in a fifth of the frames, the lowest one is at or below it."""
    if now.shape[1] < 3:
        return 0.0
    heights = now[:, 2]
    seen = np.isfinite(heights).any(axis=0)
    return float(np.percentile(np.nanmin(heights[:, seen], axis=0), 20)) if seen.any() else 0.0
