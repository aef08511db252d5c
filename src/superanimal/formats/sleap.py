"""SLEAP projects (``.slp``, ``.pkg.slp``) and analysis files (``.analysis.h5``).

Names and videos go through sleap-io; the tables of points are read and written whole with h5py, because one
Python object per animal and frame takes minutes for a long video.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from superanimal.errors import FormatError
from superanimal.files import atomic_write
from superanimal.formats import record
from superanimal.formats.wide_table import clip_confidence
from superanimal.poses import make_poses, space_for

_USER, _PREDICTED = 0, 1
_RECORD = "superanimal"


def read_slp(path: str | os.PathLike[str], *, video: int | None = None) -> xr.Dataset:
    """Read the labelled and predicted instances of one video of a SLEAP project.

    Points of instances a person labelled are marked ``edited``; where a frame holds both a labelled and a
    predicted instance of a track, the labelled one counts. Frames are those of the file, in order.

    Parameters
    ----------
    video
        Number of the video in the project; needed when there are several.
    """
    import sleap_io

    try:
        labels = sleap_io.load_slp(os.fspath(path), open_videos=False, lazy=True)
        with h5py.File(path) as file:
            stored_frames, instances = file["frames"][:], file["instances"][:]
            points = {_USER: file["points"][:], _PREDICTED: file["pred_points"][:]}
            shift = 0.5 if float(file["metadata"].attrs["format_id"]) < 1.1 else 0.0  # older: corner origin
    except (OSError, KeyError, ValueError) as error:
        raise FormatError(f"{path}: not a readable SLEAP project ({error})") from error
    videos = np.unique(stored_frames["video"])
    if video is None and len(videos) > 1:
        raise FormatError(
            f"{path}: {len(videos)} videos",
            "one data set belongs to one video",
            "choose with video=0, 1, ...",
        )
    chosen = stored_frames[stored_frames["video"] == videos[video or 0]] if len(videos) else stored_frames
    chosen = chosen[np.argsort(chosen["frame_idx"], kind="stable")]
    frames, keypoints = chosen["frame_idx"].astype(np.int64), list(labels.skeletons[0].node_names)

    row_of = dict(zip(chosen["frame_id"].tolist(), range(len(chosen)), strict=True))
    instances = instances[np.isin(instances["frame_id"], chosen["frame_id"])]
    instances = instances[
        np.argsort(instances["instance_type"] == _USER, kind="stable")
    ]  # people last: they win
    t = np.array([row_of[frame] for frame in instances["frame_id"].tolist()], dtype=np.int64)
    n, individuals = _individuals(instances["track"], t, [track.name for track in labels.tracks])

    shape = (len(frames), len(individuals), len(keypoints))
    xys = np.full((*shape, 3), np.nan, dtype=np.float32)
    edited = np.zeros(shape, dtype=bool)
    for kind, table in points.items():
        own = instances["instance_type"] == kind
        rows = instances["point_id_start"][own].astype(np.int64)[:, None] + np.arange(len(keypoints))
        found = table[rows]
        score = found["score"] if kind == _PREDICTED else np.full(rows.shape, np.nan)
        values = np.stack([found["x"] - shift, found["y"] - shift, score], axis=-1)
        values[~found["visible"] | np.isnan(values[..., 0])] = np.nan
        xys[t[own], n[own]] = values
        edited[t[own], n[own]] = (kind == _USER) & np.isfinite(values[..., 0])
    known = record.parse(labels.provenance.get(_RECORD))
    filename = labels.videos[int(video or 0)].filename if labels.videos else ""
    fields = record.fields_of(known, "SLEAP")
    if not fields["video_path"] and isinstance(filename, str):
        fields["video_path"] = filename
    return make_poses(
        xys[..., :2].transpose(0, 3, 2, 1),
        clip_confidence(xys[..., 2], path).transpose(0, 2, 1),
        keypoints=keypoints,
        individuals=individuals,
        frames=frames,
        edited=edited.transpose(0, 2, 1) if edited.any() else None,
        source_file=str(path),
        **fields,
    )


def write_slp(ds: xr.Dataset, path: str | os.PathLike[str]) -> list[Path]:
    """Write a SLEAP project: one track per individual.

    An animal with an edited point becomes a labelled instance, which in SLEAP has no scores; the others
    become predicted ones.
    """
    import sleap_io

    keypoints = _keypoints(ds, path)
    nodes = [sleap_io.Node(name) for name in keypoints]
    place = dict(zip(keypoints, nodes, strict=True))
    edges = [sleap_io.Edge(place[a], place[b]) for a, b in _edges(keypoints)]
    labels = sleap_io.Labels(
        videos=[sleap_io.Video(filename=str(ds.attrs.get("video_path") or "video.mp4"), open_backend=False)],
        skeletons=[sleap_io.Skeleton(nodes=nodes, edges=edges)],
        tracks=[sleap_io.Track(str(name)) for name in ds["individuals"].values],
        provenance={_RECORD: record.dump(ds)},
    )
    position = ds["position"].values.transpose(0, 3, 2, 1).astype(np.float64)  # (T, N, K, 2)
    score = ds["confidence"].values.transpose(0, 2, 1).astype(np.float64)
    visible = np.asarray(np.isfinite(position).all(axis=-1))
    labelled = np.zeros(visible.shape[:2], dtype=bool)
    if "edited" in ds:
        labelled |= np.asarray((ds["edited"].values.transpose(0, 2, 1) & visible).any(axis=-1))
    present = np.asarray(visible.any(axis=-1))
    with atomic_write(path) as temporary:
        temporary.unlink()
        sleap_io.save_slp(labels, os.fspath(temporary), verbose=False)
        with h5py.File(temporary, "r+") as file:
            tables = _slp_tables(file, ds["frame"].values, position, score, visible, present, labelled)
            for name, table in tables.items():
                del file[name]
                file.create_dataset(name, data=table)
    return [Path(path)]


def read_analysis(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read the arrays of a SLEAP analysis file; row t is frame t."""
    try:
        with h5py.File(path) as file:
            tracks = file["tracks"][:]
            nodes, names = _texts(file["node_names"]), _texts(file["track_names"])
            scores = file["point_scores"][:] if "point_scores" in file else None
            kept = file["frames"][:] if "frames" in file else None
            known = record.parse(_scalar(file, "provenance"))
            video = _scalar(file, "video_path")
    except (OSError, KeyError) as error:
        raise FormatError(f"{path}: not a readable SLEAP analysis file ({error})") from error
    if tracks.ndim == 4 and tracks.shape[1:3] == (2, len(nodes)):  # (N, 2, K, T) as SLEAP writes
        position = tracks.transpose(3, 1, 2, 0)
        confidence = None if scores is None else scores.transpose(2, 1, 0)
    elif tracks.ndim == 4 and tracks.shape[2:] == (len(nodes), 2):  # (T, N, K, 2)
        position = tracks.transpose(0, 3, 2, 1)
        confidence = None if scores is None else scores.transpose(0, 2, 1)
    else:
        raise FormatError(
            f"{path}: tracks of shape {tracks.shape} for {len(nodes)} nodes",
            "expected (tracks, 2, nodes, frames)",
        )
    count = position.shape[3]
    frames = np.arange(len(position)) if kept is None else kept
    fields = record.fields_of(known, "SLEAP")
    absent = np.isnan(position).any(1)
    if confidence is not None:
        confidence = np.where(absent, np.nan, clip_confidence(confidence, path))
    return make_poses(
        position[frames],
        None if confidence is None else confidence[frames],
        keypoints=nodes,
        individuals=names if len(names) == count else [f"animal{i}" for i in range(count)],
        frames=frames,
        source_file=str(path),
        **{**fields, "video_path": fields["video_path"] or video},
    )


