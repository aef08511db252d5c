"""Comparing groups or conditions with the animal as the unit.

A stride, a bout or a frame is no sample of its own: the values of an animal are averaged first. Groups are
compared by a permutation test of the difference of their means (exact when the animals are few), paired when
the same animals were measured in both. Intervals of differences are Student's (Welch's when unpaired); effect
sizes are Hedges' g with the intervals of Hedges and Olkin (Statistical Methods for Meta-Analysis, 1985) and,
for pairs, of Borenstein et al. (Introduction to Meta-Analysis, 2009, chapter 4).
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from superanimal.errors import InputError, NotFoundError

COLUMNS = [
    "measure", "group_a", "group_b", "animals_a", "animals_b", "mean_a", "mean_b", "difference", "low",
    "high", "hedges_g", "g_low", "g_high", "p", "p_holm", "test",
]  # fmt: skip


def compare_groups(
    values: pd.DataFrame,
    measures: Sequence[str],
    *,
    group: str = "group",
    animal: str = "animal",
    circular: Collection[str] = (),
    permutations: int = 9999,
    seed: int = 0,
) -> tuple[pd.DataFrame, list[str]]:
    """Compare every pair of groups in every measure.

    Parameters
    ----------
    values
        One row for each observation, such as a stride or a recording: its animal, its group, its measures.
    measures
        Columns to compare. Missing values are left out.
    group, animal
        Columns that name them. Where the same animals occur in two groups (before and after a treatment), the
        comparison is paired and uses the animals that occur in both.
    circular
        Measures that are phases, 0..1 of a cycle: differences are taken the short way round.
    permutations
        Number of random permutations where there are too many to try all.
    seed
        Of the random permutations.

    Returns
    -------
    table, notes
        One row for each measure and pair of groups: numbers of animals, means over animals, difference b − a
        with its 95 % interval ``low, high``, Hedges' g with its interval, ``p``, ``p_holm`` (Holm's
        correction over all rows) and the test. Then what limits it, in sentences.

    Raises
    ------
    InputError
        When a column is missing or there is only one group.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"animal": list("abcdef"), "group": ["ko"] * 3 + ["wt"] * 3,
    ...                      "duty": [.70, .71, .72, .60, .61, .62]})
    >>> table, notes = compare_groups(rows, ["duty"])
    >>> table["animals_a"].item(), round(table["difference"].item(), 2), round(table["p"].item(), 2)
    (3, -0.1, 0.1)
    >>> notes[0]
    'ko, wt: with 3 and 3 animals no p below 0.1 is possible.'
    """
    if absent := [name for name in (group, animal, *measures) if name not in values.columns]:
        raise InputError(
            f"the table has no column {', '.join(map(repr, absent))}",
            f"it has {', '.join(map(str, values.columns))}",
        )
    known = values.dropna(subset=[group, animal])
    names = sorted(known[group].unique(), key=str)
    if len(names) < 2:
        raise InputError(
            f"the column {group!r} names {len(names)} group", "a comparison needs two groups or more"
        )
    rows, notes = [], list[str]()
    rng = np.random.default_rng(seed)
    means = {measure: _means(known, measure, group, animal, measure in circular) for measure in measures}
    for a, b in combinations(names, 2):
        rows += [_compare(means[measure], measure, a, b, permutations, rng) for measure in measures]
        notes += _notes(
            set(known.loc[known[group] == a, animal]), set(known.loc[known[group] == b, animal]), a, b
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["p_holm"] = _holm(table["p"].to_numpy(float))
    return table, notes


def by_animal(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of results with the column ``animal``, the unit of a comparison.

    It is that of the table of groups, with the individual where a file has several; without it, file and
    individual.

    Parameters
    ----------
    frame
        ``file, individual`` and others, as from :func:`with_groups`.
    """
    if "animal" not in frame.columns:
        return frame.assign(animal=frame["file"] + ", " + frame["individual"])
    if frame.groupby("file")["individual"].nunique().max() > 1:
        return frame.assign(animal=frame["animal"].astype(str) + ", " + frame["individual"])
    return frame


