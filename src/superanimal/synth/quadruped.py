"""A parametric four-legged animal: chains of ellipsoids and 39 exact keypoints.

The animal's own frame is right-handed: x forward, y to the animal's own left, z up, ground at ``z = 0``;
the unit is the length of the trunk (tail base to chest).
"""

from __future__ import annotations

import numpy as np

from superanimal.synth.anatomy import (
    COLLAR,
    FACE,
    HORN,
    LIMBS,
    MANE,
    QUADRUPED,
    QuadrupedPose,
    QuadrupedShape,
)
from superanimal.synth.body import EAR, EYE, FUR, NOSE, TAIL, Body, Parts, axes_of, smooth_step
from superanimal.synth.quadruped_legs import add_fore_leg, add_hind_leg

_STEPS = 26
_PROFILE_S = np.array([0.0, 0.05, 0.14, 0.28, 0.42, 0.6, 0.78, 0.9, 0.97, 1.0])


def build_quadruped(shape: QuadrupedShape, pose: QuadrupedPose) -> Body:
    """Pose an animal; the middle of its trunk stands over the origin, heading along x.

    Parameters
    ----------
    shape, pose
        Proportions and joint state.

    Returns
    -------
    Body
        About 250 ellipsoids and the keypoints of :data:`QUADRUPED`, in trunk lengths; antlers that
        the animal does not have are NaN. ``along`` is 0 at the tail base, 1 at the chest, 2 at the nose,
        -1 at the tail's end; on legs it is that of the joint they hang on.
    """
    parts = Parts()
    points: dict[str, np.ndarray] = {}
    s, center, frames, half_w, half_h = _trunk(shape, pose)
    parts.add(center, frames, _cap(half_w, half_h), FUR, s)

    def on_trunk(at: float, lateral: float, up: float) -> np.ndarray:
        """A point at ``at`` along the trunk, lateral and up as fractions of the half-axes there."""
        k = int(np.argmin(np.abs(s - at)))
        c = np.array([np.interp(at, s, center[:, j]) for j in range(3)])
        w, h = np.interp(at, s, half_w), np.interp(at, s, half_h)
        return c + frames[k] @ np.array([0.0, lateral * w, up * h])

    points["back_base"] = on_trunk(0.79, 0.0, 0.98)
    points["back_middle"] = on_trunk(0.48, 0.0, 0.98)
    points["back_end"] = on_trunk(0.16, 0.0, 0.98)
    points["tail_base"] = on_trunk(0.0, 0.0, 0.62)
    points["belly_bottom"] = on_trunk(0.46, 0.0, -0.98)
    points["body_middle_left"] = on_trunk(0.48, 0.97, 0.0)
    points["body_middle_right"] = on_trunk(0.48, -0.97, 0.0)
    for k, limb in enumerate(LIMBS):
        sign = 1.0 if limb.endswith("left") else -1.0
        add_leg = add_fore_leg if limb.startswith("front") else add_hind_leg
        joints = add_leg(parts, shape, pose, on_trunk, sign, np.asarray(pose.feet[k], float))
        for name, joint in zip(("thai", "knee", "paw"), joints, strict=True):
            points[f"{limb}_{name}"] = joint
    trunk_yaw = pose.bend / 2
    poll, neck_yaw = _add_neck(parts, points, shape, pose, on_trunk(0.9, 0.0, 0.22), trunk_yaw)
    _add_head(parts, points, shape, pose, poll, neck_yaw)
    _add_tail(parts, points, shape, pose, on_trunk(0.0, 0.0, 0.5))
    absent = np.full(3, np.nan)
    return parts.body(np.stack([points.get(name, absent) for name in QUADRUPED]))


