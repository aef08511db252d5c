"""The diagram after Hildebrand (Science 150:701, 1965): duty factor against the phase of the fore limb."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from superanimal.gait.coordination import TOGETHER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from superanimal.gait.result import GaitResult

REGIONS = ((0.0, "pace"), (0.25, "lateral"), (0.5, "trot"), (0.75, "diagonal"), (1.0, "pace"))
"""Middle of each region of phase, and its name: fore after hind on the same side."""


def own_side(result: GaitResult) -> pd.DataFrame:
    """Return the kept strides of the hind limbs with ``phase``, at which the fore limb of the side lands."""
    kept = result.strides[result.strides["refused"] == ""]
    phases = result.phases
    own = phases[
        phases["reference"].str.contains("hind")
        & (phases["limb"] == phases["reference"].str.replace("hind", "fore"))
    ]
    who = [name for name in ("file", "individual") if name in kept.columns]
    own = own[[*who, "reference", "start_s", "phase"]].rename(columns={"reference": "limb"})
    return kept.merge(own, on=[*who, "limb", "start_s"])


def draw_regions(axes: Axes, ink: str, soft: str, line: str) -> None:
    """Draw the regions of gaits and name the axes, in the colours of text, dim text and lines."""
    for middle, name in REGIONS:
        align = "left" if middle == 0 else "right" if middle == 1 else "center"
        axes.text(min(max(middle, 0.01), 0.99), 0.98, name, ha=align, va="top", color=soft, fontsize=8)
    for middle, _ in REGIONS[:-1]:
        axes.axvline(middle + TOGETHER, color=line, lw=0.8)
    axes.axhline(0.5, color=line, lw=0.8)
    axes.text(0.99, 0.515, "walks", ha="right", va="bottom", color=soft, fontsize=8)
    axes.text(0.99, 0.485, "runs", ha="right", va="top", color=soft, fontsize=8)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_xlabel("Fore after hind on the same side, fraction of stride", color=ink)
    axes.set_ylabel("Duty factor", color=ink)
