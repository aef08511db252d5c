"""Features of a recording, block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from superanimal.behavior.descriptors.own import Columns, make_moment, own_features
from superanimal.behavior.descriptors.pairs import pair_features
from superanimal.behavior.descriptors.paper import paper_features
from superanimal.behavior.descriptors.presets import Preset
from superanimal.behavior.descriptors.recording import Recording
from superanimal.behavior.descriptors.windows import band_power, window_statistics

ROWS = 16_384
"""Rows per block."""
MARGIN = 2.5
"""Seconds beside the windows of a block that gaps and derivatives may need."""


@dataclass(frozen=True)
class Block:
    """Features of consecutive rows.

    Attributes
    ----------
    start, stop
        The rows of the recording.
    names, units
        F names and units.
    values
        (F, stop - start) float32; NaN where it could not be computed.
    """

    start: int
    stop: int
    names: tuple[str, ...]
    units: tuple[str, ...]
    values: np.ndarray


def feature_blocks(
    recording: Recording, preset: Preset, actor: int | None, rows: int = ROWS
) -> Iterator[Block]:
    """Yield the features of a recording in blocks; the values do not depend on the size of the blocks.

    Parameters
    ----------
    actor
        Index of the animal whose behaviour is meant, whose nearest other is the recipient; None for the
        behaviour of all: each feature then appears as its lowest and highest value among the animals.
    rows
        Rows per block.
    """
    for start in range(0, len(recording.time), rows):
        yield make_block(recording, preset, actor, start, min(start + rows, len(recording.time)))


@np.errstate(invalid="ignore", divide="ignore")  # absent points stay absent
def make_block(recording: Recording, preset: Preset, actor: int | None, start: int, stop: int) -> Block:
    """Return the features of rows ``start`` to ``stop``."""
    periods = [3 / frequency for frequency in preset.bands]
    lags = [2 * abs(lag) for lag in preset.lags]
    reach = max([*preset.widths, *periods, *lags, 0.0]) + MARGIN
    first = int(np.searchsorted(recording.time, recording.time[start] - reach))
    after = int(np.searchsorted(recording.time, recording.time[stop - 1] + reach, side="right"))
    time = recording.time[first:after]
    own = slice(start - first, stop - first)
    columns = _now(recording, preset, actor, first, after)
    values = columns.matrix()
    parts, names, units = [values[:, own]], list(columns.names), list(columns.units)

    def add(array: np.ndarray, label: str, chosen: list[int]) -> None:
        parts.append(array)
        names.extend(f"{columns.names[k]}|{label}" for k in chosen)
        units.extend(columns.units[k] for k in chosen)

    every = list(range(len(columns.names)))
    labels = [f"{kind} {width:g} s" for kind in ("mean", "sd") for width in preset.widths]
    for array, label in zip(window_statistics(values, time, preset.widths, own), labels, strict=True):
        add(array, label, every)
    fast = [k for k, name in enumerate(columns.names) if re.match(r"((low|high)\.)?(speed|motion)\.", name)]
    for frequency in preset.bands:
        if fast and frequency < 0.45 / recording.step:
            add(band_power(values[fast], time, frequency, own), f"{frequency:g} Hz", fast)
    for lag in preset.lags:
        at = np.searchsorted(time, time[own] + lag - 0.5 * recording.step)
        add(values[:, np.clip(at, 0, len(time) - 1)], f"{lag:+g} s", every)
    return Block(start, stop, tuple(names), tuple(units), np.concatenate(parts))


def _now(recording: Recording, preset: Preset, actor: int | None, first: int, after: int) -> Columns:
    """Return the features of each moment."""
    time = recording.time[first:after]
    moments = {
        n: make_moment(recording.points(n, slice(first, after)), time, body, recording)
        for n, body in enumerate(recording.bodies)
        if body is not None
    }
    of_one = paper_features if preset.name == "paper" else own_features
    if actor is not None:
        own = of_one(moments[actor])
        others = [n for n in moments if n != actor]
        if others and preset.name != "paper":
            towards = [pair_features(moments[actor], moments[n]) for n in others]
            own.extend(towards[0] if len(towards) == 1 else _nearest(towards))
        return own
    if len(moments) == 1:
        return of_one(next(iter(moments.values())))
    whole = _lowest_and_highest([of_one(each) for each in moments.values()])
    if preset.name != "paper":
        pairs = [pair_features(a, b) for i, a in moments.items() for j, b in moments.items() if i != j]
        whole.extend(_lowest_and_highest(pairs))
    return whole


def _nearest(towards: list[Columns]) -> Columns:
    """Return, in each moment, the features towards the animal that is nearest then."""
    at = towards[0].names.index("other.gap")
    gaps = np.stack([each.values[at] for each in towards])
    nearest = np.argmin(np.where(np.isfinite(gaps), gaps, np.inf), axis=0)
    values = np.stack([each.matrix() for each in towards])
    chosen = np.take_along_axis(values, nearest[None, None], axis=0)[0]
    return Columns(towards[0].names, towards[0].units, list(chosen))


def _lowest_and_highest(each: list[Columns]) -> Columns:
    """Return the lowest and highest value of each feature among animals or pairs.

    Features that are the same in both directions of a pair appear once if there is only one pair.
    """
    low = high = each[0].matrix()
    for other in each[1:]:
        values = other.matrix()
        low, high = np.fmin(low, values), np.fmax(high, values)
    out = Columns()
    for k, (name, unit) in enumerate(zip(each[0].names, each[0].units, strict=True)):
        out.add(f"low.{name}", unit, low[k])
        if name not in _SYMMETRIC:
            out.add(f"high.{name}", unit, high[k])
    return out


_SYMMETRIC = {"other.heading", "other.gap", "other.distance", "other.approach", "other.relative.speed"}
"""Features that are alike in both directions of a pair, up to the actor's body length."""
