"""The wide table of DeepLabCut and Lightning Pose: one row per frame, three columns per keypoint.

Columns have the levels ``scorer, [individuals,] bodyparts, coords`` with coords ``x, y[, likelihood]``.
Individuals may lack keypoints (``single`` holds the unique ones), so columns are always found by name, never
by reshaping.
"""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from superanimal.errors import FormatError
from superanimal.formats.record import fields_of, record_of
from superanimal.poses import make_poses
from superanimal.poses.dataset import SPACE

_COORDS = ("x", "y", "likelihood")
_VIDEO = re.compile(r"\.(mp4|avi|mov|mkv|m4v|mpe?g|wmv|webm)$", re.IGNORECASE)
_NUMBER = re.compile(r"([0-9]{1,12})[)\] ]*(\.\w+)?$")
_MOST = 2**53
"""Largest plausible frame number."""

UNIQUE = "single"
"""DeepLabCut's name for the individual that owns the keypoints that exist once per image."""

TRACKS = "_el"
"""Suffix that DeepLabCut appends to the scorer in files with several individuals (ellipse tracker)."""


@dataclass(frozen=True)
class WideTable:
    """A table in memory.

    Attributes
    ----------
    columns
        C tuples (scorer, individual or None, keypoint, coordinate).
    index
        T frame numbers, or T image paths, or T tuples of path parts.
    values
        Shape (T, C), float.
    record
        Everything else about the poses, see :mod:`superanimal.formats.record`.
    """

    columns: list[tuple[str, str | None, str, str]]
    index: Sequence[Any] | np.ndarray
    values: np.ndarray
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def scorer(self) -> str:
        """Name of the model or person that created the table."""
        return self.columns[0][0]

    @property
    def is_labels(self) -> bool:
        """Whether rows are images rather than frame numbers."""
        return len(self.index) > 0 and isinstance(self.index[0], (str, tuple))

    @property
    def has_likelihood(self) -> bool:
        """Whether the points have a confidence."""
        return any(column[3] == "likelihood" for column in self.columns)


def name_levels(
    columns: Sequence[Sequence[Any]], names: Sequence[Any] | None, source: str | os.PathLike[str]
) -> list[tuple[str, str | None, str, str]]:
    """Bring column tuples into the order (scorer, individual, keypoint, coordinate).

    Parameters
    ----------
    columns
        Tuples as found in the file, three or four levels.
    names
        Names of the levels if the file has them; otherwise DeepLabCut's order is assumed.
    source
        File name for messages.
    """
    count = {len(column) for column in columns}
    if count not in ({3}, {4}):
        raise FormatError(
            f"{source}: columns with {sorted(count) or 'no'} header levels",
            "DeepLabCut tables have three (scorer, bodyparts, coords) or four (with individuals)",
        )
    levels = (
        ["scorer", "bodypart", "coord"] if count == {3} else ["scorer", "individual", "bodypart", "coord"]
    )
    found = [str(name or "").strip().lower().rstrip("s") for name in names or ()]
    order = [found.index(level) for level in levels] if set(found) == set(levels) else range(len(levels))
    picked = [tuple(str(column[i]) for i in order) for column in columns]
    picked = [(*names, coord.lower() if coord.lower() in _COORDS else coord) for *names, coord in picked]
    if count == {3}:
        return [(scorer, None, keypoint, coord) for scorer, keypoint, coord in picked]
    return [(scorer, individual, keypoint, coord) for scorer, individual, keypoint, coord in picked]


