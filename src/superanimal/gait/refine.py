"""Sub-frame timing of contacts and lifts.

Before a lift the foot stays where it is; after it, its way grows as a power of time. How a foot leaves
differs between animals and gaits (at once, or ever so softly), so that no threshold is right for all. All
exponents of a small family are tried at all times round the coarse one, and the time is the mean over all of
them, weighted by how well they explain the points. A landing is a lift in reverse.
"""

from __future__ import annotations

import numpy as np

REACH = 0.3
"""The share of the swing that is looked at: the part in which a power is a fair description of sine, cycloid
and minimum-jerk swings. Of 0.15, 0.2, 0.3 and 0.4 it gives the smallest error of contacts on the generated
gaits of ``benchmarks/gait.py`` at 60 and at 240 frames per second (0.37, 0.46, 0.24, 0.41 and 1.17, 0.87,
0.78, 1.57 frames)."""

PRIOR = (1.0, 1.0, 1.0, 0.1)
"""How likely the powers 1, 1.5, 2 and 3 are before the points are seen. A foot leaves at full speed (1) or
from rest with a finite force (2); a start in which the force itself grows from nothing (3) is rare, and only
points dense and exact enough to show it make it the explanation."""


def refine(
    time: np.ndarray,
    position: np.ndarray,
    coarse: float,
    stance: float,
    swing: float,
    *,
    lift: bool,
    travel: np.ndarray | None = None,
) -> tuple[float, float]:
    """Return the time of a lift or contact and its standard deviation, seconds.

    Parameters
    ----------
    time, position
        (T,) increasing seconds and (T, 2) pixels relative to the ground; usable samples only.
    coarse
        A first guess.
    stance, swing
        How long the foot stands before (after) and swings after (before) it, seconds.
    lift
        False for a contact.
    travel
        (2,) the way of the swing. A foot rolls before it leaves: a point on it rises while the sole still
        stands. For a lift only the motion along this way counts, for a contact all.
    """
    sign = 1.0 if lift else -1.0
    t = sign * (time - coarse)
    step = float(np.median(np.abs(np.diff(time))))
    before, after = min(0.6 * stance, 1.2 * swing), max(REACH * swing, 3.0 * step)
    near = (t >= -max(before, 3 * step)) & (t <= after)
    if near.sum() < 5:
        return coarse, step
    t, p = t[near], position[near]
    if lift and travel is not None and (size := float(np.linalg.norm(travel))) > 0:
        p = p @ travel[:, None] / size
    low, high = max(-0.35 * swing, -0.5 * before), max(0.2 * swing, step)
    start = np.arange(low, high, max(step / 10, (high - low) / 120))
    u = np.maximum(t[None, :] - start[:, None], 0) / after
    powers = _powers(u)
    total = np.zeros(len(start))
    for axis in range(p.shape[1]):
        y = p[:, axis] - p[:, axis].mean()
        floor = 1e-5 * (y**2).sum() + 1e-9
        fits = [_rest(x, y) for x in powers]
        total += np.logaddexp.reduce(
            [
                np.log(prior) - 0.5 * len(t) * np.log(rest + floor)
                for prior, rest in zip(PRIOR, fits, strict=True)
            ],
            axis=0,
        )
    weight = np.exp(total - total.max())
    weight /= weight.sum()
    mean = float((weight * start).sum())
    deviation = float(np.sqrt((weight * (start - mean) ** 2).sum()))
    return coarse + sign * mean, max(deviation, step / 20)


def _powers(u: np.ndarray) -> list[np.ndarray]:
    """Return u to 1, 1.5, 2 and 3, see :data:`PRIOR`."""
    root = np.sqrt(u)
    return [u, u * root, u * u, u * u * u]


def _rest(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return what is left of the sum of squares of y (n,) after a fit on each row of x (S, n)."""
    x = x - x.mean(axis=1, keepdims=True)
    return np.maximum(y @ y - (x @ y) ** 2 / np.maximum((x * x).sum(axis=1), 1e-30), 0)
