"""Animals that run about, meet and hide: poses with known identities, and what a detector makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from superanimal.poses import make_poses

BODY = {
    "nose": (0.5, 0.0),
    "left_ear": (0.33, 0.12),
    "right_ear": (0.33, -0.12),
    "neck": (0.22, 0.0),
    "center": (0.0, 0.0),
    "left_hip": (-0.3, 0.16),
    "right_hip": (-0.3, -0.16),
    "tail_base": (-0.5, 0.0),
}
"""Keypoints of an animal in body lengths, x forward, y to its left."""
CONTACT = 0.5
"""Body lengths between centres from which a detector confuses two animals."""


@dataclass(frozen=True)
class Errors:
    """How a detector errs.

    Attributes
    ----------
    missed
        Share of animals that are not found, in runs of some frames.
    merged
        Probability that two animals in contact are found as one, in each spell of contact.
    spurious
        Mean number of detections a frame where no animal is; each lasts for some frames.
    doubled
        Probability that an animal is found twice.
    stolen
        Probability of a keypoint in contact to lie on the other animal.
    absent
        Probability of a keypoint to be missing.
    noise
        Standard deviation of keypoints, in body lengths.
    """

    missed: float = 0.05
    merged: float = 0.5
    spurious: float = 0.05
    doubled: float = 0.02
    stolen: float = 0.15
    absent: float = 0.1
    noise: float = 0.03


@dataclass(frozen=True)
class Herd:
    """Animals with known identities.

    Attributes
    ----------
    truth
        Pose data set (time, space, keypoint, individual); NaN for animals in the shelter.
    length : float
        Body length in pixels.
    """

    truth: xr.Dataset
    length: float

    def shuffled(self, seed: int) -> xr.Dataset:
        """Return the true poses in slots that are drawn anew for every frame."""
        return self.detected(Errors(*[0.0] * 7), seed)

    def detected(self, errors: Errors, seed: int) -> xr.Dataset:
        """Return what a detector with these errors finds, in slots without meaning."""
        rng = np.random.default_rng(seed)
        truth = self.truth["position"].transpose("time", "individual", "keypoint", "space").values
        frames, animals = truth.shape[:2]
        lost = _spells(rng, (frames, animals), errors.missed, 4)
        found: list[list[np.ndarray]] = []
        merging: dict[tuple[int, int], int] = {}  # in this spell of contact, the one that is found for both
        ghosts: list[tuple[int, np.ndarray]] = []
        for t in range(frames):
            there = [i for i in range(animals) if np.isfinite(truth[t, i]).any() and not lost[t, i]]
            poses = {i: truth[t, i].astype(np.float64) for i in there}
            touching = self._contacts(truth[t], there)
            merging = {
                (i, j): merging.get(
                    (i, j), (i if rng.random() < 0.5 else j) if rng.random() < errors.merged else -1
                )
                for i, j in touching
            }
            for i, j in touching:
                stolen = rng.random((2, len(BODY), 1)) < errors.stolen
                first, second = truth[t, i], truth[t, j]
                poses[i] = np.where(stolen[0], second, poses.get(i, first))
                poses[j] = np.where(stolen[1], first, poses.get(j, second))
            for i, j in touching:
                if (kept := merging[i, j]) >= 0 and i in poses and j in poses:
                    gone = i + j - kept
                    poses[kept] = np.where(rng.random((len(BODY), 1)) < 0.3, poses[gone], poses[kept])
                    del poses[gone]
            seen = [self._blurred(rng, pose, errors) for pose in poses.values()]
            seen += [
                self._blurred(rng, pose, errors) for pose in poses.values() if rng.random() < errors.doubled
            ]
            ghosts = [(left - 1, pose) for left, pose in ghosts if left > 1]
            for _ in range(rng.poisson(errors.spurious / 3)):
                pose = rng.uniform(0.1, 0.9) * self._anywhere(rng, truth) + self.length / 3 * rng.normal(
                    size=(len(BODY), 2)
                )
                ghosts.append((int(rng.integers(1, 6)), pose))
            seen += [self._blurred(rng, pose, errors) for _, pose in ghosts]
            found.append([each for each in seen if np.isfinite(each).any()])
        slots = max(max(map(len, found), default=1), animals)
        position = np.full((frames, slots, len(BODY), 2), np.nan)
        for t, poses_of_frame in enumerate(found):
            places = rng.permutation(slots)[: len(poses_of_frame)]
            for place, pose in zip(places, poses_of_frame, strict=True):
                position[t, place] = pose
        confidence = np.where(
            np.isfinite(position[..., 0]), rng.uniform(0.5, 1.0, position.shape[:3]), np.nan
        )
        return make_poses(
            position.transpose(0, 3, 2, 1),
            confidence.transpose(0, 2, 1),
            keypoints=list(BODY),
            fps=self.truth.attrs["fps"],
            frames=self.truth["frame"].values,
        )

    def _contacts(self, poses: np.ndarray, there: list[int]) -> list[tuple[int, int]]:
        centres = poses[:, list(BODY).index("center")]
        return [
            (i, j)
            for i in there
            for j in there
            if i < j and np.linalg.norm(centres[i] - centres[j]) < CONTACT * self.length
        ]

    def _blurred(self, rng: np.random.Generator, pose: np.ndarray, errors: Errors) -> np.ndarray:
        moved = pose + errors.noise * self.length * rng.normal(size=pose.shape)
        moved[rng.random(len(pose)) < errors.absent] = np.nan
        return moved

    @staticmethod
    def _anywhere(rng: np.random.Generator, truth: np.ndarray) -> np.ndarray:
        return np.nanmax(truth, axis=(0, 1, 2)) * rng.uniform(0, 1, 2)


def make_herd(
    animals: int,
    frames: int,
    seed: int,
    *,
    fps: float = 30.0,
    side: float = 600.0,
    length: float = 60.0,
    variety: float = 0.08,
    speed: float = 3.0,
    shelter: bool = False,
) -> Herd:
    """Let animals run about in a square arena.

    They stop and go, turn, and are drawn to each other, so that they meet and cross often; they do not avoid
    each other.

    Parameters
    ----------
    animals, frames
        Their numbers.
    seed
        Of the random numbers.
    fps
        Frames per second.
    side, length
        Of the arena and of an animal, in pixels.
    variety
        Standard deviation of size and of each proportion between animals, relative.
    speed
        Of a running animal, in body lengths per second.
    shelter
        Whether animals in a corner of the arena, a quarter of its side wide, cannot be seen.
    """
    rng = np.random.default_rng(seed)
    shape = np.array(list(BODY.values()))[None] * (
        1 + variety * (rng.normal(size=(animals, 1, 1)) + 0.5 * rng.normal(size=(animals, len(BODY), 2)))
    )
    place = rng.uniform(0.15 * side, 0.85 * side, (animals, 2))
    heading = rng.uniform(-np.pi, np.pi, animals)
    pace, bend = np.zeros(animals), np.zeros(animals)
    running = rng.random(animals) < 0.5
    goal = rng.uniform(0.1 * side, 0.9 * side, (animals, 2))
    position = np.empty((frames, animals, len(BODY), 2))
    for t in range(frames):
        change = rng.random(animals) < 1 / fps
        running = np.where(change, rng.random(animals) < 0.6, running)
        for i in np.flatnonzero(change):  # a new goal: a place, the shelter, or another animal
            kind = rng.random()
            goal[i] = rng.uniform(0.1 * side, 0.9 * side, 2)
            if kind < 0.5 and animals > 1:
                goal[i] = place[rng.choice([j for j in range(animals) if j != i])]
            elif kind < 0.65 and shelter:
                goal[i] = 0.12 * side
        aim = np.arctan2(*(goal - place).T[::-1])
        turn = (aim - heading + np.pi) % (2 * np.pi) - np.pi
        bend += 0.2 * (np.clip(turn, -0.6, 0.6) - bend) + 0.03 * rng.normal(size=animals)
        heading += 6 / fps * bend * np.maximum(pace, 0.2)
        pace += 0.2 * (running * rng.uniform(0.5, 1.2, animals) - pace)
        step = speed * length / fps * pace
        place = place + step[:, None] * np.column_stack([np.cos(heading), np.sin(heading)])
        place = np.clip(place, 0.05 * side, 0.95 * side)
        angle = heading[:, None] + bend[:, None] * shape[..., 0]
        across = np.stack([-np.sin(angle), np.cos(angle)], -1) * shape[..., 1:]
        along = np.stack([np.cos(angle), np.sin(angle)], -1) * shape[..., :1]
        position[t] = place[:, None] + length * (along + across)
        if shelter:
            position[t, (place < side / 4).all(1)] = np.nan
    truth = make_poses(
        position.transpose(0, 3, 2, 1),
        np.where(np.isfinite(position[..., 0]), 1.0, np.nan).transpose(0, 2, 1),
        keypoints=list(BODY),
        individuals=[f"true{i}" for i in range(animals)],
        fps=fps,
    )
    return Herd(truth, length)


def _spells(rng: np.random.Generator, shape: tuple[int, int], share: float, lasting: int) -> np.ndarray:
    """Return spells, bool (T, N), that last some frames and fill a share of the time."""
    starts = rng.random(shape) < share / lasting
    spells = np.zeros(shape, dtype=bool)
    for t, i in np.argwhere(starts):
        spells[t : t + int(rng.integers(1, 2 * lasting)), i] = True
    return spells
