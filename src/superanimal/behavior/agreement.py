"""How well raters agree, before and after their offsets are taken out: the ceiling for a classifier."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from superanimal.behavior.alignment import STEP_S, Shift, align
from superanimal.behavior.annotations.read import annotations_by_video
from superanimal.behavior.bouts import COLUMNS, frames_of, labels_of, shifted
from superanimal.errors import InputError, NotFoundError
from superanimal.files import atomic_write
from superanimal.reports.files import report_folder

Labels: TypeAlias = pd.DataFrame | str | os.PathLike[str]
IOU = 0.5
"""Two bouts are the same one if they share at least this part of the time that either covers."""
SCORES = ["kappa", "frame_f1", "bout_f1"]
PAIRS = ["video", "rater_a", "rater_b", "label", "seconds_a", "seconds_b", "bouts_a", "bouts_b",
         *SCORES, *(f"{name}_aligned" for name in SCORES)]  # fmt: skip
OFFSETS = ["video", "rater", "shift_s", "error_s", "certain", "reason"]


@dataclass
class Agreement:
    """Agreement of raters.

    Attributes
    ----------
    pairs
        For each video, pair of raters and label: how long and how often each saw it, ``kappa`` (Cohen's, over
        frames), ``frame_f1``, ``bout_f1``, and the same after alignment (``..._aligned``). NaN where neither
        saw it.
    summary
        For each label the means over videos and pairs: what a classifier can reach at best.
    offsets
        For each video and rater the shift that is proposed, with its standard error; not ``certain`` with the
        ``reason`` where none is.
    aligned
        Video to bouts of all raters with the certain shifts applied.
    notes
        What limits the result, in sentences.
    """

    pairs: pd.DataFrame
    summary: pd.DataFrame
    offsets: pd.DataFrame
    aligned: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    notes: list[str] = field(default_factory=list)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``agreement.csv, summary.csv, offsets.csv, aligned.csv``; return their paths.

        Raises
        ------
        StorageError
            When the folder cannot be written.
        """
        place = report_folder(Path(folder))
        aligned = [table.assign(video=video) for video, table in self.aligned.items()]
        tables = {
            "agreement": self.pairs,
            "summary": self.summary,
            "offsets": self.offsets,
            "aligned": pd.concat(aligned)[["video", *COLUMNS]],
        }
        for name, table in tables.items():
            with atomic_write(place / f"{name}.csv") as temporary:
                table.to_csv(temporary, index=False)
        return [place / f"{name}.csv" for name in tables]

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one HTML page; return its path."""
        from superanimal.behavior.results.agreement_page import write_page

        return write_page(self, Path(path))


def agree(
    sources: Labels | Sequence[Labels],
    *,
    fps: float | None = None,
    labels: Sequence[str] | None = None,
    end_s: float | None = None,
    max_shift_s: float = 10.0,
) -> Agreement:
    """Compare raters of the same videos in pairs, and look for constant offsets between them.

    Parameters
    ----------
    sources
        One file or bouts table with several raters, or several with one each; a file that does not name its
        rater is called by its name.
    fps
        Frames per second: resolution of the comparison (25 by default), and for files that count in frames.
    labels
        Labels to compare; all by default.
    end_s
        End of the recordings in seconds; by default the end of the last bout of each.
    max_shift_s
        Largest offset that is looked for.

    Returns
    -------
    Agreement
        Tables, and the labels with the proposed shifts applied.

    Raises
    ------
    InputError
        When no video has two raters, or a label does not exist.
    """
    step, pairs, offsets = 1 / fps if fps else STEP_S, list[dict[str, object]](), list[dict[str, object]]()
    aligned, notes, known = dict[str, pd.DataFrame](), list[str](), set[str]()
    videos = _videos(sources, fps)
    for video, table in videos.items():
        known |= set(labels_of(table))
        used = table[table["label"].isin(labels)] if labels is not None else table
        raters = {str(rater): own for rater, own in used.groupby("rater", sort=True)}
        if len(raters) < 2:
            notes.append(f"{video or 'the labels'}: {len(raters)} rater, so there is nothing to compare.")
            continue
        shifts = _shifts(raters, fps, max_shift_s)
        end = end_s or float(used["end_s"].max())
        times = np.arange(0, max(end, step), step)
        moved = {name: shifted(own, shifts[name].shift_s if shifts[name].certain else 0.0)
                 for name, own in raters.items()}  # fmt: skip
        for a, b in combinations(raters, 2):
            pairs += _pair(video, (a, raters[a], moved[a]), (b, raters[b], moved[b]), times)
        for name, shift in shifts.items():
            offsets.append(
                {"video": video, "rater": name, "shift_s": shift.shift_s, "error_s": shift.error_s,
                 "certain": shift.certain, "reason": shift.reason}
            )  # fmt: skip
            if shift.certain and abs(shift.shift_s) > max(2 * shift.error_s, step):
                notes.append(
                    f"{video + ', ' if video else ''}{name}: moved by {shift.shift_s:+.2f} s the labels fit "
                    "the other raters best."
                )
        aligned[video] = pd.concat(
            [shifted(own, shifts[str(name)].shift_s) if shifts[str(name)].certain else own
             for name, own in table.groupby("rater", sort=True) if str(name) in shifts],
            ignore_index=True,
        )  # fmt: skip
    if missing := sorted(set(labels or ()) - known):
        raise InputError(f"no rater uses the label {missing[0]!r}", f"they use {', '.join(sorted(known))}")
    if not pairs:
        raise InputError(
            "no video has two raters", "agreement is that of two raters or more", " ".join(notes[:3])
        )
    result = pd.DataFrame(pairs, columns=PAIRS)
    scores = [*SCORES, *(f"{name}_aligned" for name in SCORES)]
    grouped = result.groupby("label")
    summary = grouped[scores].mean().assign(pairs=grouped["frame_f1"].count()).reset_index()
    return Agreement(result, summary, pd.DataFrame(offsets, columns=OFFSETS), aligned, notes)


def frame_scores(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return Cohen's kappa and F1 of two raters over (T,) bool frames; NaN where neither is ever true.

    >>> import numpy as np
    >>> frame_scores(np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool))
    (0.5, 0.6666666666666666)
    """
    both, of_a, of_b, n = float((a & b).sum()), float(a.sum()), float(b.sum()), len(a)
    if of_a + of_b == 0:
        return float("nan"), float("nan")
    same = (n - of_a - of_b + 2 * both) / n
    chance = (of_a * of_b + (n - of_a) * (n - of_b)) / n**2
    return (same - chance) / (1 - chance) if chance < 1 else float("nan"), 2 * both / (of_a + of_b)


