"""Vertical asymmetry of head, withers and pelvis, as lameness is measured in horses.

In a symmetrical gait each of them sinks and rises twice in a stride, once for each half. The differences of
the two minima and of the two maxima are near zero in a sound animal (Buchner et al., Equine Vet. J. 28:71,
1996; Rhodin et al., PLoS ONE 12:e0176253, 2017). They are a few millimetres, so each comes with its error,
and where the error is larger than what counts as lame it is said that nothing can be told.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from superanimal.gait.limbs import words_of
from superanimal.gait.recording import LEAST_CONFIDENCE, Recording
from superanimal.gait.strides import Stride

PARTS = {
    "head": ("poll", "head", "forehead", "nose", "snout"),
    "withers": ("withers", "wither", "back_base"),
    "pelvis": ("croup", "pelvis", "sacrum", "tail_base", "hip"),
}
"""Keypoints that stand for each part, the best first."""
LAME = {"head": 0.375, "withers": 0.375, "pelvis": 0.19}
"""Percent of withers height: 6 mm for the head and 3 mm for the pelvis of a horse of 1.6 m (Keegan et al.,
Equine Vet. J. 43:160, 2011, who give no limit for the withers: the head's is taken)."""
SYMMETRICAL = ("walk", "trot", "pace", "tölt")
SIDE_VIEW = 0.5
"""In a side view every limb lands at least this share of the withers height below the withers (a choice:
about 1 on level ground)."""
HARMONICS = 4
"""Of the stride; a trunk that swings on legs has next to nothing above."""
VERTICAL = [
    "individual", "part", "keypoint", "unit", "strides", "min_diff", "min_low", "min_high", "max_diff",
    "max_low", "max_high", "note",
]  # fmt: skip


def vertical_table(poses: xr.Dataset, recording: Recording, strides: Sequence[Stride]) -> pd.DataFrame:
    """Return the vertical asymmetry of head, withers and pelvis over a recording seen from the side.

    Returns
    -------
    pandas.DataFrame
        ``individual, part, keypoint, unit`` (``% of withers height``, or ``px`` without withers above all
        feet), ``strides``, ``min_diff`` and ``max_diff``: lowest (highest) point in the half of the stride
        that begins with the left limb's contact less that of the other half, up is positive, mean over
        strides; their 95 % intervals ``min_low, min_high, max_low, max_high`` from the spread of strides or,
        when larger, the noise of the points; ``note``: why it cannot be told, empty when it can.
    """
    rows = []
    names = [str(name) for name in poses["keypoint"].values]
    height = _withers_height(poses, recording, strides, names)
    for part in PARTS:
        name = _named(names, part)
        limb = _reference(recording, "hind" if part == "pelvis" else "fore")
        if name is None or limb is None:
            continue
        time, up = _heights(poses, recording, name)
        used = [s for s in strides if s.limb == limb and not s.refused and s.gait in SYMMETRICAL]
        found = [each for s in used if (each := differences(time, up, s.start, s.end)) is not None]
        rows.append([recording.individual, part, name, *_summary(np.array(found), height, LAME[part])])
    return pd.DataFrame(rows, columns=VERTICAL)


def differences(time: np.ndarray, up: np.ndarray, start: float, end: float) -> np.ndarray | None:
    """Return min_diff, max_diff and their standard errors for one stride, (4,), in the unit of ``up``.

    Parameters
    ----------
    time, up
        (T,) seconds and heights, upward; NaN where not seen. Drift is taken off by the mean over one stride
        around each moment, so that half a stride before and after must be seen too; then a Fourier series of
        the stride is fitted.
    start, end
        Of the stride, seconds.

    Returns
    -------
    numpy.ndarray or None
        None when too little of the stride is seen, or nothing sinks and rises twice in it.
    """
    period = end - start
    seen = np.isfinite(up)
    near = seen & (time >= start - period / 2 - 1e-9) & (time <= end + period / 2 + 1e-9)
    inside = near & (time >= start) & (time < end)
    count = min(HARMONICS, (int(inside.sum()) - 1) // 4)
    if count < 2 or time[near][0] > start - 0.45 * period or time[near][-1] < end + 0.45 * period:
        return None
    if np.diff(time[near]).max() > 0.15 * period:
        return None
    level = up - _running_mean(time[near], up[near], time, period)
    angle = 2 * np.pi * (time[inside] - start) / period
    basis = _basis(angle, count)
    coefficients = np.linalg.lstsq(basis, level[inside], rcond=None)[0]
    free = len(angle) - basis.shape[1]
    variance = float(((level[inside] - basis @ coefficients) ** 2).sum()) / max(free, 1)
    covariance = variance * np.linalg.pinv(basis.T @ basis)
    second = complex(coefficients[3], coefficients[4])
    if abs(second) < 2 * np.sqrt(covariance[3, 3] + covariance[4, 4]):
        return None
    highest = (np.angle(second) / 2) % np.pi
    values, errors = [], []
    for at, sign in ((highest + np.pi / 2, -1.0), (highest, 1.0)):
        first, other = (_extreme(coefficients, count, (at % np.pi) + half, sign) for half in (0.0, np.pi))
        change = (_basis(np.array([first]), count) - _basis(np.array([other]), count))[0]
        values.append(float(change @ coefficients))
        errors.append(float(np.sqrt(change @ covariance @ change)))
    return np.array([*values, *errors])


def _basis(angle: np.ndarray, count: int) -> np.ndarray:
    """Return 1, cos, sin, cos 2, sin 2, ... of angles, (n, 1 + 2 count)."""
    k = np.arange(1, count + 1)
    waves = np.stack([np.cos(angle[:, None] * k), np.sin(angle[:, None] * k)], axis=2)
    return np.concatenate([np.ones((len(angle), 1)), waves.reshape(len(angle), -1)], axis=1)


def _extreme(coefficients: np.ndarray, count: int, near: float, sign: float) -> float:
    """Return the angle of the highest (sign 1) or lowest point within an eighth of the stride."""
    angles = near + np.linspace(-np.pi / 4, np.pi / 4, 201)
    return float(angles[np.argmax(sign * (_basis(angles, count) @ coefficients))])


def _running_mean(time: np.ndarray, values: np.ndarray, at: np.ndarray, width: float) -> np.ndarray:
    """Return the mean over ``width`` seconds around each moment; what is not covered counts as its end."""
    total = np.concatenate([[0.0], np.cumsum(np.diff(time) * (values[1:] + values[:-1]) / 2)])

    def upto(moment: np.ndarray) -> np.ndarray:
        outside = np.where(moment < time[0], (moment - time[0]) * values[0], 0.0)
        outside += np.where(moment > time[-1], (moment - time[-1]) * values[-1], 0.0)
        return np.asarray(np.interp(moment, time, total) + outside)

    return (upto(at + width / 2) - upto(at - width / 2)) / width


def _summary(found: np.ndarray, height: float | None, lame: float) -> list[object]:
    unit = "px" if height is None else "% of withers height"
    if not len(found):
        return [unit, 0, *[float("nan")] * 6, "no stride of a symmetrical gait is seen long enough"]
    scale = 1.0 if height is None else 100 / height
    means, limits = [], []
    for k in (0, 1):
        values, own = scale * found[:, k], scale * found[:, k + 2]
        n = len(values)
        error = float(np.sqrt((own**2).mean() / n))
        if n > 1:
            error = max(error, float(values.std(ddof=1)) / np.sqrt(n))
        half = error * float(stats.t.ppf(0.975, max(n - 1, 1)))
        means.append(float(values.mean()))
        limits.append(half)
    note = ""
    if height is None:
        note = "no withers above all feet: none are labelled, or it is not a side view"
    elif max(limits) > lame:
        note = f"not measurable at this resolution: ±{max(limits):.2g} %, and {lame:.2g} % count as lame"
    ends = [[mean, mean - half, mean + half] for mean, half in zip(means, limits, strict=True)]
    return [unit, len(found), *ends[0], *ends[1], note]


def _named(names: Sequence[str], part: str) -> str | None:
    for wanted in PARTS[part]:
        for name in names:
            if "_".join(words_of(name)) == wanted:
                return name
    return None


def _reference(recording: Recording, place: str) -> int | None:
    """Return the left limb of a place, else the left one of any."""
    left = [k for k, limb in enumerate(recording.limbs) if limb.side == "left"]
    own = [k for k in left if recording.limbs[k].place == place]
    return (own or left or [None])[0]  # type: ignore[list-item]


def _heights(poses: xr.Dataset, recording: Recording, name: str) -> tuple[np.ndarray, np.ndarray]:
    point = poses.sel(individual=recording.individual, keypoint=name)
    y = point["position"].sel(space="y").values.astype(np.float64)
    y = np.where(point["confidence"].values < LEAST_CONFIDENCE, np.nan, y)
    return recording.time, np.interp(recording.time, recording.grid, recording.ground.path[:, 1]) - y


def _withers_height(
    poses: xr.Dataset, recording: Recording, strides: Sequence[Stride], names: Sequence[str]
) -> float | None:
    """Return the median height of the withers over the places where feet land, pixels.

    None without withers, and where they do not lie above the feet of every limb: seen from above, the feet of
    one side or of one girdle lie above them in the picture.
    """
    withers = _named(names, "withers")
    kept = [stride for stride in strides if not stride.refused]
    if withers is None or not kept:
        return None
    time, up = _heights(poses, recording, withers)
    seen = np.isfinite(up)
    if not seen.any():
        return None
    above = np.interp([s.start for s in kept], time[seen], up[seen]) + [s.landing[1] for s in kept]
    limbs = np.array([stride.limb for stride in kept])
    lowest = min(float(np.median(above[limbs == limb])) for limb in set(limbs.tolist()))
    height = float(np.median(above))
    return height if lowest > SIDE_VIEW * height > 0 else None
