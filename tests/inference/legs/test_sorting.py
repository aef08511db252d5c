"""Legs that one picture does not tell apart are told apart over time; nothing depends on where chunks end."""

from __future__ import annotations

import json

import numpy as np
import pytest

from superanimal.inference.legs.peaks import MASS, PEAKS, PLACE, SURE
from superanimal.inference.legs.sorting import LimbSorter, most_probable

FEET, KNEES, HIPS = (0, 1), (2, 3), (4, 5)
LIMB = (FEET, KNEES, HIPS)
SIZE = 100.0


def walk(frames: int = 90, period: int = 30) -> np.ndarray:
    """Return feet and knees (T, 4, 2) of two legs: one stands while the other passes it."""
    points = np.zeros((frames, 4, 2))
    for t in range(frames):
        for foot in (0, 1):
            cycles, phase = divmod(t / period + foot / 2, 1.0)
            swing = max(0.0, (phase - 0.6) / 0.4)
            x = 60 * (cycles + swing - 0.5 * foot)
            points[t, foot] = x, 200 - 8 * np.sin(np.pi * swing)
            hip = 60 * (t / period - 0.25)
            points[t, 2 + foot] = (x + hip) / 2, 165
    return points + [300, 0]


def seen(points: np.ndarray, hint: float = 0.0, seed: int = 0) -> np.ndarray:
    """Return peaks (T, 1, 2, PEAKS, 6) of both legs, which every frame confuses but for a hint."""
    rng = np.random.default_rng(seed)
    peaks = np.zeros((len(points), 1, 2, PEAKS, 6))
    for k, pair in enumerate((FEET, KNEES)):
        for t, both in enumerate(points[:, pair]):
            places = np.concatenate([both + rng.normal(0, 0.5, (2, 2)), rng.uniform(0, 400, (1, 2))])
            first = 0.5 + rng.normal(0, 0.04) + hint
            mass = np.array([[first, 1 - first], [1 - first, first], [0.0, 0.0]])
            if np.linalg.norm(both[0] - both[1]) < 8:  # one spot only
                places = np.concatenate([both.mean(0)[None], rng.uniform(0, 400, (2, 2))])
                mass = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
            order = np.argsort(-mass.sum(1) + rng.uniform(0, 0.01, 3))
            peaks[t, 0, k, :, PLACE], peaks[t, 0, k, :, MASS] = places[order], mass[order]
    peaks[..., SURE] = peaks[..., MASS].sum(-1, keepdims=True).clip(0, 1)
    return peaks


def arrays(frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    points = np.full((frames, 1, 6, 2), -1.0, np.float32)
    points[:, 0, 4:] = np.stack([300 + 2 * np.arange(frames) - 15, np.full(frames, 130)], -1)[:, None]
    confidence = np.zeros((frames, 1, 6), np.float32)
    boxes = np.tile(np.array([0, 0, SIZE, SIZE], np.float32), (frames, 1, 1))
    return points, confidence, boxes


def sort(peaks: np.ndarray, chunks: tuple[int, ...] = (), resume: bool = False) -> np.ndarray:
    """Return the sorted points (T, 4, 2)."""
    sorter = LimbSorter([LIMB], 1)
    points, confidence, boxes = arrays(len(peaks))
    for start, stop in zip((0, *chunks), (*chunks, len(peaks)), strict=True):
        if resume:
            state = json.loads(json.dumps(sorter.state()))
            sorter = LimbSorter([LIMB], 1)
            sorter.restore(state)
        part = slice(start, stop)
        sorter.sort(points[part], confidence[part], boxes[part], peaks[part])
    points, confidence = points[:, :, :4], confidence[:, :, :4]
    assert (confidence >= 0).all() and (confidence[points[..., 0] > 0] > 0.2).all()
    return points[:, 0]


def test_legs_that_pass_each_other_keep_their_names() -> None:
    truth = walk()
    found = sort(seen(truth, hint=0.02))
    assert np.linalg.norm(found - truth, axis=-1).max() < 14
    assert np.linalg.norm(found - truth, axis=-1).mean() < 2


def test_the_hint_of_many_frames_decides_which_is_left() -> None:
    truth = walk()
    swapped = truth[:, [1, 0, 3, 2]]
    assert np.linalg.norm(sort(seen(truth, hint=-0.02)) - swapped, axis=-1).mean() < 2


def test_chunks_go_on_from_each_other_and_so_does_a_new_process() -> None:
    truth = walk()
    peaks = seen(truth, hint=0.02)
    once, stopped = sort(peaks, (31, 32, 60)), sort(peaks, (31, 32, 60), resume=True)
    assert np.array_equal(once, stopped)
    assert np.linalg.norm(once - truth, axis=-1).mean() < 2
    # the second chunk would say the opposite by itself
    first, second = seen(truth, hint=0.05)[:45], seen(truth, hint=-0.01)[45:]
    assert np.linalg.norm(sort(np.concatenate([first, second]), (45,)) - truth, axis=-1).mean() < 2


def test_absent_frames_stay_as_they_are_and_break_the_path() -> None:
    truth = walk()
    peaks = seen(truth, hint=0.1)
    peaks[[0, 40, 41, 89]] = np.nan
    found = sort(peaks)
    assert (found[[0, 40, 41, 89]] == -1).all()
    there = np.setdiff1d(np.arange(90), [0, 40, 41, 89])
    assert np.linalg.norm(found[there] - truth[there], axis=-1).mean() < 2


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_few_frames(frames: int) -> None:
    truth = walk(frames)
    assert np.linalg.norm(sort(seen(truth, hint=0.4)) - truth, axis=-1).max() < 4


def test_the_foot_of_somebody_else_is_out_of_reach() -> None:
    truth = walk()
    peaks = seen(truth, hint=0.02)
    far = truth[:, [0]] + [180, 0]  # a third peak, as probable as the left foot, beside the animal
    peaks[:, 0, 0, 2, PLACE], peaks[:, 0, 0, 2, MASS] = far[:, 0], [0.5, 0.5]
    assert np.linalg.norm(sort(peaks) - truth, axis=-1).mean() < 2


def test_animals_are_sorted_one_by_one() -> None:
    truth = walk()
    both = [seen(truth, hint=0.05, seed=1), seen(truth + [40, -50], hint=0.05, seed=2)]
    sorter = LimbSorter([LIMB], 2)
    points, confidence, boxes = (np.concatenate([a, a], axis=1) for a in arrays(len(truth)))
    sorter.sort(points, confidence, boxes, np.concatenate(both, axis=1))
    for n, peaks in enumerate(both):
        assert np.array_equal(points[:, n, :4], sort(peaks))


def test_the_cheapest_path_is_found() -> None:
    rng = np.random.default_rng(0)
    places, cost = rng.normal(0, 0.1, (5, 3, 2, 2)), rng.uniform(0, 3, (5, 3))

    def price(path: np.ndarray) -> float:
        at = places[np.arange(5), path]
        way, turn = np.diff(at, axis=0), np.diff(at, 2, axis=0)
        moved = np.minimum((way**2).sum(-1) / 0.17**2, 25).sum()
        return cost[np.arange(5), path].sum() + moved + np.minimum((turn**2).sum(-1) / 0.04**2, 25).sum()

    every = np.array(np.meshgrid(*[range(3)] * 5)).reshape(5, -1).T
    assert price(most_probable(places, cost)) == pytest.approx(min(map(price, every)))