def table_to_poses(table: WideTable, source: str | os.PathLike[str], software: str) -> xr.Dataset:
    """Return the pose data set of a table.

    Absent points become NaN: NaN coordinates, a negative likelihood (DeepLabCut 3 writes -1), and in
    predictions the pairs (0, 0) or (-1, -1) without a likelihood or with likelihood 0.
    """
    _check_columns(table, source)
    used = _columns_of_points(table, source)
    names = _distinct(individual for _, individual, _, _ in used)
    individuals = ["animal0"] if names == [None] else [str(name) for name in names]
    keypoints = _distinct(keypoint for _, _, keypoint, _ in used)
    rows, shape = len(table.index), (len(keypoints), len(individuals))
    axes = SPACE if any(coord == "z" for *_, coord in table.columns) else SPACE[:2]
    position = np.full((rows, len(axes), *shape), np.nan, dtype=np.float32)
    arrays = {axis: position[:, i] for i, axis in enumerate(axes)}
    arrays["likelihood"] = np.full((rows, *shape), np.nan, dtype=np.float32)
    where: dict[str, list[tuple[int, int, int]]] = {coord: [] for coord in arrays}
    for column, (_, individual, keypoint, coord) in enumerate(table.columns):
        if coord in where and keypoint in keypoints and individual in names:
            where[coord].append((column, keypoints.index(keypoint), names.index(individual)))
    for coord, places in where.items():
        if places:
            for column, k, n in places:
                arrays[coord][:, k, n] = table.values[:, column]
    x, y, likelihood = arrays["x"], arrays["y"], arrays["likelihood"]
    absent = np.isnan(x) | np.isnan(y)
    if half := int((absent & ~(np.isnan(x) & np.isnan(y))).sum()):
        points = f"{half} points have" if half > 1 else "a point has"
        warnings.warn(f"{source}: {points} only one of x and y; read as absent", stacklevel=3)
    if not table.is_labels:
        doubtful = (likelihood == 0) if table.has_likelihood else True
        equal = np.logical_and.reduce([arrays[axis] == x for axis in axes[1:]])
        absent |= (likelihood < 0) | (doubtful & equal & ((x == 0) | (x == -1)))
    for array in arrays.values():
        array[absent] = np.nan

    frames, images = index_to_frames(table.index, source)
    ds = make_poses(
        position,
        clip_confidence(likelihood, source),
        keypoints=keypoints,
        individuals=individuals,
        frames=frames,
        images=images,
        source_file=str(source),
        **fields_of(table.record, software),
    )
    ds.attrs["scorer"] = table.scorer
    if UNIQUE in individuals and len(individuals) > 1:
        owned = {keypoint for _, individual, keypoint, _ in table.columns if individual == UNIQUE}
        ds.attrs["unique_keypoints"] = [keypoint for keypoint in keypoints if keypoint in owned]
    return ds


def _columns_of_points(table: WideTable, source: str | os.PathLike[str]) -> list[tuple[Any, ...]]:
    """Return the columns of keypoints; a warning names others, unless they add to a keypoint's likelihood.

    Raises
    ------
    FormatError
        When no keypoint has x and y.
    """
    coords: dict[tuple[Any, ...], set[str]] = {}
    for *point, coord in table.columns:
        coords.setdefault(tuple(point[1:]), set()).add(coord)
    used = [column for column in table.columns if column[2] and coords[column[1:3]] & set(SPACE[:2])]
    if not set(SPACE[:2]) <= {coord for *_, coord in used}:
        found = ", ".join(_distinct(coord for *_, coord in table.columns)[:6])
        raise FormatError(f"{source}: the columns are {found}", "each keypoint has columns x and y")
    unread = [
        "/".join(part for part in (column[1:] if column[2] else column) if part)
        for column in table.columns
        if column not in used
        or (column[3] not in (*SPACE, *_COORDS) and "likelihood" not in coords[column[1:3]])
    ]
    if unread:
        more = f" and {len(unread) - 4} more" if len(unread) > 4 else ""
        warnings.warn(
            f"{source}: columns that are not read: {', '.join(unread[:4])}{more} "
            "(a keypoint has x, y and, as its confidence, likelihood)",
            stacklevel=4,
        )
    return used


