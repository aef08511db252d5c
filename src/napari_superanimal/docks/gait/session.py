"""A gait analysis on show: the result, what a person corrected and left out, and undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from superanimal.gait import GaitResult, correct, exclude
from superanimal.gait.correction import CORRECTED
from superanimal.gait.exclusion import EXCLUDED
from superanimal.gait.limb_colors import limb_colors
from superanimal.gait.stances import stances_of
from superanimal.poses import seconds

if TYPE_CHECKING:
    import xarray as xr

State = tuple[GaitResult, frozenset[int]]
"""The analysis with corrected events, and the rows of its strides that are left out."""


class GaitSession:
    """The result of one pose layer and what a person corrected in it and left out of it.

    Parameters
    ----------
    analysed
        What ``superanimal.gait.analyze`` returned.
    poses
        The poses it was given.

    Attributes
    ----------
    analysed
        The result with corrected events.
    result
        The same without what was left out.
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
        self.frame_s = float(np.median(np.diff(self.time)))
        self._out: frozenset[int] = frozenset()
        self._done: list[State] = []
        self._undone: list[State] = []
        self.result, self.stances = analysed, self._stances_of(analysed)

    @property
    def excluded(self) -> frozenset[int]:
        """Rows of ``result.strides`` that were left out by hand."""
        return self._out

    @property
    def corrected(self) -> bool:
        """Whether a person changed the events."""
        return str(self.analysed.facts["detector"]).endswith(CORRECTED)

    @property
    def can_undo(self) -> bool:
        """Whether something was corrected, left out or taken back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether something was undone."""
        return bool(self._undone)

    @property
    def metric(self) -> bool:
        """Whether lengths are known in metres."""
        return bool(self.analysed.strides["length_m"].notna().any())

    def toggle(self, rows: set[int]) -> None:
        """Leave kept strides out; when all of them are out already, take them back."""
        own = {row for row in rows if self.analysed.strides["refused"].iloc[row] == ""}
        if own:
            self._do(self.analysed, self._out - own if own <= self._out else self._out | own)

    def move_event(self, individual: str, limb: str, time: float, to: float) -> None:
        """Move a contact or lift, at most to the neighbouring events of the limb."""
        events, own = self.analysed.events.copy(), self._events_of(individual, limb)
        at = np.flatnonzero(own["time_s"].to_numpy() == time)
        if len(at):
            before, after = self._room(own["time_s"].drop(own.index[at[0]]).to_numpy(), time)
            events.loc[own.index[at[0]], "time_s"] = np.clip(to, before, after)
            self._correct(events)

    def add_stance(self, individual: str, limb: str, start: float, end: float) -> None:
        """Add a contact and a lift where the limb swings; what overlaps a stance is cut off."""
        own = self._events_of(individual, limb)
        times, contact = own["time_s"].to_numpy(), (own["event"] == "contact").to_numpy()
        earlier = np.flatnonzero(times <= start)
        stands = contact[earlier[-1]] if len(earlier) else len(times) > 0 and not contact[0]
        before, after = self._room(times, start)
        start, end = max(start, before), min(end, after)
        if not stands and end - start >= self.frame_s:
            both = [(individual, limb, "contact", start), (individual, limb, "lift", end)]
            new = pd.DataFrame(both, columns=["individual", "limb", "event", "time_s"])
            self._correct(pd.concat([self.analysed.events, new], ignore_index=True))

    def remove_stance(self, individual: str, limb: str, start: float, end: float) -> None:
        """Remove the contact and the lift of a stance."""
        events, own = self.analysed.events, self._events_of(individual, limb)
        kinds = ((own["event"] == "contact") & (own["time_s"] == start)) | (
            (own["event"] == "lift") & (own["time_s"] == end)
        )
        if kinds.any():
            self._correct(events.drop(own.index[kinds]))

    def replace_events(self, events: pd.DataFrame) -> None:
        """Take contacts and lifts of a person, see ``superanimal.gait.read_events``, for those found."""
        self._correct(events)

    def _events_of(self, individual: str, limb: str) -> pd.DataFrame:
        """Return the events of a limb by time; the index is that of ``analysed.events``."""
        events = self.analysed.events
        own = events[(events["individual"] == individual) & (events["limb"] == limb)]
        return own.sort_values("time_s", kind="stable")

    def _room(self, times: np.ndarray, time: float) -> tuple[float, float]:
        """Return from when to when an event can be placed: a frame from its neighbours, in the recording."""
        before, after = times[times <= time], times[times > time]
        low = before.max() + self.frame_s if len(before) else float(self.time[0])
        high = after.min() - self.frame_s if len(after) else float(self.time[-1])
        return low, high

    def _correct(self, events: pd.DataFrame) -> None:
        old, new = self.analysed, correct(self.analysed, events)
        self._do(new, _same(old.strides.iloc[sorted(self._out)], new.strides))

    def undo(self) -> None:
        """Take the latest change back."""
        if self._done:
            self._undone.append((self.analysed, self._out))
            self._set(*self._done.pop())

    def redo(self) -> None:
        """Do the change again that was undone last."""
        if self._undone:
            self._done.append((self.analysed, self._out))
            self._set(*self._undone.pop())

    def take_over(self, earlier: GaitSession) -> int:
        """Leave out what was left out of an earlier analysis of the layer; return how many strides.

        If its events were corrected, undo brings it back.
        """
        if earlier.corrected:
            self._done.append((earlier.analysed, earlier.excluded))
        left_out = earlier.analysed.strides.iloc[sorted(earlier.excluded)]
        self.toggle(set(_same(left_out, self.analysed.strides)))
        return len(self._out)

    def _do(self, analysed: GaitResult, rows: frozenset[int]) -> None:
        self._done.append((self.analysed, self._out))
        self._undone.clear()
        self._set(analysed, rows)

    def _set(self, analysed: GaitResult, rows: frozenset[int]) -> None:
        self.analysed, self._out = analysed, rows
        self.result = exclude(analysed, rows)
        self.stances = self._stances_of(self.result)

    def _stances_of(self, result: GaitResult) -> pd.DataFrame:
        return stances_of(result, float(self.time[-1]), float(self.time[0]))

    def strides_of(self, individual: str) -> pd.DataFrame:
        """Return the strides of an animal by time; the index is their row in ``result.strides``."""
        strides = self.result.strides.reset_index(drop=True)
        return strides[strides["individual"] == individual].sort_values("start_s", kind="stable")

    def row_at(self, time: float) -> int:
        """Return the number of the time of the poses that is nearest to so many seconds."""
        return int(np.argmin(np.abs(self.time - time)))

    def notes_of(self, individual: str) -> list[str]:
        """Return what limits the result, without what concerns other animals."""
        others = tuple(f"{name}: " for name in self.individuals if name != individual)
        own = f"{individual}: "
        return [note.removeprefix(own) for note in self.result.notes if not note.startswith(others)]

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
        summary = self.result.summary
        belt = summary.loc[summary["individual"] == individual, "belt_speed"].median()
        if np.isfinite(belt):
            pixel = (kept["length_m"] / kept["length_px"]).median() if self.metric else np.nan
            said = f"{belt * pixel:.2f} m/s" if np.isfinite(pixel) else f"{belt:.0f} px/s"
            parts.insert(-1, f"the ground moves at {said}")
        out = int((strides["refused"] == EXCLUDED).sum())
        return " · ".join([*parts, f"{out} left out by you"] if out else parts)


def _same(old: pd.DataFrame, new: pd.DataFrame) -> frozenset[int]:
    """Return the rows of new strides that are one of the old ones and not refused.

    A stride is the same when animal and limb are and more than half of the time of both is common.
    """
    found = set[int]()
    for _, stride in old.iterrows():
        own = (new["individual"] == stride["individual"]) & (new["limb"] == stride["limb"])
        own &= new["refused"] == ""
        common = np.minimum(new["end_s"], stride["end_s"]) - np.maximum(new["start_s"], stride["start_s"])
        longer = np.maximum(new["duration_s"], stride["duration_s"])
        found |= set(np.flatnonzero(own & (common > longer / 2)).tolist())
    return frozenset(found)
