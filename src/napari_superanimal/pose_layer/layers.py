"""Lossless conversion between pose data sets and napari layers.

One standard Points layer holds all poses in the dense layout of :mod:`napari_superanimal.pose_layer.table`:
data are (step, y, x), float32 in Fortran order (napari computes the extent of the data at every frame change,
which is a hundred times faster in this order); absent points are hidden and never NaN. Above
:data:`DENSE_LIMIT` rows, the layer holds only the points of the current frame and playback refills it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_superanimal.pose_layer.colors import POINT_COLORINGS, point_colors
from napari_superanimal.pose_layer.features import take_features
from napari_superanimal.pose_layer.rows import PoseRows
from napari_superanimal.pose_layer.table import EDITED_CONFIDENCE, PoseTable
from napari_superanimal.pose_layer.views import VIEW_KEY, is_copy
from superanimal.errors import InputError
from superanimal.poses.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import xarray as xr
    from napari.layers import Points

    from napari_superanimal.pose_layer.playback import PoseView

    LayerData = tuple[Any, dict[str, Any], str]

#: Metadata key of the table of a pose layer.
TABLE_KEY = "superanimal_poses"
#: Number of rows up to which a layer holds all frames; beyond, a frame change would cost more than 1.5 times
#: that of the video alone (benchmarks/viewer.py).
DENSE_LIMIT = 2_000_000
EDITED_BORDER = 0.25
BORDER = 0.08
#: Suffix of the name of a layer with unsaved corrections.
UNSAVED = " *"


def poses_to_layerdata(
    poses: xr.Dataset | PoseTable,
    *,
    name: str = "poses",
    cutoff: float = 0.0,
    color_by: str = "keypoint",
    size: float | None = None,
    dense_limit: int = DENSE_LIMIT,
) -> LayerData:
    """Convert poses to napari layer data for one Points layer.

    Parameters
    ----------
    poses
        The pose data set, or its table.
    name
        Name of the layer.
    cutoff
        Points below this confidence are hidden.
    color_by
        "keypoint", "individual" or "confidence".
    size
        Diameter in pixels of the video; by default chosen from the size of the animals.
    dense_limit
        Number of rows above which the layer holds only the current frame.

    Returns
    -------
    tuple
        Data, keyword arguments and "points".

    Raises
    ------
    InputError
        When the colouring is unknown.
    """
    if color_by not in POINT_COLORINGS:
        raise InputError(f"color_by is {color_by!r}", f"it must be one of {list(POINT_COLORINGS)}")
    table = poses if isinstance(poses, PoseTable) else PoseTable(poses)
    dense = len(table) <= dense_limit
    data = dense_data(table) if dense else frame_data(table, 0)
    times = slice(None) if dense else slice(0, 1)
    shown = table.visible(cutoff, times).ravel()
    features = make_features(table, times)
    colors = point_colors(table, color_by, times)
    edited = table.edited[times].ravel()
    if not dense:  # two hidden rows keep the range of the frame slider
        shown = np.append(shown, [False, False])
        edited = np.append(edited, [False, False])
        colors = np.concatenate([colors, colors[:1], colors[:1]])
        features = features.iloc[[*range(len(features)), 0, 0]].reset_index(drop=True)
    keywords = {
        "name": name,
        "features": features,
        "shown": shown,
        "face_color": colors,
        "size": size or automatic_size(table),
        "border_width": np.where(edited, EDITED_BORDER, BORDER).astype(np.float32),
        "border_color": border_colors(edited),
        "metadata": {TABLE_KEY: table},
        "axis_labels": ("frame", "y", "x"),
    }
    return PoseRows(data), keywords, "points"


def read_table(path: Path) -> PoseTable:
    """Return the poses of a run or a pose file, with the corrections of its journal.

    Raises
    ------
    FormatError
        When the file is not a readable pose file.
    """
    from superanimal.formats import load_poses

    ds = load_poses(path)
    journal = Journal(path, ds)
    return PoseTable(ds if path.is_dir() else journal.apply(ds), journal)  # a run has its own


def poses_to_layer(poses: xr.Dataset | PoseTable, **options: Any) -> Points:
    """Return a Points layer of the poses; options as for :func:`poses_to_layerdata`."""
    from napari.layers import Points

    data, keywords, _ = poses_to_layerdata(poses, **options)
    return Points(data, **keywords)


def layer_to_poses(layer: Points | LayerData) -> xr.Dataset:
    """Return the pose data set of a Points layer, with edited points marked.

    A moved or added point has ``edited`` True and confidence 1, a deleted one ``edited`` True and position
    NaN. Changes that bypass napari's events (``layer.data[row] = ...``) are found by comparison and marked
    too. Other Points layers are accepted if their features give a ``keypoint`` (or ``label``) for each point.

    Raises
    ------
    InputError
        When the layer holds no poses.
    """
    if isinstance(layer, tuple):
        data, meta, _ = layer
        features, metadata, name = meta.get("features"), meta.get("metadata", {}), meta.get("name", "layer")
        shown = np.broadcast_to(meta.get("shown", True), len(data))
    else:
        data, features, metadata, name = layer.data, layer.features, layer.metadata, layer.name
        shown = layer.shown
    table = metadata.get(TABLE_KEY)
    if isinstance(table, PoseTable):
        if not isinstance(layer, tuple):
            own_table(layer)
            table = table_of(layer)
        view = metadata.get(VIEW_KEY)
        rows = np.arange(len(table)) if len(data) == len(table) else _rows_of_view(table, view)
        take_features(table, features, rows, None if view is None else view.editing)
        moved = take_changes(table, np.asarray(data), np.asarray(shown))
        if len(moved) and features is not None:
            features.loc[moved, ["confidence", "edited"]] = [EDITED_CONFIDENCE, True]
        return table.to_poses()
    return _sparse_to_poses(np.asarray(data), features, name)


def _rows_of_view(table: PoseTable, view: PoseView | None) -> np.ndarray:
    """Return the dense rows that a one-frame layer currently holds."""
    t = view.shown_time if view is not None else None
    n = table.shape[1] * table.shape[2]
    return np.arange(0) if t is None else np.arange(t * n, (t + 1) * n)


def take_changes(table: PoseTable, data: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Copy positions that differ between a layer's rows and its table into the table, marked as edited.

    Returns
    -------
    numpy.ndarray
        The dense rows that changed.
    """
    if len(data) != len(table) or data.shape[1] != 3:
        return np.empty(0, dtype=np.int64)  # current frame only: playback writes edits back at once
    xy = table.xy.reshape(-1, 2)
    moved = shown & ((data[:, 2] != xy[:, 0]) | (data[:, 1] != xy[:, 1]))
    rows = np.flatnonzero(moved)
    if len(rows):
        ones = np.full(len(rows), EDITED_CONFIDENCE, dtype=np.float32)
        table.edit(rows, np.asarray(data)[rows][:, [2, 1]], ones, np.ones(len(rows), dtype=bool))
    return rows


