"""Neurodata Without Borders with the ndx-pose extension.

Read with h5py alone, which is fast and needs no schema: ndx-pose 0.1 as DLC2NWB writes it (series named
``<individual>_<keypoint>``) and later versions (one container per individual, nodes in a skeleton). Written
with pynwb and ndx-pose, so that the file is valid.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from superanimal.errors import FormatError, option
from superanimal.files import atomic_write
from superanimal.formats import record
from superanimal.formats.wide_table import clip_confidence
from superanimal.poses import make_poses, space_for

_NOTES = "general/notes"
_SIDES = frozenset(
    ("left", "right", "l", "r", "front", "back", "fore", "hind", "upper", "lower", "mid", "top", "bottom")
)


def read(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read all pose containers of an NWB file; times of all series are joined.

    Frame numbers are times x rate when the times are regular; a gap in them is a gap in ``frame``.
    """
    try:
        with h5py.File(path) as file:
            containers = find_containers(file)
            if not containers:
                raise FormatError(f"{path}: no PoseEstimation inside", "poses in NWB follow ndx-pose")
            known = record.parse(_text(file.get(_NOTES)))
            found = [series for container in containers for series in _series(container, len(containers) > 1)]
            first = containers[0]
            software = _text(first.get("source_software")) or "NWB"
            videos = first.get("original_videos", first.get("source_video/external_file"))
            video = _text(videos[:1].tolist()[0]) if videos is not None and len(videos) else ""
    except (OSError, KeyError) as error:
        raise FormatError(f"{path}: not a readable NWB file ({error})") from error

    individuals = _order([series[0] for series in found], known.get("individuals", []))
    keypoints = _order([series[1] for series in found], known.get("keypoints", []))
    times = np.unique(np.concatenate([series[2] for series in found]))
    shape = (len(times), len(keypoints), len(individuals))
    position = np.full((shape[0], 2, *shape[1:]), np.nan, dtype=np.float32)
    confidence = np.full(shape, np.nan, dtype=np.float32)
    for individual, keypoint, own, data, score in found:
        rows = np.searchsorted(times, own)
        k, n = list(keypoints).index(keypoint), list(individuals).index(individual)
        position[rows, :, k, n] = data
        confidence[rows, k, n] = score
    confidence[np.isnan(position).any(1)] = np.nan
    fields = record.fields_of(known, software)
    fields["fps"] = fields["fps"] or _rate(times)
    return make_poses(
        position,
        clip_confidence(confidence, path),
        keypoints=list(keypoints.values()),
        individuals=list(individuals.values()),
        frames=np.round(times * (fields["fps"] or 1)).astype(np.int64),
        source_file=str(path),
        **{**fields, "video_path": fields["video_path"] or video},
    )


def write(
    ds: xr.Dataset,
    path: str | os.PathLike[str],
    *,
    fps: float | None = None,
    session_start: datetime | None = None,
    image_size: tuple[int, int] | None = None,
) -> list[Path]:
    """Write one PoseEstimation container per individual.

    Parameters
    ----------
    fps
        Frames per second, when the data set does not know it.
    session_start
        Start of the recording, which NWB demands; 1970-01-01 stands for unknown.
    image_size
        Width and height of the video in pixels.

    Raises
    ------
    FormatError
        When the frame rate is unknown: NWB counts time in seconds.
    """
    from ndx_pose import PoseEstimation, PoseEstimationSeries, Skeleton, Skeletons
    from pynwb import NWBHDF5IO, NWBFile
    from pynwb.image import ImageSeries

    fps = fps or ds.attrs.get("fps")
    keypoints = [str(name) for name in ds["keypoints"].values]
    individuals = [str(name) for name in ds["individuals"].values]
    if not fps:
        raise FormatError(
            f"{path}: frame rate unknown",
            "NWB counts time in seconds",
            f"give the frames per second{option('fps')}",
        )
    if not keypoints or not individuals:
        raise FormatError(
            f"{path}: {len(individuals)} individuals with {len(keypoints)} keypoints",
            "NWB needs at least one of each",
            "save as movement netCDF instead",
        )
    nwb = NWBFile(
        session_description="animal poses estimated from video",
        identifier=str(ds.attrs.get("video_path") or Path(path).stem),
        session_start_time=session_start or datetime(1970, 1, 1, tzinfo=UTC),
        notes=record.dump(ds, fps=float(fps), individuals=individuals, keypoints=keypoints),
    )
    space = space_for(keypoints)
    edges = [
        [keypoints.index(a), keypoints.index(b)]
        for a, b in (space.edges if space else ())
        if a in keypoints and b in keypoints
    ]
    skeleton = Skeleton(
        name="skeleton", nodes=keypoints, edges=np.array(edges, dtype=np.uint8) if edges else None
    )
    behavior = nwb.create_processing_module("behavior", "poses estimated from video")
    behavior.add(Skeletons(skeletons=[skeleton]))
    position, confidence = ds["position"].values, ds["confidence"].values
    times = ds["frame"].values / float(fps)
    video = None
    if filename := str(ds.attrs.get("video_path") or ""):
        video = ImageSeries(
            name="video",
            external_file=[filename],
            format="external",
            timestamps=times,
            dimension=list(image_size) if image_size else None,
            unit="n.a.",
        )
        nwb.add_acquisition(video)
    names = _safe_names(keypoints)
    containers = list(_safe_names(individuals).values()) if len(individuals) > 1 else ["PoseEstimation"]
    clock: Any = times
    for n, (individual, safe) in enumerate(zip(individuals, containers, strict=True)):
        series = []
        for k, keypoint in enumerate(keypoints):
            series.append(
                PoseEstimationSeries(
                    name=names[keypoint],
                    description=f"{keypoint} of {individual}",
                    data=np.ascontiguousarray(position[:, :, k, n]),
                    confidence=np.ascontiguousarray(confidence[:, k, n]),
                    unit="pixels",
                    reference_frame="(0, 0) is the centre of the top left pixel, x right, y down",
                    timestamps=clock,
                )
            )
            clock = series[0] if isinstance(clock, np.ndarray) else clock
        behavior.add(
            PoseEstimation(
                name=safe,
                pose_estimation_series=series,
                description=f"poses of {individual}",
                source_video=video,
                source_software=str(ds.attrs.get("source_software") or "napari-superanimal"),
                skeleton=skeleton,
            )
        )
    with atomic_write(path) as temporary, NWBHDF5IO(str(temporary), "w") as io:
        io.write(nwb)
    return [Path(path)]


