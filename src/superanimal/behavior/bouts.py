"""Bouts of behaviour: the one table that annotations, predictions and results share.

A bouts table is a data frame with a row for each bout and the columns ``start_s, end_s`` (seconds from frame
0, the end not included; both alike for an event without a duration), ``label``, and four texts that are empty
where nothing is said: ``individual`` (who does it), ``target`` (to whom), ``rater`` (who says so) and
``stream`` (one of several sets of labels that exclude each other, as in Caltech annotator files).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from superanimal.errors import FormatError, InputError
from superanimal.reports.numbers import count_of

WHO = ("individual", "target", "rater", "stream")
COLUMNS = ("start_s", "end_s", "label", *WHO)
NEEDED = ("start_s", "end_s", "label")
SHOWN = 3
"""Maximum number of rows that a message names."""
LATEST = 1e8
"""No recording lasts so many seconds (three years): such a time is a date, or damaged."""


def check_bouts(
    bouts: pd.DataFrame, *, source: str = "", places: Sequence[str] | None = None, also: Sequence[str] = ()
) -> pd.DataFrame:
    """Return a bouts table with all columns, sorted by time.

    Overlapping bouts of one label, individual, target, rater and stream are joined, with a warning. Other
    columns are left out.

    Parameters
    ----------
    bouts
        With the columns ``start_s, end_s, label`` and any of ``individual, target, rater, stream``.
    source
        File that messages name.
    places
        For each bout where it stands in the file, for messages; ``row 0``, ``row 1``, ... by default.
    also
        Further columns of text to keep; bouts that differ in them do not overlap.

    Returns
    -------
    pandas.DataFrame
        The columns :data:`COLUMNS`.

    Raises
    ------
    InputError
        When a column is missing, a time is no number, negative or beyond :data:`LATEST`, a bout ends before
        it starts or has no label. A :class:`~superanimal.errors.FormatError` if ``source`` is given.

    Examples
    --------
    >>> import pandas as pd
    >>> table = check_bouts(pd.DataFrame({"start_s": [2.0, 0.5], "end_s": [3.0, 1.0], "label": "rear"}))
    >>> table["start_s"].tolist(), table["rater"].tolist()
    ([0.5, 2.0], ['', ''])
    """
    error = FormatError if source else InputError
    at = f"{source}, " if source else ""
    if absent := [name for name in NEEDED if name not in bouts.columns]:
        raise error(
            f"{at}there is no column {', '.join(absent)} among {', '.join(map(str, bouts.columns))}",
            "bouts have the columns start_s, end_s and label",
        )
    table = bouts.reset_index(drop=True)
    said = np.array([f"row {k}" for k in range(len(table))] if places is None else places, dtype=object)
    table = pd.DataFrame(
        {
            "start_s": pd.to_numeric(table["start_s"], errors="coerce").astype(float),
            "end_s": pd.to_numeric(table["end_s"], errors="coerce").astype(float),
            **{name: _texts(table, name) for name in ("label", *WHO, *also)},
        }
    )

    def refuse(wrong: pd.Series, rule: str, what: str) -> None:
        if wrong.any():
            k = int(np.flatnonzero(wrong)[0])
            ends = " to ".join(str(bouts[name].iloc[k]) for name in ("start_s", "end_s"))
            raise error(f"{at}{said[k]}: {what.format(ends, label=table['label'][k])}", rule)

    refuse(table["label"] == "", "every bout has a label", "no label for {} s")
    finite = np.isfinite(table["start_s"]) & np.isfinite(table["end_s"])
    refuse(~finite, "start_s and end_s are numbers of seconds", "{label!r} lasts from {}")
    refuse(table["start_s"] < 0, "times count from frame 0", "{label!r} lasts from {} s")
    refuse(
        table["end_s"] < table["start_s"],
        "a bout ends after it starts",
        "{label!r} lasts from {} s",
    )
    refuse(
        table["end_s"] > LATEST,
        f"times are seconds from frame 0, at most {LATEST:.0f} (three years)",
        "{label!r} lasts from {} s",
    )
    return _joined(table, said, at, (*WHO, *also))


def of_animal(bouts: pd.DataFrame, individual: str, target: str | None = None) -> pd.DataFrame:
    """Return the bouts of one animal, and with ``target`` only those directed at another.

    Bouts that name nobody belong to every animal, those without a target to every target.
    """
    own = bouts["individual"].isin([individual, ""])
    if target is not None:
        own &= bouts["target"].isin([target, ""])
    return bouts[own]


def labels_of(bouts: pd.DataFrame) -> list[str]:
    """Return the labels of a bouts table, sorted."""
    return sorted(bouts["label"].unique())


def frames_of(bouts: pd.DataFrame, times: np.ndarray, labels: Sequence[str] | None = None) -> np.ndarray:
    """Return which labels hold in which frames.

    A frame is shown until the next one; it belongs to a bout if the middle of that time lies in the bout.
    A bout so short that this is true of no frame holds in the frame shown when it starts.

    Parameters
    ----------
    bouts
        A bouts table, such as the part of one animal (:func:`of_animal`).
    times
        (T,) increasing times of the frames in seconds, see :func:`superanimal.poses.seconds`.
    labels
        L labels; those of the table, sorted, by default.

    Returns
    -------
    numpy.ndarray
        (T, L) bool. Parts of bouts outside the recording are left out.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> bouts = check_bouts(pd.DataFrame({"start_s": [0.2], "end_s": [0.4], "label": ["rear"]}))
    >>> frames_of(bouts, np.arange(5) / 10)[:, 0].tolist()
    [False, False, True, True, False]
    """
    labels = labels_of(bouts) if labels is None else list(labels)
    edges = frame_edges(times)
    middle = (edges[:-1] + edges[1:]) / 2
    out = np.zeros((len(times), len(labels)), dtype=bool)
    column = {label: k for k, label in enumerate(labels)}
    for start, end, label in bouts[list(NEEDED)].itertuples(index=False):
        if label not in column or not len(times):
            continue
        first, last = np.searchsorted(middle, [start, end])
        if first == last and edges[0] <= start < edges[-1]:
            first = int(np.searchsorted(edges, start, side="right")) - 1
            last = first + 1
        out[first:last, column[label]] = True
    return out


def bouts_of(
    frames: np.ndarray,
    times: np.ndarray,
    labels: Sequence[str],
    *,
    individual: str = "",
    target: str = "",
    rater: str = "",
    stream: str = "",
) -> pd.DataFrame:
    """Return the bouts in which labels hold, the inverse of :func:`frames_of`.

    Parameters
    ----------
    frames
        (T, L) bool.
    times
        (T,) increasing times of the frames in seconds.
    labels
        L names.
    individual, target, rater, stream
        Written into every row.

    Returns
    -------
    pandas.DataFrame
        A bouts table, by time.

    Raises
    ------
    InputError
        When the shapes differ.
    """
    frames = np.asarray(frames, dtype=bool)
    if frames.shape != (len(times), len(labels)):
        raise InputError(
            f"frames have shape {frames.shape}",
            f"expected ({len(times)}, {len(labels)}): {len(times)} times, {len(labels)} labels",
        )
    edges, parts = frame_edges(times), []
    for k, label in enumerate(labels):
        steps = np.diff(frames[:, k].astype(np.int8), prepend=0, append=0)
        starts, ends = edges[np.flatnonzero(steps == 1)], edges[np.flatnonzero(steps == -1)]
        parts.append(pd.DataFrame({"start_s": starts, "end_s": ends, "label": str(label)}))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(NEEDED))
    texts = {"individual": individual, "target": target, "rater": rater, "stream": stream}
    kinds = {"start_s": float, "end_s": float, **dict.fromkeys(("label", *WHO), str)}
    table = table.assign(**texts).astype(kinds)
    return table.sort_values(["start_s", "end_s"], kind="stable", ignore_index=True)[list(COLUMNS)]


def frame_edges(times: np.ndarray) -> np.ndarray:
    """Return when each frame is first shown, and when the last one ends, (T + 1,) seconds.

    The last frame is shown for the median of the times between frames.

    Raises
    ------
    InputError
        When times do not increase.
    """
    times = np.asarray(times, dtype=np.float64)
    steps = np.diff(times)
    if not (steps > 0).all():
        at = int(np.flatnonzero(~(steps > 0))[0])
        raise InputError(f"time goes from {times[at]:g} s to {times[at + 1]:g} s", "time must increase")
    last = float(np.median(steps)) if len(steps) else 1.0
    return np.append(times, times[-1] + last) if len(times) else np.zeros(1)


def fill_gaps(bouts: pd.DataFrame, gap_s: float) -> pd.DataFrame:
    """Join bouts alike in all but their times that lie at most ``gap_s`` seconds apart."""
    return _joined_within(bouts, gap_s, WHO)


def drop_short(bouts: pd.DataFrame, least_s: float) -> pd.DataFrame:
    """Return the bouts of at least ``least_s`` seconds."""
    long = bouts["end_s"] - bouts["start_s"] >= least_s - 1e-9
    return bouts[long].reset_index(drop=True)


def shifted(bouts: pd.DataFrame, by_s: float) -> pd.DataFrame:
    """Return bouts that start and end ``by_s`` seconds later; what would lie before frame 0 is cut off."""
    moved = bouts.assign(start_s=(bouts["start_s"] + by_s).clip(lower=0), end_s=bouts["end_s"] + by_s)
    return moved[moved["end_s"] >= 0].reset_index(drop=True)


def within(bouts: pd.DataFrame, end_s: float) -> pd.DataFrame:
    """Return the parts of bouts before the end of a recording, with a warning if there are others."""
    late = bouts["end_s"] > end_s + 1e-6
    if not late.any():
        return bouts
    outside = bouts["start_s"] >= end_s
    first = bouts[late].iloc[0]
    warnings.warn(
        f"{int(late.sum())} of {len(bouts)} bouts end after the recording, which lasts {end_s:.2f} s, the "
        f"first being {first['label']!r} from {first['start_s']:.2f} to {first['end_s']:.2f} s; what lies "
        "after the recording is left out",
        stacklevel=2,
    )
    return bouts.assign(end_s=bouts["end_s"].clip(upper=end_s))[~outside].reset_index(drop=True)


def _texts(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table.columns:
        return pd.Series("", index=table.index).astype(str)
    column = table[name].astype(object)
    return column.where(column.notna(), "").astype(str).str.strip()


def _joined(table: pd.DataFrame, places: np.ndarray, at: str, who: Sequence[str]) -> pd.DataFrame:
    """Sort by time and join overlapping bouts, naming the rows of those that were joined."""
    order = np.lexsort((table["end_s"], table["start_s"]))
    table = table.iloc[order].reset_index(drop=True)
    places, late = places[order], list[str]()
    for _, own in table.groupby(["label", *who], sort=False):
        reach = own["end_s"].cummax().shift()
        for k in own.index[own["start_s"] < reach]:
            late.append(f"{places[k]} ({own['label'][k]!r} from {own['start_s'][k]:g} s)")
    if not late:
        return table
    warnings.warn(
        f"{at}{count_of(len(late), 'bout')} overlap an earlier one of the same label: "
        f"{', '.join(late[:SHOWN])}"
        f"{', ...' if len(late) > SHOWN else ''}; overlapping bouts are joined",
        stacklevel=3,
    )
    return _joined_within(table, 0.0, who)


def _joined_within(bouts: pd.DataFrame, gap_s: float, who: Sequence[str]) -> pd.DataFrame:
    """Join bouts that overlap or, with ``gap_s`` above 0, lie no further apart."""
    kept = []
    for _, own in bouts.sort_values("start_s", kind="stable").groupby(["label", *who], sort=False):
        reach = own["end_s"].cummax().shift(fill_value=-np.inf)
        near = own["start_s"] - reach <= gap_s + 1e-9 if gap_s > 0 else own["start_s"] < reach
        runs = own.groupby((~near).cumsum())
        kept.append(runs.first().assign(start_s=runs["start_s"].min(), end_s=runs["end_s"].max()))
    if not kept:
        return bouts.reset_index(drop=True)
    joined = pd.concat(kept, ignore_index=True)[list(bouts.columns)]
    return joined.sort_values(["start_s", "end_s"], kind="stable", ignore_index=True)
