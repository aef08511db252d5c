"""An experiment: what every animal did and how it moved, groups compared, tables and one report."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from superanimal.behavior.annotations.read import annotations_by_video, read_annotations
from superanimal.behavior.bouts import labels_of, within
from superanimal.behavior.measures.lab import Measures, measure
from superanimal.behavior.measures.regions import Regions, read_regions
from superanimal.behavior.results.tables import time_bins, time_budget, transitions
from superanimal.errors import InputError
from superanimal.groups import by_animal, compare_groups
from superanimal.groups import with_groups as groups_of
from superanimal.poses import make_provenance
from superanimal.progress import Progress
from superanimal.reports.files import write_tables

Poses: TypeAlias = xr.Dataset | str | os.PathLike[str]
Labels: TypeAlias = Any
TABLES = ("bouts", "budget", "transitions", "bins", "measures", "regions", "animals", "comparison")
NOT_COMPARED = {"duration_s", "observed_s"}
MOST = 12
"""Maximum number of animals with figures of their own."""


@dataclass(frozen=True)
class Recording:
    """One file of an experiment, for its figures."""

    file: str
    duration_s: float
    bouts: pd.DataFrame
    measures: Measures
    regions: Regions | None


@dataclass
class Results:
    """Tables of an experiment, all with the columns ``file, individual``.

    Attributes
    ----------
    bouts
        All bouts.
    budget, transitions, bins
        See :mod:`superanimal.behavior.results.tables`.
    measures, regions
        See :class:`superanimal.behavior.measures.Measures`.
    animals
        One row for each file and animal with everything that is compared: lab measures, ``LABEL share``,
        ``LABEL per minute``, ``REGION share``, ``REGION entries``, ``REGION latency s``; and the columns of
        groups.
    comparison
        Groups against each other, see :func:`superanimal.groups.compare_groups`; empty without groups.
    notes
        What limits the results, in sentences.
    """

    bouts: pd.DataFrame
    budget: pd.DataFrame
    transitions: pd.DataFrame
    bins: pd.DataFrame
    measures: pd.DataFrame
    regions: pd.DataFrame
    animals: pd.DataFrame
    comparison: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: list[str] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list, repr=False)

    def save(self, folder: str | os.PathLike[str], *, parquet: bool = False) -> list[Path]:
        """Write each table with rows as csv (and Parquet), ``provenance.json``, and figures as PNG and SVG.

        Raises
        ------
        StorageError
            When the folder cannot be written.
        """
        from superanimal.behavior.results.page import save_figures

        tables = {name: getattr(self, name) for name in TABLES if len(getattr(self, name))}
        record = make_provenance("behavior report", files=[each.file for each in self.recordings])
        files = write_tables(Path(folder), tables, record, parquet=parquet)
        return [*files, *save_figures(self, Path(folder) / "figures")]

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one HTML page with the tables and figures; return its path."""
        from superanimal.behavior.results.page import write_page

        return write_page(self, Path(path))


def report(
    poses: Poses | Sequence[Poses],
    labels: Labels = None,
    *,
    regions: Regions | str | os.PathLike[str] | None = None,
    groups: str | os.PathLike[str] | pd.DataFrame | None = None,
    fps: float | None = None,
    metres_per_pixel: float | None = None,
    bin_s: float = 60.0,
    rater: str | None = None,
    point: str | None = None,
    progress: Progress | None = None,
) -> Results:
    """Sum up what animals did and how they moved.

    Parameters
    ----------
    poses
        A pose data set or file, or several.
    labels
        For each of them annotations or predictions, as :func:`superanimal.behavior.read_annotations` reads;
        or one file that names its videos. Without labels there are lab measures only.
    regions
        Regions and arena of the picture, or a file of them.
    groups
        Table (csv or data frame) with a column ``file`` and any others, such as ``animal`` and ``group``. Two
        groups or more (column ``group``) are compared with the animal as the unit.
    fps
        Frames per second, if the files do not state it.
    metres_per_pixel
        Scale, used for lengths in cm.
    bin_s
        Length of time bins in seconds.
    rater
        Whose labels to use, where there are several raters.
    point
        Keypoint that stands for the animal; the mean of its trunk by default.
    progress
        Counts the files, and may cancel between them.

    Returns
    -------
    Results
        Tables; ``results.save(folder)`` and ``results.report(path)`` write them.

    Raises
    ------
    InputError
        When labels do not belong to the poses, no frame rate is known, or groups do not fit.
    """
    several = isinstance(poses, Sequence) and not isinstance(poses, str)
    sources: list[Poses] = list(poses) if several else [poses]  # type: ignore[arg-type, list-item]
    if not sources:
        raise InputError("no poses are given", "give one or more pose data sets or files")
    if isinstance(regions, str | os.PathLike):
        regions = read_regions(regions)
    progress = progress or Progress()
    progress.start(len(sources), "behaviour", "files")
    notes, recordings = list[str](), list[Recording]()
    matched = _labels_of(labels, [_name(source, k) for k, source in enumerate(sources)], several)
    for k, source in enumerate(sources):
        progress.check()
        name = _name(source, k)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            recording = _recording(source, name, matched[k], regions, fps, metres_per_pixel, rater, point)
        where = f"{Path(name).name}: " if several else ""
        said = [str(each.message) for each in caught if issubclass(each.category, UserWarning)]
        notes += [
            where + text + ("" if text.endswith(".") else ".") for text in [*said, *recording.measures.notes]
        ]
        recordings.append(recording)
        progress.advance()
    results = _tabulate(recordings, bin_s, notes)
    return _grouped(results, groups) if groups is not None else results


