"""The animals of one recording as the features need them: clean tracks on a clock in seconds."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import xarray as xr

from superanimal.behavior.features.body import Body, find_body
from superanimal.behavior.features.names import canonical_names
from superanimal.errors import InputError, option
from superanimal.poses import has_own_times, validate_poses

LEAST_CONFIDENCE = 0.2
"""Points below this confidence are left out: a network sure of so little has seen something else. (Higher
limits lose the points of curled and touching animals, which is when behaviour happens.)"""
SAMPLE = 2000
"""Number of frames from which the typical shape of an animal is taken."""


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes
    ----------
    position
        (T, S, K, N), in the unit of the poses; NaN where absent.
    confidence
        (T, K, N); points below 0.2 are left out.
    time
        (T,) seconds, increasing.
    frame
        (T,) frame numbers.
    keypoints, individuals
        K canonical names, N names.
    bodies
        The typical body of each individual; None for one that is never seen.
    notes
        What could not be computed, in sentences.
    """

    position: np.ndarray
    confidence: np.ndarray
    time: np.ndarray
    frame: np.ndarray
    keypoints: tuple[str, ...]
    individuals: tuple[str, ...]
    bodies: tuple[Body | None, ...]
    notes: tuple[str, ...] = ()

    @property
    def step(self) -> float:
        """Median seconds between rows."""
        return float(np.median(np.diff(self.time))) if len(self.time) > 1 else 1.0

    def points(self, individual: int, start: int, stop: int) -> np.ndarray:
        """Return the reliable points of one animal in some rows, (K, S, rows) float32."""
        position = self.position[start:stop, :, :, individual]
        unsure = self.confidence[start:stop, :, individual] < LEAST_CONFIDENCE
        unsure |= ~np.isfinite(position).all(axis=1)
        points = position.transpose(2, 1, 0).astype(np.float32)
        points[np.broadcast_to(unsure.T[:, None], points.shape)] = np.nan
        return points


def load_recording(poses: xr.Dataset | str | os.PathLike[str], fps: float | None = None) -> Recording:
    """Return the recording of a pose data set or file; three coordinates are kept.

    Parameters
    ----------
    poses
        Pose data set or file.
    fps
        Frames per second, if the poses do not state it.

    Raises
    ------
    InputError
        When no frame rate is known or no animal is there.
    """
    if not isinstance(poses, xr.Dataset):
        from superanimal.formats import load_poses

        poses = load_poses(poses, space=_space_of(poses))
    return make_recording(validate_poses(poses), fps)


def _space_of(path: str | os.PathLike[str]) -> int:
    """Return 3 for files of formats that may hold z."""
    import warnings

    from superanimal.formats import load_poses

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return int(load_poses(path, space=3).sizes["space"])


def make_recording(poses: xr.Dataset, fps: float | None = None) -> Recording:
    """Return the recording of a pose data set, see :func:`load_recording`."""
    if not poses.sizes["time"] or not poses.sizes["individual"]:
        raise InputError("the poses hold no frame or no animal", "features need at least one of each")
    time = seconds(poses, fps)
    names = canonical_names([str(name) for name in poses["keypoint"].values])
    individuals = tuple(str(name) for name in poses["individual"].values)
    recording = Recording(
        poses["position"].values, poses["confidence"].values, time, poses["frame"].values, tuple(names),
        individuals, (),
    )  # fmt: skip
    bodies, notes = [], []
    for n, individual in enumerate(individuals):
        body = _body_of(recording, n)
        bodies.append(body)
        if body is None:
            notes.append(f"{individual}: never seen, so it has no features.")
        else:
            notes += [f"{individual}: {note}" for note in body.notes]
    return Recording(
        recording.position, recording.confidence, time, recording.frame, tuple(names), individuals,
        tuple(bodies), tuple(notes),
    )  # fmt: skip


def _body_of(recording: Recording, individual: int) -> Body | None:
    """Return the typical body of an animal, from up to 2000 frames spread over the recording."""
    n = len(recording.time)
    later = max(1, round(0.2 / recording.step))
    rows = np.unique(np.linspace(0, max(n - 1 - later, 0), SAMPLE).astype(int))
    now = np.concatenate([recording.points(individual, r, r + 1) for r in rows], axis=2)
    then = np.concatenate(
        [recording.points(individual, min(r + later, n - 1), min(r + later, n - 1) + 1) for r in rows], axis=2
    )
    return find_body(now, then, recording.keypoints)


def seconds(poses: xr.Dataset, fps: float | None) -> np.ndarray:
    """Return the time of each row in seconds, (T,) float64, increasing.

    Raises
    ------
    InputError
        When times are frame numbers and no rate is known, or times do not increase.
    """
    if fps is not None and not (np.isfinite(fps) and fps > 0):
        raise InputError(f"fps is {fps}", "it must be a positive number")
    if has_own_times(poses):
        time = np.asarray(poses["time"].values, dtype=np.float64)
    else:
        rate = fps or poses.attrs.get("fps")
        if not rate:
            raise InputError(
                "the poses do not state a frame rate",
                "speeds and durations of behaviour need seconds",
                f"give the frame rate of the video{option('fps', '30')}",
            )
        time = poses["frame"].values / float(rate)
    if (np.diff(time) <= 0).any():
        row = int(np.flatnonzero(np.diff(time) <= 0)[0]) + 1
        raise InputError(f"row {row} is at {time[row]:g} s, not after the row before it", "times must increase")
    return time
