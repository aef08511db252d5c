"""Poses in the pickles that DeepLabCut writes beside an analysed video, read with the restricted unpickler.

``_full.pickle`` (detections of each frame), ``_assemblies.pickle`` (animals of each frame) and ``_el``,
``_bx``, ``_sk`` ``.pickle`` (tracklets). ``_meta.pickle`` holds no poses: :func:`read_meta`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from superanimal.errors import FormatError
from superanimal.formats.unpickle import load
from superanimal.formats.wide_table import clip_confidence
from superanimal.poses import make_poses


def read_meta(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the dictionary ``data`` of a ``_meta.pickle``: fps, nframes, Scorer, bodyparts, ..."""
    content = load(path)
    if not isinstance(content, dict) or not isinstance(content.get("data"), dict):
        raise FormatError(f"{path}: no dictionary 'data'", "a _meta.pickle of DeepLabCut must have one")
    return content["data"]


def kind_of(content: Any) -> str | None:
    """Return ``full``, ``tracklets`` or ``assemblies`` for the content of a pickle, else None."""
    if not isinstance(content, dict):
        return None
    if "metadata" in content and any(str(key).startswith("frame") for key in content):
        return "full"
    if "header" in content:
        return "tracklets"
    arrays = [value for key, value in content.items() if isinstance(key, (int, np.integer))]
    if arrays and all(isinstance(value, np.ndarray) and value.shape[-1:] == (4,) for value in arrays):
        return "assemblies"
    return None


def read(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a ``_full``, ``_assemblies`` or tracklet pickle.

    The frame rate, and keypoint names that the file lacks, are taken from the ``_meta.pickle`` beside it.
    """
    content = load(path)
    kind = kind_of(content)
    if kind is None:
        raise FormatError(
            f"{path}: a pickle without poses",
            "DeepLabCut keeps poses in _full, _assemblies and tracklet pickles",
        )
    meta = _meta_beside(Path(path))
    points, names, boxes, scores = {"full": _full, "tracklets": _tracklets, "assemblies": _assemblies}[kind](
        content
    )
    length = max(points.shape[0], int(meta.get("nframes", 0)))
    points = _pad(points, length)
    keypoints = names or [str(name) for name in meta.get("bodyparts", [])]
    if len(keypoints) != points.shape[2]:
        keypoints = [f"keypoint{k}" for k in range(points.shape[2])]
    points = points.transpose(0, 3, 2, 1)
    return make_poses(
        points[:, :2],
        clip_confidence(np.where(np.isnan(points[:, 0]), np.nan, points[:, 2]), path),
        keypoints=keypoints,
        boxes=None if boxes is None else _pad(boxes, length).transpose(0, 2, 1),
        box_confidence=None if scores is None else _pad(scores, length),
        fps=float(meta["fps"]) if meta.get("fps") else None,
        source_software="DeepLabCut",
        source_file=str(path),
    )


_Parsed = tuple[np.ndarray, list[str], np.ndarray | None, np.ndarray | None]


def _full(content: dict[str, Any]) -> _Parsed:
    """Points (T, N, K, 3), names, boxes (T, N, 4) and scores (T, N) of the detections."""
    frames = {
        int(match.group(1)): value
        for key, value in content.items()
        if (match := re.fullmatch(r"frame(\d+)", str(key)))
    }
    names = [str(name) for name in content["metadata"]["all_joints_names"]]
    most = max((len(joint) for frame in frames.values() for joint in frame["coordinates"][0]), default=0)
    most = max(most, max((len(frame.get("bboxes", ())) for frame in frames.values()), default=0))
    points = np.full((max(frames, default=-1) + 1, most, len(names), 3), np.nan, dtype=np.float32)
    boxes = np.full((*points.shape[:2], 4), np.nan, dtype=np.float32)
    scores = np.full(points.shape[:2], np.nan, dtype=np.float32)
    for t, frame in frames.items():
        for k, (joint, score) in enumerate(zip(frame["coordinates"][0], frame["confidence"], strict=False)):
            points[t, : len(joint), k, :2] = joint
            points[t, : len(joint), k, 2] = np.ravel(score)
        found = np.reshape(frame.get("bboxes", ()), (-1, 4))
        boxes[t, : len(found)] = found
        scores[t, : len(found)] = np.ravel(frame.get("bbox_scores", np.full(len(found), np.nan)))
    with_boxes = bool(np.isfinite(boxes).any())
    return points, names, boxes if with_boxes else None, scores if with_boxes else None


def _assemblies(content: dict[Any, Any]) -> _Parsed:
    """Points (T, N, K, 3) of the animals assembled in each frame; the file has no names."""
    frames = {int(key): value for key, value in content.items() if not isinstance(key, str)}
    shape = np.max([value.shape for value in frames.values()], axis=0)
    points = np.full((max(frames) + 1, shape[0], shape[1], 3), np.nan, dtype=np.float32)
    for t, animals in frames.items():
        points[t, : animals.shape[0], : animals.shape[1]] = animals[..., :3]
    return points, [], None, None


def _tracklets(content: dict[Any, Any]) -> _Parsed:
    """Points (T, N, K, 3), one individual per tracklet."""
    names = list(dict.fromkeys(str(column[-2]) for column in content["header"]))
    tracklets = [value for key, value in content.items() if isinstance(value, dict) and key != "header"]
    found = [(n, int(key[5:]), value) for n, track in enumerate(tracklets) for key, value in track.items()]
    length = max((t for _, t, _ in found), default=-1) + 1
    points = np.full((length, len(tracklets), len(names), 3), np.nan, dtype=np.float32)
    for n, t, value in found:
        points[t, n] = np.reshape(value, (len(names), -1))[:, :3]
    return points, names, None, None


def _pad(array: np.ndarray, length: int) -> np.ndarray:
    missing = np.full((length - len(array), *array.shape[1:]), np.nan, dtype=array.dtype)
    return np.concatenate([array, missing])


def _meta_beside(path: Path) -> dict[str, Any]:
    beside = path.with_name(re.sub(r"_(full|assemblies|el|bx|sk|ctd)\.pickle$", "_meta.pickle", path.name))
    return read_meta(beside) if beside != path and beside.is_file() else {}
