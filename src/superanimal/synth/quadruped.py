"""A parametric four-legged animal: chains of ellipsoids and 39 exact keypoints.

The animal's own frame is right-handed: x forward, y to the animal's own left, z up, ground at ``z = 0``;
the unit is the length of the trunk (tail base to chest). The order "base" to "end" of neck, throat, back
and tail runs from head to tail; ``*_thai`` is the elbow of a fore leg and the stifle of a hind leg,
``*_knee`` the carpus and the hock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from superanimal.synth.body import EAR, EYE, FUR, NOSE, PAW, TAIL, Body, Parts, axes_of, smooth_step
from superanimal.synth.horse import QUADRUPED, bend_joint

LEG, MANE, HORN, FACE, COLLAR = range(7, 12)
"""Materials besides those of :mod:`superanimal.synth.body`."""

LIMBS: tuple[str, ...] = ("front_left", "front_right", "back_left", "back_right")
"""Order of the feet in :class:`QuadrupedPose`."""

_STEPS = 26
_PROFILE_S = np.array([0.0, 0.05, 0.14, 0.28, 0.42, 0.6, 0.78, 0.9, 0.97, 1.0])


@dataclass(frozen=True)
class QuadrupedShape:
    """Proportions of one animal, constant in time; lengths in trunk lengths.

    Attributes
    ----------
    height : height of the withers
    chest, waist, rump : depth of the trunk at its three thirds
    width : width of the trunk as a share of its depth
    croup, arch : height of croup and of the middle of the back over the line of the withers
    neck, neck_root, neck_top : length and the radii of the neck
    head, skull, muzzle : length of the head, radius at the eyes, radius at the nose
    eye, mouth : place of eyes and of the mouth's corners along the head, 0 poll .. 1 nose
    drop : 0 the line of the forehead runs straight to the nose, 1 the muzzle lies low
    ear, ear_width, ear_droop : length, width as a share of it, 0 upright .. 0.5 sideways .. 1 hanging
    antler, tines : length of antlers or horns (0: none), number of side branches
    tail, tail_radius, tail_tuft : length, radius at the root, radius of hair in the middle
    leg, thigh : radius at the carpus, scale of the upper legs
    carpus, hock, pastern : height of carpus as a share of the elbow's, of hock as a share of ``height``,
        of the fetlock in trunk lengths
    foot : length of a foot
    mane : thickness of a mane (0: none)
    collar : thickness of a collar (0: none)
    """

    height: float = 0.95
    chest: float = 0.44
    waist: float = 0.38
    rump: float = 0.42
    width: float = 0.64
    croup: float = 0.0
    arch: float = 0.0
    neck: float = 0.5
    neck_root: float = 0.18
    neck_top: float = 0.1
    head: float = 0.4
    skull: float = 0.09
    muzzle: float = 0.055
    eye: float = 0.35
    mouth: float = 0.78
    drop: float = 0.3
    ear: float = 0.13
    ear_width: float = 0.35
    ear_droop: float = 0.0
    antler: float = 0.0
    tines: int = 0
    tail: float = 0.6
    tail_radius: float = 0.03
    tail_tuft: float = 0.05
    leg: float = 0.034
    thigh: float = 1.0
    carpus: float = 0.48
    hock: float = 0.36
    pastern: float = 0.08
    foot: float = 0.06
    mane: float = 0.0
    collar: float = 0.0


@dataclass(frozen=True)
class QuadrupedPose:
    """Joint state at one instant; angles in radians, lengths in trunk lengths.

    Attributes
    ----------
    pitch, lift : trunk, nose up, and height over standing
    bend : yaw of the chest against the rump, to the animal's left
    arch : extra rise of the middle of the back
    feet : (4, 3) forward offset from standing, offset outwards, height over the ground, in the order
        :data:`LIMBS`
    neck : pitch over the horizon and yaw
    head : pitch over the horizon, yaw and roll against the neck
    jaw : opening of the mouth
    ears : (left, right) change of ``ear_droop``
    tail : pitch at the root (0 straight back), curl upwards along it, yaw
    """

    pitch: float = 0.0
    lift: float = 0.0
    bend: float = 0.0
    arch: float = 0.0
    feet: np.ndarray = field(default_factory=lambda: np.zeros((4, 3)))
    neck: tuple[float, float] = (0.7, 0.0)
    head: tuple[float, float, float] = (-0.7, 0.0, 0.0)
    jaw: float = 0.0
    ears: tuple[float, float] = (0.0, 0.0)
    tail: tuple[float, float, float] = (-1.2, 0.0, 0.0)


Locate = Callable[[float, float, float], np.ndarray]


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
        add_leg = _add_fore_leg if limb.startswith("front") else _add_hind_leg
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


def _reach(a: np.ndarray, b: np.ndarray, longest: float) -> np.ndarray:
    """b, or the point on the way to it that a limb of this length reaches from a."""
    span = b - a
    d = float(np.linalg.norm(span))
    return b if d <= longest else a + span * (longest / d)


def _above(point: np.ndarray, floor: float) -> np.ndarray:
    return np.array([point[0], point[1], max(point[2], floor)])


def _add_foot(
    parts: Parts, shape: QuadrupedShape, fetlock: np.ndarray, foot: np.ndarray, toe_down: float, long: float
) -> None:
    leg = shape.leg
    parts.chain([fetlock, foot + [0, 0, 0.3 * leg]], [0.92 * leg, 0.95 * leg], LEG, along=0.0, flat=0.9)
    frame = axes_of(np.zeros(1), np.array([-toe_down]), np.zeros(1))[0]
    at = foot + frame[:, 0] * (long * 0.28)
    height = min(0.032, 0.9 * leg) if shape.pastern < 0.055 else 1.05 * leg
    parts.add(at, frame, np.array([0.62 * long, max(1.15 * leg, 0.3 * long), height]), PAW, 0.0)


def _add_fore_leg(
    parts: Parts,
    shape: QuadrupedShape,
    pose: QuadrupedPose,
    on_trunk: Locate,
    sign: float,
    step: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Elbow, carpus and foot of one fore leg."""
    elbow_height = shape.height - 0.94 * shape.chest
    length = 1.02 * (elbow_height - shape.pastern)
    lower = shape.carpus * elbow_height - shape.pastern
    lower = float(np.clip(lower, 0.25 * length, 0.6 * length))
    upper = length - lower
    blade, shoulder = on_trunk(0.82, 0.5 * sign, 0.35), on_trunk(0.93, 0.62 * sign, -0.25)
    elbow = on_trunk(0.79, 0.7 * sign, -0.86)
    elbow = elbow + np.array([0.16 * step[0], 0.0, 0.2 * min(step[2], 0.3) + 0.1 * abs(step[0])])
    elbow = _above(elbow, 1.2 * shape.leg)
    swing = float(np.clip(step[2] / 0.12, 0.0, 1.0))
    foot = np.array([elbow[0] + 0.84 * step[0] + 0.01, elbow[1] * 0.92 + sign * step[1], 0.02 + step[2]])
    back = np.array([-0.55 * shape.pastern - 0.07 * swing, 0.0, shape.pastern * (1 - 0.3 * swing)])
    fetlock = _above(_reach(elbow, foot + back, 0.998 * (upper + lower)), 0.9 * shape.leg)
    foot = fetlock - back
    carpus = _above(bend_joint(elbow, fetlock, upper, lower, forward=True), shape.leg)
    bulk, leg = shape.thigh * shape.chest / 0.44, shape.leg
    parts.chain([blade, shoulder], [0.13 * bulk, 0.135 * bulk], FUR, along=0.85, flat=0.5)
    parts.chain([shoulder, elbow], [0.13 * bulk, 0.088 * bulk], FUR, along=0.85, flat=0.55)
    middle = elbow + 0.45 * (carpus - elbow)
    girth = max(1.7 * leg, 0.058 * bulk)
    parts.chain(
        [elbow, middle, carpus], [max(0.085 * bulk, girth), girth, 1.1 * leg], FUR, along=0.8, flat=0.8
    )
    parts.chain([carpus, fetlock], [1.05 * leg, 0.85 * leg], LEG, along=0.8, flat=0.9)
    _add_foot(parts, shape, fetlock, foot, 0.8 * swing, shape.foot)
    return elbow, carpus, foot


