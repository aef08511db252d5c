"""The pose data set: an ``xarray.Dataset`` in the schema of the movement package.

Dimensions are ``time, space, keypoint, individual``. ``position`` holds pixels of the original frame
(x right, y down, pixel centres at integers, NaN where absent), ``confidence`` 0..1 (NaN where absent).
Three-dimensional poses also have ``z`` and give their unit in ``space_unit``; functions that work on pixels
reject them (:func:`require_pixels`). See docs/poses.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from superanimal.errors import InputError, by_caller

SPACE = ("x", "y", "z")
"""Coordinates; the third only in poses reconstructed in 3-D."""

PIXELS = "pixels"
BOX = ("x", "y", "width", "height")

_DIMS: dict[str, tuple[str, ...]] = {
    "position": ("time", "space", "keypoint", "individual"),
    "confidence": ("time", "keypoint", "individual"),
    "edited": ("time", "keypoint", "individual"),
    "boxes": ("time", "box", "individual"),
    "box_confidence": ("time", "individual"),
    "identity_confidence": ("time", "individual"),
}


def make_poses(
    position: np.ndarray,
    confidence: np.ndarray | None = None,
    *,
    keypoints: Sequence[str],
    individuals: Sequence[str] | None = None,
    fps: float | None = None,
    frames: np.ndarray | None = None,
    times: np.ndarray | None = None,
    boxes: np.ndarray | None = None,
    box_confidence: np.ndarray | None = None,
    edited: np.ndarray | None = None,
    images: Sequence[str] | None = None,
    source_software: str = "",
    source_file: str = "",
    video_path: str = "",
    space_unit: str = PIXELS,
    provenance: dict[str, Any] | None = None,
) -> xr.Dataset:
    """Build a validated pose data set from arrays.

    Parameters
    ----------
    position
        Shape (T, 2, K, N), pixels, or (T, 3, K, N) in ``space_unit``; NaN = absent.
    confidence
        Shape (T, K, N), 0..1; NaN everywhere when None.
    keypoints, individuals
        K and N names; individuals default to ``animal0``, ``animal1``, ...
    fps
        Frames per second; if None (unknown), time is in frames.
    frames
        Shape (T,), index of each row in the original video; 0..T-1 when None.
    times
        Shape (T,), measured times in seconds; ``frames / fps`` when None.
    boxes, box_confidence
        Shapes (T, 4, N) as x, y, width, height in pixels, and (T, N).
    edited
        Shape (T, K, N), True for points set by a person.
    images
        T image names, for labelled image folders.
    source_software, source_file, video_path
        Source of the poses, and the video they belong to.
    space_unit
        Unit of ``position``, such as ``"mm"``.
    provenance
        JSON-serialisable record, see :mod:`superanimal.poses.provenance`.

    Returns
    -------
    xarray.Dataset
        ``position`` float32, ``confidence`` float32 and the optional variables.

    Raises
    ------
    InputError
        When shapes, names or values break the rules above.

    Examples
    --------
    >>> import numpy as np
    >>> position = np.zeros((100, 2, 3, 1))  # frames, x and y, keypoints, individuals
    >>> poses = make_poses(position, keypoints=["nose", "neck", "tail_base"], fps=30)
    >>> dict(poses["position"].sizes)
    {'time': 100, 'space': 2, 'keypoint': 3, 'individual': 1}
    >>> float(poses["time"][30])
    1.0
    """
    position = np.asarray(position, dtype=np.float32)
    if position.ndim != 4 or position.shape[1] not in (2, 3):
        raise InputError(
            f"position has shape {position.shape}", "expected (time, 2 or 3, keypoints, individuals)"
        )
    n_time, n_space, n_keypoints, n_individuals = position.shape
    if individuals is None:
        individuals = [f"animal{i}" for i in range(n_individuals)]
    if confidence is None:
        confidence = np.full((n_time, n_keypoints, n_individuals), np.nan, dtype=np.float32)
    frames = np.arange(n_time) if frames is None else np.asarray(frames)
    arrays: dict[str, np.ndarray] = {
        "position": position,
        "confidence": np.asarray(confidence, dtype=np.float32),
    }
    if boxes is not None:
        arrays["boxes"] = np.asarray(boxes, dtype=np.float32)
    if box_confidence is not None:
        arrays["box_confidence"] = np.asarray(box_confidence, dtype=np.float32)
    if edited is not None:
        arrays["edited"] = np.asarray(edited, dtype=bool)
    sizes = {
        "time": n_time,
        "space": n_space,
        "keypoint": n_keypoints,
        "individual": n_individuals,
        "box": 4,
    }
    for name, array in arrays.items():
        expected = tuple(sizes[dim] for dim in _DIMS[name])
        if array.shape != expected:
            raise InputError(f"{name} has shape {array.shape}", f"expected {expected} = {_DIMS[name]}")
    for kind, names, count in (
        ("keypoints", keypoints, n_keypoints),
        ("individuals", individuals, n_individuals),
        ("frames", frames, n_time),
        ("times", times, n_time),
        ("images", images, n_time),
    ):
        if names is not None and len(names) != count:
            raise InputError(f"{len(names)} {kind} are named", f"the arrays hold {count}")
    if fps is not None and not (np.isfinite(fps) and fps > 0):
        raise InputError(f"fps is {fps}", "it must be a positive number, or None when unknown")

    if times is None:
        times = frames / fps if fps else frames.astype(np.int64)
        time_unit = "seconds" if fps else "frames"
    else:
        times, time_unit = np.asarray(times, dtype=np.float64), "seconds"
    coords: dict[str, Any] = {
        "time": times,
        "space": list(SPACE[:n_space]),
        "keypoint": [str(name) for name in keypoints],
        "individual": [str(name) for name in individuals],
        "frame": ("time", frames.astype(np.int64)),
    }
    if boxes is not None:
        coords["box"] = list(BOX)
    if images is not None:
        coords["image"] = ("time", [str(image) for image in images])
    attrs: dict[str, Any] = {
        "ds_type": "poses",
        "time_unit": time_unit,
        "source_software": source_software,
        "source_file": source_file,
        "video_path": video_path,
        "provenance": json.dumps(provenance or {}),
    }
    if fps:
        attrs["fps"] = float(fps)
    if space_unit != PIXELS:
        attrs["space_unit"] = space_unit
    return validate_poses(
        xr.Dataset({k: (_DIMS[k], v) for k, v in arrays.items()}, coords=coords, attrs=attrs)
    )


def validate_poses(ds: xr.Dataset) -> xr.Dataset:
    """Check a pose data set against the schema and return it.

    Raises
    ------
    InputError
        Naming the first variable, dimension or name that breaks the schema.

    Examples
    --------
    >>> import numpy as np
    >>> validate_poses(make_poses(np.zeros((1, 2, 1, 1)), keypoints=["nose"])).attrs["ds_type"]
    'poses'
    """
    for required in ("position", "confidence"):
        if required not in ds:
            raise InputError(f"the data set has no variable {required!r}", f"it holds {list(ds.data_vars)}")
    for name, dims in _DIMS.items():
        if name in ds and ds[name].dims != dims:
            raise InputError(f"{name} has dimensions {ds[name].dims}", f"expected {dims}")
    if (space := [str(name) for name in ds.coords["space"].values]) not in (list(SPACE[:2]), list(SPACE)):
        raise InputError(f"space is {space}", "it must be ['x', 'y'] or ['x', 'y', 'z']")
    for dim in ("keypoint", "individual"):
        names = [str(name) for name in ds.coords[dim].values]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"{dim} {repeated} appear more than once", "names must be unique")
        if "" in names:
            raise InputError(f"one {dim} has an empty name", "names must not be empty")
    if "frame" not in ds.coords:
        raise InputError("the data set has no coordinate 'frame'", "it must give the video frame of each row")
    for name in ("frame", "image"):
        if name in ds.coords and ds[name].dims != ("time",):
            raise InputError(f"{name} has dimensions {ds[name].dims}", "expected ('time',), one per row")
    frames = ds["frame"].values
    if frames.dtype.kind not in "iuf" or not (np.isfinite(frames) & (frames == np.round(frames))).all():
        raise InputError(
            f"the frames are {np.unique(frames)[:3].tolist()}, ...", "frames must be whole numbers"
        )
    low, high = _finite_range(ds["confidence"].values)
    if low < -1e-6 or high > 1 + 1e-6:
        raise InputError(f"confidence ranges from {low:g} to {high:g}", "it must lie in 0..1")
    _check_attributes(ds.attrs)
    return ds


def _check_attributes(attrs: Mapping[str, Any]) -> None:
    """Refuse attributes of another type than the rest of the program relies on; None is absent."""
    held = {name: value for name, value in attrs.items() if value is not None}
    for name in ("source_software", "source_file", "video_path", "time_unit", "space_unit"):
        if not isinstance(value := held.get(name, ""), str | os.PathLike):
            raise InputError(f"the attribute {name!r} is {value!r}", "it is a text", "remove it")
    fps = held.get("fps", 1.0)
    if not isinstance(fps, int | float | np.number) or not 0 < fps < np.inf:
        raise InputError(f"the attribute 'fps' is {fps!r}", "it is a number of frames per second above 0")
    text = held.get("provenance") or "{}"
    try:
        record = json.loads(text)
    except (TypeError, ValueError):
        record = None
    if not isinstance(record, dict):
        raise InputError(
            f"the attribute 'provenance' is {str(text)[:50]!r}",
            "it is the text of a JSON object",
            "remove it",
        )


def require_pixels(ds: xr.Dataset, task: str) -> xr.Dataset:
    """Check that a pose data set is valid and in image coordinates, and return it.

    Parameters
    ----------
    task
        The task that needs pixels, as the start of a sentence: ``"an overlay"``.

    Raises
    ------
    InputError
        When the poses are three-dimensional, or break the schema.
    """
    if validate_poses(ds).sizes["space"] != 2:
        raise InputError(
            f"poses with x, y and z in {ds.attrs.get('space_unit', PIXELS)}",
            f"{task} needs x and y in pixels",
            "project them onto the image first"
            + by_caller(', or select two axes: ds.sel(space=["x", "y"])', ""),
        )
    return ds


def has_own_times(ds: xr.Dataset) -> bool:
    """Return whether ``time`` was measured, that is, does not follow from frame number and frame rate."""
    if ds.attrs.get("time_unit") != "seconds":
        return False
    fps = ds.attrs.get("fps")
    return not fps or not np.allclose(ds["time"].values, ds["frame"].values / fps, rtol=1e-9, atol=1e-6)


def _finite_range(values: np.ndarray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
