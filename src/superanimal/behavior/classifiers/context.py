"""From the probabilities of single frames to calibrated ones that know what happens before and after.

A multinomial logistic regression of the log-probabilities of each frame and their means over windows of time.
It is fitted to probabilities of recordings that the classifier had not seen (out of fold), without class
weights, so that its own probabilities are calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from superanimal.behavior.descriptors.windows import window_statistics

WIDTHS = (0.5, 1.5, 5.0, 15.0)
"""Windows in seconds, from a movement to an encounter."""
LEAST = 1e-3
"""Probabilities below this count as this: no classifier is surer."""


@dataclass(frozen=True)
class Context:
    """The regression.

    Attributes
    ----------
    weights
        (C (1 + W), C): from log-probabilities of each frame and W windows to scores of C classes.
    bias
        (C,).
    widths
        W seconds.
    """

    weights: np.ndarray
    bias: np.ndarray
    widths: tuple[float, ...] = WIDTHS

    def apply(self, probability: np.ndarray, time: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities (T, C) of one recording from those of single frames (T, C)."""
        return _softmax(inputs(probability, time, self.widths) @ self.weights + self.bias)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-serialisable data."""
        return {"weights": self.weights.tolist(), "bias": self.bias.tolist(), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Context:
        """Return what :meth:`to_dict` wrote."""
        return cls(np.array(data["weights"]), np.array(data["bias"]), tuple(data["widths"]))


def inputs(probability: np.ndarray, time: np.ndarray, widths: tuple[float, ...] = WIDTHS) -> np.ndarray:
    """Return the log-probabilities of each frame and their means over windows, (T, C (1 + W))."""
    logs = np.log(np.maximum(probability, LEAST)).T.astype(np.float32)
    logs = logs - logs.mean(axis=0)
    means = window_statistics(logs, time, widths, deviations=False)
    return np.concatenate([logs, *means]).T


def fit_context(values: np.ndarray, codes: np.ndarray, classes: int) -> Context:
    """Fit the regression to :func:`inputs` (n, C (1 + W)) and codes (n,) of frames out of fold."""
    from sklearn.linear_model import LogisticRegression

    weights = np.zeros((values.shape[1], classes))
    bias = np.full(classes, -20.0)
    if len(np.unique(codes)) < 2:
        bias[codes[:1]] = 0.0
        return Context(weights, bias)
    model = LogisticRegression(C=0.1, max_iter=200).fit(values, codes)
    if len(model.classes_) == 2:
        low, high = (int(code) for code in model.classes_)
        weights[:, high], bias[high], bias[low] = model.coef_[0], float(model.intercept_[0]), 0.0
    else:
        for row, code in enumerate(model.classes_):
            weights[:, int(code)], bias[int(code)] = model.coef_[row], float(model.intercept_[row])
    return Context(weights, bias)


def _softmax(scores: np.ndarray) -> np.ndarray:
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(scores / scores.sum(axis=1, keepdims=True))
