"""Legs of the parametric quadruped: solved from the positions of the feet, with bones of constant length."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from superanimal.synth.anatomy import LEG, QuadrupedPose, QuadrupedShape
from superanimal.synth.body import FUR, PAW, Parts, axes_of

Locate = Callable[[float, float, float], np.ndarray]
"""``locate(along, lateral, up)`` is a point of the trunk, the last two in half-axes there."""


def bend_joint(a: np.ndarray, b: np.ndarray, first: float, second: float, forward: bool) -> np.ndarray:
    """The middle joint between a and b for two bones, in the x-z plane, bent forward or backward."""
    span = b - a
    d = float(np.clip(np.linalg.norm(span), abs(first - second) + 1e-3, first + second - 1e-3))
    along = (first**2 - second**2 + d**2) / (2 * d)
    out = np.sqrt(max(first**2 - along**2, 0.0))
    unit = span / max(float(np.linalg.norm(span)), 1e-9)
    normal = np.array([-unit[2], 0.0, unit[0]])
    if (normal[0] > 0) != forward:
        normal = -normal
    return a + unit * along + normal * out


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


def add_fore_leg(
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


def add_hind_leg(
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
