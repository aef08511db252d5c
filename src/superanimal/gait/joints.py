"""Joint angles over the stride: which joints a limb has, and their mean cycle with its spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from superanimal.gait.limbs import Limb, role_of, words_of
from superanimal.gait.recording import LEAST_CONFIDENCE, Recording
from superanimal.gait.strides import Stride

PERCENT = np.arange(101)
"""Share of the stride at which the mean cycle is given, from contact to contact."""
LEAST_SEEN = 0.8
"""A stride counts for a joint when it is seen in this share of its frames (a choice)."""
CYCLES = ["individual", "limb", "joint", "percent", "mean_deg", "sd_deg", "strides"]
JOINTS = [
    "individual", "limb", "joint", "strides", "min_deg", "max_deg", "range_deg", "range_sd", "regularity",
]  # fmt: skip

_ALONG = {
    "toe": 0, "toes": 0, "tip": 0, "claw": 0, "hoof": 1, "paw": 1, "foot": 1, "hand": 1, "pastern": 2,
    "fetlock": 3, "ankle": 4, "hock": 4, "tarsus": 4, "wrist": 4, "carpus": 4, "knee": 5, "stifle": 6,
    "elbow": 6, "thai": 7, "thigh": 7, "hip": 8, "shoulder": 8,
}  # fmt: skip
"""Order of the points of a limb from the ground up; "thai" is the quadruped model's name of the thigh."""
_PLACE_OF = dict.fromkeys(("wrist", "carpus", "elbow", "shoulder", "hand"), "fore") | dict.fromkeys(
    ("hock", "stifle", "hip", "thigh", "ankle", "foot"), "hind"
)


@dataclass(frozen=True)
class Joint:
    """Three points of a limb; the angle is at the middle one."""

    limb: int
    lower: str
    name: str
    upper: str


def find_joints(keypoints: Sequence[str], limbs: Sequence[Limb]) -> list[Joint]:
    """Return the joints of each limb whose three points are known, from the ground up.

    Examples
    --------
    >>> from superanimal.gait import find_limbs
    >>> points = ["left_hip", "left_knee", "left_ankle", "right_heel"]
    >>> [joint.name for joint in find_joints(points, find_limbs(points))]
    ['left_knee']
    """
    joints = []
    hocks = any("hock" in words_of(name) for name in keypoints)
    places = _PLACE_OF | ({"knee": "fore"} if hocks else {})  # where there are hocks, a knee is a carpus
    for number, limb in enumerate(limbs):
        ranks: dict[int, str] = {}
        for name in sorted(keypoints, key=lambda name: name not in limb.keypoints):  # the feet first
            words = words_of(name)
            found = [word for word in words if word in _ALONG]
            if not found or not _belongs(name, words, limb, places):
                continue
            ranks.setdefault(min(_ALONG[word] for word in found), name)
        points = [ranks[rank] for rank in sorted(ranks)]
        joints += [Joint(number, *three) for three in zip(points, points[1:], points[2:], strict=False)]
    return joints


def _belongs(name: str, words: Sequence[str], limb: Limb, places: Mapping[str, str]) -> bool:
    if name in limb.keypoints:
        return True
    side, place = role_of(words)
    place = place or next((places[word] for word in words if word in places), "")
    return side == limb.side and (not limb.place or place == limb.place)


def angles(poses: xr.Dataset, individual: str, joint: Joint) -> np.ndarray:
    """Return the angle at a joint in each frame, (T,) degrees 0..180; NaN where a point is missing.

    180 degrees is a straight limb. Points below :data:`superanimal.gait.recording.LEAST_CONFIDENCE` are not
    used. What lies out of the picture's plane shortens: the angle is that seen by the camera.
    """
    own = poses.sel(individual=individual)
    points = own["position"].sel(keypoint=[joint.lower, joint.name, joint.upper])
    position = points.transpose("time", "keypoint", "space").values.astype(float)
    sure = own["confidence"].sel(keypoint=points["keypoint"]).transpose("time", "keypoint").values
    position[sure < LEAST_CONFIDENCE] = np.nan
    down, up = position[:, 0] - position[:, 1], position[:, 2] - position[:, 1]
    cross = down[:, 0] * up[:, 1] - down[:, 1] * up[:, 0]
    return np.degrees(np.abs(np.arctan2(cross, (down * up).sum(axis=1))))


def joint_tables(
    poses: xr.Dataset, recording: Recording, strides: Sequence[Stride]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the mean cycle of each joint, and its range and regularity.

    Returns
    -------
    cycles
        ``individual, limb, joint, percent`` (0..100 of the stride), ``mean_deg, sd_deg`` over kept strides,
        ``strides``.
    joints
        ``individual, limb, joint, strides, min_deg, max_deg, range_deg`` (means over kept strides),
        ``range_sd, regularity``: mean correlation of each stride's cycle with the mean of the others.
    """
    cycles, joints = [], []
    names = [str(name) for name in poses["keypoint"].values]
    for joint in find_joints(names, recording.limbs):
        angle = angles(poses, recording.individual, joint)
        kept = [s for s in strides if s.limb == joint.limb and not s.refused]
        curves = [curve for s in kept if (curve := _cycle(recording.time, angle, s)) is not None]
        if not curves:
            continue
        every = np.stack(curves)
        who = [recording.individual, recording.limbs[joint.limb].name, joint.name]
        spread = every.std(axis=0, ddof=1) if len(every) > 1 else np.full(len(PERCENT), np.nan)
        for percent, mean, sd in zip(PERCENT, every.mean(axis=0), spread, strict=True):
            cycles.append([*who, int(percent), float(mean), float(sd), len(every)])
        ranges = np.ptp(every, axis=1)
        ends = [float(every.min(axis=1).mean()), float(every.max(axis=1).mean())]
        varies = float(ranges.std(ddof=1)) if len(every) > 1 else float("nan")
        joints.append([*who, len(every), *ends, float(ranges.mean()), varies, _regularity(every)])
    return pd.DataFrame(cycles, columns=CYCLES), pd.DataFrame(joints, columns=JOINTS)


def _cycle(time: np.ndarray, angle: np.ndarray, stride: Stride) -> np.ndarray | None:
    inside = (time >= stride.start) & (time <= stride.end)
    seen = np.isfinite(angle)
    if (seen & inside).sum() < max(LEAST_SEEN * inside.sum(), 5):
        return None
    at = stride.start + PERCENT / 100 * stride.duration
    return np.interp(at, time[seen], angle[seen])


def _regularity(curves: np.ndarray) -> float:
    if len(curves) < 3:
        return float("nan")
    total = curves.sum(axis=0)
    alike = [np.corrcoef(curve, total - curve)[0, 1] for curve in curves if np.ptp(curve) > 0]
    return float(np.mean(alike)) if alike else float("nan")