def write_analysis(ds: xr.Dataset, path: str | os.PathLike[str]) -> list[Path]:
    """Write a SLEAP analysis file; rows for frames that are not in the data set stay NaN."""
    keypoints = _keypoints(ds, path)
    frames = ds["frame"].values
    if len(frames) and frames.min() < 0:
        raise FormatError(f"{path}: frame {frames.min()}", "row t of an analysis file is frame t")
    shape = (ds.sizes["individuals"], len(keypoints), int(frames.max(initial=-1)) + 1)
    tracks = np.full((shape[0], 2, *shape[1:]), np.nan)
    scores = np.full(shape, np.nan)
    tracks[..., frames] = ds["position"].values.transpose(3, 1, 2, 0)
    scores[..., frames] = ds["confidence"].values.transpose(2, 1, 0)
    present = np.isfinite(tracks).all(1).any(1)  # (N, T)
    known = np.isfinite(scores)
    mean = np.where(known, scores, 0).sum(1) / np.maximum(known.sum(1), 1)
    edges = _edges(keypoints)
    arrays: dict[str, Any] = {
        "tracks": tracks,
        "point_scores": scores,
        "instance_scores": np.where(present, mean, np.nan),
        "tracking_scores": np.full(present.shape, np.nan),
        "track_occupancy": present.T.astype(np.uint8),
        "frames": frames,
        "edge_inds": np.array([[keypoints.index(a), keypoints.index(b)] for a, b in edges], dtype=np.int64),
        "edge_names": _encode(edges),
        "node_names": _encode(keypoints),
        "track_names": _encode([str(name) for name in ds["individuals"].values]),
    }
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as file:
        for name, array in arrays.items():
            compress = array.ndim > 1 and array.size > 0 and array.dtype.kind == "f"
            file.create_dataset(name, data=array, compression="gzip" if compress else None)
        file["video_path"] = str(ds.attrs.get("video_path") or "")
        file["labels_path"] = str(ds.attrs.get("source_file") or "")
        file["video_ind"] = 0
        file["provenance"] = record.dump(ds)
    return [Path(path)]


