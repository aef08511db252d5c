"""A gait analysis on show: the result, the strides a person left out, and undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from superanimal.gait import GaitResult, exclude
from superanimal.gait.exclusion import EXCLUDED
from superanimal.gait.limb_colors import limb_colors
from superanimal.gait.stances import stances_of
from superanimal.poses import seconds

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


class GaitSession:
    """The result of one pose layer and what a person left out of it.

    Parameters
    ----------
    analysed
        What ``superanimal.gait.analyze`` returned.
    poses
        The poses it was given.

    Attributes
    ----------
    result
        The result without what was left out.
    stances
        See :func:`superanimal.gait.stances.stances_of`, for ``result``.
    time
        Seconds from frame 0 of each time of the poses.
    colors
        ``#rrggbb`` of each limb.
    """

    def __init__(self, analysed: GaitResult, poses: xr.Dataset) -> None:
        self.analysed = analysed
        self.time = seconds(poses, analysed.facts["fps"], "gait analysis")
        self.individuals = [str(name) for name in poses["individual"].values]
        self.limbs: dict[str, list[str]] = analysed.facts["limbs"]
        self.colors = limb_colors(list(self.limbs))
        self._out: frozenset[int] = frozenset()
        self._done: list[frozenset[int]] = []
        self._undone: list[frozenset[int]] = []
        self.result, self.stances = analysed, stances_of(analysed, float(self.time[-1]))

    @property
    def excluded(self) -> frozenset[int]:
        """Rows of ``result.strides`` that were left out by hand."""
        return self._out

    @property
    def can_undo(self) -> bool:
        """Whether a stride was left out or taken back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether something was undone."""
        return bool(self._undone)

    @property
    def metric(self) -> bool:
        """Whether lengths are known in metres."""
        return bool(self.analysed.facts["metres_per_pixel"])

    def toggle(self, rows: set[int]) -> None:
        """Leave kept strides out; when all of them are out already, take them back."""
        own = {row for row in rows if self.analysed.strides["refused"].iloc[row] == ""}
        if own:
            self._done.append(self._out)
            self._undone.clear()
            self._set(self._out - own if own <= self._out else self._out | own)

    def undo(self) -> None:
        """Take the latest change back."""
        if self._done:
            self._undone.append(self._out)
            self._set(self._done.pop())

    def redo(self) -> None:
        """Do the change again that was undone last."""
        if self._undone:
            self._done.append(self._out)
            self._set(self._undone.pop())

    def take_over(self, earlier: GaitSession) -> int:
        """Leave out what was left out of an earlier analysis of the layer; return how many strides.

        A stride is the same when animal and limb are and more than half of the time of both is common.
        """
        old = earlier.analysed.strides.iloc[sorted(earlier.excluded)]
        new, found = self.analysed.strides, set[int]()
        for _, stride in old.iterrows():
            own = (new["individual"] == stride["individual"]) & (new["limb"] == stride["limb"])
            common = np.minimum(new["end_s"], stride["end_s"]) - np.maximum(new["start_s"], stride["start_s"])
            longer = np.maximum(new["duration_s"], stride["duration_s"])
            found |= set(np.flatnonzero(own & (common > longer / 2)).tolist())
        self.toggle(found)
        return len(self._out)

    def _set(self, rows: frozenset[int]) -> None:
        self._out = frozenset(rows)
        self.result = exclude(self.analysed, rows)
        self.stances = stances_of(self.result, float(self.time[-1]))

    def strides_of(self, individual: str) -> pd.DataFrame:
        """Return the strides of an animal by time; the index is their row in ``result.strides``."""
        strides = self.result.strides.reset_index(drop=True)
        return strides[strides["individual"] == individual].sort_values("start_s", kind="stable")

    def row_at(self, time: float) -> int:
        """Return the number of the time of the poses that is nearest to so many seconds."""
        return int(np.argmin(np.abs(self.time - time)))

    def headline(self, individual: str) -> str:
        """Return what an animal's strides come to, in one line."""
        strides = self.strides_of(individual)
        kept = strides[strides["refused"] == ""]
        if strides.empty:
            return "No stride was found."
        parts = [f"{len(kept)} of {len(strides)} strides kept"]
        if len(kept):
            counts = kept["gait"][kept["gait"] != ""].value_counts()
            if len(counts):
                share = counts.iloc[0] / len(kept)
                parts.insert(0, f"{counts.index[0]}" + (f" ({share:.0%})" if share < 1 else ""))
            parts.insert(-1, f"stride {kept['duration_s'].median():.2f} s")
            length = kept["length_m"].median() if self.metric else kept["length_px"].median()
            parts.insert(-1, f"{length:.2f} m long" if self.metric else f"{length:.0f} px long")
            parts.insert(-1, f"duty factor {kept['duty_factor'].median():.2f}")
        out = int((strides["refused"] == EXCLUDED).sum())
        return " · ".join([*parts, f"{out} left out by you"] if out else parts)
