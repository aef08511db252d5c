"""The animals of one recording as the features need them: clean tracks on a clock in seconds."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from superanimal.behavior.descriptors.body import Body, find_body
from superanimal.behavior.descriptors.names import canonical_names
from superanimal.behavior.measures.regions import Regions, read_regions
from superanimal.errors import InputError
from superanimal.poses import seconds, validate_poses

LEAST_CONFIDENCE = 0.2
"""Points below this confidence are left out: a network sure of so little has seen something else. (Higher
limits lose the points of curled and touching animals, which is when behaviour happens.)"""
SAMPLE = 600
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
    regions
        Arena and regions of the picture; None where none are known.
    """

    position: np.ndarray
    confidence: np.ndarray
    time: np.ndarray
    frame: np.ndarray
    keypoints: tuple[str, ...]
    individuals: tuple[str, ...]
    bodies: tuple[Body | None, ...]
    notes: tuple[str, ...] = ()
    regions: Regions | None = None

    @property
    def step(self) -> float:
        """Median seconds between rows."""
        return float(np.median(np.diff(self.time))) if len(self.time) > 1 else 1.0

    @property
    def space(self) -> int:
        """Number of coordinates, 2 or 3."""
        return int(self.position.shape[1])

    def only(self, keypoints: Sequence[str]) -> Recording:
        """Return the recording with these keypoints, in this order."""
        at = [self.keypoints.index(name) for name in keypoints]
        reduced = replace(
            self,
            position=self.position[:, :, at],
            confidence=self.confidence[:, at],
            keypoints=tuple(keypoints),
        )
        return with_bodies(reduced)

    def like(self, other: Recording) -> Recording:
        """Return the recording with the midline and ends of the bodies of another with the same keypoints.

        They give features their names, and typical shapes differ a little between recordings.
        """
        model = next(body for body in other.bodies if body is not None)
        return replace(self, bodies=tuple(_alike(body, model) for body in self.bodies))

    def points(self, individual: int, rows: slice | np.ndarray) -> np.ndarray:
        """Return the reliable points of one animal in some rows, (K, S, rows) float32."""
        position = self.position[rows, :, :, individual]
        unsure = self.confidence[rows, :, individual] < LEAST_CONFIDENCE
        unsure |= ~np.isfinite(position).all(axis=1)
        points = position.transpose(2, 1, 0).astype(np.float32)
        points[np.broadcast_to(unsure.T[:, None], points.shape)] = np.nan
        return points


def open_poses(poses: xr.Dataset | str | os.PathLike[str]) -> xr.Dataset:
    """Return a pose data set as it is, or that of a file with three coordinates if it has them."""
    if isinstance(poses, xr.Dataset):
        return poses
    from superanimal.formats import load_poses

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*space=3 was requested")
        return load_poses(poses, space=3)


def load_recording(
    poses: xr.Dataset | str | os.PathLike[str],
    fps: float | None = None,
    regions: Regions | str | os.PathLike[str] | None = None,
) -> Recording:
    """Return the recording of a pose data set or file; three coordinates are kept.

    Parameters
    ----------
    poses
        Pose data set or file.
    fps
        Frames per second, if the poses do not state it.
    regions
        Arena and regions, or a file of them.

    Raises
    ------
    InputError
        When no frame rate is known or no animal is there.
    """
    poses = open_poses(poses)
    validate_poses(poses)
    if not poses.sizes["time"] or not poses.sizes["individual"]:
        raise InputError("the poses hold no frame or no animal", "features need at least one of each")
    time = seconds(poses, fps, "an analysis of behaviour")
    if (np.diff(time) <= 0).any():
        row = int(np.flatnonzero(np.diff(time) <= 0)[0]) + 1
        raise InputError(
            f"row {row} is at {time[row]:g} s, not after the row before it", "times must increase"
        )
    return with_bodies(
        Recording(
            poses["position"].values,
            poses["confidence"].values,
            time,
            poses["frame"].values,
            tuple(canonical_names([str(name) for name in poses["keypoint"].values])),
            tuple(str(name) for name in poses["individual"].values),
            (),
            regions=read_regions(regions) if isinstance(regions, str | os.PathLike) else regions,
        )
    )


def with_bodies(recording: Recording) -> Recording:
    """Return the recording with the typical body of each animal."""
    bodies, notes = [], []
    for n, individual in enumerate(recording.individuals):
        body = _body_of(recording, n)
        bodies.append(body)
        if body is None:
            notes.append(f"{individual}: never seen, so it has no features.")
        else:
            notes += [f"{individual}: {note}" for note in body.notes]
    if all(body is None for body in bodies):
        raise InputError("no keypoint of any animal is seen in any frame", "features need visible animals")
    found = replace(recording, bodies=tuple(bodies), notes=tuple(notes))
    return found.like(found)


def _alike(body: Body | None, model: Body) -> Body | None:
    return None if body is None else replace(body, midline=model.midline, ends=model.ends)


def _body_of(recording: Recording, individual: int) -> Body | None:
    """Return the typical body of an animal, from up to 600 frames spread over the recording."""
    n = len(recording.time)
    later = max(1, round(0.2 / recording.step))
    rows = np.unique(np.linspace(0, max(n - 1 - later, 0), SAMPLE).astype(int))
    now, then = (recording.points(individual, each) for each in (rows, np.minimum(rows + later, n - 1)))
    return find_body(now, then, recording.keypoints)