def with_groups(
    frame: pd.DataFrame, groups: str | os.PathLike[str] | pd.DataFrame, files: Sequence[str]
) -> pd.DataFrame:
    """Return a table of results that have a column ``file`` with the columns of a table of groups.

    Parameters
    ----------
    groups
        A csv or data frame with the column ``file`` and any others. A file is named, or given with its last
        folders where the name alone is not enough.
    files
        All files that were analysed; each needs a row.

    Raises
    ------
    InputError
        When the table of groups has no column ``file``, names a file twice, lacks one that was analysed, or
        has a column of the results.
    """
    table = groups if isinstance(groups, pd.DataFrame) else _read(Path(groups))
    if "file" not in table.columns:
        raise InputError(
            f"the table of groups has the columns {', '.join(map(str, table.columns))}",
            "its column 'file' names the pose files", "add that column",
        )  # fmt: skip
    rows = table.drop(columns="file").reset_index(drop=True)
    if taken := [column for column in rows.columns if column in frame.columns]:
        raise InputError(
            f"the table of groups has a column {taken[0]!r}", "that name is a result's", "rename it"
        )
    row_of = _rows_of([str(file) for file in table["file"]], list(dict.fromkeys(files)))
    own = rows.iloc[[row_of[str(file)] for file in frame["file"]]].reset_index(drop=True)
    return pd.concat([frame.reset_index(drop=True), own], axis=1)


def _rows_of(names: Sequence[str], files: Sequence[str]) -> dict[str, int]:
    """Return the row of each file: the one whose name ends its path, such as ``day1/clip.h5``."""
    named = [Path(name).parts for name in names]
    rows: dict[str, int] = {}
    for file in files:
        parts = Path(file).parts
        fitting = [k for k, name in enumerate(named) if name and parts[-len(name) :] == name]
        if len(fitting) > 1:
            raise InputError(
                f"the table of groups names {names[fitting[0]]} more than once", "one row for each file"
            )
        if fitting:
            rows[file] = fitting[0]
    if missing := sorted({Path(file).name for file in files} - {Path(file).name for file in rows}):
        said = [name or 'poses without a file name (attrs["source_file"])' for name in missing[:5]]
        raise InputError(
            f"the table of groups has no row for {', '.join(said)}", "every analysed file needs one"
        )
    counts = Counter(rows.values())
    if shared := [names[k] for k, count in counts.items() if count > 1]:
        raise InputError(
            f"the table of groups has one row {shared[0]} for {max(counts.values())} files of that name",
            "every analysed file needs one",
            "write the folder too, such as day1/" + Path(shared[0]).name,
        )
    return rows


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise NotFoundError(f"{path}: no such table of groups")
    try:
        return pd.read_csv(path, sep=None, engine="python", dtype={"file": str})
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a csv table ({error})") from error


def _means(values: pd.DataFrame, measure: str, group: str, animal: str, circular: bool) -> pd.DataFrame:
    """Return one row for each animal and group: ``group, animal, value``."""
    rows = values[[group, animal, measure]].dropna().set_axis(["group", "animal", "value"], axis=1)
    if circular and len(
        rows
    ):  # turned so that the mean of all lies in the middle, then they are plain numbers
        angle = np.exp(2j * np.pi * rows["value"].to_numpy(float))
        middle = float(np.angle(angle.mean()) / (2 * np.pi)) % 1
        rows["value"] = middle + (rows["value"] - middle + 0.5) % 1 - 0.5
    return rows.groupby(["group", "animal"])["value"].mean().reset_index()


