"""The SuperAnimal paper's events: a foot lands where it is foremost and leaves where it is rearmost,
relative to the trunk.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

from superanimal.gait.recording import Recording


def extreme_states(recording: Recording, limb: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return event times (n,) in seconds, whether each is a contact (n,), and where the limb is seen (G,).

    The direction of travel is the direction in which the trunk moves over the ground. Without trunk points,
    the mean motion of the foot is used instead. Contacts are derived from the first point of the limb (a
    heel), lifts from its last point (a toe).
    """
    tracks, step = recording.tracks[limb], recording.step
    times: list[float] = []
    contacts: list[bool] = []
    known = np.any([track.whole for track in tracks], axis=0)
    for point, sign in ((0, 1.0), (-1, -1.0)):
        track = tracks[point]
        if track.whole.sum() < 8:
            continue
        way = track.smooth - recording.ground.path
        trend = np.polynomial.polynomial.polyfit(recording.grid[track.whole], way[track.whole], 1)
        travel = trend[1] / (np.linalg.norm(trend[1]) or 1)
        if recording.body is not None and np.isfinite(recording.body[track.whole]).all():
            relative = track.smooth - recording.body
        else:
            relative = way - np.polynomial.polynomial.polyval(recording.grid, trend).T
        x = sign * (relative @ travel)
        x = np.where(track.whole, x, np.nanmin(x[track.whole]))
        apart = max(1, round(0.6 * (recording.period or 4 * step) / step))
        high = 0.3 * (np.percentile(x[track.whole], 98) - np.percentile(x[track.whole], 2))
        for k in find_peaks(x, distance=apart, prominence=high)[0]:
            if track.whole[k - 1 : k + 2].all():
                a, b, c = x[k - 1 : k + 2]
                times.append(float(recording.grid[k] + 0.5 * (a - c) / (a - 2 * b + c) * step))
                contacts.append(sign > 0)
    return np.array(times), np.array(contacts, bool), known
