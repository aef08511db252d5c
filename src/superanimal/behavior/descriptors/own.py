"""Features of one animal in one moment: places in its own frame, bends and extent, movement.

Absent points are NaN and stay so; whoever calls these functions silences numpy about them once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from superanimal.behavior.descriptors.body import Body, fit, plane
from superanimal.behavior.descriptors.names import landmark_points
from superanimal.behavior.descriptors.recording import Recording
from superanimal.behavior.measures.regions import Regions, depth

LONGEST_GAP = 2.0
"""Seconds over which an absent point is interpolated."""
DERIVATIVE = 0.05
"""Seconds to either side over which a speed is taken, at least one frame."""


@dataclass
class Columns:
    """Named features with their units, each (T,) float32."""

    names: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)

    def add(self, name: str, unit: str, values: np.ndarray) -> None:
        """Add one feature."""
        self.names.append(name)
        self.units.append(unit)
        self.values.append(values.astype(np.float32, copy=False))

    def extend(self, more: Columns) -> None:
        """Add the features of another list."""
        self.names += more.names
        self.units += more.units
        self.values += more.values

    def matrix(self) -> np.ndarray:
        """Return all features, (F, T) float32."""
        return np.stack(self.values) if self.values else np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class Moment:
    """One animal in a block of T frames, in its own frame.

    Attributes
    ----------
    body, names
        Its typical body, and the names of the K keypoints.
    points
        (K, S, T) with short gaps filled.
    seen
        (K, T) which points were there before.
    time
        (T,) seconds.
    rate
        The derivative over that time.
    flat
        (K, T) complex, the horizontal part of the points.
    turn, origin
        (T,) complex: direction of the body (length 1), and its middle.
    regions
        Arena and regions of the picture, if they are known.
    """

    body: Body
    names: tuple[str, ...]
    points: np.ndarray
    seen: np.ndarray
    time: np.ndarray
    rate: Derivative
    flat: np.ndarray
    turn: np.ndarray
    origin: np.ndarray
    regions: Regions | None = None

    def to_own(self, flat: np.ndarray) -> np.ndarray:
        """Return places (n, T) in this animal's frame, body lengths: real forward, imaginary left."""
        return np.asarray((flat - self.origin) / (self.turn * np.float32(self.body.length)))


def make_moment(points: np.ndarray, time: np.ndarray, body: Body, recording: Recording) -> Moment:
    """Return an animal's block of a recording from its reliable points (K, S, T)."""
    seen = np.isfinite(points[:, 0])
    points = fill_gaps(points, time)
    flat = plane(points)
    turn, origin = fit(flat[list(body.points)], body.shape, body.length)
    if body.axis == "none":
        turn, origin = np.ones(len(time), np.complex64), flat[body.points[0]]
    turn, origin = _filled(turn, time), _filled(origin, time)
    turn = turn / np.where(np.abs(turn) > 0, np.abs(turn), np.nan)
    rate = Derivative(time, recording.step)
    return Moment(body, recording.keypoints, points, seen, time, rate, flat, turn, origin, recording.regions)


def _filled(values: np.ndarray, time: np.ndarray) -> np.ndarray:
    both = np.stack([values.real, values.imag])[None]
    whole = fill_gaps(both, time)[0]
    return np.asarray(whole[0] + 1j * whole[1], dtype=np.complex64)


def fill_gaps(points: np.ndarray, time: np.ndarray, longest: float = LONGEST_GAP) -> np.ndarray:
    """Return points (K, S, T) with gaps of up to ``longest`` seconds interpolated."""
    seen = np.isfinite(points).all(axis=1)
    if seen.all():
        return points
    points = points.copy()
    rows = np.arange(len(time))
    for k in np.flatnonzero(~seen.all(axis=1) & (seen.sum(axis=1) > 1)):
        there = np.flatnonzero(seen[k])
        after = np.searchsorted(there, rows)
        inside = (after > 0) & (after < len(there)) & ~seen[k]
        after = np.clip(after, 1, len(there) - 1)
        short = inside & (time[there[after]] - time[there[after - 1]] <= longest + 1e-9)
        for axis in range(points.shape[1]):
            points[k, axis, short] = np.interp(time[short], time[there], points[k, axis, there])
    return points


def own_features(moment: Moment) -> Columns:
    """Return the features of one animal in each moment.

    ``forward``, ``left`` (and ``up``, above the floor) of the landmarks, distances between them, bends of
    the midline, extent, speeds, turning and accelerations; see docs/behavior.md.
    """
    columns = Columns()
    body, names = moment.body, moment.names
    unit = "body lengths"
    own = moment.to_own(moment.flat)
    marks = landmark_points(names)
    if body.axis != "none":
        for k in marks:
            columns.add(f"forward.{names[k]}", unit, own[k].real)
            columns.add(f"left.{names[k]}", unit, own[k].imag)
        _add_shape(columns, moment, own)
    if moment.points.shape[1] == 3:
        _add_heights(columns, moment)
    _add_motion(columns, moment, own)
    _add_places(columns, moment)
    columns.add("seen", "share of the points", moment.seen.mean(axis=0))
    return columns