def _add_hind_leg(
    parts: Parts,
    shape: QuadrupedShape,
    pose: QuadrupedPose,
    on_trunk: Locate,
    sign: float,
    step: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stifle, hock and foot of one hind leg."""
    hip_z = shape.height + shape.croup - 0.42 * shape.rump  # of the standing animal, like the next ones
    stifle_z = shape.height + 0.5 * shape.croup - 0.96 * (0.55 * shape.rump + 0.45 * shape.waist)
    hock_z = shape.hock * shape.height
    femur = np.array([0.17 + 0.06 * (shape.rump - 0.4), stifle_z - hip_z])
    stifle_z = max(stifle_z, hock_z + 0.3 * (hip_z - hock_z))
    hock_x = -0.12 - 0.12 * max(0.0, 0.3 - hock_z)
    rest_back = np.array([-0.55 * shape.pastern, shape.pastern])
    rest_foot_x = hock_x + 0.035 if hock_z > 0.2 else hock_x + 0.45 * shape.foot + 0.05
    fetlock_rest = np.array([rest_foot_x, 0.02]) + rest_back
    tibia = float(np.hypot(femur[0] - hock_x, hip_z + femur[1] - hock_z))
    cannon = float(np.hypot(hock_x - fetlock_rest[0], hock_z - fetlock_rest[1]))
    hip = on_trunk(0.13, 0.55 * sign, 0.16)
    swing = float(np.clip(step[2] / 0.12, 0.0, 1.0))
    foot = np.array([hip[0] + rest_foot_x + step[0], hip[1] * 1.05 + sign * step[1], 0.02 + step[2]])
    back = np.array([-0.55 * shape.pastern - 0.07 * swing, 0.0, shape.pastern * (1 - 0.3 * swing)])
    fetlock = foot + back
    # The thigh follows the leg's swing, and folds when the hip comes closer to the foot.
    rest_span = float(np.hypot(fetlock_rest[0], hip_z - fetlock_rest[1]))
    span = float(np.hypot(fetlock[0] - hip[0], hip[2] - fetlock[2]))
    lean = np.arctan2(fetlock[0] - hip[0], hip[2] - fetlock[2]) - np.arctan2(
        fetlock_rest[0], hip_z - fetlock_rest[1]
    )
    fold = 1.5 * float(np.clip((rest_span - span) / rest_span, -0.12, 0.6))
    angle = float(
        np.clip(np.arctan2(femur[0], -femur[1]) + 0.5 * lean + fold + 0.25 * pose.pitch, 0.05, 1.75)
    )
    thigh = float(np.hypot(*femur))
    stifle = hip + np.array([thigh * np.sin(angle), 0.03 * sign, -thigh * np.cos(angle)])
    stifle = _above(stifle, 1.5 * shape.leg)
    fetlock = _above(_reach(stifle, fetlock, 0.998 * (tibia + cannon)), 0.9 * shape.leg)
    foot = fetlock - back
    hock = _above(bend_joint(stifle, fetlock, tibia, cannon, forward=False), 1.1 * shape.leg)
    bulk, leg = shape.thigh * shape.rump, shape.leg
    parts.chain([hip, stifle], [0.44 * bulk, 0.3 * bulk], FUR, along=0.15, flat=0.52)
    middle = stifle + 0.42 * (hock - stifle)
    girth = max(1.7 * leg, 0.2 * bulk)
    parts.chain(
        [stifle, middle, hock], [max(0.29 * bulk, girth), girth, 1.15 * leg], FUR, along=0.2, flat=0.7
    )
    parts.chain([hip + [-0.05, 0, -0.1 * bulk], middle], [0.34 * bulk, girth], FUR, along=0.1, flat=0.55)
    parts.chain([hock, fetlock], [1.1 * leg, 0.9 * leg], LEG, along=0.2, flat=0.9)
    _add_foot(parts, shape, fetlock, foot, 0.8 * swing, shape.foot)
    return stifle, hock, foot


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