def bout_f1(a: np.ndarray, b: np.ndarray, iou: float = IOU) -> float:
    """Return F1 of bouts: matched one to one, if they overlap enough.

    Parameters
    ----------
    a, b
        (N, 2) and (M, 2), starts and ends in seconds.
    iou
        Minimum intersection over union of a match.
    """
    if not len(a) and not len(b):
        return float("nan")
    if not len(a) or not len(b):
        return 0.0
    low, high = np.maximum(a[:, None, 0], b[None, :, 0]), np.minimum(a[:, None, 1], b[None, :, 1])
    both = np.clip(high - low, 0, None)
    either = (a[:, 1] - a[:, 0])[:, None] + (b[:, 1] - b[:, 0])[None] - both
    overlap = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    rows, columns = linear_sum_assignment(-np.where(overlap >= iou, overlap, 0))
    return 2 * int((overlap[rows, columns] >= iou).sum()) / (len(a) + len(b))


def _videos(sources: Labels | Sequence[Labels], fps: float | None) -> Mapping[str, pd.DataFrame]:
    """Return the labels of all raters by video."""
    several = isinstance(sources, Sequence) and not isinstance(sources, str)
    parts: dict[str, list[pd.DataFrame]] = {}
    for number, source in enumerate(sources if several else [sources]):  # type: ignore[arg-type]
        name = Path(source).stem if isinstance(source, str | os.PathLike) else f"rater{number + 1}"
        tables = annotations_by_video(source, fps=fps)  # type: ignore[arg-type]
        for video, table in tables.items():
            named = table.assign(rater=table["rater"].where(table["rater"] != "", name))
            parts.setdefault(Path(video).stem, []).append(named)
    alone = all(len(tables) == 1 and tables[0]["rater"].nunique() == 1 for tables in parts.values())
    if several and len(parts) > 1 and alone:
        raise NotFoundError(
            f"the files are of different videos: {', '.join(list(parts)[:5])}",
            "raters of the same video are compared",
            "name the videos alike",
        )
    return {video: pd.concat(tables, ignore_index=True) for video, tables in parts.items()}