def is_pose_layer(layer: Any) -> bool:
    """Return whether a layer was created from poses by this plugin."""
    return isinstance(getattr(layer, "metadata", {}).get(TABLE_KEY), PoseTable)


def table_of(layer: Any) -> PoseTable:
    """Return the table of a pose layer.

    Raises
    ------
    InputError
        When the layer is not a pose layer.
    """
    table = getattr(layer, "metadata", {}).get(TABLE_KEY)
    if not isinstance(table, PoseTable):
        raise InputError(
            f"layer {getattr(layer, 'name', layer)!r} holds no poses",
            "a pose layer comes from 'Estimate poses' or from a pose file",
        )
    return table


def own_table(layer: Points) -> bool:
    """Give a copy of a pose layer its own table; return whether it shared that of another layer."""
    if not is_copy(layer):
        return False
    layer.metadata[TABLE_KEY] = copy.deepcopy(table_of(layer))
    del layer.metadata[VIEW_KEY]
    return True


def plain_name(layer: Any) -> str:
    """Return the name of a layer without the mark of unsaved corrections."""
    return str(layer.name).removesuffix(UNSAVED)


def dense_data(table: PoseTable) -> np.ndarray:
    """Return all rows (step, y, x), shape (T*I*K, 3), float32, Fortran order; absent points are at (0, 0)."""
    _, n_individuals, n_keypoints = table.shape
    data = np.empty((len(table), 3), dtype=np.float32, order="F")
    data[:, 0] = np.repeat(table.steps, n_individuals * n_keypoints)
    xy = table.xy.reshape(-1, 2)
    present = np.isfinite(xy).all(axis=1)
    data[:, 1] = np.where(present, xy[:, 1], 0)
    data[:, 2] = np.where(present, xy[:, 0], 0)
    return data


