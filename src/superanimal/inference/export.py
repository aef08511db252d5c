"""The files beside a run store: exports in other formats and the labelled video."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from superanimal import formats as formats_room
from superanimal.errors import SuperAnimalError, unknown_name
from superanimal.inference.store import SUFFIX
from superanimal.progress import Progress

if TYPE_CHECKING:
    from superanimal.video import Video

SUFFIXES = {
    "dlc-h5": ".h5",
    "dlc-csv": ".csv",
    "movement": ".nc",
    "csv": ".tidy.csv",
    "parquet": ".parquet",
    "coco": ".coco.json",
    "slp": ".slp",
    "sleap-analysis-h5": ".analysis.h5",
    "nwb": ".nwb",
    "lightning-pose": ".lightning-pose.csv",
}
"""Ending of the file of each format that a run can be exported to."""


def check_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """Return the formats, or raise :class:`NotFoundError` for one that a run cannot be exported to."""
    names = (formats,) if isinstance(formats, str) else tuple(formats)
    for name in names:
        if name not in SUFFIXES:
            raise unknown_name("format", name, SUFFIXES)
    return names


def export(
    poses: xr.Dataset, store: Path, formats: Sequence[str], progress: Progress, *, replace: bool = False
) -> list[Path]:
    """Write the poses in each format beside the store.

    A file of that name which holds other poses, such as points that a person corrected, is kept under a new
    name unless ``replace``.

    Returns
    -------
    list of Path
        The files written.
    """
    files: list[Path] = []
    for name in formats:
        target = store.with_name(store.name.removesuffix(SUFFIX) + SUFFIXES[name])
        if target.exists() and not replace and not _same(target, poses):
            kept = _free_name(target)
            target.rename(kept)
            progress.message(f"{target.name} held other poses and is kept as {kept.name}")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", formats_room.LossWarning)
            files += formats_room.save_poses(poses, target, format=name)
        for warning in caught:
            if issubclass(warning.category, formats_room.LossWarning):
                progress.message(f"{target.name}: {warning.message} (the run store keeps it all)")
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return files


def render(
    poses: xr.Dataset, video: Video, store: Path, progress: Progress, *, pcutoff: float, trails: int
) -> Path:
    """Write the labelled video beside the store and return its path."""
    from superanimal.video import render_overlay

    target = store.with_name(store.name.removesuffix(SUFFIX) + "_labeled.mp4")
    render_overlay(video, poses, target, pcutoff=pcutoff, trails=trails, progress=progress)
    return target


def _same(path: Path, poses: xr.Dataset) -> bool:
    """Tell whether a file holds the positions of ``poses``."""
    try:
        there = formats_room.load_poses(path)["position"].values
    except SuperAnimalError:
        return False
    here = poses["position"].values
    return there.shape == here.shape and np.allclose(there, here, atol=1e-2, equal_nan=True)


def _free_name(path: Path) -> Path:
    """Return a name beside ``path`` that is not taken."""
    stem, suffix = path.name.split(".", 1)
    number = 1
    while (candidate := path.with_name(f"{stem}.kept-{number}.{suffix}")).exists():
        number += 1
    return candidate
