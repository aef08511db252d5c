"""A parametric three-dimensional mouse: chains of ellipsoids and 27 exact keypoints.

The animal's own frame is right-handed: x forward, y to the animal's own left, z up; the unit is the
body length (nose to tail base of the straightened animal) and the floor is ``z = 0``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

TOPVIEWMOUSE: tuple[str, ...] = (
    "nose",
    "left_ear",
    "right_ear",
    "left_ear_tip",
    "right_ear_tip",
    "left_eye",
    "right_eye",
    "neck",
    "mid_back",
    "mouse_center",
    "mid_backend",
    "mid_backend2",
    "mid_backend3",
    "tail_base",
    "tail1",
    "tail2",
    "tail3",
    "tail4",
    "tail5",
    "left_shoulder",
    "left_midside",
    "left_hip",
    "right_shoulder",
    "right_midside",
    "right_hip",
    "tail_end",
    "head_midpoint",
)
"""Keypoints of the SuperAnimal TopViewMouse space, in channel order (Ye et al. 2024)."""

FUR, EAR, PAW, TAIL, NOSE, EYE, IMPLANT = range(7)
"""Materials: index into a coat's colour table."""

# Half-width of the trunk along the animal, 0 = tail base, 1 = nose (fractions of body length).
_PROFILE_S = np.array(
    [0.0, 0.02, 0.06, 0.12, 0.22, 0.34, 0.46, 0.56, 0.64, 0.70, 0.77, 0.84, 0.91, 0.96, 0.99]
)
_PROFILE_W = np.array(
    [0.022, 0.055, 0.105, 0.145, 0.178, 0.184, 0.168, 0.145, 0.125, 0.108, 0.104, 0.086, 0.055, 0.034, 0.014]
)
_TAIL_STEPS = 42
_SPINE_STEPS = 44
_NECK_S = 0.70
_CENTRE_S = _NECK_S * 4 / 6
# A mouse of 88 mm from nose to tail base has its ear canals 17 to 18 mm and its eyes 11 mm behind the nose.
_EAR_S, _EYE_S = 0.80, 0.878
_BACK_S = {
    "neck": 6 / 6,
    "mid_back": 5 / 6,
    "mouse_center": _CENTRE_S / _NECK_S,
    "mid_backend": 3 / 6,
    "mid_backend2": 2 / 6,
    "mid_backend3": 1 / 6,
    "tail_base": 0.0,
}


@dataclass(frozen=True)
class MouseShape:
    """Proportions of one animal, constant in time (fractions of body length)."""

    girth: float = 1.0
    rump: float = 1.0
    head: float = 1.0
    snout: float = 1.0
    flatness: float = 0.85
    ear_radius: float = 0.056
    tail_length: float = 0.88
    tail_radius: float = 0.024
    paw: float = 1.0
    implant: float = 0.0


@dataclass(frozen=True)
class MousePose:
    """Joint state of one animal at one instant; angles in radians, lengths in body lengths.

    ``bend`` is the yaw of (pelvis, chest, head) relative to the middle of the trunk, positive to the
    animal's left; ``rise`` is the pitch of trunk, chest and head, positive upwards; ``stretch`` < 1 is a
    hunched back; ``paws`` holds x, y offsets and lift of (left fore, right fore, left hind, right hind);
    ``tail``     holds the curvature (total yaw in radians) of the tail's three thirds.
    """

    bend: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rise: tuple[float, float, float] = (0.0, 0.0, 0.0)
    roll: float = 0.0
    head_roll: float = 0.0
    stretch: float = 1.0
    ears: tuple[float, float] = (0.0, 0.0)
    paws: np.ndarray = field(default_factory=lambda: np.zeros((4, 3)))
    tail: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tail_lift: float = 0.0


@dataclass(frozen=True)
class Body:
    """Ellipsoids and keypoints of one posed animal in some frame.

    ``centers`` (N, 3); ``covariance`` (N, 3, 3) = R diag(r²) Rᵀ, so that the surface is
    ``dᵀ covariance⁻¹ d = 1``; ``material`` (N,) int; ``along`` (N,) position along the trunk
    (0 tail base .. 1 nose); ``keypoints`` (K, 3).
    """

    centers: np.ndarray
    covariance: np.ndarray
    material: np.ndarray
    along: np.ndarray
    keypoints: np.ndarray

    def moved(self, turn: np.ndarray, shift: np.ndarray) -> Body:
        """Return the body turned and scaled by a matrix (3, 3), then shifted by (3,)."""
        return Body(
            centers=self.centers @ turn.T + shift,
            covariance=turn @ self.covariance @ turn.T,
            material=self.material,
            along=self.along,
            keypoints=self.keypoints @ turn.T + shift,
        )


