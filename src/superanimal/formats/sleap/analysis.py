"""The SLEAP analysis file: arrays of one video, with the axis order given by ``dims``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from superanimal.errors import FormatError
from superanimal.files import atomic_write
from superanimal.formats import record
from superanimal.formats.sleap.skeleton import distinct, skeleton_in
from superanimal.formats.wide_table import clip_confidence
from superanimal.poses import make_poses

_SLEAP = ("track", "xy", "node", "frame")
_LAYOUTS = (_SLEAP, ("frame", "track", "node", "xy"), ("frame", "node", "xy", "track"))
"""Axis orders written by SLEAP and sleap-io."""


def read_analysis(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read the arrays of a SLEAP analysis file; row t is frame t.

    Raises
    ------
    FormatError
        The file is damaged, or does not state its axis order and several orders are possible.
    """
    try:
        with h5py.File(path) as file:
            tracks = file["tracks"][:]
            nodes, names = _texts(file["node_names"]), _texts(file["track_names"])
            scores = file["point_scores"][:] if "point_scores" in file else None
            stored = {name: _dims(file[name]) for name in ("tracks", "point_scores") if name in file}
            occupancy = file["track_occupancy"].shape if "track_occupancy" in file else ()
            known = record.parse(_scalar(file, "provenance"))
            kept = file["frames"][:] if known and "frames" in file else None
            video = _scalar(file, "video_path")
    except (OSError, KeyError, ValueError) as error:
        raise FormatError(f"{path}: not a readable SLEAP analysis file ({error})") from error
    dims = stored["tracks"] or _layout(tracks.shape, len(nodes), len(names), occupancy, path)
    position = _ordered(tracks, dims, ("frame", "xy", "node", "track"), "tracks", path)
    if position.shape[1:3] != (2, len(nodes)):
        raise FormatError(
            f"{path}: tracks of shape {tracks.shape} = {dims}",
            f"expected 2 coordinates and {len(nodes)} nodes",
        )
    confidence = None
    if scores is not None:
        order = stored["point_scores"] or tuple(dim for dim in dims if dim != "xy")
        confidence = _ordered(scores, order, ("frame", "node", "track"), "point_scores", path)
        if confidence.shape != position[:, 0].shape:
            raise FormatError(
                f"{path}: point_scores of shape {scores.shape} = {order} for tracks of "
                f"{tracks.shape} = {dims}",
                "each point has one score",
            )
        confidence = np.where(np.isnan(position).any(1), np.nan, clip_confidence(confidence, path))
    frames = np.arange(len(position)) if kept is None else kept
    if kept is not None and (kept.ndim != 1 or kept.dtype.kind not in "iu" or (kept >= len(position)).any()):
        raise FormatError(f"{path}: frames {kept.tolist()[:5]}...", f"tracks has {len(position)} rows")
    count = position.shape[3]
    fields = record.fields_of(known, "SLEAP")
    return make_poses(
        position[frames],
        None if confidence is None else confidence[frames],
        keypoints=nodes,
        individuals=distinct(names, path) if len(names) == count else [f"animal{i}" for i in range(count)],
        frames=frames,
        source_file=str(path),
        **{**fields, "video_path": fields["video_path"] or video},
    )


