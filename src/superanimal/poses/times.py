"""When each frame of a pose data set was taken."""

from __future__ import annotations

import numpy as np
import xarray as xr

from superanimal.errors import InputError, option
from superanimal.poses.dataset import has_own_times


def frame_rate(time: np.ndarray) -> float | None:
    """Return the frames per second of times (T,) in seconds, by their median step; None for fewer than two.

    >>> frame_rate(np.array([0.0, 0.1, 0.2, 0.4]))
    10.0
    """
    return float(1 / np.median(np.diff(time))) if len(time) > 1 else None


def states_rate(poses: xr.Dataset) -> bool:
    """Return whether times in seconds are known without asking for a frame rate."""
    return has_own_times(poses) or bool(poses.attrs.get("fps"))


def seconds(poses: xr.Dataset, fps: float | None, task: str) -> np.ndarray:
    """Return each row's time in seconds from frame 0, (T,) float64.

    Parameters
    ----------
    fps
        Frames per second; by default those that the poses state.
    task
        What needs the times, as the start of a sentence: ``"gait analysis"``.

    Raises
    ------
    InputError
        When times are frame numbers and no rate is known.

    Examples
    --------
    >>> import numpy as np
    >>> from superanimal.poses import make_poses
    >>> poses = make_poses(np.zeros((3, 2, 1, 1)), keypoints=["nose"])
    >>> seconds(poses, 20, "gait analysis").tolist()
    [0.0, 0.05, 0.1]
    """
    if has_own_times(poses) or (poses.attrs.get("time_unit") == "seconds" and fps is None):
        return np.asarray(poses["time"].values, dtype=np.float64)
    rate = fps or poses.attrs.get("fps")
    if not rate:
        raise InputError(
            "the poses do not state a frame rate",
            f"{task} needs times in seconds",
            f"give the frame rate of the video{option('fps', '30')}",
        )
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(f"{rate} frames per second", "the rate must be a positive number")
    return np.asarray(poses["frame"].values, dtype=np.float64) / float(rate)