def _trunk(
    shape: QuadrupedShape, pose: QuadrupedPose
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Stations 0..1, centres, frames, half widths and half heights of the trunk."""
    s = np.linspace(0.0, 1.0, _STEPS)
    chest, waist, rump = shape.chest, shape.waist, shape.rump
    depth = np.interp(
        s,
        _PROFILE_S,
        [0.42 * rump, 0.7 * rump, rump, 0.55 * rump + 0.45 * waist, waist, 0.5 * (waist + chest)]
        + [chest, 0.9 * chest, 0.66 * chest, 0.5 * chest],
    )
    rise = np.interp(
        s,
        _PROFILE_S,
        [shape.croup - 0.16 * rump, shape.croup - 0.06 * rump, shape.croup]
        + [0.5 * (shape.croup + shape.arch), shape.arch - 0.012, 0.5 * shape.arch - 0.008, 0.0]
        + [-0.1 * chest, -0.24 * chest, -0.34 * chest],
    )
    depth, rise = _blur(depth), _blur(rise)
    rise = rise + pose.arch * np.sin(np.pi * s) ** 2
    yaw = pose.bend * (smooth_step(s, 0.2, 0.8) - 0.5)
    frames = axes_of(yaw, np.full_like(s, pose.pitch), np.zeros_like(s))
    path = np.cumsum(frames[:, :, 0], 0) / (_STEPS - 1)
    path -= path[_STEPS // 2]
    path[:, 2] += shape.height + pose.lift
    center = path + frames[:, :, 2] * (rise - depth / 2)[:, None]
    width = shape.width * np.interp(s, [0.0, 0.14, 0.45, 0.75, 1.0], [0.8, 1.0, 1.06, 1.0, 0.8])
    return s, center, frames, depth / 2 * width, depth / 2


def _blur(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, 1, mode="edge")
    return 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]


def _cap(half_w: np.ndarray, half_h: np.ndarray) -> np.ndarray:
    """Half-axes (n, 3) of the trunk's ellipsoids, short at both ends so that these stay in place."""
    length = np.full_like(half_w, 0.085)
    length[[0, -1]], length[[1, -2]] = 0.03, 0.055
    return np.stack([length, half_w, half_h], -1)


def _add_neck(
    parts: Parts,
    points: dict[str, np.ndarray],
    shape: QuadrupedShape,
    pose: QuadrupedPose,
    root: np.ndarray,
    trunk_yaw: float,
) -> tuple[np.ndarray, float]:
    """The neck from the chest to the poll; returns the poll and the yaw there."""
    n = 17
    t = np.linspace(0.0, 1.0, n)
    pitch, yaw = pose.neck
    turn = smooth_step(t, -0.3, 0.6)
    pitches = (1 - turn) * (0.4 * pose.pitch + 0.6 * pitch) + turn * pitch
    yaws = trunk_yaw + yaw * smooth_step(t, -0.1, 0.9)
    frames = axes_of(yaws, pitches, np.zeros(n))
    center = root + np.cumsum(frames[:, :, 0], 0) * (shape.neck / (n - 1))
    center = np.concatenate([root[None], center[:-1]])
    center[:, 2] = np.maximum(center[:, 2], 0.8 * shape.neck_top)
    radius = shape.neck_top + (shape.neck_root - shape.neck_top) * (1 - t) ** 1.3
    length = np.maximum(1.2 * shape.neck / (n - 1), 0.55 * radius)
    flat = 0.66 + 0.2 * t
    parts.add(center, frames, np.stack([length, radius * flat, radius], -1), FUR, 1 + 0.5 * t)
    up = frames[:, :, 2]

    def at(where: float, height: float) -> np.ndarray:
        c = np.array([np.interp(where, t, center[:, j]) for j in range(3)])
        u = up[int(np.argmin(np.abs(t - where)))]
        return c + u * height * float(np.interp(where, t, radius))

    points["neck_base"], points["neck_end"] = at(0.94, 0.97), at(0.2, 0.97)
    points["throat_base"], points["throat_end"] = at(0.92, -0.97), at(0.22, -0.97)
    if shape.mane > 0:
        crest = [at(w, 0.95) for w in (0.0, 0.3, 0.65, 1.0)]
        parts.chain(crest, [0.6 * shape.mane, shape.mane, shape.mane, 0.7 * shape.mane], MANE, 1.2, 0.75)
    if shape.collar > 0:
        k = round(0.6 * (n - 1))
        ring = np.array([shape.collar, radius[k] * flat[k] + 0.012, radius[k] + 0.012])
        parts.add(center[k], frames[k], ring, COLLAR, 1.3)
    return center[-1], float(yaws[-1])


def _add_head(
    parts: Parts,
    points: dict[str, np.ndarray],
    shape: QuadrupedShape,
    pose: QuadrupedPose,
    poll: np.ndarray,
    neck_yaw: float,
) -> None:
    pitch, yaw, roll = pose.head
    lowest = np.clip((1.5 * shape.muzzle - poll[2]) / shape.head, -1.0, 0.5)
    pitch = max(pitch, float(np.arcsin(lowest)))  # the mouth stays above the ground
    frame = axes_of(np.array([neck_yaw + yaw]), np.array([pitch]), np.array([roll]))[0]
    forward, left, up = frame.T
    n = 13
    t = np.linspace(0.0, 1.0, n)
    skull, muzzle = shape.skull, shape.muzzle
    radius = np.interp(
        t,
        [0.0, 0.12, shape.eye, 0.5 * (1 + shape.eye), 1.0],
        [0.92 * skull, skull, 0.97 * skull, 0.4 * skull + 0.6 * muzzle, muzzle],
    )
    sink = (skull - radius) * (1 - 2 * shape.drop)
    reach = shape.head - muzzle
    center = poll + forward * (t * reach)[:, None] + up * sink[:, None]
    length = np.minimum(np.maximum(0.75 * reach / (n - 1), 0.03), radius)
    length[-1] = muzzle
    wide = np.interp(t, [0, shape.eye, 1], [0.72, 0.8, 0.85])
    parts.add(center, frame, np.stack([length, radius * wide, radius], -1), FACE, 1.5 + 0.5 * t)

    def at(where: float, ahead: float, lateral: float, height: float) -> np.ndarray:
        """A point of the head: along it, then ahead, sideways and up in radii there."""
        c = np.array([np.interp(where, t, center[:, j]) for j in range(3)])
        r = float(np.interp(where, t, radius))
        w = r * float(np.interp(where, t, wide))
        return c + forward * ahead * r + left * lateral * w + up * height * r

    # The lower jaw swings at the cheek.
    hinge = at(0.75 * shape.eye, 0, 0, -0.45)
    chin = at(0.97, 0.0, 0, -0.62)
    c, s = np.cos(-pose.jaw), np.sin(-pose.jaw)
    arm = chin - hinge
    a, b = arm @ forward, arm @ up
    chin = hinge + forward * (c * a - s * b) + up * (s * a + c * b)
    parts.chain([hinge, chin], [0.62 * skull, 0.5 * muzzle], FACE, along=1.8, flat=0.8)
    points["nose"] = at(1.0, 0.92, 0.0, 0.32)
    points["upper_jaw"] = at(1.0, 0.8, 0.0, -0.35)
    points["lower_jaw"] = chin + forward * (0.42 * muzzle) - up * (0.15 * muzzle)
    parts.add(at(1.0, 0.62, 0, 0.3), frame, np.array([0.42, 0.5, 0.45]) * muzzle, NOSE, 2.0)
    for k, (side, sign) in enumerate((("left", 1.0), ("right", -1.0))):
        points[f"{side}_eye"] = at(shape.eye, 0.0, 0.93 * sign, 0.38)
        parts.add(points[f"{side}_eye"], frame, np.full(3, 0.17 * skull), EYE, 1.7)
        points[f"mouth_end_{side}"] = at(shape.mouth, 0.0, 0.85 * sign, -0.5)
        base = at(0.06, -0.1, 0.66 * sign, 0.72)
        droop = np.pi * float(np.clip(shape.ear_droop + pose.ears[k], -0.15, 0.95))
        out = up * np.cos(droop) + left * sign * (0.28 + 0.9 * np.sin(droop)) - forward * 0.16
        out /= np.linalg.norm(out)
        across = np.cross(forward, out)
        across /= np.linalg.norm(across)
        leaf = np.stack([out, across, np.cross(out, across)], -1)
        w = np.linspace(0.0, 1.0, 6)
        blade = shape.ear * shape.ear_width * 0.5 * np.interp(w, [0, 0.35, 1], [0.75, 1.0, 0.25])
        thin = np.minimum(blade, 0.02)
        radii = np.stack([np.full(6, 0.13 * shape.ear), blade, thin], -1)
        parts.add(base + out * (w * 0.9 * shape.ear)[:, None], leaf, radii, EAR, 1.5)
        points[f"{side}_earbase"], points[f"{side}_earend"] = base, base + out * shape.ear
        if shape.antler > 0:
            _add_antler(parts, points, shape, side, sign, at(0.16, 0, 0.5 * sign, 0.9), frame)


def _add_antler(
    parts: Parts,
    points: dict[str, np.ndarray],
    shape: QuadrupedShape,
    side: str,
    sign: float,
    base: np.ndarray,
    frame: np.ndarray,
) -> None:
    u = np.linspace(0.0, 1.0, 7)[:, None]
    sweep = 0.5 * np.sin(np.pi * u)
    local = np.concatenate([-0.45 * u + 0.25 * u**2, sign * (0.15 * u + 0.45 * sweep), u - 0.2 * u**2], 1)
    path = base + shape.antler * local @ frame.T
    thick = 0.014 + 0.03 * min(shape.antler, 0.3)
    parts.chain(list(path), list(np.linspace(thick, 0.4 * thick, 7)), HORN, 1.5)
    for k in range(shape.tines):
        root = path[1 + k * 4 // max(1, shape.tines)]
        tip = root + shape.antler * 0.3 * frame @ np.array([0.6, 0.1 * sign, 0.8])
        parts.chain([root, tip], [0.6 * thick, 0.3 * thick], HORN, 1.5)
    points[f"{side}_antler_base"], points[f"{side}_antler_end"] = base, path[-1]


def _add_tail(
    parts: Parts,
    points: dict[str, np.ndarray],
    shape: QuadrupedShape,
    pose: QuadrupedPose,
    root: np.ndarray,
) -> None:
    pitch, curl, yaw = pose.tail
    n = 14
    t = np.linspace(0.0, 1.0, n)
    slope = 0.55 * pose.pitch * -1 + pitch * smooth_step(t, -0.6, 0.35) + curl * t
    heading = np.pi - pose.bend / 2 + yaw * (0.4 + t)
    frames = axes_of(heading, slope, np.zeros(n))
    path = np.concatenate([np.zeros((1, 3)), np.cumsum(frames[:-1, :, 0], 0)]) * shape.tail / (n - 1) + root
    path[:, 2] = np.maximum(path[:, 2], 0.6 * shape.tail_radius)
    hair = np.interp(t, [0.0, 0.45, 0.85, 1.0], [0.0, 1.0, 0.9, 0.25])
    radius = np.maximum(shape.tail_radius * (1 - 0.75 * t), shape.tail_tuft * hair)
    step = 0.75 * shape.tail / (n - 1)
    length = np.maximum(step, np.minimum(radius, 1.6 * step))
    parts.add(path, frames, np.stack([length, 0.85 * radius, radius], -1), TAIL, -t)
    points["tail_end"] = path[-1]
