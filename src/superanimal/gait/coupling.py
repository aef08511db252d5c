"""How the limbs of an animal go together: phases of pairs of limbs, with circular statistics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from superanimal.gait.coordination import circular_interval, circular_mean, circular_spread
from superanimal.gait.limbs import Limb

COUPLING = [
    "individual", "pair", "reference", "limb", "strides", "phase", "low", "high", "phase_sd", "concentration",
    "rayleigh_p",
]  # fmt: skip


def pairs_of(limbs: Sequence[Limb]) -> list[tuple[str, Limb, Limb]]:
    """Return what a pair is called, its reference limb, and the other one.

    ``left–right`` for the two limbs of a girdle, ``hind–fore`` on one side, ``diagonal`` across.
    """
    pairs = []
    for a in limbs:
        for b in limbs:
            if (a.side, b.side) == ("left", "right") and a.place == b.place:
                pairs.append(("left–right", a, b))
            elif (a.place, b.place) == ("hind", "fore"):
                pairs.append(("hind–fore" if a.side == b.side else "diagonal", a, b))
    order = ["left–right", "hind–fore", "diagonal"]
    return sorted(pairs, key=lambda pair: order.index(pair[0]))


def coupling_table(phases: pd.DataFrame, individual: str, limbs: Sequence[Limb]) -> pd.DataFrame:
    """Return the mean phase of each pair of limbs of an animal.

    Parameters
    ----------
    phases
        As in :class:`superanimal.gait.GaitResult`.

    Returns
    -------
    pandas.DataFrame
        ``individual, pair, reference, limb, strides``; the circular mean ``phase`` (0..1 of the reference
        limb's stride) with its 95 % interval ``low, high`` (around the mean, perhaps beyond 0 or 1), circular
        standard deviation ``phase_sd``, ``concentration`` (mean resultant length, 1 when all strides agree)
        and ``rayleigh_p``, the chance of such a concentration when the limbs do not go together (Zar,
        Biostatistical Analysis, 2010, chapter 27).
    """
    rows = []
    own = phases[phases["individual"] == individual]
    for pair, reference, limb in pairs_of(limbs):
        both = own[(own["reference"] == reference.name) & (own["limb"] == limb.name)]
        values = both["phase"].to_numpy(float)
        if len(values):
            length = float(abs(np.exp(2j * np.pi * values).mean()))
            rows.append(
                [individual, pair, reference.name, limb.name, len(values), circular_mean(values),
                 *circular_interval(values), circular_spread(values), length, rayleigh(length, len(values))]
            )  # fmt: skip
    return pd.DataFrame(rows, columns=COUPLING)


def rayleigh(length: float, count: int) -> float:
    """Return the p value of Rayleigh's test for a mean resultant length 0..1 of some phases.

    Examples
    --------
    >>> round(rayleigh(0.8, 10), 4), round(rayleigh(0.1, 10), 2)
    (0.0006, 0.91)
    """
    total = count * length
    return float(min(1.0, np.exp(np.sqrt(1 + 4 * count + 4 * (count**2 - total**2)) - (1 + 2 * count))))
