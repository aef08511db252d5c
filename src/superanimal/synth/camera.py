"""A camera above the floor: weak tilt, mild perspective, image x right and y down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from superanimal.synth.body import Body


@dataclass(frozen=True)
class Camera:
    """Camera looking down at the floor.

    Attributes
    ----------
    center : (float, float)
        Principal point, image pixels (x, y).
    tilt : float
        Angle between the view axis and the vertical, radians.
    azimuth : float
        Image direction towards which the view is tilted, radians.
    distance : float
        Height of the camera over the floor, pixels (floor scale is 1).
    """

    center: tuple[float, float]
    tilt: float = 0.0
    azimuth: float = 0.0
    distance: float = 4000.0

    @property
    def rotation(self) -> np.ndarray:
        """Rotation (3, 3) from floor to view axes.

        Floor: x right, y up the picture, z up from the ground; view: x right, y up, z to the camera.
        """
        c, s = np.cos(self.azimuth), np.sin(self.azimuth)
        turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
        ct, st = np.cos(self.tilt), np.sin(self.tilt)
        lean = np.array([[1, 0, 0], [0, ct, st], [0, -st, ct]])
        return turn.T @ lean @ turn

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Project floor-frame points (..., 3), pixels, z up, origin at the principal point.

        Returns
        -------
        image : (..., 2) pixel coordinates (x right, y down)
        height : (...) view depth towards the camera, pixels
        scale : (...) local magnification
        """
        view = points @ self.rotation.T
        scale = self.distance / (self.distance - view[..., 2])
        image = np.stack([view[..., 0] * scale + self.center[0], -view[..., 1] * scale + self.center[1]], -1)
        return image, view[..., 2], scale


@dataclass(frozen=True)
class Placement:
    """Where an animal stands.

    Image position of its centre (pixels), heading (radians, 0 = image right, counter-clockwise as
    seen on the screen) and body length (pixels).
    """

    x: float
    y: float
    heading: float
    length: float


def place(body: Body, placement: Placement, camera: Camera) -> Body:
    """Move a body from its own frame (body lengths) to the floor frame (pixels)."""
    c, s = np.cos(placement.heading), np.sin(placement.heading)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]) * placement.length
    # Floor position whose projection is (x, y).
    r = camera.rotation
    target = np.array([placement.x - camera.center[0], camera.center[1] - placement.y])
    floor = np.linalg.solve(r[:2, :2] + np.outer(target, r[2, :2]) / camera.distance, target)
    shift = np.array([floor[0], floor[1], 0.0])
    return body.moved(turn, shift)
