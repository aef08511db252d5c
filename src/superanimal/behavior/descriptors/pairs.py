"""Features of one animal towards another: actor and recipient, in the actor's own frame."""

from __future__ import annotations

import numpy as np

from superanimal.behavior.descriptors.names import landmark_points
from superanimal.behavior.descriptors.own import Columns, Moment


def pair_features(actor: Moment, other: Moment) -> Columns:
    """Return the features of an actor towards another animal in each moment.

    Places of the other's landmarks in the actor's frame, distances between landmarks of both, the smallest
    distance, bearing, relative heading, approach and relative speeds; see docs/behavior.md.
    """
    columns = Columns()
    names, length = actor.names, np.float32(actor.body.length)
    unit = "body lengths"
    marks = landmark_points(names)
    if actor.body.axis != "none":
        seen_from = actor.to_own(other.flat[marks])
        for k, place in zip(marks, seen_from, strict=True):
            columns.add(f"other.forward.{names[k]}", unit, place.real)
            columns.add(f"other.left.{names[k]}", unit, place.imag)
        middle = actor.to_own(other.origin)
        columns.add("other.forward.middle", unit, middle.real)
        columns.add("other.left.middle", unit, middle.imag)
        bearing, heading = middle / np.abs(middle), other.turn / actor.turn
        columns.add("other.bearing", "cosine", bearing.real)
        columns.add("other.heading", "cosine", heading.real)
        columns.add("other.heading.side", "sine", heading.imag)
    apart = _distances(actor.points[marks], other.points[marks]) / length
    ends = [marks.index(k) for k in actor.body.ends if k in marks]
    for i in ends:
        for j, k in enumerate(marks):
            columns.add(f"other.distance.{names[marks[i]]}.{names[k]}", unit, apart[i, j])
    columns.add("other.gap", unit, np.fmin.reduce(apart.reshape(-1, apart.shape[2]), axis=0))
    for i in ends:
        columns.add(f"other.gap.{names[marks[i]]}", unit, np.fmin.reduce(apart[i], axis=0))
    between, rate = other.origin - actor.origin, actor.rate
    centre = np.abs(between) / length
    columns.add("other.distance", unit, centre)
    columns.add("other.approach", "body lengths/s", -rate(centre))
    towards, moved = between / np.abs(between), rate(actor.origin) / length
    columns.add("other.pursuit", "body lengths/s", (moved * towards.conj()).real)
    columns.add("other.relative.speed", "body lengths/s", np.abs(rate(between)) / length)
    return columns


def _distances(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return distances (n, m, T) between points (n, S, T) and (m, S, T)."""
    square = np.zeros((len(one), len(two), one.shape[2]), np.float32)
    for axis in range(one.shape[1]):
        square += np.square(one[:, None, axis] - two[None, :, axis])
    return np.sqrt(square)