def _individuals(track: np.ndarray, t: np.ndarray, names: list[str]) -> tuple[np.ndarray, list[str]]:
    """Return each instance's individual and all names; instances without a track are counted per frame."""
    n = track.astype(np.int64)
    loose = np.flatnonzero(n < 0)
    order = loose[np.argsort(t[loose], kind="stable")]
    starts = np.searchsorted(t[order], t[order])
    rank = np.arange(len(order)) - starts
    n[order] = len(names) + rank
    extra = int(rank.max(initial=-1)) + 1
    return n, [*names, *(f"animal{i}" for i in range(extra))]


def _slp_tables(
    file: h5py.File,
    frame: np.ndarray,
    position: np.ndarray,
    score: np.ndarray,
    visible: np.ndarray,
    present: np.ndarray,
    labelled: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return the four tables of a project: points of all present animals in order of frame and track."""
    t, n = np.nonzero(present)
    count, keypoints = len(t), position.shape[2]
    user = labelled[t, n]
    instances = np.zeros(count, dtype=file["instances"].dtype)
    instances["instance_id"] = np.arange(count)
    instances["instance_type"] = np.where(user, _USER, _PREDICTED)
    instances["frame_id"], instances["track"] = t, n
    instances["from_predicted"] = -1
    tables = {"instances": instances}
    for name, own in (("points", user), ("pred_points", ~user)):
        start = (np.cumsum(own) - 1) * keypoints
        instances["point_id_start"][own] = start[own]
        instances["point_id_end"][own] = start[own] + keypoints
        points = np.zeros(int(own.sum()) * keypoints, dtype=file[name].dtype)
        where = (t[own], n[own])
        points["x"], points["y"] = position[where].reshape(-1, 2).T
        points["visible"] = visible[where].ravel()
        if name == "pred_points":
            points["score"] = score[where].ravel()
            scores = score[where]
            known = np.isfinite(scores)
            instances["score"][own] = np.where(known, scores, 0).sum(1) / np.maximum(known.sum(1), 1)
        tables[name] = points
    frames = np.zeros(len(frame), dtype=file["frames"].dtype)
    frames["frame_id"], frames["frame_idx"] = np.arange(len(frame)), frame
    ends = np.cumsum(present.sum(1))
    frames["instance_id_start"][1:], frames["instance_id_end"] = ends[:-1], ends
    tables["frames"] = frames
    return tables


def _keypoints(ds: xr.Dataset, path: str | os.PathLike[str]) -> list[str]:
    names = [str(name) for name in ds["keypoints"].values]
    if not names or not ds.sizes["individuals"]:
        raise FormatError(
            f"{path}: {ds.sizes['individuals']} individuals with {len(names)} keypoints",
            "SLEAP files need at least one of each",
            "save as movement netCDF instead",
        )
    return names


def _edges(keypoints: list[str]) -> list[tuple[str, str]]:
    space = space_for(keypoints)
    return [(a, b) for a, b in space.edges if a in keypoints and b in keypoints] if space else []


def _texts(data: h5py.Dataset) -> list[str]:
    return [text.decode() if isinstance(text, bytes) else str(text) for text in data[:].tolist()]


def _encode(texts: Any) -> np.ndarray:
    return np.char.encode(np.array(texts, dtype=str), "utf-8") if len(texts) else np.zeros((0,), dtype="S1")


def _scalar(file: h5py.File, name: str) -> str:
    value = file[name][()] if name in file else ""
    return value.decode() if isinstance(value, bytes) else str(value)
