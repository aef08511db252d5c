"""Left against right: how much the strides of the two limbs of a pair differ."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

MEASURES = ("duration_s", "stance_s", "swing_s", "duty_factor", "length_px", "swing_height_px")
SYMMETRY = [
    "individual", "pair", "measure", "left", "right", "strides_left", "strides_right", "index", "low", "high",
]  # fmt: skip


def symmetry_table(strides: pd.DataFrame) -> pd.DataFrame:
    """Compare the left and right limb of each pair, stride by stride.

    Parameters
    ----------
    strides
        As in :class:`superanimal.gait.GaitResult`; refused strides are left out. Limbs are named by side and
        place, such as ``left_hind`` and ``right_hind``, or ``left`` and ``right``.

    Returns
    -------
    pandas.DataFrame
        ``individual, pair`` (``hind``, ``fore``, ...), ``measure``, means ``left, right``, their numbers of
        strides, ``index`` = 100 (left − right) / mean of both, in percent (Robinson, Herzog and Nigg 1987),
        and its 95 % interval ``low, high`` (Welch, of the difference; strides of one recording follow each
        other, so that it says how sure this recording is, not what another day would give).
    """
    kept = strides[strides["refused"] == ""]
    who = [name for name in ("file", "individual") if name in kept.columns]
    rows = []
    for name, own in kept.groupby(who, sort=False):
        pairs = {limb.replace("left", "", 1).strip("_") for limb in own["limb"] if "left" in limb}
        for pair in sorted(pairs, reverse=True):
            sides = [own[own["limb"] == f"{side}_{pair}".strip("_")] for side in ("left", "right")]
            if all(len(side) for side in sides):
                rows += [
                    [*name, pair or "both", *_compare(m, *(s[m].to_numpy(float) for s in sides))]
                    for m in MEASURES
                ]
    return pd.DataFrame(rows, columns=[*who, *SYMMETRY[1:]]).dropna(subset="index", ignore_index=True)


def _compare(measure: str, left: np.ndarray, right: np.ndarray) -> list[object]:
    left, right = left[np.isfinite(left)], right[np.isfinite(right)]
    nothing = float("nan")
    if not left.size or not right.size:
        return [measure, nothing, nothing, left.size, right.size, nothing, nothing, nothing]
    middle = (left.mean() + right.mean()) / 2
    low = high = nothing
    if min(left.size, right.size) > 1:
        limits = stats.ttest_ind(left, right, equal_var=False).confidence_interval(0.95)
        low, high = 100 * float(limits.low) / middle, 100 * float(limits.high) / middle
    index = 100 * float(left.mean() - right.mean()) / middle if middle else nothing
    return [measure, float(left.mean()), float(right.mean()), left.size, right.size, index, low, high]
