"""Pairing predicted with labelled animals of the same image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from superanimal.evaluation.cases import Cases

NOTHING_SHARED = 1e9
"""Cost of pairing animals without a common keypoint: only a last resort."""


@dataclass(frozen=True)
class Pairs:
    """The M labelled animals, each with its corresponding predicted animal, if any.

    Attributes
    ----------
    image : (M,) int
        Image of each animal.
    answer : (M,) int
        Index of the corresponding predicted animal in the image; -1 for none.
    truth, predicted : (M, K, 2) float64
        Pixels; NaN where unlabelled, or not predicted.
    confidence : (M, K) float64
        Confidence of the prediction.
    length : (M,) float64
        Animal length in pixels.
    labelled : (M, K) bool
        Which keypoints are labelled.
    errors : (M, K) float64
        Euclidean distance in pixels; NaN unless labelled and predicted.
    extra : (I,) int
        Number of predicted animals in each image without a labelled counterpart.
    """

    image: np.ndarray
    answer: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    length: np.ndarray
    labelled: np.ndarray
    errors: np.ndarray
    extra: np.ndarray


def pair_animals(cases: Cases) -> Pairs:
    """Pair labelled and predicted animals so that the sum of mean distances is minimal (Hungarian method).

    A labelled animal without a prediction stays in the result, without errors. The distance is not limited: a
    prediction in the wrong place counts as a large error, not as a missing prediction.
    """
    answer = np.full(len(cases.truth), -1)
    extra = np.zeros(len(cases), dtype=np.int64)
    start = np.searchsorted(cases.animal_image, np.arange(len(cases) + 1))
    for i in range(len(cases)):
        mine = np.arange(start[i], start[i + 1])
        there = np.flatnonzero(np.isfinite(cases.score[i]))
        distance = np.linalg.norm(cases.truth[mine][:, None] - cases.predicted[i, there][None], axis=-1)
        shared = np.isfinite(distance)
        cost = np.where(shared, distance, 0).sum(-1) / np.maximum(shared.sum(-1), 1)
        cost[~shared.any(-1)] = NOTHING_SHARED
        rows, columns = linear_sum_assignment(cost)
        answer[mine[rows]] = there[columns]
        extra[i] = len(there) - len(rows)
    found = answer >= 0
    predicted = np.where(found[:, None, None], cases.predicted[cases.animal_image, answer], np.nan)
    confidence = np.where(found[:, None], cases.confidence[cases.animal_image, answer], np.nan)
    return Pairs(
        image=cases.animal_image,
        answer=answer,
        truth=cases.truth,
        predicted=predicted,
        confidence=confidence,
        length=cases.length,
        labelled=np.isfinite(cases.truth).all(-1),
        errors=np.linalg.norm(cases.truth - predicted, axis=-1),
        extra=extra,
    )