def _shifts(raters: Mapping[str, pd.DataFrame], fps: float | None, max_shift_s: float) -> dict[str, Shift]:
    """Return a shift for each rater so that all agree best; the rater in the middle stays."""
    names, rows, seen = list(raters), list[tuple[int, int, float, float]](), dict[str, Shift]()
    for a, b in combinations(range(len(names)), 2):
        try:
            shift = align(raters[names[b]], raters[names[a]], fps=fps, max_shift_s=max_shift_s)
        except InputError as fault:  # no label in common
            shift = Shift(0.0, float("nan"), float("nan"), float("nan"), False, str(fault))
        if shift.certain:
            rows.append((a, b, shift.shift_s, shift.error_s))
        for name in (names[a], names[b]):
            if name not in seen or (shift.certain and not seen[name].certain):
                seen[name] = shift
    system = np.zeros((len(rows) + 1, len(names)))
    for k, (a, b, _, _) in enumerate(rows):
        system[k, a], system[k, b] = -1, 1
    system[-1] = 1e-6
    values = np.array([*(row[2] for row in rows), 0.0])
    found = np.linalg.lstsq(system, values, rcond=None)[0]
    certain = np.array([any(k in row[:2] for row in rows) for k in range(len(names))])
    if certain.any():
        inner = found[certain]
        found = found - inner[np.argmin(np.abs(inner[:, None] - inner[None]).sum(axis=1).round(6))]
    out = {}
    for k, name in enumerate(names):
        error = max((row[3] for row in rows if k in row[:2]), default=float("nan"))
        shift = seen[name]
        out[name] = Shift(
            float(found[k]) if certain[k] else 0.0, error, shift.fit, shift.fit_before, bool(certain[k]),
            "" if certain[k] else shift.reason,
        )  # fmt: skip
    return out


def _pair(
    video: str,
    one: tuple[str, pd.DataFrame, pd.DataFrame],
    other: tuple[str, pd.DataFrame, pd.DataFrame],
    times: np.ndarray,
) -> list[dict[str, object]]:
    (a, table_a, moved_a), (b, table_b, moved_b) = one, other
    rows = []
    for label in sorted({*labels_of(table_a), *labels_of(table_b)}):
        row: dict[str, object] = {"video": video, "rater_a": a, "rater_b": b, "label": label}
        for suffix, x, y in (("", table_a, table_b), ("_aligned", moved_a, moved_b)):
            x, y = x[x["label"] == label], y[y["label"] == label]
            frames = (frames_of(x, times, [label])[:, 0], frames_of(y, times, [label])[:, 0])
            row[f"kappa{suffix}"], row[f"frame_f1{suffix}"] = frame_scores(*frames)
            ends = [each[["start_s", "end_s"]].to_numpy(float) for each in (x, y)]
            row[f"bout_f1{suffix}"] = bout_f1(ends[0], ends[1])
            if not suffix:
                row |= {"bouts_a": len(x), "bouts_b": len(y)}
                row |= {f"seconds_{k}": float((each["end_s"] - each["start_s"]).sum())
                        for k, each in (("a", x), ("b", y))}  # fmt: skip
        rows.append(row)
    return rows
