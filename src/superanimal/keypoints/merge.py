"""Merging data sets into one, in one keypoint space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from superanimal.errors import InputError, by_caller
from superanimal.keypoints.conversion_table import ConversionTable
from superanimal.keypoints.merge_report import MergeReport, make_report
from superanimal.keypoints.projection import project
from superanimal.keypoints.spaces import union_space
from superanimal.labels.combine import concatenate
from superanimal.labels.duplicates import duplicate_groups, image_hashes
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.splits import leakage, split_once
from superanimal.poses import KeypointSpace
from superanimal.progress import Progress

DUPLICATES = ("drop", "keep", "error", "ignore")


@dataclass(frozen=True)
class Split:
    """How to split; see :func:`~superanimal.labels.splits.split_once`.

    Attributes
    ----------
    path
        File that stores the split, which is drawn once.
    """

    path: Path
    fractions: Mapping[str, float] = field(default_factory=lambda: {"train": 0.9, "test": 0.1})
    by: str = "video"
    stratify: str = "source"
    seed: int = 0


@dataclass(frozen=True)
class Merged:
    """A merged data set, its space and a report."""

    labelled: LabelledSet
    space: KeypointSpace
    report: MergeReport


def merge(
    data_sets: Sequence[LabelledSet],
    space: KeypointSpace | None = None,
    table: ConversionTable | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    name: str = "merged",
    duplicates: str = "drop",
    hashes: str = "file",
    split: Split | None = None,
    progress: Progress | None = None,
) -> Merged:
    """Merge labelled data sets into one keypoint space.

    Parameters
    ----------
    data_sets
        Their names select the columns of the table and become the sources of the images.
    space
        Keypoint space of the result; by default the union of all names.
    table
        Conversion table. A data set without a column is matched by name if all its keypoints are in the
        space; otherwise an error is raised.
    columns
        Table column by data set name, if the two differ.
    duplicates
        What to do with duplicate images: ``drop`` all but the first, ``keep`` and report them,
        ``error``, or ``ignore`` (do not look).
    hashes
        ``file`` or ``pixels``, see :func:`~superanimal.labels.duplicates.image_hashes`.
    split
        Draw a split, or reuse the one drawn before; by default the splits of the data sets are kept.

    Raises
    ------
    InputError
        The table has errors (all are listed), names repeat, or duplicates are an error.
    NotFoundError
        A data set has no column, or an image is missing.

    Examples
    --------
    >>> from superanimal.labels import synthetic_labels
    >>> merged = merge([synthetic_labels("pictures", 3, size=(64, 64))])
    >>> len(merged.labelled)
    3
    """
    if duplicates not in DUPLICATES:
        raise InputError(f"duplicates={duplicates!r}", f"it is one of {', '.join(DUPLICATES)}")
    names = [part.name for part in data_sets]
    if repeated := sorted({n for n in names if names.count(n) > 1}):
        raise InputError(
            f"data sets {repeated} have the same name",
            "names identify the sources",
            "name them" + by_caller(": read_labels(path, name=...)", ": NAME=PATH"),
        )
    space = space or union_space(data_sets)
    parts = [_projected(part, space, table, (columns or {}).get(part.name, part.name)) for part in data_sets]
    merged = concatenate(parts, keypoints=space.keypoints, name=name)
    found: list[str] | None = None
    groups: list[list[int]] = []
    if duplicates != "ignore":
        found = image_hashes(merged, hashes, progress)
        groups = duplicate_groups(found)
    described = [[_describe(merged, i) for i in group] for group in groups]
    if groups and duplicates == "error":
        raise InputError(
            f"{len(groups)} pictures appear more than once, such as {' and '.join(described[0])}",
            "each picture may occur only once",
            "keep the first of each" + by_caller(" (duplicates='drop')", ""),
        )
    if groups and duplicates == "drop":
        gone = {i for group in groups for i in group[1:]}
        kept = [i for i in range(len(merged)) if i not in gone]
        merged, groups = merged.subset(kept), []
        found = [found[i] for i in kept] if found else None
    if split is not None:
        options: dict[str, Any] = {"by": split.by, "stratify": split.stratify, "seed": split.seed}
        merged = split_once(merged, split.path, split.fractions, same=groups, **options)
        merged = merged.with_columns(notes=merged.notes + _short_splits(merged, split))
    report = make_report(
        merged, space, duplicates=described, dropped=duplicates == "drop", leaks=leakage(merged, found)
    )
    return Merged(merged, space, report)


def _projected(
    part: LabelledSet, space: KeypointSpace, table: ConversionTable | None, column: str
) -> LabelledSet:
    by_name = set(part.keypoints) <= set(space.keypoints)
    if table is None or (column not in table.columns and by_name):
        done = project(part, space)
    else:
        done = project(part, space, table, column)
    inner = done.source.tolist()
    one = len(set(inner)) <= 1
    return done.with_columns(source=part.name if one else [f"{part.name}/{source}" for source in inner])


def _short_splits(labelled: LabelledSet, split: Split) -> tuple[str, ...]:
    """Report splits that got less than half of their share because there are too few units to divide."""
    shares = {name: float((labelled.split == name).mean()) for name in split.fractions}
    return tuple(
        f"split {name} has {100 * shares[name]:.1f} % of the images, {100 * wanted:g} % were asked: there "
        f"are too few of what stays together (split by {split.by})"
        for name, wanted in split.fractions.items()
        if shares[name] < wanted / 2
    )


def _describe(labelled: LabelledSet, i: int) -> str:
    return f"{labelled.source[i]}: {labelled.images[i].label}"