def find_containers(file: h5py.File) -> list[h5py.Group]:
    """Return the groups of type PoseEstimation in the processing modules of an NWB file."""
    modules = file["processing"].values() if "processing" in file else []
    return [
        group
        for module in modules
        for group in module.values()
        if isinstance(group, h5py.Group) and _text(group.attrs.get("neurodata_type")) == "PoseEstimation"
    ]


_Series = tuple[str, str, np.ndarray, np.ndarray, np.ndarray]


def _series(container: h5py.Group, several: bool) -> Iterable[_Series]:
    """Yield (individual, keypoint, times, data (T, 2), confidence (T,)) of each series of a container."""
    own = container.name.rsplit("/", 1)[-1]
    own = "animal0" if own == "PoseEstimation" else own
    stored = container["skeleton/nodes"] if "skeleton" in container else container.get("nodes")
    nodes = list(
        _safe_names([_text(node) for node in stored[:].tolist()] if stored is not None else []).values()
    )
    names = sorted(container, key=lambda name: nodes.index(name) if name in nodes else len(nodes))
    groups = {
        name: group
        for name, group in ((name, container[name]) for name in names)
        if isinstance(group, h5py.Group)
        and _text(group.attrs.get("neurodata_type")) == "PoseEstimationSeries"
    }
    split = _split_names(list(groups)) if "skeleton" not in container else {}
    for name, group in groups.items():
        individual, keypoint = split.get(name, (own, name))
        if name in split and several:
            individual = f"{own}_{individual}"
        data = group["data"][:, :2] * float(group["data"].attrs.get("conversion", 1.0))
        if "timestamps" in group:
            times = group["timestamps"][:]
        else:
            start = group["starting_time"]
            times = start[()] + np.arange(len(data)) / float(start.attrs["rate"])
        score = group["confidence"][:] if "confidence" in group else np.full(len(data), np.nan)
        yield individual, keypoint, np.asarray(times, dtype=np.float64), data, score


def _split_names(names: list[str]) -> dict[str, tuple[str, str]]:
    """Return series name -> (individual, keypoint) when all names are ``<individual>_<keypoint>``.

    Told by every first part having the same last parts and being no word for a side of the body.
    """
    parts = {name: tuple(name.split("_", 1)) for name in names if "_" in name}
    ends: dict[str, set[str]] = {}
    for start, end in parts.values():
        ends.setdefault(start, set()).add(end)
    complete = len(parts) == len(names) and len({frozenset(group) for group in ends.values()}) == 1
    return {} if not complete or _SIDES & {start.lower() for start in ends} else parts  # type: ignore[return-value]


def _order(found: list[str], known: list[str]) -> dict[str, str]:
    """Return stored name -> true name, in the order of the record when it names the same ones."""
    distinct = list(dict.fromkeys(found))
    if len(distinct) == len(known) == 1:
        return {distinct[0]: known[0]}
    stored = {safe: name for name, safe in _safe_names(known).items()}
    stored |= {name: name for name in known if name in distinct}
    if {stored.get(name) for name in distinct} == set(known):
        return {name: stored[name] for name in sorted(distinct, key=lambda name: known.index(stored[name]))}
    return {name: name for name in distinct}


def _safe_names(names: list[str]) -> dict[str, str]:
    """Return name -> a unique name that NWB allows (no slash, colon or dot-only names)."""
    safe: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[/:.\x00-\x1f]", "_", name)
        while plain in safe.values() or plain in ("Skeletons", ""):
            plain += "_"
        safe[name] = plain
    return safe


def _rate(times: np.ndarray) -> float | None:
    """Return the frame rate of regular times in seconds, else None.

    Steps of exactly one are frame numbers, as DLC2NWB writes when it finds no video.
    """
    if len(times) < 2 or np.all(np.diff(times) == 1):
        return None
    fps = 1 / float(np.median(np.diff(times)))
    fps = float(np.round(fps, 2)) if abs(fps - round(fps, 2)) < 2e-3 * fps else fps
    frames = times * fps
    return fps if np.abs(frames - np.round(frames)).max() < 0.25 else None


def _text(value: Any) -> str:
    if isinstance(value, h5py.Dataset):
        value = value[()]
    return value.decode() if isinstance(value, bytes) else str(value or "")
