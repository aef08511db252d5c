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


def feature_blocks(recording: Recording, preset: Preset, actor: int | None) -> Iterator[Block]:
    """Yield the features of a recording in blocks.

    Parameters
    ----------
    actor
        Index of the animal whose behaviour is meant, whose nearest other is the recipient; None for the
        behaviour of all: each feature then appears as its lowest and highest value among the animals.
    """
    for start in range(0, len(recording.time), ROWS):
        yield make_block(recording, preset, actor, start)


@np.errstate(invalid="ignore", divide="ignore")  # absent points stay absent
def make_block(recording: Recording, preset: Preset, actor: int | None, start: int) -> Block:
    """Return the features of the block that begins at row ``start``.

    Blocks begin at multiples of :data:`ROWS`, so that values do not depend on how many are computed at once.
    """
    stop = min(start + ROWS, len(recording.time))
    periods = [3 / frequency for frequency in preset.bands]
    lags = [2 * abs(lag) for lag in preset.lags]
    reach = max([*preset.widths, *periods, *lags, 0.0]) + MARGIN
    first = int(np.searchsorted(recording.time, recording.time[start] - reach))
    after = int(np.searchsorted(recording.time, recording.time[stop - 1] + reach, side="right"))
    time = recording.time[first:after]
    own = slice(start - first, stop - first)
    columns = _now(recording, preset, actor, first, after)
    values = columns.matrix()
    every = list(range(len(columns.names)))
    fast = [k for k, name in enumerate(columns.names) if re.match(r"((low|high)\.)?(speed|motion)\.", name)]
    bands = [frequency for frequency in preset.bands if fast and frequency < 0.45 / recording.step]
    groups = [(f"{kind} {width:g} s", every) for kind in ("mean", "sd") for width in preset.widths]
    groups += [(f"{frequency:g} Hz", fast) for frequency in bands]
    groups += [(f"{lag:+g} s", every) for lag in preset.lags]
    names, units = list(columns.names), list(columns.units)
    for label, chosen in groups:
        names += [f"{columns.names[k]}|{label}" for k in chosen]
        units += [columns.units[k] for k in chosen]
    out = np.empty((len(names), stop - start), np.float32)

    def part(first: int, groups: int, features: int) -> np.ndarray:
        """Return the features of some groups, (groups, features, rows)."""
        return out[first : first + groups * features].reshape(groups, features, stop - start)

    count, windows = len(every), 2 * len(preset.widths)
    out[:count] = values[:, own]
    window_statistics(values, time, preset.widths, own, out=part(count, windows, count))
    at = (1 + windows) * count
    band_power(values[fast], time, bands, own, out=part(at, len(bands), len(fast)))
    at += len(bands) * len(fast)
    for lag, lagged in zip(preset.lags, part(at, len(preset.lags), count), strict=True):
        row = np.searchsorted(time, time[own] + lag - 0.5 * recording.step)
        lagged[:] = values[:, np.clip(row, 0, len(time) - 1)]
    return Block(start, stop, tuple(names), tuple(units), out)


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