def _name(source: Poses, number: int) -> str:
    if isinstance(source, xr.Dataset):
        return str(source.attrs.get("source_file", "")) or f"recording{number + 1}"
    return str(source)


def _labels_of(labels: Labels, names: Sequence[str], several: bool) -> list[Labels]:
    """Return the labels of each recording."""
    if labels is None:
        return [None] * len(names)
    if isinstance(labels, list | tuple) and not (labels and isinstance(labels[0], str) and not several):
        if len(labels) == len(names):
            return list(labels)
        if len(labels) != 1:
            raise InputError(f"{len(labels)} labels for {len(names)} poses", "give labels for each of them")
        labels = labels[0]
    elif not several:
        return [labels]
    if len(names) == 1:
        return [labels]
    if len(annotations_by_video(labels)) < 2:
        raise InputError(f"the labels of one video for {len(names)} poses", "give labels for each of them")
    return [(labels, Path(name)) for name in names]


def _recording(
    source: Poses,
    name: str,
    labels: Labels,
    regions: Regions | None,
    fps: float | None,
    metres_per_pixel: float | None,
    rater: str | None,
    point: str | None,
) -> Recording:
    from superanimal.formats import load_poses

    data = source if isinstance(source, xr.Dataset) else load_poses(source)
    measures = measure(data, regions=regions, fps=fps, metres_per_pixel=metres_per_pixel, point=point)
    end = float(measures.paths[0].edges[-1])
    bouts = pd.DataFrame()
    if labels is not None:
        source_of_labels, video = labels if isinstance(labels, tuple) else (labels, None)
        rate = fps or data.attrs.get("fps")
        bouts = _of_rater(read_annotations(source_of_labels, fps=rate, video=video), rater)
        bouts = _told_apart(within(bouts, end))
        if len(measures.paths) == 1:
            bouts = bouts.assign(individual=bouts["individual"].replace("", measures.paths[0].individual))
    return Recording(name, end, bouts, measures, regions)


def _of_rater(bouts: pd.DataFrame, rater: str | None) -> pd.DataFrame:
    raters = sorted(set(bouts["rater"]))
    if rater is None and len(raters) > 1:
        raise InputError(
            f"the labels are of {', '.join(raters)}", "results are those of one rater", "name the rater"
        )
    if rater is not None and rater not in raters:
        raise InputError(f"there are no labels of {rater!r}", f"the raters are {', '.join(raters)}")
    return bouts if rater is None else bouts[bouts["rater"] == rater].reset_index(drop=True)


def _told_apart(bouts: pd.DataFrame) -> pd.DataFrame:
    """Add the stream to a label that several streams use."""
    shared = bouts.groupby("label")["stream"].transform("nunique") > 1
    named = bouts["label"] + " (" + bouts["stream"] + ")"
    return bouts.assign(label=bouts["label"].where(~shared, named))


def _tabulate(recordings: Sequence[Recording], bin_s: float, notes: list[str]) -> Results:
    labels = sorted({label for each in recordings if len(each.bouts) for label in labels_of(each.bouts)})
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for each in recordings:
        own: dict[str, pd.DataFrame] = {"measures": each.measures.animals, "regions": each.measures.regions}
        if len(each.bouts):
            known = set(each.bouts["individual"]) - {""}
            everyone = [path.individual for path in each.measures.paths] if known else []
            own |= {
                "bouts": each.bouts,
                "budget": time_budget(each.bouts, each.duration_s, everyone, labels),
                "transitions": transitions(each.bouts),
                "bins": time_bins(each.bouts, each.duration_s, bin_s),
            }
        for name, table in own.items():
            tables[name].append(table.assign(file=each.file)[["file", *table.columns]])
    stacked = {name: _stacked(parts) for name, parts in tables.items()}
    stacked["animals"] = _animals(stacked)
    return Results(**stacked, notes=notes, recordings=list(recordings))


def _animals(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row for each file and animal with all measures side by side."""
    key = ["file", "individual"]
    wide = tables["measures"]
    parts = (
        ("budget", "label", {"share": "share", "per_minute": "per minute", "mean_s": "mean s"}),
        ("regions", "region", {"share": "share", "entries": "entries", "latency_s": "latency s"}),
    )
    for name, what, columns in parts:
        if not len(tables[name]):
            continue
        for column, words in columns.items():
            table = tables[name].pivot(index=key, columns=what, values=column)
            wide = wide.merge(table.add_suffix(f" {words}").reset_index(), on=key, how="outer")
    return wide


def _grouped(results: Results, groups: str | os.PathLike[str] | pd.DataFrame) -> Results:
    """Add the columns of a table of groups, and compare them."""
    files = [recording.file for recording in results.recordings]
    added = groups_of(results.animals, groups, files)
    names = [str(column) for column in added.columns if column not in results.animals.columns]
    results.animals = added[["file", "individual", *names, *results.animals.columns[2:]]]
    if "group" in added.columns and added["group"].nunique() > 1:
        measures = [
            str(name) for name in results.animals.columns
            if name not in {"file", "individual", *names, *NOT_COMPARED}
            and np.isfinite(pd.to_numeric(added[name], errors="coerce")).any()
        ]  # fmt: skip
        results.comparison, notes = compare_groups(by_animal(added), measures)
        results.notes += notes
    return results


def _stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    full = [part for part in parts if len(part)]
    return pd.concat(full, ignore_index=True) if full else pd.DataFrame()