def _compare(
    means: pd.DataFrame, measure: str, a: object, b: object, permutations: int, rng: np.random.Generator
) -> dict[str, object]:
    one, other = (means[means["group"] == name].set_index("animal")["value"] for name in (a, b))
    shared = one.index.intersection(other.index)
    if paired := bool(len(shared)):
        one, other = one[shared], other[shared]
    x, y = one.to_numpy(float), other.to_numpy(float)
    row: dict[str, object] = dict.fromkeys(COLUMNS, math.nan)
    row |= {
        "measure": measure,
        "group_a": a,
        "group_b": b,
        "animals_a": len(x),
        "animals_b": len(y),
        "test": "",
    }
    row |= {"mean_a": _mean(x), "mean_b": _mean(y), "difference": _mean(y) - _mean(x)}
    if min(len(x), len(y)) < 2:
        return row
    result = stats.permutation_test(
        (y - x,) if paired else (y, x),
        _mean if paired else lambda y, x, axis: y.mean(axis=axis) - x.mean(axis=axis),
        permutation_type="samples" if paired else "independent",
        n_resamples=permutations,
        vectorized=True,
        rng=rng,
    )
    tries = 2 ** len(x) if paired else math.comb(len(x) + len(y), len(x))
    how = "exact permutation" if tries <= permutations else f"permutation, {permutations:,}"
    difference = stats.ttest_1samp(y - x, 0) if paired else stats.ttest_ind(y, x, equal_var=False)
    limits = difference.confidence_interval(0.95)
    g, spread = _hedges(x, y, paired)
    row |= {"low": float(limits.low), "high": float(limits.high)}
    row |= {"hedges_g": g, "g_low": g - 1.96 * spread, "g_high": g + 1.96 * spread}
    row |= {"p": float(result.pvalue), "test": f"{how}{', paired' if paired else ''}"}
    return row


def _mean(x: np.ndarray, axis: int | None = None) -> float:
    return x.mean(axis=axis) if x.size else math.nan


def _hedges(x: np.ndarray, y: np.ndarray, paired: bool) -> tuple[float, float]:
    """Return Hedges' g of y − x and its standard error; NaN where nothing varies."""
    pooled = math.sqrt((x.var(ddof=1) * (len(x) - 1) + y.var(ddof=1) * (len(y) - 1)) / (len(x) + len(y) - 2))
    if pooled == 0:
        return math.nan, math.nan
    free = len(x) - 1 if paired else len(x) + len(y) - 2
    g = (y.mean() - x.mean()) / pooled * (1 - 3 / (4 * free - 1))
    if paired:
        alike = 0.0 if 0 in (x.std(), y.std()) else float(np.corrcoef(x, y)[0, 1])
        variance = (1 / len(x) + g**2 / (2 * len(x))) * 2 * (1 - alike)
    else:
        variance = (len(x) + len(y)) / (len(x) * len(y)) + g**2 / (2 * (len(x) + len(y)))
    return float(g), math.sqrt(variance)


def _holm(p: np.ndarray) -> np.ndarray:
    """Return p values corrected after Holm (Scand. J. Stat. 6:65, 1979); NaN stays."""
    corrected = np.full(p.shape, np.nan)
    order = [int(i) for i in np.argsort(p) if np.isfinite(p[i])]
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, float(p[i]) * (len(order) - rank)))
        corrected[i] = highest
    return corrected


def _notes(one: set[object], other: set[object], a: object, b: object) -> list[str]:
    notes = []
    shared = one & other
    if shared and (alone := (one | other) - shared):
        names = ", ".join(sorted(map(str, alone))[:5])
        notes.append(
            f"{a}, {b}: the same animals occur in both, so pairs are compared; "
            f"left out, being in one only: {names}."
        )
    n, m = (len(shared), len(shared)) if shared else (len(one), len(other))
    least = 2.0 / (2**n) if shared else (2.0 if n == m else 1.0) / math.comb(n + m, n)
    if min(n, m) < 2:
        notes.append(f"{a}, {b}: {n} and {m} animals are too few to compare.")
    elif least > 0.05:
        said = f"{n} animals" if shared else f"{n} and {m} animals"
        notes.append(f"{a}, {b}: with {said} no p below {least:.2g} is possible.")
    return notes