def _add_shape(columns: Columns, moment: Moment, own: np.ndarray) -> None:
    names, length = moment.names, np.float32(moment.body.length)
    marks, points = landmark_points(names), moment.points
    for i, a in enumerate(marks):
        for b in marks[i + 1 :]:
            columns.add(
                f"distance.{names[a]}.{names[b]}", "body lengths", _length(points[a] - points[b], length)
            )
    middle = moment.body.midline
    for a, b, c in zip(middle, middle[1:], middle[2:], strict=False):
        bend = np.angle((own[c] - own[b]) / (own[b] - own[a]))
        columns.add(f"bend.{names[a]}.{names[b]}.{names[c]}", "rad", bend)
    trunk = own[list(moment.body.points)]
    seen = np.isfinite(trunk)
    count = np.where(seen.sum(axis=0) >= 2, seen.sum(axis=0), np.nan)
    z = np.where(seen, trunk, 0)
    z = np.where(seen, z - z.sum(axis=0) / count, 0)
    size = (np.square(z.real) + np.square(z.imag)).sum(axis=0) / count
    skew = np.abs((z**2).sum(axis=0) / count)
    long, wide = np.sqrt((size + skew) / 2), np.sqrt(np.maximum(size - skew, 0) / 2)
    columns.add("extent.long", "body lengths", long)
    columns.add("extent.wide", "body lengths", wide)
    columns.add("extent.area", "square body lengths", long * wide)


def _length(vectors: np.ndarray, unit: np.float32) -> np.ndarray:
    """Return the lengths (T,) of vectors (S, T), which are overwritten, in a unit."""
    vectors *= vectors
    total = vectors[0]
    for axis in vectors[1:]:
        total += axis
    return np.asarray(np.divide(np.sqrt(total, out=total), unit, out=total))


def _add_heights(columns: Columns, moment: Moment) -> None:
    names, length = moment.names, np.float32(moment.body.length)
    up = (moment.points[:, 2] - np.float32(moment.body.floor)) / length
    for k in landmark_points(names):
        columns.add(f"up.{names[k]}", "body lengths", up[k])
    columns.add("up.highest", "body lengths", np.fmax.reduce(up, axis=0))
    columns.add("up.lowest", "body lengths", np.fmin.reduce(up, axis=0))
    middle = moment.body.midline
    for a, b in pairwise(middle):
        rise = np.arctan2(up[b] - up[a], np.abs(moment.flat[b] - moment.flat[a]) / length)
        columns.add(f"pitch.{names[a]}.{names[b]}", "rad", rise)


def _add_motion(columns: Columns, moment: Moment, own: np.ndarray) -> None:
    names, body, rate = moment.names, moment.body, moment.rate
    length = np.float32(body.length)
    marks = landmark_points(names)
    for mark in marks:
        speed = _length(rate(moment.points[mark]), length)
        columns.add(f"speed.{names[mark]}", "body lengths/s", speed)
    moved = rate(moment.origin) / (moment.turn * length)
    columns.add("speed.middle", "body lengths/s", np.abs(moved))
    columns.add("acceleration.middle", "body lengths/s²", np.abs(rate(rate(moment.origin))) / length)
    if body.axis == "none":
        return
    columns.add("velocity.forward", "body lengths/s", moved.real)
    columns.add("velocity.left", "body lengths/s", moved.imag)
    columns.add("turning", "rad/s", (rate(moment.turn) / moment.turn).imag)
    inside = np.abs(rate(own[marks]))
    for k, mark in enumerate(marks):
        columns.add(f"motion.{names[mark]}", "body lengths/s", inside[k])


def _add_places(columns: Columns, moment: Moment) -> None:
    """Add how far front, middle and back are from the arena's edge and inside of regions."""
    if moment.regions is None:
        return
    outlines = {f"region.{name}": corners for name, corners in moment.regions.polygons.items()}
    if moment.regions.arena is not None:
        outlines["edge"] = moment.regions.arena
    for k in moment.body.ends:
        for name, corners in outlines.items():
            inside = depth(corners, moment.points[k, :2].T.astype(float)) / moment.body.length
            columns.add(f"{name}.{moment.names[k]}", "body lengths", inside)


class Derivative:
    """The derivative along the last axis over real time, from 0.05 s to either side (at least one frame).

    Parameters
    ----------
    time
        (T,) seconds.
    step
        Median seconds between the frames of the whole recording.
    """

    def __init__(self, time: np.ndarray, step: float) -> None:
        n = len(time)
        half = max(1, round(DERIVATIVE / step))
        rows = np.arange(n)
        self.before, self.after = np.maximum(rows - half, 0), np.minimum(rows + half, n - 1)
        span = time[self.after] - time[self.before]
        with np.errstate(divide="ignore"):
            self.per_second = np.where(span > 0, 1 / span, np.nan).astype(np.float32)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return values (..., T) per second."""
        return np.asarray((values[..., self.after] - values[..., self.before]) * self.per_second)
