"""The constant offset between two raters, or between labels and motion.

A rater whose player started late, or whose clock counts from another frame, is wrong by the same time in
every bout. The offset is the shift at which labels fit the other rater, or explain the motion of the animal,
best. It is proposed only where it is certain: much better than shifts that cannot be right, better than any
other shift nearby, and the same in all parts of the recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr
from scipy.fft import irfft, next_fast_len, rfft

from superanimal.behavior.bouts import frames_of, labels_of, of_animal, shifted
from superanimal.errors import InputError
from superanimal.poses import seconds

STEP_S = 0.04
"""Resolution where raters are compared without a frame rate."""
CERTAIN = 5.0
"""Standard deviations by which the best shift must beat those that cannot be right."""
RIVAL = 0.9
"""Another shift that fits this share as well makes the best one uncertain."""
PARTS = 8
"""Parts of the recording; leaving each out gives the standard error."""
LEAST_STEPS = 400
"""Minimum number of frames."""


@dataclass(frozen=True)
class Shift:
    """By how much labels should be moved.

    Attributes
    ----------
    shift_s, error_s
        Seconds to add to all times, and its standard error.
    fit, fit_before
        Mean correlation of labels (raters) or share of the motion that labels explain, with and without it.
    certain
        Whether the shift may be applied.
    reason
        Why it is not certain; empty if it is.
    lags_s, fits
        (N,) shifts tried and how well each fits.
    """

    shift_s: float
    error_s: float
    fit: float
    fit_before: float
    certain: bool
    reason: str = ""
    lags_s: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)
    fits: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)

    def apply(self, bouts: pd.DataFrame) -> pd.DataFrame:
        """Return a bouts table moved by the shift if it is certain, else as it is."""
        return shifted(bouts, self.shift_s) if self.certain else bouts


def align(
    bouts: pd.DataFrame,
    to: pd.DataFrame | xr.Dataset,
    *,
    individual: str | None = None,
    labels: Sequence[str] | None = None,
    fps: float | None = None,
    max_shift_s: float = 10.0,
) -> Shift:
    """Find the constant offset of labels.

    Parameters
    ----------
    bouts
        The labels to move, of one rater.
    to
        Labels of another rater of the same recording, or its poses.
    individual
        Animal whose labels and poses are compared; by default all labels, and the first animal's motion.
    labels
        Labels to use; all, or all that both raters use, by default.
    fps
        Frames per second, if the poses do not state it; for two raters the resolution (25 by default).
    max_shift_s
        Largest offset that is looked for, seconds.

    Returns
    -------
    Shift
        ``shift.apply(bouts)`` moves them.

    Raises
    ------
    InputError
        When there is nothing to compare, or no frame rate.
    """
    if not max_shift_s > 0:
        raise InputError(f"a largest offset of {max_shift_s} s", "it must be positive")
    if individual is not None:
        bouts = of_animal(bouts, individual)
    if isinstance(to, xr.Dataset):
        times = seconds(to, fps, "aligning labels")
        names = list(labels or labels_of(bouts))
        step = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
        grid = np.arange(times[0], times[-1] + step / 2, step)
        signals = motion_signals(to, times, individual)
        signals = np.stack([np.interp(grid, times, signal) for signal in signals.T], axis=1)
        return find_shift(frames_of(bouts, grid, names), signals, step, max_shift_s, alike=False)
    if individual is not None:
        to = of_animal(to, individual)
    names = list(labels or sorted(set(labels_of(bouts)) & set(labels_of(to))))
    if not names:
        raise InputError(
            f"the labels are {', '.join(labels_of(bouts))} and {', '.join(labels_of(to))}",
            "raters are compared in labels that both use",
        )
    step = 1 / fps if fps else STEP_S
    end = max(float(table["end_s"].max()) for table in (bouts, to))
    grid = np.arange(0, end + step, step)
    return find_shift(
        frames_of(bouts, grid, names), frames_of(to, grid, names), step, max_shift_s, alike=True
    )


def find_shift(
    moving: np.ndarray, fixed: np.ndarray, step_s: float, max_shift_s: float, *, alike: bool
) -> Shift:
    """Find the shift of one set of signals against another.

    Parameters
    ----------
    moving
        (T, L) which labels hold.
    fixed
        (T, L) the same labels of another rater, or (T, F) signals that depend on the behaviour.
    step_s
        Seconds between rows.
    alike
        Whether columns of both belong together.
    """
    moving, fixed = np.asarray(moving, dtype=float), np.asarray(fixed, dtype=float)
    if len(moving) < LEAST_STEPS:
        return _refused(f"{len(moving)} frames are too few, {LEAST_STEPS} are needed")
    if alike:
        used = (moving.std(axis=0) > 0) & (fixed.std(axis=0) > 0)
        moving, fixed = moving[:, used], fixed[:, used]
    else:
        moving, fixed = moving[:, moving.std(axis=0) > 0], fixed[:, fixed.std(axis=0) > 0]
    if not moving.shape[1] or not fixed.shape[1]:
        return _refused("nothing changes" + (" in a label that both use" if alike else ""))
    reach = min(round(max_shift_s / step_s), len(moving) // 4)
    lags = np.arange(-reach, reach + 1)
    parts = np.array_split(np.arange(len(moving)), PARTS)
    every = _fits(moving, fixed, alike)
    near = every[lags]
    best = int(lags[np.argmax(near)])
    null = np.delete(every, np.unique(lags % len(every)))
    partial = [_best(moving, fixed, part, lags, alike) for part in parts]
    error = float(np.sqrt((PARTS - 1) * np.mean((np.array(partial) - np.mean(partial)) ** 2)))
    reason = _doubt(near, lags, best, null, error * step_s) or _drift(
        moving, fixed, lags, best, error, alike, step_s
    )
    fine = best + _vertex(every[[(best - 1) % len(every), best, (best + 1) % len(every)]])
    return Shift(
        float(fine * step_s), max(error, 0.3) * step_s, float(near.max()), float(every[0]), not reason,
        reason, lags * step_s, near,
    )  # fmt: skip


def motion_signals(poses: xr.Dataset, times: np.ndarray, individual: str | None = None) -> np.ndarray:
    """Return signals of one animal that depend on what it does, (T, F), finite.

    Logarithms of the speed of its middle, of the mean speed of its points about the middle, and of its
    extent; with others also the distance to the nearest one. Unknown values are interpolated.
    """
    names = [str(name) for name in poses["individual"].values]
    if individual is not None and individual not in names:
        raise InputError(f"there are no poses of {individual!r}", f"the animals are {', '.join(names)}")
    position = poses["position"].transpose("individual", "time", "keypoint", "space").values.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        middles = _mean(position, axis=2)
        who = names.index(individual) if individual is not None else 0
        middle, points = middles[who], position[who] - middles[who][:, None]
        rates = 1 / np.gradient(times)
        signals = [
            np.linalg.norm(np.gradient(middle, axis=0), axis=1) * rates,
            _mean(np.linalg.norm(np.gradient(points, axis=0), axis=2), axis=1) * rates,
            _mean(np.linalg.norm(points, axis=2), axis=1),
        ]
        for other in range(len(names)):
            if other != who:
                signals.append(np.linalg.norm(middles[other] - middle, axis=1))
    if len(signals) > 3:
        signals[3:] = [np.fmin.reduce(signals[3:])]
    return np.stack([_usable(signal) for signal in signals], axis=1)


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    seen = np.isfinite(values).sum(axis=axis)
    return np.where(seen > 0, np.nansum(values, axis=axis) / np.maximum(seen, 1), np.nan)


def _usable(signal: np.ndarray) -> np.ndarray:
    seen = np.isfinite(signal)
    if not seen.any():
        return np.zeros(len(signal))
    rows = np.arange(len(signal))
    filled = np.interp(rows, rows[seen], signal[seen])
    scale = float(np.median(filled[filled > 0])) if (filled > 0).any() else 1.0
    return np.log(filled + 0.1 * scale)


def _fits(moving: np.ndarray, fixed: np.ndarray, alike: bool) -> np.ndarray:
    """Return how well each circular shift of ``moving`` fits; entry k: moved k rows later, -k: earlier."""
    x, y = moving - moving.mean(axis=0), fixed - fixed.mean(axis=0)
    x /= np.maximum(x.std(axis=0), 1e-12)
    y /= np.maximum(y.std(axis=0), 1e-12)
    n = next_fast_len(len(x), real=True)  # mean values are put in between
    fx, fy = rfft(x, n, axis=0), rfft(y, n, axis=0)
    if alike:
        return irfft(fy * np.conj(fx), n, axis=0).mean(axis=1) / len(x)
    cross = irfft(fy[:, None, :] * np.conj(fx)[:, :, None], n, axis=0) / len(x)  # (n, L, F)
    inverse = np.linalg.pinv(x.T @ x / len(x))
    return np.einsum("tlf,lm,tmf->t", cross, inverse, cross, optimize=True) / y.shape[1]


def _best(moving: np.ndarray, fixed: np.ndarray, without: np.ndarray, lags: np.ndarray, alike: bool) -> float:
    """Return the best shift when a part of the recording is left out."""
    kept = np.delete(np.arange(len(moving)), without)
    return float(lags[np.argmax(_fits(moving[kept], fixed[kept], alike)[lags])])


def _doubt(near: np.ndarray, lags: np.ndarray, best: int, null: np.ndarray, error_s: float) -> str:
    top, middle, spread = float(near.max()), float(null.mean()), float(null.std())
    if top - middle < CERTAIN * spread:
        return "no shift fits much better than shifts that cannot be right"
    if abs(best) >= lags[-1]:
        return "the best shift is the largest one that was tried"
    if error_s > 0.5:
        return f"parts of the recording disagree (standard error {error_s:.2f} s)"
    level = middle + RIVAL * (top - middle)
    valley = middle + 0.7 * (top - middle)
    at = int(np.argmax(near))
    for side in (near[at:], near[at::-1]):
        below = np.flatnonzero(side < valley)
        if len(below) and (side[below[0] :] > level).any():
            return "another shift fits almost as well"
    return ""


def _drift(
    moving: np.ndarray,
    fixed: np.ndarray,
    lags: np.ndarray,
    best: int,
    error: float,
    alike: bool,
    step_s: float,
) -> str:
    """Say so if the first and the last third fit at clearly different shifts, as with a wrong frame rate."""
    thirds = np.array_split(np.arange(len(moving)), 3)
    ends = []
    for third in (thirds[0], thirds[2]):
        if (moving[third].std(axis=0) == 0).all():
            return ""
        fits = _fits(moving[third], fixed[third], alike)[lags]
        if fits.max() - np.median(fits) < 3 * fits.std():
            return ""
        ends.append(float(lags[np.argmax(fits)]))
    apart = abs(ends[1] - ends[0])
    if apart * step_s > max(0.5, 6 * error * step_s):
        said = " to ".join(f"{end * step_s:+.2f}" for end in ends)
        return f"the shift goes from {said} s, as if frame rates differed"
    return ""


def _vertex(values: np.ndarray) -> float:
    """Return where a parabola through three equidistant values has its vertex, from the middle one."""
    bend = values[0] - 2 * values[1] + values[2]
    return float(np.clip(0.5 * (values[0] - values[2]) / bend, -0.5, 0.5)) if bend < 0 else 0.0


def _refused(reason: str) -> Shift:
    return Shift(0.0, float("nan"), float("nan"), float("nan"), False, reason)
