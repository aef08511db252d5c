"""A sticky hidden Markov model with Gaussian emissions, whose means may follow from the rows before (AR-HMM).

Transitions have a Dirichlet prior that expects states to last (Fox et al., Ann. Appl. Stat. 5:1020, 2011).
Fitted by expectation maximisation from several starts; pieces of the sequences are computed side by side, so
that a million frames take seconds a round. Of order 0, a state is a posture and motion; of order 1 or more, a
linear dynamical law by which the next row follows from those before, as in Wiltschko et al. (Neuron 88:1121,
2015), drawn to the law that nothing changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import uniform_filter1d

from superanimal.best_path import best_path
from superanimal.progress import Progress

PIECE = 100
"""Frames in a piece that is computed beside others."""
STARTS, SHORT = 4, 6
"""Number of starts, and rounds after which the best of them goes on alone."""
PRIOR = 0.1
"""Weight of the prior of transitions, in shares of the mean time in a state."""
TIED = 0.9
"""How far covariances are drawn to their mean, so that no broad state collects everything in between."""
RIDGE = 1e-3
"""Added to covariances of whitened data."""
UNCHANGED = 10.0
"""Rows that the law counts, by which nothing changes, when that of a state is fitted."""


@dataclass
class Model:
    """A fitted model with K states for rows of D numbers.

    Attributes
    ----------
    law
        (K, D, 1 + order D): the expected row from :func:`before`.
    covariance
        (K, D, D).
    transition
        (K, K) probability of the next state.
    """

    law: np.ndarray
    covariance: np.ndarray
    transition: np.ndarray

    @property
    def order(self) -> int:
        """How many rows before count."""
        return (self.law.shape[2] - 1) // self.law.shape[1]

    def log_density(self, rows: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """Return the log density of each row (T, D) in each state, (T, K), given what was before."""
        out = np.empty((len(rows), len(self.law)))
        for k, (law, covariance) in enumerate(zip(self.law, self.covariance, strict=True)):
            root = np.linalg.cholesky(covariance)
            whitened = np.linalg.solve(root, (rows - inputs @ law.T).T)
            out[:, k] = -0.5 * (whitened**2).sum(axis=0) - np.log(np.diag(root)).sum()
        return out - 0.5 * rows.shape[1] * np.log(2 * np.pi)


def before(rows: np.ndarray, order: int) -> np.ndarray:
    """Return 1 and the ``order`` rows before each of (T, D), the last one first, (T, 1 + order D)."""
    past = [rows[np.maximum(np.arange(len(rows)) - lag, 0)] for lag in range(1, order + 1)]
    return np.concatenate([np.ones((len(rows), 1)), *past], axis=1)


def fit(
    sequences: Sequence[np.ndarray],
    states: int,
    stay: float,
    *,
    order: int = 0,
    rounds: int = 60,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Model, float]:
    """Fit a model; return it and the log likelihood.

    Parameters
    ----------
    sequences
        Arrays (T, D), whitened.
    states
        K.
    stay
        Expected probability of staying in a state.
    order
        How many rows before count; 0 for a plain hidden Markov model.
    """
    rows = np.concatenate(sequences)
    inputs = np.concatenate([before(each, order) for each in sequences])
    lengths = [len(each) for each in sequences]
    prior = np.full((states, states), (1 - stay) / max(states - 1, 1))
    np.fill_diagonal(prior, stay)
    strength = PRIOR * len(rows) / states
    smooth = np.concatenate([_smoothed(each, stay) for each in sequences])
    if order:  # a law shows in what changes
        change = np.concatenate([_smoothed(np.gradient(each, axis=0), stay) for each in sequences])
        smooth = np.concatenate([smooth, change / np.maximum(change.std(axis=0), 1e-9)], axis=1)

    def improve(model: Model, rounds: int) -> tuple[Model, float]:
        before = likelihood = -np.inf
        for _ in range(rounds):
            if progress is not None:
                progress.check()
            weight, pairs, likelihood = _expect(model.log_density(rows, inputs), model.transition, lengths)
            counts = pairs + strength * prior
            model = _maximise(rows, inputs, weight, counts / counts.sum(axis=1, keepdims=True))
            if likelihood - before < 1e-5 * abs(likelihood):
                break
            before = likelihood
        return model, float(likelihood)

    starts = [
        improve(_maximise(rows, inputs, _first_guess(smooth, states, seed + k), prior), SHORT)
        for k in range(STARTS)
    ]
    return improve(max(starts, key=lambda start: start[1])[0], rounds)


def decode(model: Model, sequence: np.ndarray) -> np.ndarray:
    """Return the most probable state of each row of (T, D), (T,)."""
    transition = np.log(model.transition + 1e-300)
    return best_path(model.log_density(sequence, before(sequence, model.order)), lambda _: transition)


def _smoothed(rows: np.ndarray, stay: float) -> np.ndarray:
    """Return rows averaged over half of the time that a state is expected to last."""
    return np.asarray(
        uniform_filter1d(rows, max(1, round(0.5 / max(1 - stay, 1e-6))), axis=0, mode="nearest")
    )


def _first_guess(rows: np.ndarray, states: int, seed: int) -> np.ndarray:
    """Return soft memberships (T, K) by k-means."""
    from sklearn.cluster import MiniBatchKMeans

    found = MiniBatchKMeans(states, random_state=seed, n_init=5, batch_size=4096).fit_predict(rows)
    weight = np.full((len(rows), states), 0.01 / states)
    weight[np.arange(len(rows)), found] += 0.99
    return weight


def _maximise(rows: np.ndarray, inputs: np.ndarray, weight: np.ndarray, transition: np.ndarray) -> Model:
    (k, d), terms = (weight.shape[1], rows.shape[1]), inputs.shape[1]
    total = weight.sum(axis=0)
    prior, unchanged = np.full(terms, 1e-9), np.zeros((terms, d))
    if terms > 1:
        prior[1:] = UNCHANGED
        unchanged[1 : d + 1] = np.eye(d)
    law, covariance = np.empty((k, d, terms)), np.empty((k, d, d))
    shared = np.cov((rows - inputs @ unchanged).T).reshape(d, d)
    for state in range(k):
        weighted = inputs * weight[:, state, None]
        both = inputs.T @ weighted + np.diag(prior)
        law[state] = np.linalg.solve(both, weighted.T @ rows + prior[:, None] * unchanged).T
        error = rows - inputs @ law[state].T
        covariance[state] = error.T @ (error * weight[:, state, None]) + d * shared * RIDGE
        covariance[state] = covariance[state] / (total[state] + d) + RIDGE * np.diag(np.diag(shared))
    pooled = np.einsum("k,kde->de", weight.sum(axis=0) / weight.sum(), covariance)
    covariance = (1 - TIED) * covariance + TIED * pooled
    return Model(law, covariance, transition)


def _expect(
    density: np.ndarray, transition: np.ndarray, lengths: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return posterior states (T, K), expected transitions (K, K) and the log likelihood."""
    pieces = _pieces(lengths)
    steps, k = max(stop - start for start, stop in pieces), density.shape[1]
    top = density.max(axis=1)
    scaled = np.ones((len(pieces), steps, k))
    used = np.zeros((len(pieces), steps), dtype=bool)
    for n, (start, stop) in enumerate(pieces):
        scaled[n, : stop - start] = np.exp(density[start:stop] - top[start:stop, None])
        used[n, : stop - start] = True
    forward, scale = np.empty_like(scaled), np.ones((len(pieces), steps))
    start_probability = _stationary(transition)
    for t in range(steps):
        ahead = scaled[:, t] * (forward[:, t - 1] @ transition if t else start_probability)
        total = np.maximum(ahead.sum(axis=1), 1e-300)
        scale[:, t], forward[:, t] = total, ahead / total[:, None]
    backward = np.ones_like(scaled)
    pairs = np.zeros((k, k))
    for t in range(steps - 2, -1, -1):
        after = scaled[:, t + 1] * backward[:, t + 1] / scale[:, t + 1, None]
        step = after @ transition.T
        backward[:, t] = np.where(used[:, t + 1, None], step, 1.0)
        both = used[:, t + 1, None]
        pairs += transition * ((forward[:, t] * both).T @ after)
    posterior = forward * backward
    out = np.concatenate([posterior[n, : stop - start] for n, (start, stop) in enumerate(pieces)])
    return out / out.sum(axis=1, keepdims=True), pairs, float(np.log(scale[used]).sum() + top.sum())


def _pieces(lengths: Sequence[int]) -> list[tuple[int, int]]:
    pieces, at = [], 0
    for length in lengths:
        edges = np.linspace(0, length, max(1, round(length / PIECE)) + 1).astype(int)
        pieces += [(at + int(a), at + int(b)) for a, b in pairwise(edges) if b > a]
        at += length
    return pieces


def _stationary(transition: np.ndarray) -> np.ndarray:
    out = np.full(len(transition), 1 / len(transition))
    for _ in range(200):
        out = out @ transition
    return np.asarray(out / out.sum())
