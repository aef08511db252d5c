"""Adopting changes made in napari's Features table.

The table changes the features of the layer without emitting an event, so its edits are found by comparison:
before the poses are saved, and before a layer that holds one frame moves to another frame.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from superanimal.formats import LossWarning

if TYPE_CHECKING:
    from napari_superanimal.pose_layer.editing import Editing
    from napari_superanimal.pose_layer.table import PoseTable


def take_features(table: PoseTable, features: Any, rows: np.ndarray, editing: Editing | None = None) -> None:
    """Adopt confidences and edit marks that differ from the table; warn about invalid changes.

    Parameters
    ----------
    table
        The poses.
    features
        The features of the layer, beginning with one row for each of ``rows``.
    rows
        Dense rows of the points in the layer.
    editing
        Receives the changes, so that they can be undone; if None, the table receives them.

    Warns
    -----
    LossWarning
        A name, or a confidence to an invalid value, was changed: these changes are ignored.
    """
    if features is None or not {"confidence", "edited", "keypoint", "individual"} <= set(features):
        return
    features = features.iloc[: len(rows)]
    xy, confidence, edited = table.get_rows(rows)
    wanted = features["confidence"].to_numpy(dtype=np.float32, na_value=np.nan)
    marks = features["edited"].to_numpy(dtype=bool)
    possible = np.isnan(wanted) | ((wanted >= 0) & (wanted <= 1))
    other = ~np.isclose(wanted, confidence, rtol=0, atol=1e-6, equal_nan=True)
    changed = (other & possible) | (marks != edited)
    _warn_of_names(table, features, rows)
    if (other & ~possible).any():
        worst = float(wanted[other & ~possible][0])
        warnings.warn(
            f"a confidence of {worst:g} in the Features table was ignored: it must lie in 0..1",
            LossWarning,
            stacklevel=2,
        )
    if changed.any():
        confidence = np.where(other & possible, wanted, confidence)[changed]
        # any change by a person counts as an edit; only the mark itself can be removed
        mark = np.where(marks == edited, True, marks)[changed]
        after = (xy[changed], confidence, mark)
        if editing is not None:
            editing.change(rows[changed], after)
        else:
            table.edit(rows[changed], *after)


def _warn_of_names(table: PoseTable, features: Any, rows: np.ndarray) -> None:
    _, n_individuals, n_keypoints = table.shape
    slots = rows % (n_individuals * n_keypoints)
    for column, names, codes in (
        ("keypoint", table.keypoints, slots % n_keypoints),
        ("individual", table.individuals, slots // n_keypoints),
    ):
        values = features[column]
        same = hasattr(values, "cat") and list(values.cat.categories) == names
        other = (values.cat.codes if same else values.astype(str)).to_numpy()
        renamed = other != (codes if same else np.array(names, dtype=object)[codes])
        if renamed.any():
            n = int(renamed.sum())
            warnings.warn(
                f"{n} change{'' if n == 1 else 's'} of {column} in the Features table "
                f"{'was' if n == 1 else 'were'} not taken: a row belongs to one {column}; "
                "move the point of the other one instead",
                LossWarning,
                stacklevel=3,
            )
