"""The PoseEstimation containers of an NWB file: which ones form a recording, and what each contains.

ndx-pose does not specify whether two containers are two animals or one animal seen by two cameras. They are
treated as animals of one recording if they name the same video, and as cameras if their modules, videos,
cameras, frame counts, times or keypoints differ, or if their names suggest it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any

import h5py
import numpy as np

from superanimal.errors import FormatError, InputError, by_caller
from superanimal.formats.choose import CHOOSE

_CAMERA = re.compile(r"cam(era)?s?\d*|video\d*|view\d*")
_SIDES = frozenset(
    ("left", "right", "top", "bottom", "front", "back", "side", "above", "below", "body", "face")
)
_SERIES = "PoseEstimationSeries"
_PIXELS = ("pixels", "pixel", "px", "a.u.", "n/a", "n.a.", "unknown")
_DLC2NWB = re.compile(r"Keypoint (?P<keypoint>.+) from individual (?P<individual>.+)\.", re.DOTALL)


@dataclass(frozen=True)
class Series:
    """One keypoint of one animal.

    Attributes
    ----------
    individual, keypoint
        Names; the individual is empty if only the container names it.
    times
        (T,) seconds.
    data, confidence
        (T, 2 or 3) in ``unit``, and (T,) with NaN if the file has none.
    """

    individual: str
    keypoint: str
    times: np.ndarray
    data: np.ndarray
    confidence: np.ndarray
    unit: str


def find_containers(file: h5py.File) -> list[h5py.Group]:
    """Return the groups of type PoseEstimation of an NWB file."""
    found: list[h5py.Group] = []

    def visit(_: str, item: Any) -> None:
        if type_of(item) == "PoseEstimation":
            found.append(item)

    for room in ("processing", "acquisition", "analysis", "scratch"):
        if room in file:
            file[room].visititems(visit)
    return found


def choose(
    containers: Sequence[h5py.Group], wanted: str | Sequence[str] | None, ours: Sequence[str], path: Any
) -> tuple[list[h5py.Group], bool]:
    """Return the containers of one recording, and whether that is a guess.

    Parameters
    ----------
    wanted
        Name of a container, a module or a video; several names are animals of one recording.
    ours
        Names of the individuals if this package wrote the file, which then holds one recording.

    Raises
    ------
    FormatError
        When there are several recordings and none was chosen.
    InputError
        When the name matches none or several of them.
    """
    known = find_recordings(containers, ours)
    recordings = list(known.values())
    listed = ", ".join(map(repr, known))
    if wanted is None:
        if len(recordings) > 1:
            raise FormatError(
                f"{path}: poses of {len(recordings)} videos or cameras: {listed}",
                "one data set belongs to one video",
                CHOOSE + by_caller(", or list several that are animals of one video", ""),
            )
        (only,) = recordings
        return only, len(only) > 1 and not ours and not video_of(only[0])
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    chosen: list[h5py.Group] = []
    for name in names:
        fitting = [each for each in containers if name in _names(each)]
        within = [index for index, each in enumerate(recordings) if any(one in each for one in fitting)]
        if not fitting or len(within) > 1:
            raise InputError(f"video={name!r} of {path}", f"it matches {len(within) or 'none'} of {listed}")
        chosen += [each for each in fitting if each not in chosen]
    return chosen, False


def find_recordings(containers: Sequence[h5py.Group], ours: Sequence[str]) -> dict[str, list[h5py.Group]]:
    """Return the recordings by the names that select them; parameters as for :func:`choose`."""
    found = [list(containers)] if ours else _recordings(containers)
    return {_label(each, containers): each for each in found if each}


def warn_of_guess(chosen: Sequence[h5py.Group], path: Any) -> None:
    """Warn that containers were taken for animals although nothing in the file says so."""
    names = ", ".join(own_name(each) or "PoseEstimation" for each in chosen)
    warnings.warn(
        f"{path}: {len(chosen)} containers that name no video ({names}) are read as animals of one video; "
        "if they are cameras, only one of them belongs to this video: choose it by its name",
        stacklevel=4,
    )


def warn_of_videos(videos: Sequence[str], path: Any) -> None:
    """Warn that poses belong to several video files, of which a data set can name one."""
    names = ", ".join(PureWindowsPath(video).name for video in videos)
    warnings.warn(
        f"{path}: the poses belong to {len(videos)} video files ({names}); the data set names only the "
        "first, and frames are counted over all of them",
        stacklevel=4,
    )


def series_of(container: h5py.Group, path: Any) -> Iterator[Series]:
    """Yield the series of a container, in the order of its skeleton's nodes.

    Raises
    ------
    FormatError
        When a series is not (T, 2) or (T, 3), or the number of its times or scores is not T.
    """
    skeleton = linked(container, "Skeleton")
    stored = skeleton.get("nodes") if skeleton is not None else container.get("nodes")
    nodes = list(
        safe_names([text_of(node) for node in stored[:].tolist()] if stored is not None else []).values()
    )
    groups = {name: item for name, item in container.items() if type_of(item) == _SERIES}
    keypoints = _keypoints(list(groups), nodes)
    for name in sorted(groups, key=lambda name: (*nodes, keypoints[name]).index(keypoints[name])):
        group = groups[name]
        individual, keypoint = "", keypoints[name]
        told = _DLC2NWB.fullmatch(text_of(group.attrs.get("description")))
        if told and name == f"{told['individual']}_{told['keypoint']}":
            individual, keypoint = told["individual"], told["keypoint"]
        stored_data = group["data"]
        if stored_data.ndim != 2 or stored_data.shape[1] not in (2, 3):
            raise FormatError(
                f"{path}: series {name!r} of shape {stored_data.shape}", "expected (times, 2 or 3)"
            )
        scale = float(stored_data.attrs.get("conversion", 1.0)), float(stored_data.attrs.get("offset", 0.0))
        data = stored_data[:] * scale[0] + scale[1] if scale != (1.0, 0.0) else stored_data[:]
        if "timestamps" in group:
            times = np.asarray(group["timestamps"][:], dtype=np.float64)
        else:
            start = group["starting_time"]
            times = float(start[()]) + np.arange(len(data)) / float(start.attrs["rate"])
        score = group["confidence"][:] if "confidence" in group else np.full(len(data), np.nan)
        if times.shape != (len(data),) or score.shape != (len(data),):
            raise FormatError(
                f"{path}: series {name!r} has {len(data)} positions, {times.size} times "
                f"and {score.size} scores",
                "each position has one time and one score",
            )
        unit = text_of(stored_data.attrs.get("unit")) or "pixels"
        yield Series(individual, keypoint, times, data, score, "pixels" if unit.lower() in _PIXELS else unit)


def _keypoints(names: Sequence[str], nodes: Sequence[str]) -> dict[str, str]:
    """Return the keypoint of each series: its name, or the node that a name of NeuroConv means.

    Such as ``PoseEstimationSeriesLeftEar`` for the node ``left_ear``.
    """
    if set(names) <= set(nodes) or not all(name.startswith(_SERIES) for name in names):
        return {name: name for name in names}
    short = {name: name.removeprefix(_SERIES) for name in names}
    plain = {re.sub(r"[\W_]", "", node).casefold(): node for node in nodes}
    meant = {name: plain.get(re.sub(r"[\W_]", "", text).casefold(), text) for name, text in short.items()}
    clear = all(meant.values()) and len(set(meant.values())) == len(names)
    return meant if clear else {name: name for name in names}


def own_name(container: h5py.Group) -> str:
    """Return the name of a container as the name of an individual; empty when it is generic."""
    name = str(container.name).rsplit("/", 1)[-1].removeprefix("track=")
    return "" if name == "PoseEstimation" else name


def video_of(container: h5py.Group) -> str:
    """Return the path of the video of a container, the first of several; empty when it names none."""
    return next(iter(videos_of(container)), "")


def videos_of(container: h5py.Group) -> list[str]:
    """Return the paths of the videos that a container names."""
    stored = container.get("original_videos")
    if stored is None:
        source = linked(container, "ImageSeries")
        stored = source.get("external_file") if source is not None else None
    return [text_of(each) for each in stored[:]] if stored is not None and stored.ndim == 1 else []


def linked(container: h5py.Group, kind: str) -> h5py.Group | None:
    """Return the link target of a given type: the link may be named after its target."""
    preferred = {"ImageSeries": "source_video"}.get(kind, kind.lower())
    for name in sorted(container, key=lambda name: name != preferred):
        if isinstance(container.get(name, getlink=True), h5py.SoftLink | h5py.ExternalLink):
            item = container.get(name)
            if type_of(item) == kind:
                return item
    return None


def type_of(item: Any) -> str:
    """Return the NWB type of a group; empty for others."""
    return text_of(item.attrs.get("neurodata_type")) if isinstance(item, h5py.Group) else ""


def text_of(value: Any) -> str:
    """Return the text of a scalar or an attribute; empty when there is none."""
    if isinstance(value, h5py.Dataset):
        value = value[()]
    return value.decode() if isinstance(value, bytes) else str(value if value is not None else "")


def safe_names(names: Sequence[str]) -> dict[str, str]:
    """Return name -> a unique name that NWB allows (no slash, colon or dot-only names)."""
    safe: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[/:.\x00-\x1f]", "_", name)
        while plain in safe.values() or plain in ("Skeletons", ""):
            plain += "_"
        safe[name] = plain
    return safe


def _recordings(containers: Sequence[h5py.Group]) -> list[list[h5py.Group]]:
    """Group containers by recording."""
    groups: dict[Any, list[h5py.Group]] = {}
    for each in containers:
        groups.setdefault((_module(each), video_of(each), _device(each)), []).append(each)
    found: list[list[h5py.Group]] = []
    for (_, video, _), members in groups.items():
        same = video or (len({_shape(each) for each in members}) == 1 and not _are_cameras(members))
        found += [members] if same else [[each] for each in members]
    return found


def _shape(container: h5py.Group) -> tuple[Any, ...]:
    """Return what animals of one video have in common: keypoints, dimensions, frames and first time."""
    series = [item for _, item in sorted(container.items()) if type_of(item) == _SERIES]
    first = series[0] if series else {}
    clock = first.get("timestamps", first.get("starting_time")) if series else None
    start = float(np.ravel(clock[()])[0]) if clock is not None and clock.size else 0.0
    size = container["dimensions"][()].tolist() if "dimensions" in container else None
    names = frozenset(str(one.name).rsplit("/", 1)[-1] for one in series)
    return names, str(size), first["data"].shape if series else (), start


def _are_cameras(containers: Sequence[h5py.Group]) -> bool:
    """Return whether the names of containers suggest cameras rather than animals."""
    words = [
        [word.lower() for word in re.findall(r"[A-Z]?[a-z]+\d*|\d+|[A-Z]+(?![a-z])", own_name(each))]
        for each in containers
    ]
    sides = [tuple(word for word in each if word in _SIDES) for each in words]
    return len(containers) > 1 and (
        any(_CAMERA.fullmatch(word) for each in words for word in each)
        or (all(sides) and len(set(sides)) == len(sides))
    )


def _module(container: h5py.Group) -> str:
    return str(container.name).rsplit("/", 1)[0].rsplit("/", 1)[-1]


def _device(container: h5py.Group) -> str:
    """Return the path of the camera that a container links to; empty without one."""
    links = {name: container.get(name, getlink=True) for name in container}
    targets = [link.path for name, link in links.items()
               if isinstance(link, h5py.SoftLink) and type_of(container.get(name)) == "Device"]  # fmt: skip
    return str(min(targets, default=""))


def _names(container: h5py.Group) -> set[str]:
    """Return all names by which a user may refer to a container."""
    own, module, video = str(container.name).rsplit("/", 1)[-1], _module(container), video_of(container)
    names = {own, own_name(container), module, f"{module}/{own}", video, PureWindowsPath(video).name}
    return names - {""}


def _label(recording: Sequence[h5py.Group], containers: Sequence[h5py.Group]) -> str:
    """Return the shortest name that matches this recording only."""
    first = recording[0]
    own, module = str(first.name).rsplit("/", 1)[-1], _module(first)
    for name in (module, own, f"{module}/{own}"):
        if all(name not in _names(each) or each in recording for each in containers):
            return name
    return f"{module}/{own}"
