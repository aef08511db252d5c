"""Reading poses in NWB: ndx-pose 0.1 as DLC2NWB writes it (series named ``<individual>_<keypoint>``) and
later versions (one container per individual, nodes in a skeleton).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import h5py
import numpy as np
import xarray as xr

from superanimal.errors import FormatError
from superanimal.formats import record
from superanimal.formats.choose import CHOOSE
from superanimal.formats.frame_times import count_frames
from superanimal.formats.nwb.containers import (
    Series,
    choose,
    find_containers,
    linked,
    own_name,
    safe_names,
    series_of,
    text_of,
    videos_of,
    warn_of_guess,
    warn_of_videos,
)
from superanimal.formats.nwb.times import join, unpack
from superanimal.formats.wide_table import clip_confidence
from superanimal.poses import make_poses

NOTES = "general/notes"
_SUBJECT = "general/subject/subject_id"


def read(path: str | os.PathLike[str], *, video: str | Sequence[str] | None = None) -> xr.Dataset:
    """Read the pose containers of one recording; the times of all series are merged.

    True times of a camera are kept in ``time``, see :func:`superanimal.formats.frame_times.count_frames`.

    Parameters
    ----------
    video
        Which recording to read from a file with several videos or cameras: the name of a video, or of the
        container or module that represents it. Several names are animals of one recording.

    Raises
    ------
    FormatError
        The file is damaged, or holds no poses or those of several recordings.
    InputError
        There is no video, container or module with that name.
    """
    try:
        with h5py.File(path) as file:
            containers = find_containers(file)
            if not containers:
                raise FormatError(f"{path}: no PoseEstimation inside", "poses in NWB follow ndx-pose")
            known = record.parse(text_of(file.get(NOTES)))
            chosen, guessed = choose(containers, video, known.get("individuals", []), path)
            if guessed:
                warn_of_guess(chosen, path)
            found = _named(chosen, text_of(file.get(_SUBJECT)), path)
            software = text_of(chosen[0].get("source_software")) or "NWB"
            videos = videos_of(chosen[0])
            if len(videos) > 1:
                warn_of_videos(videos, path)
            filename = next(iter(videos), "")
            clock = _video_start(chosen[0])
    except (OSError, KeyError) as error:
        raise FormatError(f"{path}: not a readable NWB file ({error})") from error
    if not found:
        raise FormatError(f"{path}: a PoseEstimation without series", "each keypoint is a series")

    individuals = _order([series.individual for series in found], known.get("individuals", []))
    keypoints = _order([series.keypoint for series in found], known.get("keypoints", []))
    times, rows = join([series.times for series in found], path)
    units, axes = {series.unit for series in found}, {series.data.shape[1] for series in found}
    if len(units) > 1 or len(axes) > 1:
        raise FormatError(
            f"{path}: series in {' and '.join(sorted(units))} with {sorted(axes)} coordinates",
            "the poses of one recording share unit and coordinates",
            CHOOSE,
        )
    shape = (len(times), len(keypoints), len(individuals))
    position = np.full((shape[0], axes.pop(), *shape[1:]), np.nan, dtype=np.float32)
    confidence = np.full(shape, np.nan, dtype=np.float32)
    for series, own in zip(found, rows, strict=True):
        k, n = list(keypoints).index(series.keypoint), list(individuals).index(series.individual)
        position[own, :, k, n] = series.data
        confidence[own, k, n] = series.confidence
    absent = np.asarray(np.isnan(position).any(1))
    position.transpose(0, 2, 3, 1)[absent] = np.nan
    confidence[absent] = np.nan

    fields = record.fields_of(known, software)
    frames = unpack(known.get("frames"), len(times))
    own_times = frames is not None and bool(known.get("own_times"))
    if frames is None and known:  # a file of an earlier version
        frames = np.round(times * (fields["fps"] or 1)).astype(np.int64)
    elif frames is None:
        frames, fields["fps"], own_times = count_frames(times, fields["fps"], path)
        if own_times and clock is not None and len(frames) and fields["fps"]:
            frames = frames + round((float(times[0]) - clock) * fields["fps"]) - int(frames[0])
    return make_poses(
        position,
        clip_confidence(confidence, path),
        keypoints=list(keypoints.values()),
        individuals=list(individuals.values()),
        frames=frames,
        times=times if own_times else None,
        source_file=str(path),
        **{
            **fields,
            "video_path": fields["video_path"] or filename,
            "space_unit": known.get("space_unit") or units.pop(),
        },
    )


def individuals_of(file: h5py.File) -> list[str]:
    """Return the names of the individuals in a file written by this package; empty for others."""
    return list(record.parse(text_of(file.get(NOTES))).get("individuals", []))


def _named(chosen: Sequence[h5py.Group], subject: str, path: str | os.PathLike[str]) -> list[Series]:
    """Return all series with the names of their individuals."""
    found: list[Series] = []
    for each in chosen:
        own = own_name(each) or subject or "animal0"
        if len(chosen) == 1 and own_name(each).startswith("PoseEstimation"):
            own = subject or "animal0"
        for series in series_of(each, path):
            name = series.individual or own
            if series.individual and len(chosen) > 1:
                name = f"{own}_{series.individual}"
            found.append(Series(name, *_rest(series)))
    pairs = [(series.individual, series.keypoint) for series in found]
    if len(set(pairs)) != len(pairs):
        twice = next(pair for pair in pairs if pairs.count(pair) > 1)
        raise FormatError(
            f"{path}: two series for {twice[1]!r} of {twice[0]!r}",
            "each keypoint of an animal has one",
            CHOOSE,
        )
    return found


def _rest(series: Series) -> tuple[str, np.ndarray, np.ndarray, np.ndarray, str]:
    return series.keypoint, series.times, series.data, series.confidence, series.unit


def _video_start(container: h5py.Group) -> float | None:
    """Return the time of the first frame of the video that a container links to, if known."""
    video = linked(container, "ImageSeries")
    if video is None:
        return None
    if "timestamps" in video and len(video["timestamps"]):
        return float(video["timestamps"][0])
    return float(video["starting_time"][()]) if "starting_time" in video else None


def _order(found: list[str], known: list[str]) -> dict[str, str]:
    """Return stored name -> true name, in the order of the record if it has the same names."""
    distinct = list(dict.fromkeys(found))
    if len(distinct) == len(known) == 1:
        return {distinct[0]: known[0]}
    stored = {safe: name for name, safe in safe_names(known).items()}
    stored |= {name: name for name in known if name in distinct}
    if {stored.get(name) for name in distinct} == set(known):
        return {name: stored[name] for name in sorted(distinct, key=lambda name: known.index(stored[name]))}
    return {name: name for name in distinct}