def poses_to_table(
    ds: xr.Dataset, path: str | os.PathLike[str], *, scorer: str | None, likelihood: bool, dtype: Any
) -> WideTable:
    """Return the table of a pose data set, indexed by frame number.

    One individual called ``animal0`` gives three column levels, anything else four.
    """
    individuals = [str(name) for name in ds["individual"].values]
    keypoints = [str(name) for name in ds["keypoint"].values]
    if not individuals or not keypoints:
        raise FormatError(
            f"{path}: {len(individuals)} individuals with {len(keypoints)} keypoints",
            "a table needs columns for at least one keypoint of one individual",
            "save as movement netCDF instead",
        )
    scorer = scorer or str(ds.attrs.get("scorer") or ds.attrs.get("source_software") or "superanimal")
    coords = ("x", "y", "likelihood") if likelihood else ("x", "y")
    arrays = np.empty((len(coords), ds.sizes["time"], len(keypoints), len(individuals)), dtype=dtype)
    arrays[:2] = np.moveaxis(ds["position"].values, 1, 0)
    if likelihood:
        arrays[2] = ds["confidence"].values
    unique = _unique_keypoints(ds, individuals)
    columns: list[tuple[str, str | None, str, str]] = []
    places: list[tuple[int, int, int]] = []
    for n, individual in enumerate(individuals):
        for k, keypoint in enumerate(keypoints):
            if unique is not None and (keypoint in unique) != (individual == UNIQUE):
                continue
            name = individual if has_individuals(ds) else None
            columns += [(scorer, name, keypoint, coord) for coord in coords]
            places += [(c, k, n) for c in range(len(coords))]
    c, k, n = np.array(places).T
    values = np.ascontiguousarray(arrays[c, :, k, n].T)
    return WideTable(columns, ds["frame"].values.astype(np.int64), values, record_of(ds))


def has_individuals(ds: xr.Dataset) -> bool:
    """Whether the table of a data set needs a level for individuals: all but a single ``animal0`` do."""
    return ds["individual"].values.tolist() != ["animal0"]


def clip_confidence(confidence: np.ndarray, source: str | os.PathLike[str]) -> np.ndarray:
    """Return scores clipped to 0..1; scores of other programs may slightly exceed this range.

    Raises
    ------
    FormatError
        When the scores are on a different scale.
    """
    finite = confidence[np.isfinite(confidence)]
    if finite.size and (finite.max() > 2 or finite.min() < -1):
        raise FormatError(
            f"{source}: scores from {finite.min():g} to {finite.max():g}",
            "a confidence lies in 0..1",
            "divide them by 100 if they are percentages",
        )
    return np.clip(confidence, 0, 1)


def index_to_frames(
    index: Sequence[Any] | np.ndarray, source: str | os.PathLike[str]
) -> tuple[np.ndarray | None, list[str] | None]:
    """Return (frame numbers or None, image paths or None) of the rows of a table.

    The number at the end of an image name is its frame in the video, see :func:`frames_of_images`.
    """
    if len(index) == 0:
        return None, None
    if not isinstance(index[0], (str, tuple)):
        return frame_numbers(np.asarray(index), source), None
    rows = [row if isinstance(row, tuple) else (row,) for row in index]
    if strange := next((row for row in rows if not all(isinstance(part, str) for part in row)), None):
        raise FormatError(
            f"{source}: row {strange!r}",
            "rows are frame numbers, or images as text",
            "if rows name a video and a frame, keep one video and only the frame",
        )
    images = ["/".join(row).replace("\\", "/") for row in rows]
    _refuse_a_name_for_all(images, source)
    if video := next((image for image in images if _VIDEO.search(image)), None):
        raise FormatError(
            f"{source}: row {video!r} is a video, not an image",
            "rows are frame numbers or image names",
            "keep the rows of one video and put the frame number into the first column",
        )
    _warn_repeated(images, "image", source)
    return frames_of_images(images), images


