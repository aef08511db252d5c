"""The features of Sturman et al. (2020), with which the SuperAnimal paper classified behaviour.

Ten distances, six angles, four areas, and whether nose and head are inside of the arena, where it is known.
The angles' exact definitions are not published: here they are the bends of the midline from nose to tail tip
and the angle between the hips.
"""

from __future__ import annotations

import numpy as np

from superanimal.behavior.descriptors.own import Columns, Moment, own_features
from superanimal.behavior.measures.regions import depth

_DISTANCES = (
    ("nose", "head_midpoint"), ("head_midpoint", "neck"), ("neck", "mouse_center"),
    ("mouse_center", "right_midside"), ("mouse_center", "left_midside"), ("mouse_center", "tail_base"),
    ("tail_base", "right_hip"), ("tail_base", "left_hip"), ("tail_base", "tail3"), ("tail3", "tail_end"),
)  # fmt: skip
_ANGLES = (
    ("nose", "head_midpoint", "neck"), ("head_midpoint", "neck", "mouse_center"),
    ("neck", "mouse_center", "tail_base"), ("mouse_center", "tail_base", "tail3"),
    ("tail_base", "tail3", "tail_end"), ("right_hip", "tail_base", "left_hip"),
)  # fmt: skip
_AREAS = (
    ("tail_base", "right_hip", "left_hip"), ("right_hip", "left_hip", "left_midside", "right_midside"),
    ("right_midside", "right_ear", "left_ear", "left_midside"), ("right_ear", "nose", "left_ear"),
)  # fmt: skip
_PLACES = ("nose", "head_midpoint")
LEAST = 10
"""Features of the paper that must be computable; otherwise distances and bends of the landmarks stand in."""


def lacking(names: tuple[str, ...]) -> list[str]:
    """Return the paper's features that these keypoints do not give."""
    return [
        f"{kind}.{'.'.join(points)}"
        for kind, all_points in (("distance", _DISTANCES), ("angle", _ANGLES), ("area", _AREAS))
        for points in all_points
        if not set(points) <= set(names)
    ]


def paper_features(moment: Moment) -> Columns:
    """Return the features of one animal in each moment, normalised by body length."""
    names = moment.names
    if len(_DISTANCES) + len(_ANGLES) + len(_AREAS) - len(lacking(names)) < LEAST:
        every = own_features(moment)
        kept = [
            k for k, name in enumerate(every.names) if name.startswith(("distance.", "bend.", "extent.area"))
        ]
        return Columns(
            [every.names[k] for k in kept], [every.units[k] for k in kept], [every.values[k] for k in kept]
        )
    at = {name: k for k, name in enumerate(names)}
    flat, length = moment.flat / np.float32(moment.body.length), np.float32(moment.body.length)
    columns = Columns()
    for a, b in _DISTANCES:
        if {a, b} <= set(names):
            apart = np.sqrt(np.square(moment.points[at[a]] - moment.points[at[b]]).sum(axis=0)) / length
            columns.add(f"distance.{a}.{b}", "body lengths", apart)
    for a, b, c in _ANGLES:
        if {a, b, c} <= set(names):
            angle = np.angle((flat[at[a]] - flat[at[b]]) / (flat[at[c]] - flat[at[b]]))
            columns.add(f"angle.{a}.{b}.{c}", "rad", angle)
    for points in _AREAS:
        if set(points) <= set(names):
            corners = flat[[at[name] for name in points]]
            around = np.roll(corners, -1, axis=0)
            area = 0.5 * np.abs((corners.conj() * around).imag.sum(axis=0))
            columns.add(f"area.{'.'.join(points)}", "square body lengths", area)
    if moment.regions is not None and (arena := moment.regions.arena) is not None:
        for name in _PLACES:
            if name in names:
                inside = depth(arena, moment.points[at[name], :2].T.astype(float))
                columns.add(f"inside.{name}", "0 or 1", np.where(np.isnan(inside), np.nan, inside >= 0))
    return columns