def frame_data(table: PoseTable, t: int) -> np.ndarray:
    """Return the rows of one time, plus two anchors at the first and last step, shape (I*K + 2, 3)."""
    _, n_individuals, n_keypoints = table.shape
    data = np.zeros((n_individuals * n_keypoints + 2, 3), dtype=np.float32, order="F")
    data[:-2, 0] = table.steps[t]
    data[:-2, 1:] = np.nan_to_num(table.xy[t].reshape(-1, 2)[:, ::-1], nan=0.0)
    data[-2:, 0] = table.steps.min(), table.steps.max()
    return data


def make_features(table: PoseTable, times: slice = slice(None)) -> pd.DataFrame:
    """Return the feature table: individual, keypoint (categories), confidence, edited; one row per point."""
    import pandas as pd

    n_time, n_individuals, n_keypoints = table.confidence[times].shape
    n = n_individuals * n_keypoints

    def column(names: list[str], codes: np.ndarray) -> Any:
        kind = np.int8 if len(names) < 128 else np.int16
        tiled = np.tile(codes.astype(kind), n_time)
        return pd.Categorical.from_codes(tiled, categories=pd.Index(names))

    index = np.arange(n)
    return pd.DataFrame(
        {
            "individual": column(table.individuals, index // n_keypoints),
            "keypoint": column(table.keypoints, index % n_keypoints),
            "confidence": table.confidence[times].ravel(),
            "edited": table.edited[times].ravel(),
        }
    )


def automatic_size(table: PoseTable) -> float:
    """Return a point diameter in pixels that suits the size of the animals (median diagonal / 22)."""
    xy = table.xy[:: max(1, len(table.xy) // 200)]
    some = np.isfinite(xy).all(axis=-1).sum(axis=-1) >= 2
    if not some.any():
        return 6.0
    span = np.nanmax(xy[some], axis=1) - np.nanmin(xy[some], axis=1)
    return float(np.clip(np.median(np.hypot(span[:, 0], span[:, 1])) / 22, 2, 30))


def border_colors(edited: np.ndarray) -> np.ndarray:
    """Return RGBA borders, shape (n, 4): white for edited points, dark otherwise."""
    colors = np.array([[0.05, 0.05, 0.05, 0.8], [1, 1, 1, 1]], dtype=np.float32)
    return colors[edited.astype(np.int8)]


def _sparse_to_poses(data: np.ndarray, features: Any, name: str) -> xr.Dataset:
    import pandas as pd

    from superanimal.poses import make_poses

    columns = set() if features is None else set(features)
    label = next((c for c in ("keypoint", "keypoints", "label") if c in columns), None)
    if label is None or data.ndim != 2 or data.shape[1] not in (2, 3):
        raise InputError(
            f"layer {name!r} holds no poses",
            "its points need a feature 'keypoint' that names each point, and (frame, y, x) coordinates",
            "open a pose file or run 'Estimate poses'",
        )
    table = pd.DataFrame(features)
    keypoints = list(dict.fromkeys(table[label].astype(str)))
    who = next((c for c in ("individual", "individuals", "id") if c in columns), None)
    names = table[who].astype(str).replace("", "animal0") if who else pd.Series(["animal0"] * len(table))
    individuals = list(dict.fromkeys(names))
    likelihood = next((c for c in ("confidence", "likelihood") if c in columns), None)
    steps = data[:, 0].round().astype(np.int64) if data.shape[1] == 3 else np.zeros(len(data), np.int64)
    frames, t = np.unique(steps, return_inverse=True)
    k = pd.Categorical(table[label].astype(str), categories=keypoints).codes
    i = pd.Categorical(names, categories=individuals).codes
    position = np.full((len(frames), 2, len(keypoints), len(individuals)), np.nan, dtype=np.float32)
    position[t, :, k, i] = data[:, [-1, -2]]
    confidence = np.full((len(frames), len(keypoints), len(individuals)), np.nan, dtype=np.float32)
    if likelihood:
        confidence[t, k, i] = table[likelihood].to_numpy(dtype=np.float32)
    return make_poses(
        position,
        confidence,
        keypoints=keypoints,
        individuals=individuals,
        frames=frames,
        source_software="napari",
    )
