"""Converting labels: read, map to a keypoint space and write, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from superanimal.errors import InputError
from superanimal.keypoints.conversion_table import ConversionTable, join_tables, load_table
from superanimal.keypoints.merge import Merged, Split, merge
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.reading import read_labels
from superanimal.labels.reading.predictions import labels_only
from superanimal.labels.writing import materialize
from superanimal.labels.writing.job import Materialized
from superanimal.poses import KeypointSpace, load_space
from superanimal.progress import Progress

Source = str | os.PathLike[str] | LabelledSet


@dataclass(frozen=True)
class Conversion:
    """The resulting data set and the written files."""

    merged: Merged
    written: Materialized


def convert(
    sources: Source | Sequence[Source],
    dest: str | os.PathLike[str],
    *,
    to: str = "coco",
    space: str | os.PathLike[str] | KeypointSpace | None = None,
    table: str | ConversionTable | Sequence[str | ConversionTable] | None = None,
    images: str = "link",
    duplicates: str = "ignore",
    split: Split | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    reading: Mapping[str, Any] | None = None,
) -> Conversion:
    """Convert labelled data sets into one data set of another format and keypoint space.

    Parameters
    ----------
    sources
        Data sets, or paths that :func:`~superanimal.labels.read_labels` can read; ``NAME=PATH`` sets the
        name, which selects the column of the table, ``NAME:COLUMN=PATH`` sets the name and another column.
    dest, to, images, overwrite
        See :func:`~superanimal.labels.materialize`.
    space
        Keypoint space, its name or YAML file; by default the union of the keypoints of all data sets.
    table
        Conversion tables, their names or CSV files.
    duplicates, split
        See :func:`~superanimal.keypoints.merge.merge`.
    reading
        Options of :func:`~superanimal.labels.read_labels` for every source that is read here: ``images``,
        ``video``, ``scorer``, ``min_confidence``.

    Raises
    ------
    SuperAnimalError
        A source holds predictions and no ``min_confidence`` was given, or a source, table cell or image is
        invalid.

    Examples
    --------
    >>> from superanimal.labels import materialize, synthetic_labels
    >>> written = materialize(synthetic_labels("pictures", 2, size=(64, 64)), "data", "coco")
    >>> done = convert("data", "data-dlc", to="deeplabcut")
    >>> len(done.merged.labelled)
    2
    """
    listed = [sources] if isinstance(sources, str | os.PathLike | LabelledSet) else list(sources)
    if not listed:
        raise InputError("no source", "give at least one data set")
    chosen = space if space is None or isinstance(space, KeypointSpace) else load_space(space)
    data_sets, columns = zip(*(read_source(source, reading) for source in listed), strict=True)
    for part in data_sets:
        labels_only(part, "reading={'min_confidence': 0.6}")
    tables = open_tables(table)
    merged = merge(
        data_sets,
        chosen,
        tables,
        columns=dict(zip((part.name for part in data_sets), columns, strict=True)),
        name=data_sets[0].name if len(data_sets) == 1 else Path(dest).name.split(".")[0],
        duplicates=duplicates,
        split=split,
        progress=progress,
    )
    written = materialize(
        merged.labelled,
        dest,
        to,
        space=merged.space,
        images=images,
        overwrite=overwrite,
        progress=progress,
    )
    return Conversion(merged, written)


def read_source(source: Source, reading: Mapping[str, Any] | None = None) -> tuple[LabelledSet, str]:
    """Read a data set given as an object, ``PATH``, ``NAME=PATH`` or ``NAME:COLUMN=PATH``.

    Parameters
    ----------
    reading
        Options of :func:`~superanimal.labels.read_labels`.

    Returns
    -------
    tuple
        The data set and its column in a conversion table, by default its name.
    """
    if isinstance(source, LabelledSet):
        return source, source.name
    text = os.fspath(source)
    name, sign, path = text.partition("=")
    if not sign or Path(text).exists() or set("/\\") & set(name):
        labelled = read_labels(text, **(reading or {}))
        return labelled, labelled.name
    name, _, column = name.partition(":")
    return read_labels(path, name=name, **(reading or {})), column or name


def open_tables(
    table: str | ConversionTable | Sequence[str | ConversionTable] | None,
) -> ConversionTable | None:
    """Load tables and join them."""
    if table is None:
        return None
    listed = [table] if isinstance(table, str | ConversionTable) else list(table)
    loaded = [t if isinstance(t, ConversionTable) else load_table(t) for t in listed]
    return join_tables(loaded) if loaded else None
