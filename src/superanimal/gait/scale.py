"""From pixels to body lengths and metres.

Metres need one known thing: the length of a pixel (a ruler drawn in the viewer), the length of the animal's
body, or places on the ground whose positions along the walkway are known. Those hold in perspective too: in a
picture, positions along a straight line go through a ratio of two linear functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import xarray as xr

from superanimal.errors import InputError
from superanimal.gait.limbs import body_points
from superanimal.gait.recording import LEAST_CONFIDENCE, Recording

GroundMarks = Sequence[Sequence[float]]
"""(N, 3): x and y in pixels, and the position along the walkway in metres."""


@dataclass(frozen=True)
class Body:
    """The longest distance between two points of the trunk: pixels (median over frames), and which."""

    length: float
    ends: tuple[str, str]


@dataclass(frozen=True)
class Scale:
    """What one thing of known length tells of a recording; at most one is given.

    Attributes
    ----------
    metres_per_pixel
        Length of a pixel where the animal walks.
    body_length_m
        Length of the animal from one end of :class:`Body` to the other.
    ground_marks
        Places on the ground along the walkway.
    """

    metres_per_pixel: float | None = None
    body_length_m: float | None = None
    ground_marks: GroundMarks | None = None

    def check(self) -> None:
        """Raise an :class:`~superanimal.errors.InputError` for values that are no scale."""
        given = [
            name
            for name in ("metres_per_pixel", "body_length_m", "ground_marks")
            if getattr(self, name) is not None
        ]
        if len(given) > 1:
            raise InputError(
                f"{' and '.join(given)} are given", "one of them sets the scale", "leave one out"
            )
        for name in ("metres_per_pixel", "body_length_m"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0):
                raise InputError(f"{name.replace('_', ' ')} of {value}", "it must be a positive number")
        if self.ground_marks is not None:
            walkway(self.ground_marks)

    def of(self, recording: Recording, body: Body | None) -> tuple[float | None, str]:
        """Return the metres of a pixel of a recording (None: unknown or not the same everywhere), and why."""
        if self.metres_per_pixel is not None:
            return self.metres_per_pixel, ""
        if self.body_length_m is not None:
            if body is None:
                return None, "no lengths in metres: the ends of the body are not seen"
            return self.body_length_m / body.length, ""
        if self.ground_marks is not None and recording.ground.kind != "still":
            return None, "no lengths in metres: the marks on the ground move in the picture"
        return None, ""

    def along(self, recording: Recording, start: np.ndarray, end: np.ndarray) -> float:
        """Return how far two places (2,) are along the marked ground, metres; NaN when unknown."""
        if self.ground_marks is None or recording.ground.kind != "still":
            return float("nan")
        ends = walkway(self.ground_marks).at(np.stack([start, end]))
        return float(abs(ends[1] - ends[0]))


@dataclass(frozen=True)
class Walkway:
    """A straight line on the ground: position in metres = (a s + b) / (c s + 1), s pixels along it."""

    origin: np.ndarray
    along: np.ndarray
    a: float
    b: float
    c: float

    def at(self, places: np.ndarray) -> np.ndarray:
        """Return the positions of places (n, 2) in pixels along the walkway, metres."""
        s = (places - self.origin) @ self.along
        return np.asarray((self.a * s + self.b) / (self.c * s + 1))


def walkway(marks: GroundMarks) -> Walkway:
    """Fit a walkway to marks on the ground; two marks give one scale, three or more the perspective too.

    Raises
    ------
    InputError
        With fewer than two marks, two in one place, or positions that do not go one way along the picture.

    Examples
    --------
    >>> import numpy as np
    >>> line = walkway([(0, 0, 0.0), (100, 0, 1.0), (150, 0, 2.0)])  # the far metre looks shorter
    >>> line.at(np.array([[100.0, 0.0], [150.0, 0.0]])).round(3).tolist()
    [1.0, 2.0]
    """
    rule = "each is x and y in pixels and its position along the walkway in metres"
    try:
        table = np.asarray(marks, float)
    except (TypeError, ValueError):
        raise InputError("the marks on the ground cannot be read", rule) from None
    if table.ndim != 2 or table.shape[1] != 3 or len(table) < 2 or not np.isfinite(table).all():
        raise InputError(f"{len(table)} marks on the ground", f"two or more are needed; {rule}")
    places, metres = table[:, :2], table[:, 2]
    origin = places.mean(axis=0)
    along = np.linalg.svd(places - origin, full_matrices=False)[2][0]
    s = (places - origin) @ along
    order = np.argsort(s)
    steps = np.diff(metres[order])
    if np.diff(s[order]).min() <= 0 or not ((steps > 0).all() or (steps < 0).all()):
        raise InputError("marks on the ground whose metres do not go one way", rule, "check them")
    size = float(np.abs(s).max())
    columns = [s / size, np.ones_like(s), *([-metres * s / size] if len(s) > 2 else [])]
    found = np.linalg.lstsq(np.stack(columns, axis=1), metres, rcond=None)[0]
    a, b, c = float(found[0]) / size, float(found[1]), float(found[2]) / size if len(found) > 2 else 0.0
    if (c * s + 1).min() <= 0:
        raise InputError("marks on the ground that fit no straight walkway", rule, "check them")
    return Walkway(origin, along, a, b, c)


def find_body(poses: xr.Dataset, recording: Recording) -> Body | None:
    """Return the longest distance between two points of the trunk; None when fewer than two are seen."""
    own = poses.sel(individual=recording.individual)
    names = body_points([str(name) for name in own["keypoint"].values], recording.limbs)
    if len(names) < 2:
        return None
    points = own.sel(keypoint=names)
    place = points["position"].transpose("time", "keypoint", "space").values.astype(float)
    unsure = points["confidence"].transpose("time", "keypoint").values < LEAST_CONFIDENCE
    place[unsure] = np.nan
    best: Body | None = None
    for i, j in combinations(range(len(names)), 2):
        apart = np.linalg.norm(place[:, i] - place[:, j], axis=1)
        apart = apart[np.isfinite(apart)]
        if len(apart) >= 8 and (length := float(np.median(apart))) > (best.length if best else 0):
            best = Body(length, (names[i], names[j]))
    return best
