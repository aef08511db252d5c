"""The json that DeepLabCut 3 writes beside SuperAnimal results (``..._before_adapt.json``), boxes included.

A list with one entry per frame: ``{"bodyparts": N x K x 3, "bboxes": N x 4 (xywh), "bbox_scores": N}``;
absent animals are -1. The file has no keypoint names: they are derived from the SuperAnimal model in the file
name, or from the number of keypoints.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from superanimal.errors import FormatError
from superanimal.formats.wide_table import clip_confidence
from superanimal.poses import load_space, make_poses, space_names


def read(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read poses and boxes."""
    try:
        frames = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise FormatError(f"{path}: not JSON ({error})") from error
    if not isinstance(frames, list) or not all(isinstance(f, dict) and "bodyparts" in f for f in frames):
        raise FormatError(f"{path}: no list of frames with 'bodyparts'")
    points = _stack([frame["bodyparts"] for frame in frames], path)
    if points.ndim != 4 or points.shape[3] < 3:
        raise FormatError(f"{path}: bodyparts of shape {points.shape[1:]}", "each frame has (N, K, 3)")
    absent = points[..., 2] < 0
    points[absent] = np.nan
    boxes = scores = None
    if frames and "bboxes" in frames[0]:
        boxes = _stack([frame["bboxes"] for frame in frames], path, points.shape[1]).reshape(
            *points.shape[:2], 4
        )
        scores = _stack([frame.get("bbox_scores", []) for frame in frames], path, points.shape[1])
        scores = np.where(scores < 0, np.nan, scores)
        boxes[np.isnan(scores)] = np.nan
    points = points.transpose(0, 3, 2, 1)
    return make_poses(
        points[:, :2],
        clip_confidence(points[:, 2], path),
        keypoints=_names(path, points.shape[2]),
        boxes=None if boxes is None else boxes.transpose(0, 2, 1),
        box_confidence=scores,
        source_software="DeepLabCut SuperAnimal",
        source_file=str(path),
    )


def _stack(rows: list[Any], path: Any, count: int | None = None) -> np.ndarray:
    """Return rows with varying numbers of animals as one array padded with NaN."""
    arrays = [np.asarray(row, dtype=np.float32) for row in rows]
    most = count if count is not None else max((len(array) for array in arrays), default=0)
    inner = next((array.shape[1:] for array in arrays if array.size), ())
    stacked = np.full((len(arrays), most, *inner), np.nan, dtype=np.float32)
    for t, array in enumerate(arrays):
        if array.size and array.shape[1:] != inner:
            raise FormatError(f"{path}: frame {t} has shape {array.shape}", f"other frames have {inner}")
        stacked[t, : len(array)] = array.reshape(-1, *inner) if array.size else np.nan
    return stacked


def _names(path: str | os.PathLike[str], count: int) -> list[str]:
    spaces = [load_space(name) for name in space_names()]
    fitting = [space for space in spaces if len(space) == count]
    named = [space for space in fitting if f"superanimal_{space.name}" in Path(path).name]
    best = named or fitting
    return list(best[0].keypoints) if best else [f"keypoint{k}" for k in range(count)]
