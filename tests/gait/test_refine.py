from __future__ import annotations

import numpy as np
import pytest
from walks import nearest, poses_of

from superanimal.gait import analyze
from superanimal.gait.refine import refine
from superanimal.synth.gaits import SHAPES, generate

TRAVEL = np.array([100.0, 0.0])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fps", [60, 240])
def test_lifts_are_found_however_the_foot_leaves(shape: str, fps: float) -> None:
    truth = generate("walk", fps=fps, noise=0.5, shape=shape, strides=6)
    events = analyze(poses_of(truth)).events
    errors = []
    for limb, times in truth.lifts.items():
        found = events[(events["limb"] == limb) & (events["event"] == "lift")]["time_s"].to_numpy()
        errors += (nearest(found, times, truth) / truth.period).tolist()
    assert np.median(errors) < 0.012


@pytest.mark.parametrize("gait", ["walk", "trot"])
@pytest.mark.parametrize("roll", [0.2, 0.4])
def test_a_foot_that_turns_leaves_when_its_toe_does(gait: str, roll: float) -> None:
    errors = []
    for shape in SHAPES:
        truth = generate(gait, fps=60, noise=0.5, shape=shape, roll=roll, strides=6)
        events = analyze(poses_of(truth)).events
        for limb, times in truth.lifts.items():
            found = events[(events["limb"] == limb) & (events["event"] == "lift")]["time_s"].to_numpy()
            errors += (nearest(found, times, truth) / truth.period).tolist()
    assert np.median(errors) < 0.03


@pytest.mark.parametrize("lift", [True, False])
def test_a_kink_is_found_between_frames(lift: bool) -> None:
    time = np.arange(0, 1, 0.02)
    since = np.maximum(time - 0.513, 0) if lift else np.maximum(0.513 - time, 0)
    position = np.stack([400 * since, np.zeros_like(time)], axis=1)
    found, deviation = refine(time, position, 0.49, 0.4, 0.3, lift=lift, travel=TRAVEL)
    assert found == pytest.approx(0.513, abs=0.003)
    assert deviation < 0.01


def test_too_few_points_and_a_foot_that_stays_give_the_first_guess() -> None:
    time = np.arange(4) * 0.1
    place = np.zeros((4, 2))
    assert refine(time, place, 0.2, 0.4, 0.3, lift=True, travel=TRAVEL) == (0.2, pytest.approx(0.1))
    time = np.arange(40) * 0.01
    assert refine(time, np.zeros((40, 2)), 0.2, 0.4, 0.3, lift=False, travel=np.zeros(2))[0] == 0.2
