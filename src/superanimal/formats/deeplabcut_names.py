"""How DeepLabCut finds its results: ``<video><scorer>[_el].h5`` beside ``<video><scorer>_meta.pickle``.

The scorer, ``DLC_...``, is part of the file name and of the columns. Rows are counted, not named: row k is
frame k, whatever the index says.
"""

from __future__ import annotations

import os
import pickle
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from superanimal.errors import FormatError, InputError, StorageError, SuperAnimalError, by_caller
from superanimal.files import atomic_write
from superanimal.formats.deeplabcut_pickles import read_meta
from superanimal.formats.wide_table import TRACKS, WideTable, has_individuals

MARK = "DLC_"
_ENDINGS = re.compile(r"(_(el|bx|sk|ctd))?(_filtered)?$")


def split_name(path: str | os.PathLike[str], video_path: str = "") -> tuple[str, str] | None:
    """Return the video name and the scorer in the name of a result; None when it has no scorer.

    Parameters
    ----------
    path
        Such as ``clipDLC_HrnetW32_mouseNov22shuffle1_snapshot_200_el.h5``.
    video_path
        The video, if known: its name may itself contain ``DLC_``.
    """
    stem = _ENDINGS.sub("", Path(path).stem, count=1)
    video = _video_name(video_path)
    at = len(video) if video and stem.startswith(video + MARK) else stem.find(MARK)
    return (stem[:at], stem[at:]) if at > 0 else None


def scorer_for(ds: xr.Dataset, path: str | os.PathLike[str], scorer: str | None) -> str | None:
    """Return the scorer to write into a file: the one in its name, or the requested one.

    Raises
    ------
    FormatError
        When the two differ: DeepLabCut could not read the file.
    """
    named = split_name(path, str(ds.attrs.get("video_path", "")))
    if named is None:
        return scorer
    if scorer not in (None, named[1]):
        raise FormatError(
            f"{path}: the scorer in the file name is {named[1]!r}, not {scorer!r}",
            "DeepLabCut expects the scorer of the file name in the columns",
            f"save it as {named[0]}{scorer}{Path(path).suffix}, or do not specify a scorer",
        )
    return named[1]


def in_folder(
    ds: xr.Dataset, path: str | os.PathLike[str], scorer: str | None, suffix: str, *, overwrite: bool
) -> Path:
    """Return the file to write: ``path``, or in a folder ``<video><scorer>[_el]`` and the suffix.

    By such names, DeepLabCut, SimBA and keypoint-moseq find the video of a result.

    Parameters
    ----------
    scorer
        By default the ``scorer`` attribute of the data set, if DeepLabCut recognises it, else
        ``DLC_superanimal``.
    overwrite
        Whether the file in the folder may exist.

    Raises
    ------
    InputError
        When the data set names no video, or DeepLabCut would not recognise the scorer.
    StorageError
        When the file in the folder already exists.
    """
    folder = Path(path)
    if not folder.is_dir():
        return folder
    video = _video_name(str(ds.attrs.get("video_path", "")))
    if not video:
        raise InputError(
            f"{folder} is a folder, and the poses name no video", "a file is named after its video",
            "name the file instead",
        )  # fmt: skip
    own = str(ds.attrs.get("scorer", ""))
    name = check_scorer(scorer or (own if own.startswith(MARK) else f"{MARK}superanimal"))
    target = folder / f"{video}{name}{TRACKS if has_individuals(ds) else ''}{suffix}"
    if target.exists() and not overwrite:
        raise StorageError(
            f"{target} already exists",
            "existing files are not replaced",
            "name the file instead, or "
            + by_caller("replace it (overwrite=True)", "replace it (--overwrite)", "move it away"),
        )
    return target


def check_scorer(scorer: str) -> str:
    """Return the scorer, or raise :class:`InputError` for one that DeepLabCut would not recognise."""
    if not scorer.startswith(MARK) or scorer != Path(scorer).name:
        raise InputError(
            f"scorer {scorer!r}",
            f"the scorers of DeepLabCut begin with {MARK} and can be part of a file name",
            f"use the scorer of your DeepLabCut shuffle, or omit it for {MARK}<model>",
        )
    return scorer


