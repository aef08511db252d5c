"""Motifs as dense clouds of features embedded by PCA, UMAP or CEBRA."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.ndimage import uniform_filter1d

from superanimal.extras import require

Embedding = Literal["pca", "umap", "cebra"]
MOST = 8000
"""Maximum number of frames that are clustered; the others join the cluster of their nearest neighbours."""
CEBRA_STEPS = 500
"""Steps of training of CEBRA."""
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
    """Return coordinates (T, dims) of rows (T, D) in the order of time.

    Raises
    ------
    InputError
        When UMAP or CEBRA is asked for and not installed.
    """
    from sklearn.decomposition import PCA

    dims = min(dims, rows.shape[1])
    if how == "pca":
        return np.asarray(PCA(dims, random_state=seed).fit_transform(rows))
    if how == "cebra":
        return _cebra(rows, dims)
    require("behavior", ("umap",), "the embedding 'umap'", "use the embedding 'pca'")
    from umap import UMAP

    picked = _picked(len(rows), seed)
    model = UMAP(n_components=dims, n_neighbors=30, min_dist=0.0, random_state=seed).fit(rows[picked])
    return np.asarray(model.transform(rows))


def _cebra(rows: np.ndarray, dims: int) -> np.ndarray:
    """Return the embedding by CEBRA (Schneider et al. 2023): what is near in time comes to lie near."""
    require("cebra", ("cebra",), "the embedding 'cebra'", "use the embedding 'pca'")
    from cebra import CEBRA

    model = CEBRA(
        model_architecture="offset10-model", output_dimension=max(dims, 3), batch_size=512,
        learning_rate=3e-4, temperature=1.0, max_iterations=CEBRA_STEPS, conditional="time", time_offsets=10,
        device="cpu", verbose=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of libraries about each other
        return np.asarray(model.fit(rows.astype(np.float32)).transform(rows.astype(np.float32)))


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
