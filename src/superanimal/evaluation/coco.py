"""COCO average precision and recall of keypoints or boxes, based on the matching of pycocotools.

pycocotools computes the object keypoint similarity (OKS) or the overlap of boxes (IoU) and matches
predictions to labels image by image, at ten thresholds. :meth:`Matches.summary` counts these matches as
pycocotools does, but with a weight per image, so that one matching serves the whole set, its groups, and
every bootstrap sample.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from superanimal.evaluation.cases import Cases

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""Thresholds of OKS and IoU, as in COCO."""
RECALLS = np.linspace(0, 1, 101)
"""Recall values at which precision is evaluated."""
FAR = -1e9
"""Coordinate assigned to absent predicted keypoints, so that they score 0."""


@dataclass(frozen=True)
class Matches:
    """The D predicted animals of all images, best score first, with their matching results.

    Attributes
    ----------
    image : (D,) int
        Image of each prediction.
    hit : (10, D) bool
        Whether it matched a labelled animal at each threshold.
    labelled : (I,) int
        Number of labelled animals per image (0 if no animal has an area).
    """

    image: np.ndarray
    hit: np.ndarray
    labelled: np.ndarray

    def summary(self, weights: np.ndarray) -> dict[str, float]:
        """Return AP, AP50, AP75, AR, AR50, AR75 in 0..1 (NaN without a labelled animal).

        Parameters
        ----------
        weights : (I,) int
            How often each image counts.
        """
        precision, recall = self.curves(weights)
        ap = precision.mean(1)
        return {
            "AP": float(ap.mean()),
            "AP50": float(ap[0]),
            "AP75": float(ap[5]),
            "AR": float(recall.mean()),
            "AR50": float(recall[0]),
            "AR75": float(recall[5]),
        }

    def curves(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return interpolated precision (10, 101) at :data:`RECALLS` and the largest recall (10,)."""
        total = float(weights @ self.labelled)
        if total == 0:
            return np.full((10, 101), np.nan), np.full(10, np.nan)
        if not len(self.image):
            return np.zeros((10, 101)), np.zeros(10)
        weight = weights[self.image]
        hits = np.cumsum(np.where(self.hit, weight, 0), axis=1, dtype=float)
        misses = np.cumsum(np.where(self.hit, 0, weight), axis=1, dtype=float)
        recall = hits / total
        precision = hits / (hits + misses + np.spacing(1))
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        at = np.stack([np.searchsorted(row, RECALLS, side="left") for row in recall])
        padded = np.concatenate([envelope, np.zeros((10, 1))], axis=1)
        return np.take_along_axis(padded, at, axis=1), recall[:, -1]


def match_animals(cases: Cases, sigmas: np.ndarray) -> Matches:
    """Match predicted to labelled animals by OKS with pycocotools.

    Parameters
    ----------
    cases
        Labels and predictions.
    sigmas : (K,)
        OKS constants of the keypoints.
    """
    return _matched(
        len(cases), _labels(cases), _detections(cases), "keypoints", cases.predicted.shape[1], sigmas
    )


def match_boxes(truth: Sequence[np.ndarray], found: Sequence[tuple[np.ndarray, np.ndarray]]) -> Matches:
    """Match detected to labelled boxes by IoU with pycocotools.

    Parameters
    ----------
    truth
        Boxes (A, 4) of each image as x0, y0, x1, y1 in pixels.
    found
        Boxes (n, 4) and scores (n,) of each image.
    """
    labels = [_box(i, corners) for i, boxes in enumerate(truth) for corners in boxes]
    detections = [
        {**_box(i, corners), "score": float(score), "area": 1.0}  # inside the only range of areas
        for i, (boxes, scores) in enumerate(found)
        for corners, score in zip(boxes, scores, strict=True)
    ]
    for boxes_of in (labels, detections):
        for number, box in enumerate(boxes_of, 1):
            box["id"] = number
    return _matched(len(truth), labels, detections, "bbox", max((len(s) for _, s in found), default=0))


def _matched(
    images: int,
    labels: list[dict[str, Any]],
    detections: list[dict[str, Any]],
    kind: Literal["keypoints", "bbox"],
    most: int,
    sigmas: np.ndarray | None = None,
) -> Matches:
    """Match COCO annotations of ``images`` images, with at most ``most`` detections in each."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, predictions = COCO(), COCO()
    listed = [{"id": i + 1} for i in range(images)]
    category = [{"id": 1, "name": "animal"}]
    truth.dataset = {"images": listed, "categories": category, "annotations": labels}
    predictions.dataset = {"images": listed, "categories": category, "annotations": detections}
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints
        truth.createIndex()
        predictions.createIndex()
        coco = COCOeval(truth, predictions, iouType=kind)
        if sigmas is not None:
            coco.params.kpt_oks_sigmas = np.asarray(sigmas, dtype=float)
        coco.params.areaRng, coco.params.areaRngLbl = [[1e-9, 1e10]], ["all"]
        coco.params.maxDets = [most]
        coco.evaluate()

    labelled = np.zeros(images, dtype=np.int64)
    image, score, hit = [], [], [np.zeros((10, 0))]
    for result in coco.evalImgs:
        if result is None:
            continue
        i = result["image_id"] - 1
        labelled[i] = int(np.count_nonzero(np.asarray(result["gtIgnore"]) == 0))
        image += [i] * len(result["dtScores"])
        score += result["dtScores"]
        hit.append(np.asarray(result["dtMatches"]).reshape(10, -1))
    order = np.argsort(-np.asarray(score, dtype=float), kind="mergesort")
    return Matches(
        image=np.asarray(image, dtype=np.int64)[order],
        hit=np.concatenate(hit, axis=1)[:, order] > 0,
        labelled=labelled,
    )


def _box(image: int, corners: np.ndarray) -> dict[str, Any]:
    """Return the annotation of a box x0, y0, x1, y1."""
    x, y, right, bottom = map(float, corners)
    width, height = right - x, bottom - y
    return {
        "image_id": image + 1,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [x, y, width, height],
        "area": width * height,
    }


def _labels(cases: Cases) -> list[dict[str, Any]]:
    labelled = np.isfinite(cases.truth).all(-1)
    return [
        {
            "id": m + 1,
            "image_id": int(cases.animal_image[m]) + 1,
            "category_id": 1,
            "iscrowd": 0,
            "num_keypoints": int(labelled[m].sum()),
            "keypoints": _flat(cases.truth[m], labelled[m], 0.0),
            "area": float(cases.area[m]),
            "bbox": [0.0, 0.0, 0.0, 0.0],  # only read for animals without a labelled keypoint
        }
        for m in range(len(cases.truth))
    ]


def _detections(cases: Cases) -> list[dict[str, Any]]:
    annotations: list[dict[str, Any]] = []
    present = np.isfinite(cases.predicted).all(-1)
    for i, p in np.argwhere(present.any(-1)).tolist():
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": i + 1,
                "category_id": 1,
                "iscrowd": 0,
                "score": float(cases.score[i, p]),
                "keypoints": _flat(cases.predicted[i, p], present[i, p], FAR),
                "area": 1.0,  # inside the only range of areas
            }
        )
    return annotations


def _flat(points: np.ndarray, there: np.ndarray, elsewhere: float) -> list[float]:
    """Return x, y, visibility of every keypoint in one list."""
    xy = np.where(there[:, None], points, elsewhere)
    return np.concatenate([xy, 2.0 * there[:, None]], axis=1).ravel().tolist()
