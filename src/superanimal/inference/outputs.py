"""The files beside a run store: exports in other formats and the labelled video."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from superanimal import formats as formats_room
from superanimal.errors import SuperAnimalError, unknown_name
from superanimal.formats.record import sidecar_of
from superanimal.formats.wide_table import TRACKS, has_individuals
from superanimal.inference.naming import results_name, set_aside
from superanimal.poses.run_store import run_name
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
    poses: xr.Dataset,
    video: Video,
    store: Path,
    formats: Sequence[str],
    progress: Progress,
    *,
    scorer: str,
    before: xr.Dataset | None = None,
) -> list[Path]:
    """Write the poses in each format beside the store.

    An existing file is replaced if it holds the output of a run: these ``poses`` or those of the run
    ``before``. Anything else, such as manually corrected points, is kept under a dated name.

    Parameters
    ----------
    video
        Gives the files its name, and DeepLabCut's files its size.
    scorer
        The name of what made the poses in files of DeepLabCut, part of their file names.

    Returns
    -------
    list of Path
        The files written.
    """
    files: list[Path] = []
    for name in formats:
        options: dict[str, Any] = {}
        target = store.with_name(run_name(store) + SUFFIXES[name])
        if name in ("dlc-h5", "dlc-csv"):
            stem = results_name(Path(video.path), scorer) + (TRACKS if has_individuals(poses) else "")
            target = store.with_name(stem + SUFFIXES[name])
            options = {"scorer": scorer}
        if name == "dlc-h5":
            options |= {"video_size": (video.shape[2], video.shape[1]), "video_frames": len(video)}
        if target.exists() and not any(_same(target, run) for run in (poses, before) if run is not None):
            record = sidecar_of(target)
            kept = set_aside(target)
            if record.is_file():
                record.rename(sidecar_of(kept))
            progress.message(f"{target.name} held poses that differ from the run and is kept as {kept.name}")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", formats_room.LossWarning)
            files += formats_room.save_poses(poses, target, format=name, **options)
        for warning in caught:
            if issubclass(warning.category, formats_room.LossWarning):
                progress.message(f"{target.name}: {warning.message} (the run store keeps everything)")
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return files


def render(
    poses: xr.Dataset, video: Video, store: Path, progress: Progress, *, pcutoff: float, trails: int
) -> Path:
    """Write the labelled video beside the store and return its path."""
    from superanimal.video import render_overlay

    target = store.with_name(run_name(store) + "_labeled.mp4")
    render_overlay(video, poses, target, pcutoff=pcutoff, trails=trails, progress=progress)
    return target


def _same(path: Path, poses: xr.Dataset) -> bool:
    """Return whether a file holds ``poses`` without manual edits."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            there = formats_room.load_poses(path)
    except SuperAnimalError:
        return False
    if "edited" in there and bool(there["edited"].any()):
        return False
    here, found = _seen(poses), _seen(there)
    return all(
        a.shape == b.shape and np.allclose(a, b, atol=1e-2, equal_nan=True)
        for a, b in zip(here, found, strict=True)
    )


def _seen(poses: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return position (T, 2, K, n) and confidence (T, K, n) of the n animals that were ever seen."""
    position, confidence = poses["position"].values, poses["confidence"].values
    seen = ~np.isnan(position).all((0, 1, 2))
    return position[..., seen], confidence[..., seen]