def smooth_step(s: np.ndarray, lo: float, hi: float) -> np.ndarray:
    """0 below ``lo``, 1 above ``hi``, smooth between them."""
    t = np.clip((s - lo) / (hi - lo), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def axes_of(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Orthonormal frames (..., 3, 3), columns forward, left, up."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    forward = np.stack([cp * cy, cp * sy, sp], -1)
    left = np.stack([-sy, cy, np.zeros_like(cy)], -1)
    up = np.cross(forward, left)
    cr, sr = np.cos(roll)[..., None], np.sin(roll)[..., None]
    return np.stack([forward, left * cr + up * sr, up * cr - left * sr], -1)


def _covariance(frames: np.ndarray, radii: np.ndarray) -> np.ndarray:
    scaled = frames * radii[..., None, :]
    return scaled @ np.swapaxes(scaled, -1, -2)


class Parts:
    """Collects ellipsoids while a body is being built."""

    def __init__(self) -> None:
        self.centers: list[np.ndarray] = []
        self.covariance: list[np.ndarray] = []
        self.material: list[np.ndarray] = []
        self.along: list[np.ndarray] = []

    def add(
        self,
        centers: np.ndarray,
        frames: np.ndarray,
        radii: np.ndarray,
        material: int,
        along: np.ndarray | float,
    ) -> None:
        """Ellipsoids at ``centers`` (n, 3) with axes in the columns of ``frames`` and half-axes ``radii``."""
        centers = np.atleast_2d(centers)
        n = len(centers)
        frames = np.broadcast_to(frames, (n, 3, 3))
        radii = np.broadcast_to(radii, (n, 3))
        self.centers.append(centers)
        self.covariance.append(_covariance(frames, radii))
        self.material.append(np.full(n, material))
        self.along.append(np.broadcast_to(np.asarray(along, float), (n,)))

    def chain(
        self,
        points: Sequence[np.ndarray],
        radii: Sequence[float],
        material: int,
        along: float,
        flat: float = 1.0,
    ) -> None:
        """Ellipsoids along a polyline with radii at its vertices, squeezed along y by ``flat``."""
        p, r = np.stack(list(points)), np.asarray(radii, float)
        u = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
        n = int(np.clip(np.ceil(u[-1] / (0.8 * r.mean())), 2, 24)) + 1
        at = np.linspace(0.0, u[-1], n)
        centers = np.stack([np.interp(at, u, p[:, j]) for j in range(3)], -1)
        radius = np.interp(at, u, r)
        span = np.diff(centers, axis=0, append=centers[-1:] * 2 - centers[-2:-1])
        forward = span / np.maximum(np.linalg.norm(span, axis=1, keepdims=True), 1e-9)
        left = np.array([0.0, 1.0, 1e-6]) - forward[:, 1:2] * forward
        left /= np.linalg.norm(left, axis=1, keepdims=True)
        frames = np.stack([forward, left, np.cross(forward, left)], -1)
        half = np.maximum(radius, 0.75 * u[-1] / (n - 1))
        half[[0, -1]] = radius[[0, -1]]
        self.add(centers, frames, np.stack([half, radius * flat, radius], -1), material, along)

    def body(self, keypoints: np.ndarray) -> Body:
        """Everything collected, with these keypoints (K, 3)."""
        return Body(
            np.concatenate(self.centers),
            np.concatenate(self.covariance),
            np.concatenate(self.material),
            np.concatenate(self.along),
            keypoints,
        )


def _profile(s: np.ndarray, shape: MouseShape) -> np.ndarray:
    width = np.interp(s, _PROFILE_S, _PROFILE_W)
    trunk = 1.0 - smooth_step(s, 0.6, 0.75)
    rump = 1.0 - smooth_step(s, 0.25, 0.5)
    snout = smooth_step(s, 0.82, 0.9)
    return (
        width
        * (1 + (shape.girth - 1) * trunk)
        * (1 + (shape.rump - 1) * rump)
        * (1 + (shape.head - 1) * (1 - trunk))
        * (1 + (shape.snout - 1) * snout)
    )


def build_mouse(shape: MouseShape, pose: MousePose) -> Body:
    """Pose a mouse; its trunk's middle (mouse centre) stands over the origin, heading along x.

    Parameters
    ----------
    shape, pose
        Proportions and joint state.

    Returns
    -------
    Body
        About 160 ellipsoids and the 27 keypoints of :data:`TOPVIEWMOUSE`, in body lengths.
    """
    parts = Parts()
    points: dict[str, np.ndarray] = {}

    # Trunk and head: one chain from tail base to nose.
    s = np.linspace(0.0, 0.99, _SPINE_STEPS)
    yaw = (
        pose.bend[1] * smooth_step(s, 0.45, 0.72)
        + pose.bend[2] * smooth_step(s, 0.66, 0.84)
        - pose.bend[0] * (1 - smooth_step(s, 0.0, 0.42))
    )
    pitch = pose.rise[0] + pose.rise[1] * smooth_step(s, 0.3, 0.7) + pose.rise[2] * smooth_step(s, 0.68, 0.84)
    roll = pose.roll + pose.head_roll * smooth_step(s, 0.66, 0.84)
    frames = axes_of(yaw, pitch, roll)
    pace = np.where(s < _NECK_S, pose.stretch, 0.5 + 0.5 * pose.stretch)
    ds = np.diff(s, prepend=0.0)
    center = np.cumsum(frames[:, :, 0] * (ds * pace)[:, None], 0)
    width = _profile(s, shape) * (1 + (pose.stretch**-0.6 - 1) * (1 - smooth_step(s, 0.6, 0.75)))
    height = width * (shape.flatness + 0.1 * (s > 0.75))
    middle = int(np.argmin(np.abs(s - _CENTRE_S)))
    center = center - center[middle] * np.array([1.0, 1.0, 0.0])
    # The trunk rests a little above the floor; a raised chest lifts the front.
    sag = center[:, 2] - height * np.cos(pitch)
    center[:, 2] += 0.015 - min(0.0, float(sag.min())) - (sag.min() if sag.min() > 0 else 0.0)
    length = np.full_like(s, 0.05)
    length[s < 0.03] = 0.03
    length = np.minimum(length, np.maximum(width, 0.018))
    parts.add(center, frames, np.stack([length, width, height], -1), FUR, s)
    # Haunches give the pear shape.
    for sign in (1.0, -1.0):
        k = int(np.argmin(np.abs(s - 0.19)))
        at = center[k] + frames[k] @ np.array([0.0, sign * width[k] * 0.42, -height[k] * 0.15])
        parts.add(at, frames[k], np.array([0.14, width[k] * 0.62, height[k] * 0.75]), FUR, s[k])

    def on_trunk(at: float, lateral: float, up: float) -> np.ndarray:
        """A point at ``at`` along the trunk, lateral and up as fractions of the half-axes there."""
        c = np.array([np.interp(at, s, center[:, j]) for j in range(3)])
        k = int(np.argmin(np.abs(s - at)))
        local = np.array([0.0, lateral * np.interp(at, s, width), up * np.interp(at, s, height)])
        return c + frames[k] @ local

    for name, fraction in _BACK_S.items():
        points[name] = on_trunk(_NECK_S * fraction, 0.0, 0.96)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        points[f"{side}_shoulder"] = on_trunk(0.62, 0.72 * sign, 0.66)
        points[f"{side}_midside"] = on_trunk(_CENTRE_S, 0.88 * sign, 0.45)
        points[f"{side}_hip"] = on_trunk(0.19, 0.88 * sign, 0.45)
        points[f"{side}_eye"] = on_trunk(_EYE_S, 0.86 * sign, 0.5)
        parts.add(points[f"{side}_eye"], np.eye(3), np.full(3, 0.0135), EYE, _EYE_S)
    points["head_midpoint"] = on_trunk(_EAR_S, 0.0, 0.97)
    points["nose"] = center[-1] + frames[-1] @ np.array([0.012, 0.0, 0.004])
    parts.add(center[-1], frames[-1], np.array([0.016, 0.014, 0.012]), NOSE, 1.0)

    _add_ears(parts, points, shape, pose, on_trunk, frames[int(np.argmin(np.abs(s - _EAR_S)))])
    _add_limbs(parts, shape, pose, center, frames, width, s)
    _add_tail(parts, points, shape, pose, center[0], yaw[0], pitch[0])
    if shape.implant > 0:
        top = on_trunk(0.79, 0.0, 1.0 + shape.implant / 0.1)
        head_frame = frames[int(np.argmin(np.abs(s - 0.79)))]
        parts.add(top, head_frame, np.array([0.05, 0.035, 0.03]) * (0.6 + 4 * shape.implant), IMPLANT, 0.79)

    return parts.body(np.stack([points[name] for name in TOPVIEWMOUSE]))


def _add_ears(
    parts: Parts,
    points: dict[str, np.ndarray],
    shape: MouseShape,
    pose: MousePose,
    on_trunk: Callable[[float, float, float], np.ndarray],
    head: np.ndarray,
) -> None:
    radius = shape.ear_radius
    for k, (side, sign) in enumerate((("left", 1.0), ("right", -1.0))):
        fold = pose.ears[k]
        root = on_trunk(_EAR_S, 0.82 * sign, 0.68)
        # The ear points outwards, a little back and up; folding turns it backwards.
        out = head @ np.array([-0.35 - 0.8 * fold, sign * (1.0 - 0.4 * fold), 0.55 - 0.2 * fold])
        out /= np.linalg.norm(out)
        normal = np.cross(out, head @ np.array([0.55, 0.0, -0.84]))  # within the ear's plane, across
        normal /= np.linalg.norm(normal)
        thin = np.cross(out, normal)
        middle = root + out * radius * 0.85
        parts.add(
            middle, np.stack([out, normal, thin], -1), np.array([radius, radius * 0.88, 0.009]), EAR, _EAR_S
        )
        points[f"{side}_ear"] = root + out * radius * 0.1
        points[f"{side}_ear_tip"] = root + out * radius * 1.75


def _add_limbs(
    parts: Parts,
    shape: MouseShape,
    pose: MousePose,
    center: np.ndarray,
    frames: np.ndarray,
    width: np.ndarray,
    s: np.ndarray,
) -> None:
    rest = ((0.66, 1.0, 0.07), (0.66, -1.0, 0.07), (0.17, 1.0, 0.13), (0.17, -1.0, 0.13))
    for k, (at, sign, forward) in enumerate(rest):
        j = int(np.argmin(np.abs(s - at)))
        hip = center[j] + frames[j] @ np.array([0.0, sign * width[j] * 0.7, -0.02])
        dx, dy, lift = pose.paws[k]
        foot = center[j] + frames[j] @ np.array([forward + dx, sign * (width[j] * 0.86 + dy), 0.0])
        floor = 0.012 + lift + 0.35 * max(0.0, center[j, 2] - 0.2) * (k < 2)
        foot[2] = floor
        t = np.linspace(0.0, 1.0, 5)[:, None]
        thickness = (0.045, 0.05)[k >= 2]
        radius = (thickness * (1 - t) + 0.018 * t) * np.ones((1, 3))
        parts.add(hip * (1 - t) + foot * t, np.eye(3), radius, FUR, at)
        long = (0.03, 0.055)[k >= 2] * shape.paw
        toes = foot + frames[j][:, 0] * long * 0.5
        parts.add(toes, frames[j], np.array([long, 0.017 * shape.paw, 0.01]), PAW, at)
        for spread in (-0.5, 0.0, 0.5):
            toe = toes + frames[j] @ np.array([long * 0.95, long * 0.45 * spread, 0.0])
            parts.add(toe, frames[j], np.array([long * 0.35, 0.005, 0.005]), PAW, at)


def _add_tail(
    parts: Parts,
    points: dict[str, np.ndarray],
    shape: MouseShape,
    pose: MousePose,
    root: np.ndarray,
    yaw: float,
    pitch: float,
) -> None:
    t = np.linspace(0.0, 1.0, _TAIL_STEPS)
    turn = np.interp(t, [0.0, 1 / 3, 2 / 3, 1.0], np.cumsum([0.0, *pose.tail]))
    heading = yaw + np.pi + turn
    step = shape.tail_length / (_TAIL_STEPS - 1)
    path = np.empty((_TAIL_STEPS, 3))
    path[:, 0] = np.cumsum(np.cos(heading)) * step
    path[:, 1] = np.cumsum(np.sin(heading)) * step
    path[:, :2] += root[:2] - path[0, :2]
    radius = shape.tail_radius * (1 - 0.72 * t) + 0.001
    start = root[2]
    path[:, 2] = (
        radius
        + (start - radius[0]) * np.exp(-6 * t)
        + pose.tail_lift * np.sin(np.pi * np.minimum(t * 1.3, 1.0))
    )
    frames = axes_of(heading, np.zeros_like(heading), np.zeros_like(heading))
    parts.add(path, frames, np.stack([np.maximum(radius, step * 0.9), radius, radius], -1), TAIL, -t)
    for k in range(1, 6):
        at = k / 6
        points[f"tail{k}"] = np.array([np.interp(at, t, path[:, j]) for j in range(3)])
    points["tail_end"] = path[-1]