def write_analysis(ds: xr.Dataset, path: str | os.PathLike[str]) -> list[Path]:
    """Write a SLEAP analysis file; rows for frames that are not in the data set are NaN."""
    skeleton = skeleton_in(ds, path)
    keypoints, frames = skeleton.keypoints, ds["frame"].values
    if len(frames) and frames.min() < 0:
        raise FormatError(f"{path}: frame {frames.min()}", "row t of an analysis file is frame t")
    shape = (ds.sizes["individual"], len(keypoints), int(frames.max(initial=-1)) + 1)
    tracks = np.full((shape[0], 2, *shape[1:]), np.nan)
    scores = np.full(shape, np.nan)
    tracks[..., frames] = ds["position"].values.transpose(3, 1, 2, 0)
    scores[..., frames] = ds["confidence"].values.transpose(2, 1, 0)
    present = np.isfinite(tracks).all(1).any(1)  # (N, T)
    known = np.isfinite(scores)
    mean = np.where(known, scores, 0).sum(1) / np.maximum(known.sum(1), 1)
    edges = [[keypoints.index(a), keypoints.index(b)] for a, b in skeleton.edges]
    arrays: dict[str, tuple[np.ndarray, tuple[str, ...]]] = {
        "tracks": (tracks, _SLEAP),
        "point_scores": (scores, ("track", "node", "frame")),
        "instance_scores": (np.where(present, mean, np.nan), ("track", "frame")),
        "tracking_scores": (np.full(present.shape, np.nan), ("track", "frame")),
        "track_occupancy": (present.T.astype(np.uint8), ("frame", "track")),
        "frames": (frames, ()),
        "edge_inds": (np.array(edges, dtype=np.int64), ()),
        "edge_names": (_encode(skeleton.edges), ()),
        "node_names": (_encode(keypoints), ()),
        "track_names": (_encode([str(name) for name in ds["individual"].values]), ()),
    }
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as file:
        for name, (array, dims) in arrays.items():
            compress = array.ndim > 1 and array.size > 0 and array.dtype.kind == "f"
            stored = file.create_dataset(name, data=array, compression="gzip" if compress else None)
            if dims:
                stored.attrs["dims"] = json.dumps(dims)
        file["video_path"] = str(ds.attrs.get("video_path") or "")
        file["labels_path"] = str(ds.attrs.get("source_file") or "")
        file["video_ind"] = 0
        file["provenance"] = record.dump(ds)
        file.attrs.update(
            format="analysis",
            preset="matlab",
            skeleton_name=skeleton.name,
            skeleton_symmetries=json.dumps(skeleton.pairs),
        )
    return [Path(path)]


def _dims(data: h5py.Dataset) -> tuple[str, ...]:
    """Return the axis names stored with an array; empty when it has none."""
    text = data.attrs.get("dims")
    names = json.loads(text) if isinstance(text, (str, bytes)) else []
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def _ordered(
    array: np.ndarray, dims: tuple[str, ...], wanted: tuple[str, ...], name: str, path: str | os.PathLike[str]
) -> np.ndarray:
    """Return an array with axes ``dims``, transposed to the order ``wanted``."""
    if array.ndim != len(wanted) or sorted(dims) != sorted(wanted):
        raise FormatError(
            f"{path}: {name} of shape {array.shape} with dims {list(dims)}",
            f"expected the axes {list(wanted)}",
        )
    return array.transpose([dims.index(dim) for dim in wanted])


def _layout(
    shape: tuple[int, ...], nodes: int, tracks: int, occupancy: tuple[int, ...], path: str | os.PathLike[str]
) -> tuple[str, ...]:
    """Return the only known axis order that fits the shape of an array without ``dims``."""
    if len(shape) != 4:
        raise FormatError(f"{path}: tracks of shape {shape}", "expected four axes: track, xy, node and frame")

    def fits(dims: tuple[str, ...], strict: bool) -> bool:
        size = dict(zip(dims, shape, strict=True))
        named = not strict or size["track"] == tracks
        frames = not strict or not occupancy or occupancy in (
            (size["frame"], size["track"]), (size["track"], size["frame"])
        )  # fmt: skip
        return size["xy"] == 2 and size["node"] == nodes and named and frames

    for strict in (True, False):  # a file without tracks has no names and one row of points
        fitting = [dims for dims in _LAYOUTS if fits(dims, strict)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise FormatError(
                f"{path}: tracks of shape {shape} for {nodes} nodes and {tracks} tracks",
                f"its axes may be {' or '.join('(' + ', '.join(dims) + ')' for dims in fitting)}",
                "write it again with sleap-io 0.9 or later, which stores the axis order",
            )
    raise FormatError(
        f"{path}: tracks of shape {shape} for {nodes} nodes and {tracks} tracks",
        "expected (track, xy, node, frame), (frame, track, node, xy) or (frame, node, xy, track)",
    )


def _texts(data: h5py.Dataset) -> list[str]:
    return [text.decode() if isinstance(text, bytes) else str(text) for text in data[:].tolist()]


def _encode(texts: Any) -> np.ndarray:
    return np.char.encode(np.array(texts, dtype=str), "utf-8") if len(texts) else np.zeros((0,), dtype="S1")


def _scalar(file: h5py.File, name: str) -> str:
    value = file[name][()] if name in file else ""
    return value.decode() if isinstance(value, bytes) else str(value)