def _refuse_a_name_for_all(images: list[str], source: str | os.PathLike[str]) -> None:
    """Refuse rows that share one name without ending, such as that of a video or an animal."""
    if len(images) > 1 and len(set(images)) == 1 and not re.search(r"\.\w+$", images[0]):
        raise FormatError(
            f"{source}: all {len(images)} rows are called {images[0]!r}",
            "rows are frame numbers or image names",
            "put the frame number into the first column",
        )


def frame_numbers(numbers: np.ndarray, source: str | os.PathLike[str]) -> np.ndarray:
    """Return the frame numbers of the rows of a table as int64, with a warning about repeated ones.

    Raises
    ------
    FormatError
        When one is not a whole number of 0 or more.
    """
    if numbers.dtype.kind not in "iuf":
        raise FormatError(f"{source}: rows are {numbers.dtype}", "rows are frame numbers or image names")
    values = numbers.astype(np.float64)
    strange = ~(np.isfinite(values) & (values == np.round(values)) & (values >= 0) & (values < _MOST))
    if strange.any():
        row = int(np.flatnonzero(strange)[0])
        raise FormatError(
            f"{source}: row {row + 1} is called {values[row]:g}",
            "rows are frame numbers (0, 1, 2, ...) or image names",
            "if the first column is the time in seconds, replace it with the frame number",
        )
    frames = numbers.astype(np.int64)
    _warn_repeated(frames.tolist(), "frame", source)
    return frames


def _warn_repeated(rows: Sequence[Any], what: str, source: str | os.PathLike[str]) -> None:
    if len(set(rows)) == len(rows):
        return
    often = [row for row, count in Counter(rows).items() if count > 1]
    warnings.warn(
        f"{source}: {what} {often[0]} has more than one row"
        + (f", as do {len(often) - 1} others" if len(often) > 1 else "")
        + "; all are kept",
        stacklevel=4,
    )


def frames_of_images(images: Sequence[str]) -> np.ndarray | None:
    """Return the frame numbers that image names end with, in the order given.

    None if a name has no number, or if two images have the same number, as images of several videos may.
    """
    folders = {image.replace("\\", "/").rpartition("/")[0] for image in images}
    numbers = [frame_of_image(image) for image in images]
    if len(folders) > 1 or None in numbers or len(set(numbers)) < len(numbers):
        return None
    return np.array(numbers, dtype=np.int64)


def frame_of_image(image: str) -> int | None:
    """Return the number at the end of an image name, such as 12 for ``v/img012.png`` and ``img (12).png``."""
    match = _NUMBER.search(image)
    return int(match.group(1)) if match else None


def _check_columns(table: WideTable, source: str | os.PathLike[str]) -> None:
    """Reject duplicate columns."""
    counts = Counter(column[1:] for column in table.columns)
    repeated = next((key for key, count in counts.items() if count > 1), None)
    if repeated is None:
        return
    name = "/".join(part for part in repeated if part)
    scorers = _distinct(column[0] for column in table.columns)
    if len(scorers) > 1:
        raise FormatError(
            f"{source}: scorers {', '.join(scorers)}, each with a column {name}",
            "a table holds the points of one model or person",
            "keep the columns of one of them",
        )
    raise FormatError(
        f"{source}: column {name} appears {counts[repeated]} times",
        "keypoint names are unique",
        "rename or remove one of them",
    )


def _unique_keypoints(ds: xr.Dataset, individuals: list[str]) -> set[str] | None:
    """Return the keypoints owned by ``single``, or None if the data set has no unique keypoints."""
    if UNIQUE not in individuals or len(individuals) == 1:
        return None
    known = set(np.atleast_1d(ds.attrs.get("unique_keypoints", [])).tolist())
    seen = ds["position"].notnull().any(("time", "space"))
    others = seen.sel(individual=[name for name in individuals if name != UNIQUE]).any("individual")
    own = seen.sel(individual=UNIQUE)
    if bool((own & others).any()):
        return None
    return known or {str(name) for name in ds["keypoint"].values[own.values]}


def _distinct(values: Any) -> list[Any]:
    return list(dict.fromkeys(values))
