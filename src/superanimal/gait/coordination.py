"""Interlimb coordination: phases, the gait of a stride, symmetry.

The phase of a limb is the fraction of another limb's stride at which it lands. Regions of the symmetrical
gaits after Hildebrand (Science 150:701, 1965; BioScience 39:766, 1989): the two limbs of a girdle half a
stride apart; diagonality (fore after hind of the same side) near 0 is a pace, a quarter the lateral walk, a
half a trot, three quarters the diagonal walk. Asymmetrical gaits after Hildebrand (J. Mammal. 58:131, 1977):
both pairs near 0 is a bound; a hind and the diagonal fore together is a canter; else a gallop. Four even
beats with less than half of the stride on the ground is a tölt (Nicodemus and Clayton 2003).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superanimal.gait.limbs import Limb
from superanimal.gait.strides import Stride

TOGETHER = 0.125
"""Half the width of a region of the symmetrical gaits: eight regions of equal width (Hildebrand 1965)."""
SYMMETRICAL = 0.12
"""A pair within this of half a stride is symmetrical: between the half of symmetrical gaits and the third or
less (0.28 in a canter, 0.14 in a gallop) of asymmetrical ones."""
NEAREST = 0.75
"""Maximum distance of a contact from the middle of a stride, in strides, to define the phase in it."""
COUPLE = 0.075
"""Two limbs that land within this share of a stride land together: half-way between the canter's diagonal
pair (0 to 0.05) and the gallop's (0.1 and more; Clayton 1993)."""


def phases_of(stride: Stride, contacts: Sequence[np.ndarray]) -> np.ndarray:
    """Return the phase 0..1 of every limb in a stride, (L,); NaN for limbs without a contact nearby.

    Parameters
    ----------
    contacts
        Contact times of each limb in seconds.
    """
    phases = np.full(len(contacts), np.nan)
    middle = (stride.start + stride.end) / 2
    for limb, times in enumerate(contacts):
        if limb == stride.limb:
            phases[limb] = 0.0
        elif len(times):
            nearest = times[np.argmin(np.abs(times - middle))]
            if abs(nearest - middle) <= NEAREST * stride.duration:
                phases[limb] = ((nearest - stride.start) / stride.duration) % 1
    return phases


def circular_distance(a: float | np.ndarray, b: float | np.ndarray) -> np.ndarray:
    """Return the distance between phases, 0..0.5."""
    return np.abs((np.asarray(a) - b + 0.5) % 1 - 0.5)


def diagonality(phases: np.ndarray, limbs: Sequence[Limb]) -> float:
    """Return the phase of fore after hind on the same side, 0..1, mean of both sides; NaN if unknown."""
    found = [
        (phases[j] - phases[i]) % 1
        for i, hind in enumerate(limbs)
        for j, fore in enumerate(limbs)
        if hind.place == "hind" and fore.place == "fore" and hind.side == fore.side
    ]
    known = [value for value in found if np.isfinite(value)]
    return float(circular_mean(np.array(known))) if known else float("nan")


def circular_mean(phases: np.ndarray) -> float:
    """Return the circular mean of phases, 0..1, ignoring NaN."""
    phases = phases[np.isfinite(phases)]
    if not phases.size:
        return float("nan")
    return float(np.angle(np.exp(2j * np.pi * phases).mean()) / (2 * np.pi) % 1)


def circular_spread(phases: np.ndarray) -> float:
    """Return the circular standard deviation of phases, cycles; NaN for fewer than two."""
    phases = phases[np.isfinite(phases)]
    if phases.size < 2:
        return float("nan")
    length = min(float(abs(np.exp(2j * np.pi * phases).mean())), 1.0)
    return float(np.sqrt(-2 * np.log(max(length, 1e-12))) / (2 * np.pi))


def circular_interval(phases: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Return a confidence interval of the mean phase (large-sample, from the circular standard error).

    Returns
    -------
    low, high
        Around the mean; may lie outside 0..1. NaN for fewer than three phases.
    """
    from scipy.stats import t

    phases = phases[np.isfinite(phases)]
    if phases.size < 3:
        return float("nan"), float("nan")
    mean = circular_mean(phases)
    offsets = (phases - mean + 0.5) % 1 - 0.5
    half = float(t.ppf(0.5 + level / 2, phases.size - 1) * offsets.std(ddof=1) / np.sqrt(phases.size))
    return mean - half, mean + half


def gait_of(phases: np.ndarray, duty: float, limbs: Sequence[Limb]) -> str:
    """Return the gait for given phases and duty factor; empty if too few limbs are known.

    Parameters
    ----------
    phases
        (L,) fraction of the stride at which each limb lands, NaN if unknown.
    duty
        Fraction of the stride in stance. From 0.5 on, an uneven symmetrical gait (a pair up to a quarter of a
        stride off) is more likely than an asymmetrical one, which has short stances.
    """
    places = {
        (limb.side, limb.place): float(phases[k]) for k, limb in enumerate(limbs) if np.isfinite(phases[k])
    }
    if all(not limb.place for limb in limbs):
        if len(places) < 2:
            return ""
        return ("walk" if duty >= 0.5 else "run") if _apart(places, "") > 0.5 - 2 * SYMMETRICAL else "hop"
    apart = [value for place in ("hind", "fore") if np.isfinite(value := _apart(places, place))]
    limit = 0.25 if duty >= 0.5 else 0.5 - SYMMETRICAL
    if len(apart) == 2 and min(apart) < limit:
        return _asymmetrical(places, apart)
    if len(apart) == 1 and apart[0] < limit:
        return ""  # asymmetrical; one pair does not determine which
    diagonal = diagonality(phases, limbs)
    if not np.isfinite(diagonal):
        return ""
    if circular_distance(diagonal, 0) < TOGETHER:
        return "pace"
    if circular_distance(diagonal, 0.5) < TOGETHER:
        return "trot"
    return "walk" if duty >= 0.5 else "tölt"


def _asymmetrical(places: dict[tuple[str, str], float], apart: list[float]) -> str:
    if max(apart) < TOGETHER:
        hind = circular_mean(np.array([places["left", "hind"], places["right", "hind"]]))
        fore = circular_mean(np.array([places["left", "fore"], places["right", "fore"]]))
        if circular_distance(hind, fore) > TOGETHER:
            return "bound"
    couples = [
        float(circular_distance(places["left", "hind"], places["right", "fore"])),
        float(circular_distance(places["right", "hind"], places["left", "fore"])),
    ]
    return "canter" if min(couples) < COUPLE else "gallop"


def _apart(places: dict[tuple[str, str], float], place: str) -> float:
    left, right = places.get(("left", place)), places.get(("right", place))
    return float("nan") if left is None or right is None else float(circular_distance(left, right))
