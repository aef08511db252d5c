"""Features of a recording, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from superanimal.behavior.features.own import Columns, Moment, make_moment, own_features
from superanimal.behavior.features.pairs import pair_features
from superanimal.behavior.features.presets import Preset
from superanimal.behavior.features.recording import Recording
from superanimal.behavior.features.windows import band_power, window_statistics

BLOCK = 16_384
"""Rows per block."""


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
    recording: Recording, preset: Preset, actor: int | None, rows: int = BLOCK
) -> Iterator[Block]:
    """Yield the features of a recording in blocks that do not depend on their size.

    Parameters
    ----------
    actor
        Index of the animal whose behaviour is meant, whose nearest other is the recipient; None for the
        behaviour of all: each feature then appears as its lowest and highest value among the animals.
    rows
        Rows per block.
    """
    n = len(recording.time)
    reach = max([*(w / 2 for w in preset.widths), *(2 / f for f in preset.bands), 0.0]) + 1.0
    for start in range(0, n, rows):
        stop = min(start + rows, n)
        first = int(np.searchsorted(recording.time, recording.time[start] - reach))
        after = int(np.searchsorted(recording.time, recording.time[stop - 1] + reach, side="right"))
        time = recording.time[first:after]
        columns = _now(recording, actor, first, after)
        values = columns.matrix()
        names, units = list(columns.names), list(columns.units)
        parts = [values[:, start - first : stop - first]]
        for array, label in zip(
            window_statistics(values, time, preset.widths),
            [f"{kind}_{width:g}s" for kind in ("mean", "sd") for width in preset.widths],
            strict=True,
        ):
            parts.append(array[:, start - first : stop - first])
            names += [f"{name}|{label}" for name in columns.names]
            units += columns.units
        fast = [k for k, name in enumerate(columns.names) if name.startswith(("speed.", "motion."))]
        nyquist = 0.5 / recording.step
        for frequency in preset.bands:
            if frequency > 0.9 * nyquist or not fast:
                continue
            power = band_power(values[fast], time, frequency)
            parts.append(power[:, start - first : stop - first])
            names += [f"{columns.names[k]}|{frequency:g}Hz" for k in fast]
            units += [columns.units[k] for k in fast]
        yield Block(start, stop, tuple(names), tuple(units), np.concatenate(parts))


def _now(recording: Recording, actor: int | None, first: int, after: int) -> Columns:
    """Return the features of each moment."""
    time = recording.time[first:after]
    moments = {
        n: make_moment(recording.points(n, first, after), time, body, recording.keypoints)
        for n, body in enumerate(recording.bodies)
        if body is not None
    }
    if actor is not None:
        own = own_features(moments[actor])
        others = [n for n in moments if n != actor]
        if others:
            towards = [pair_features(moments[actor], moments[n]) for n in others]
            _extend(own, towards[0] if len(towards) == 1 else _nearest(towards))
        return own
    if len(moments) == 1:
        return own_features(next(iter(moments.values())))
    whole = _lowest_and_highest([own_features(each) for each in moments.values()])
    pairs = [pair_features(a, b) for i, a in moments.items() for j, b in moments.items() if i != j]
    _extend(whole, _lowest_and_highest(pairs))
    return whole


def _extend(columns: Columns, more: Columns) -> None:
    columns.names += more.names
    columns.units += more.units
    columns.values += more.values


def _nearest(towards: list[Columns]) -> Columns:
    """Return, in each moment, the features towards the animal that is nearest then."""
    at = towards[0].names.index("other.gap")
    gaps = np.stack([each.values[at] for each in towards])
    nearest = np.argmin(np.where(np.isfinite(gaps), gaps, np.inf), axis=0)
    values = np.stack([each.matrix() for each in towards])
    chosen = np.take_along_axis(values, nearest[None, None], axis=0)[0]
    return Columns(towards[0].names, towards[0].units, list(chosen))


def _lowest_and_highest(each: list[Columns]) -> Columns:
    """Return the lowest and highest value of each feature; those without a direction only once."""
    out = Columns()
    values = [one.matrix() for one in each]
    low, high = values[0], values[0]
    for other in values[1:]:
        low, high = np.fmin(low, other), np.fmax(high, other)
    for k, (name, unit) in enumerate(zip(each[0].names, each[0].units, strict=True)):
        if name in _SYMMETRIC:
            out.add(name, unit, low[k])
            continue
        out.add(f"low.{name}", unit, low[k])
        out.add(f"high.{name}", unit, high[k])
    return out


_SYMMETRIC = {"other.heading", "other.gap", "other.distance", "other.approach", "other.relative.speed"}


def moment_of(recording: Recording, individual: int) -> Moment:
    """Return one animal over the whole recording."""
    body = recording.bodies[individual]
    assert body is not None
    points = recording.points(individual, 0, len(recording.time))
    return make_moment(points, recording.time, body, recording.keypoints)
