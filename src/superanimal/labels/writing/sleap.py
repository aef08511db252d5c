"""SLEAP package (``.pkg.slp``): labels with embedded pictures, keeping their encoded bytes.

Pictures are appended to the file block by block; the labels are added last and the file is then given its
name, so an interrupted run can resume. Written with h5py, because sleap-io holds all pictures in memory.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from superanimal.errors import StorageError, option
from superanimal.files import storage_error
from superanimal.formats.sleap.skeleton import skeleton_of
from superanimal.labels.images import picture_size, read_shown
from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.writing.job import Materialized, Target, what_is_lost
from superanimal.poses import KeypointSpace, make_provenance
from superanimal.progress import Progress

SUFFIX = ".slp"
CHECKPOINT = 256
"""Number of pictures held in memory before they are added to the file."""

_MARK, _PLACES, _VIDEOS = "superanimal", "superanimal_places", "superanimal_videos"

_Key = tuple[str, str, int, int, str]
"""Source, video, width, height and encoding, shared by the pictures of one "video" of a package."""


def write(target: Target, *, space: KeypointSpace | None, progress: Progress) -> Materialized:
    """Write a package."""
    labelled, path = target.labelled, target.path
    if path.suffix != SUFFIX:
        raise StorageError(f"{path}: not a package name", "a SLEAP package ends with .pkg.slp")
    fingerprint = target.fingerprint()
    if path.exists():
        if _mark(path).get("fingerprint") == fingerprint:
            return _materialized(target)
        if not target.overwrite:
            raise StorageError(
                f"{path} already exists",
                "a finished file is not changed",
                f"choose a new name, or replace it{option('overwrite', 'True')}",
            )
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if _mark(partial).get("fingerprint") != fingerprint:
            partial.unlink(missing_ok=True)
        with h5py.File(partial, "a") as file:
            videos, rows = _embed(file, labelled, fingerprint, progress)
            _write_labels(file, labelled, videos, rows, space, path)
        with partial.open("rb+") as done:
            os.fsync(done.fileno())
        partial.replace(path)
    except OSError as error:
        raise storage_error(path, error) from error
    return _materialized(target)


def _materialized(target: Target) -> Materialized:
    return Materialized(target.path, (target.path,), what_is_lost(target.labelled, {"individuals"}))


def _mark(path: Path) -> dict[str, Any]:
    """Return the metadata of a package written by this program; empty for others and damaged ones."""
    try:
        with h5py.File(path) as file:
            found = json.loads(file.attrs[_MARK])
    except (OSError, KeyError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _embed(
    file: h5py.File, labelled: LabelledSet, fingerprint: str, progress: Progress
) -> tuple[list[_Key], np.ndarray]:
    """Append all pictures; return the videos and, per image, (video, row in it)."""
    done = file[_PLACES][:] if _PLACES in file else np.empty((0, 2), dtype=np.int64)
    places: list[list[int]] = done.tolist()
    videos: list[_Key] = []
    if _VIDEOS in file:
        videos = [(k[0], k[1], k[2], k[3], k[4]) for k in json.loads(file[_VIDEOS][:].tobytes())]
    counts = np.bincount(done[:, 0], minlength=len(videos)).tolist()
    for v in range(len(videos)):  # rows written after the last checkpoint
        for name in ("video", "frame_numbers"):
            file[f"video{v}/{name}"].resize((counts[v],))
    progress.start(len(labelled), "writing the package", "images")
    progress.advance(len(places))
    number = {key: v for v, key in enumerate(videos)}
    waiting: dict[int, list[np.ndarray]] = {}
    for i in range(len(places), len(labelled)):
        progress.check()
        image = labelled.images[i]
        data = read_shown(image)
        width, height = picture_size(data, image.label)
        kind = "jpg" if data[:2] == b"\xff\xd8" else "png"
        key = (str(labelled.source[i]), str(labelled.video[i]), width, height, kind)
        if key not in number:
            number[key] = len(videos)
            videos.append(key)
            counts.append(0)
            _new_video(file, number[key], key)
        v = number[key]
        waiting.setdefault(v, []).append(np.frombuffer(data, np.int8))
        places.append([v, counts[v]])
        counts[v] += 1
        if (i + 1) % CHECKPOINT == 0 or i + 1 == len(labelled):
            _append(file, waiting)
            waiting = {}
            _checkpoint(file, fingerprint, places, videos)
        progress.advance()
    progress.finish()
    return videos, np.array(places, dtype=np.int64)


def _append(file: h5py.File, waiting: dict[int, list[np.ndarray]]) -> None:
    """Append pictures to their videos."""
    for v, pictures in waiting.items():
        stored, frames = file[f"video{v}/video"], file[f"video{v}/frame_numbers"]
        start, end = len(stored), len(stored) + len(pictures)
        stored.resize((end,))
        frames.resize((end,))
        for n, picture in enumerate(pictures):  # h5py rejects a block of pictures of equal length
            stored[start + n] = picture
        frames[start:end] = np.arange(start, end)


def _checkpoint(file: h5py.File, fingerprint: str, places: list[list[int]], videos: list[_Key]) -> None:
    """Record which pictures are in the file, after they have been written."""
    file.flush()
    file.attrs[_MARK] = json.dumps({"fingerprint": fingerprint})
    for name, values in (
        (_VIDEOS, np.frombuffer(json.dumps(videos).encode(), np.uint8)),
        (_PLACES, np.array(places, dtype=np.int64)),
    ):
        if name not in file:
            shape = (None, *values.shape[1:])
            file.create_dataset(name, data=values, maxshape=shape, chunks=(1024, *values.shape[1:]))
        else:
            file[name].resize(values.shape)
            file[name][...] = values
    file.flush()


def _new_video(file: h5py.File, v: int, key: _Key) -> None:
    source, video, width, height, kind = key
    group = file.require_group(f"video{v}")
    for name in list(group):
        del group[name]
    pictures = group.create_dataset(
        "video", shape=(0,), maxshape=(None,), dtype=h5py.special_dtype(vlen=np.dtype("int8")), chunks=(64,)
    )
    group.create_dataset("frame_numbers", shape=(0,), maxshape=(None,), dtype="int64", chunks=(1024,))
    pictures.attrs.update(format=kind, channels=3, frames=0, height=height, width=width, channel_order="RGB")
    where = f"{source}/{video}" if video else source
    backend = {"type": "MediaVideo", "filename": where, "shape": [0, height, width, 3]}
    original = group.create_group("source_video")
    original.attrs["json"] = json.dumps({"filename": where, "backend": backend})


def _write_labels(
    file: h5py.File,
    labelled: LabelledSet,
    videos: list[_Key],
    rows: np.ndarray,
    space: KeypointSpace | None,
    path: Path,
) -> None:
    import sleap_io

    slot, names = labelled.slots()
    skeleton = skeleton_of(labelled.keypoints, space)
    if space is None and labelled.edges:
        skeleton = replace(skeleton, edges=labelled.skeleton())
    empty = sleap_io.Labels(
        videos=[sleap_io.Video(filename=f"{v}.mp4", open_backend=False) for v in range(len(videos))],
        skeletons=[skeleton.for_sleap()],
        tracks=[sleap_io.Track(name) for name in names],
        provenance={"superanimal": json.dumps(make_provenance("materialize", name=labelled.name))},
    )
    scratch = path.with_name(f".{path.name}.labels")
    try:
        sleap_io.save_slp(empty, os.fspath(scratch), verbose=False)
        with h5py.File(scratch) as blank:
            for name in blank:
                if name in file:
                    del file[name]
                blank.copy(name, file)
    finally:
        scratch.unlink(missing_ok=True)
    for name, table in _tables(file, labelled, rows, slot).items():
        del file[name]
        file.create_dataset(name, data=table)
    listed = [json.dumps(_video_json(file, v, key)) for v, key in enumerate(videos)]
    del file["videos_json"]
    file.create_dataset("videos_json", data=np.array([text.encode() for text in listed], dtype="S"))


def _video_json(file: h5py.File, v: int, key: _Key) -> dict[str, Any]:
    _, _, width, height, _ = key
    backend = {
        "type": "HDF5Video",
        "shape": [len(file[f"video{v}/video"]), height, width, 3],
        "filename": ".",
        "dataset": f"video{v}/video",
        "input_format": "channels_last",
        "convert_range": False,
        "has_embedded_images": True,
        "grayscale": False,
    }
    return {"filename": ".", "backend": backend}


def _tables(
    file: h5py.File, labelled: LabelledSet, rows: np.ndarray, slot: np.ndarray
) -> dict[str, np.ndarray]:
    """Return SLEAP's tables of frames, instances and points; every animal is a labelled instance."""
    order = np.argsort(labelled.image_index, kind="stable")
    count, keypoints = len(order), len(labelled.keypoints)
    instances = np.zeros(count, dtype=file["instances"].dtype)
    instances["instance_id"] = np.arange(count)
    instances["frame_id"] = labelled.image_index[order]
    instances["track"] = slot[order]
    instances["from_predicted"] = -1
    instances["point_id_start"] = np.arange(count) * keypoints
    instances["point_id_end"] = np.arange(1, count + 1) * keypoints
    points = np.zeros(count * keypoints, dtype=file["points"].dtype)
    points["x"], points["y"] = labelled.xy[order].reshape(-1, 2).T
    points["visible"] = labelled.labelled[order].ravel()
    points["complete"] = points["visible"]
    frames = np.zeros(len(labelled), dtype=file["frames"].dtype)
    frames["frame_id"] = np.arange(len(labelled))
    frames["video"], frames["frame_idx"] = rows[:, 0], rows[:, 1]
    ends = np.searchsorted(labelled.image_index[order], np.arange(len(labelled)), side="right")
    frames["instance_id_start"], frames["instance_id_end"] = [0, *ends[:-1]], ends
    return {"instances": instances, "points": points, "frames": frames}
