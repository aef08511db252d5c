"""Contact while a foot is near the ground line, for side views that show the ground."""

from __future__ import annotations

import numpy as np

from superanimal.errors import InputError
from superanimal.gait.recording import Recording

NEAR = 0.15
"""A foot this near to the ground, as a share of its swing's height, stands (a hoof's sine leaves that band
within a twentieth of the swing)."""


def low_states(
    recording: Recording, limb: int, ground_line: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return event times (n,) in seconds, whether each is a contact (n,), and where the limb is seen (G,).

    Raises
    ------
    InputError
        When the ground line is not two points, or they have the same x.
    """
    height = np.full(len(recording.grid), np.inf)
    known = np.zeros(len(recording.grid), bool)
    for track in recording.tracks[limb]:
        if track.whole.sum() < 8:
            continue
        above = _above(track.smooth, ground_line)
        above -= np.percentile(above[track.whole], 10)  # a point has its own height when the foot stands
        height[track.whole] = np.minimum(height, above)[track.whole]
        known |= track.whole
    if not known.any():
        return np.empty(0), np.empty(0, bool), known
    limit = NEAR * float(np.percentile(height[known], 95))
    times, contacts = [], []
    for k in np.flatnonzero(known[1:] & known[:-1] & ((height[1:] < limit) != (height[:-1] < limit))):
        share = (limit - height[k]) / (height[k + 1] - height[k])
        times.append(float(recording.grid[k] + share * recording.step))
        contacts.append(bool(height[k + 1] < limit))
    return np.array(times), np.array(contacts, bool), known


def _above(position: np.ndarray, line: np.ndarray | None) -> np.ndarray:
    if line is None:
        return -position[:, 1]
    ends = np.asarray(line, float)
    if ends.shape != (2, 2) or not np.isfinite(ends).all() or ends[0, 0] == ends[1, 0]:
        raise InputError(f"ground line {ends.tolist()}", "it is two points x, y in pixels, which differ in x")
    (x0, y0), (x1, y1) = ends
    return y0 + (position[:, 0] - x0) * (y1 - y0) / (x1 - x0) - position[:, 1]
