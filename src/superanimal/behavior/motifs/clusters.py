"""Motifs as dense clouds: windows of features in a plane (PCA or UMAP), clustered by density (HDBSCAN)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.ndimage import uniform_filter1d

from superanimal.extras import require

Embedding = Literal["pca", "umap"]
MOST = 8000
"""Maximum number of frames that are clustered; the others join the cluster of their nearest neighbours."""
LEAST_SHARE = 0.01
"""A cluster has at least this share of the frames."""


def windows(sequences: Sequence[np.ndarray], frames: int) -> list[np.ndarray]:
    """Return means and standard deviations of rows (T, D) over windows, (T, 2 D)."""
    out = []
    for rows in sequences:
        mean = uniform_filter1d(rows, frames, axis=0, mode="nearest")
        square = uniform_filter1d(rows**2, frames, axis=0, mode="nearest")
        out.append(np.concatenate([mean, np.sqrt(np.maximum(square - mean**2, 0))], axis=1))
    return out


def embed(rows: np.ndarray, how: Embedding, dims: int, seed: int) -> np.ndarray:
    """Return coordinates (T, dims) of rows (T, D).

    Raises
    ------
    InputError
        When UMAP is not installed.
    """
    from sklearn.decomposition import PCA

    dims = min(dims, rows.shape[1])
    if how == "pca":
        return np.asarray(PCA(dims, random_state=seed).fit_transform(rows))
    require("behavior", ("umap",), "the embedding 'umap'", "use the embedding 'pca'")
    from umap import UMAP

    picked = _picked(len(rows), seed)
    model = UMAP(n_components=dims, n_neighbors=30, min_dist=0.0, random_state=seed).fit(rows[picked])
    return np.asarray(model.transform(rows))


def clusters(points: np.ndarray, seed: int) -> np.ndarray:
    """Return the cluster of each point (T, D), -1 where points are sparse, (T,)."""
    from sklearn.cluster import HDBSCAN
    from sklearn.neighbors import KNeighborsClassifier

    picked = _picked(len(points), seed)
    least = max(10, int(LEAST_SHARE * len(picked)))
    found = HDBSCAN(min_cluster_size=least, min_samples=10, copy=True).fit_predict(points[picked])
    if len(picked) == len(points):
        return np.asarray(found)
    return np.asarray(KNeighborsClassifier(5).fit(points[picked], found).predict(points))


def _picked(count: int, seed: int) -> np.ndarray:
    if count <= MOST:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, MOST, replace=False))
