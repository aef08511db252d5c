"""Average precision against an independent run of pycocotools: its own loading, accumulation and summary."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from superanimal.evaluation.cases import Cases, make_cases
from superanimal.evaluation.coco import match_animals

NAMES = ("AP", "AP50", "AP75", "AR", "AR50", "AR75")
PLACES = (0, 1, 2, 5, 6, 7)  # of these six in pycocotools' summary of keypoints
SIGMAS = np.array([0.1, 0.05, 0.08, 0.1, 0.03])


def by_pycocotools(truth, predicted, confidence, images, sigmas=SIGMAS) -> list[float]:
    """Score labels and predictions of some images (may repeat) with nothing of ours."""
    annotations, results = [], []
    for number, i in enumerate(images, start=1):
        for animal in truth[i]:
            there = np.isfinite(animal).all(-1)
            if not there.any():
                continue
            extent = np.ptp(animal[there], axis=0)
            keypoints = np.concatenate([np.where(there[:, None], animal, 0), 2 * there[:, None]], 1)
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": number, "category_id": 1, "iscrowd": 0,
                    "keypoints": keypoints.ravel().tolist(), "num_keypoints": int(there.sum()),
                    "area": float(extent[0] * extent[1]), "bbox": [0, 0, 1, 1],
                }
            )  # fmt: skip
        for animal, sure in zip(predicted[i].astype(float), confidence[i], strict=True):
            there = np.isfinite(animal).all(-1)
            if there.any():
                placed = np.concatenate([np.where(there[:, None], animal, 1e4), np.ones((len(there), 1))], 1)
                results.append(
                    {
                        "image_id": number, "category_id": 1, "keypoints": placed.ravel().tolist(),
                        "score": float(np.nanmean(sure)),
                    }
                )  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        labels = COCO()
        labels.dataset = {
            "info": {},
            "images": [{"id": n + 1} for n in range(len(images))],
            "annotations": annotations,
            "categories": [{"id": 1, "name": "animal"}],
        }
        labels.createIndex()
        run = COCOeval(labels, labels.loadRes(results), "keypoints")
        run.params.kpt_oks_sigmas = sigmas
        run.evaluate()
        run.accumulate()
        run.summarize()
    return [float(run.stats[place]) for place in PLACES]


def cases_of(labels_of, poses_of, crowd) -> Cases:
    truth, predicted, confidence, names = crowd
    return make_cases(
        labels_of(truth, names), [poses_of(predicted, names, confidence)], {name: name for name in names}
    )


def widened(crowd):
    """The crowd without animals of zero area, which COCO has no rule for."""
    truth, predicted, confidence, names = crowd
    truth = truth.copy()
    for i, n in np.ndindex(*truth.shape[:2]):
        there = np.isfinite(truth[i, n]).all(-1)
        if there.sum() and np.ptp(truth[i, n][there], axis=0).prod() < 1:
            truth[i, n] = np.nan
    return truth, predicted, confidence, names


def test_equals_pycocotools(labels_of, poses_of, crowd) -> None:
    crowd = widened(crowd)
    cases = cases_of(labels_of, poses_of, crowd)
    found = match_animals(cases, SIGMAS).summary(np.ones(len(cases), dtype=int))
    expected = by_pycocotools(*crowd[:3], images=cases.rows)
    assert 0.05 < expected[0] < 0.95
    assert [found[name] for name in NAMES] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_images_that_count_several_times_equal_repeated_images(labels_of, poses_of, crowd, seed) -> None:
    crowd = widened(crowd)
    cases = cases_of(labels_of, poses_of, crowd)
    weights = np.random.default_rng(seed).integers(0, 4, len(cases))
    found = match_animals(cases, SIGMAS).summary(weights)
    expected = by_pycocotools(*crowd[:3], images=np.repeat(cases.rows, weights))
    assert [found[name] for name in NAMES] == pytest.approx(expected, abs=1e-9)


def test_the_middle_of_oks(labels_of, poses_of) -> None:
    """One animal of area 100 x 100, off by d: OKS = exp(-d2 / (2 * area * (2 sigma)2)) is 0.70."""
    truth = np.array([[[[0, 0], [100, 100]]]], float)
    d = np.sqrt(-np.log(0.70) * 2 * 100 * 100 * 0.2**2)
    poses = poses_of(truth + [d, 0], ["a", "b"])
    cases = make_cases(labels_of(truth, ["a", "b"]), [poses], {"a": "a", "b": "b"})
    precision = match_animals(cases, np.array([0.1, 0.1])).curves(np.ones(1, int))[0].mean(1)
    assert precision[:4] == pytest.approx(1, abs=1e-9)
    assert precision[5:] == pytest.approx(0, abs=1e-9)


def test_nothing_predicted_is_zero_and_no_area_is_unknown(labels_of, poses_of) -> None:
    truth = np.array([[[[0, 0], [100, 100]]]], float)
    nothing = poses_of(np.full_like(truth, np.nan), ["a", "b"])
    cases = make_cases(labels_of(truth, ["a", "b"]), [nothing], {"a": "a", "b": "b"})
    assert match_animals(cases, np.full(2, 0.1)).summary(np.ones(1, int))["AP"] == 0
    single = np.array([[[[5, 5], [np.nan, np.nan]]]])
    cases = make_cases(labels_of(single, ["a", "b"]), [nothing], {"a": "a", "b": "b"})
    assert np.isnan(match_animals(cases, np.full(2, 0.1)).summary(np.ones(1, int))["AP"])