def _video_name(video_path: str) -> str:
    """Return the name of a video without folder and ending; empty if the path is."""
    return re.split(r"[\\/]", video_path)[-1].rsplit(".", 1)[0]


def row_per_frame(table: WideTable) -> WideTable:
    """Return the table with NaN rows for frames without a row, so that row k is frame k."""
    frames = np.asarray(table.index, dtype=np.int64)
    rows = int(frames.max(initial=-1)) + 1
    if np.array_equal(frames, np.arange(rows)):
        return table
    values = np.full((rows, table.values.shape[1]), np.nan, dtype=table.values.dtype)
    values[frames] = table.values
    record = {**table.record, "frames": frames.tolist()}
    return replace(table, index=np.arange(rows), values=values, record=record)


def only_frames(ds: xr.Dataset, frames: Any) -> xr.Dataset:
    """Undo :func:`row_per_frame`, unless points have been added to the other rows since."""
    wanted = np.isin(ds["frame"].values, np.asarray(frames, dtype=np.int64))
    if wanted.sum() != len(frames) or bool(ds["position"][~wanted].notnull().any()):
        return ds
    return ds.isel(time=wanted)


def write_meta(
    ds: xr.Dataset,
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None,
    frames: int | None,
) -> list[Path]:
    """Write the ``_meta.pickle`` that DeepLabCut needs beside a result to plot and refine it.

    It holds only numbers, text, lists and dictionaries. Nothing is written if the name has no scorer, if
    neither ``size`` nor the video is available, or in place of what DeepLabCut itself has written.

    Parameters
    ----------
    path
        The result.
    size
        Width and height of the video in pixels; by default read from the video.
    frames
        Number of frames of the video; by default read from the video.
    """
    video = str(ds.attrs.get("video_path", ""))
    named = split_name(path, video)
    if named is not None and size is None and video and Path(video).exists():
        size, frames = _measure(video)
    if named is None or size is None:
        return []
    width, height = size
    stop = float(Path(path).stat().st_mtime)
    data: dict[str, Any] = {
        "start": stop,
        "stop": stop,
        "run_duration": 0.0,
        "Scorer": named[1],
        "fps": float(ds.attrs.get("fps", 0.0)),
        "batch_size": 1,
        "frame_dimensions": (int(width), int(height)),
        "nframes": int(frames if frames is not None else ds["frame"].values.max(initial=-1) + 1),
        "iteration (active-learning)": 0,
        "cropping": False,
        "cropping_parameters": [0, int(width), 0, int(height)],
    }
    target = Path(path).with_name(f"{named[0]}{named[1]}_meta.pickle")
    if set(meta_of(path, video)) - set(data):  # DeepLabCut's own knows more: the model, the crop
        return []
    with atomic_write(target) as temporary:
        temporary.write_bytes(pickle.dumps({"data": data}, protocol=4))
    return [target]


def meta_of(path: str | os.PathLike[str], video_path: str = "") -> dict[str, Any]:
    """Return what the ``_meta.pickle`` beside a result says; empty when there is none that can be read."""
    named = split_name(path, video_path)
    beside = Path(path).with_name(f"{''.join(named or ())}_meta.pickle")
    if named is None or not beside.is_file():
        return {}
    try:
        return read_meta(beside)
    except SuperAnimalError:
        return {}


def warn_of_crop(meta: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Say that positions count from the corner of a crop, when DeepLabCut analysed only that."""
    crop = np.ravel(meta.get("cropping_parameters", ())).tolist()
    if meta.get("cropping") and len(crop) == 4 and (crop[0] or crop[2]):
        warnings.warn(
            f"{path}: DeepLabCut analysed a crop of the video, so positions count from its corner: on "
            f"the whole frame they lie {crop[0]:g} further right and {crop[2]:g} further down",
            stacklevel=4,
        )


def _measure(video: str) -> tuple[tuple[int, int] | None, int | None]:
    """Return the size (width, height) and the number of frames of a readable video file."""
    from superanimal.video import open_video

    try:
        with open_video(video) as opened:
            return (int(opened.shape[2]), int(opened.shape[1])), len(opened)
    except SuperAnimalError:
        return None, None
