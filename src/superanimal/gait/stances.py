"""When each limb stands: what a footfall diagram shows, and what is drawn over a video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from superanimal.gait.result import GaitResult

STANCES = ["individual", "limb", "start_s", "end_s", "refused"]


def stances_of(result: GaitResult, end_s: float, start_s: float = 0.0) -> pd.DataFrame:
    """Return the stances of all limbs of one recording, by animal, limb and time.

    Parameters
    ----------
    result
        Of one file.
    end_s, start_s
        When the recording ends and begins, seconds from frame 0.

    Returns
    -------
    pandas.DataFrame
        ``individual, limb, start_s, end_s`` and ``refused``: why the stride that the stance begins was
        refused, empty when it was kept or the recording shows no more of it. A limb that stands when it is
        first seen, or still stands when it is last seen, does so from there or to there; the same holds at
        stretches in which it is not seen.
    """
    rows: list[dict[str, object]] = []
    reasons = {
        (who, limb, start): reason
        for who, limb, start, reason in result.strides[["individual", "limb", "start_s", "refused"]].values
    }
    for (who, limb), events in result.events.groupby(["individual", "limb"], sort=False):
        gaps = result.refused[(result.refused["individual"] == who) & (result.refused["limb"] == limb)]
        events = events.sort_values("time_s")
        times, contact = events["time_s"].to_numpy(float), (events["event"] == "contact").to_numpy()
        for k, time in enumerate(times):
            if contact[k]:
                end = times[k + 1] if k + 1 < len(times) else end_s
                reason = reasons.get((who, limb, time), "")
                unseen = gaps[(gaps["start_s"] >= time) & (gaps["end_s"] <= end)]
                rows.append(_row(who, limb, time, unseen["start_s"].min() if len(unseen) else end, reason))
                if len(unseen) and k + 1 < len(times):
                    rows.append(_row(who, limb, unseen["end_s"].max(), end, reason))
            elif k == 0:
                rows.append(_row(who, limb, _seen_from(gaps, time, start_s), time, ""))
    return pd.DataFrame(rows, columns=STANCES)


def standing(stances: pd.DataFrame, individual: str, limbs: Sequence[str], times: np.ndarray) -> np.ndarray:
    """Return which limbs of an animal stand at some times, bool, shape (len(times), len(limbs))."""
    out = np.zeros((len(times), len(limbs)), dtype=bool)
    for k, limb in enumerate(limbs):
        own = stances[(stances["individual"] == individual) & (stances["limb"] == limb)]
        for start, end in own[["start_s", "end_s"]].to_numpy(float):
            out[:, k] |= (times >= start) & (times <= end)
    return out


def _row(individual: object, limb: object, start: float, end: float, reason: str) -> dict[str, object]:
    return {"individual": individual, "limb": limb, "start_s": start, "end_s": end, "refused": reason}


def _seen_from(gaps: pd.DataFrame, time: float, start: float) -> float:
    before = gaps.loc[gaps["end_s"] <= time, "end_s"]
    return float(before.max()) if len(before) else start
