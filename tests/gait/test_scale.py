from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from walks import poses_of

from superanimal.errors import InputError
from superanimal.gait import analyze
from superanimal.gait.scale import Scale, walkway
from superanimal.synth.gaits import generate


def test_body_lengths_and_metres_from_the_body() -> None:
    truth = generate("walk", fps=60, noise=0.5, strides=5)
    result = analyze(poses_of(truth), body_length_m=0.1)
    kept = result.strides[result.strides["refused"] == ""]
    body = 0.8 * 120  # withers to croup, pixels
    assert set(result.summary["body"]) == {"withers to croup"}
    assert result.summary["body_length_px"].iloc[0] == pytest.approx(body, rel=0.01)
    assert kept["length_body"].median() == pytest.approx(truth.stride / body, rel=0.02)
    assert kept["length_m"].median() == pytest.approx(0.1 * truth.stride / body, rel=0.02)
    assert kept["speed_m_s"].median() == pytest.approx(0.1 * truth.stride / body / truth.period, rel=0.03)
    for name in ("swing_height", "step_length", "step_width"):
        assert kept[f"{name}_m"].to_numpy() == pytest.approx(
            0.1 * kept[f"{name}_body"].to_numpy(), nan_ok=True
        )
        assert kept[f"{name}_px"].median() == pytest.approx(body * kept[f"{name}_body"].median(), rel=0.02)


def test_marks_on_the_ground_undo_the_perspective() -> None:
    truth = generate("walk", fps=60, noise=0.1, strides=6)
    to_metres = 0.01
    flat = truth.position[:, 0] * to_metres  # metres along the walkway
    picture = truth.position.copy()
    picture[:, 0] = 300 * flat / (1 + 0.06 * flat)  # it walks away from the camera
    places = np.array([4.0, 6.0, 8.0, 10.0, 13.0])
    marks = [(300 * m / (1 + 0.06 * m), 500.0, m) for m in places]
    result = analyze(poses_of(replace(truth, position=picture)), ground_marks=marks)
    kept = result.strides[result.strides["refused"] == ""]
    assert len(kept) > 8
    assert kept["length_px"].max() > 1.2 * kept["length_px"].min()
    assert kept["length_m"].to_numpy() == pytest.approx(to_metres * truth.stride, rel=0.03)
    assert kept["speed_m_s"].median() == pytest.approx(to_metres * truth.stride / truth.period, rel=0.03)
    steps = kept["step_length_m"].dropna()
    assert len(steps) > 4 and steps.to_numpy() == pytest.approx(to_metres * truth.stride / 2, rel=0.05)
    assert kept["swing_height_m"].isna().all()  # the marks say nothing of what is above the ground


def test_what_cannot_be_told_in_metres_says_why() -> None:
    truth = generate("walk", fps=60, noise=0.5, camera="follow", strides=5)
    result = analyze(poses_of(truth), ground_marks=[(0, 0, 0), (100, 0, 1)])
    assert result.strides["length_m"].isna().all()
    assert any("marks on the ground move" in note for note in result.notes)
    one = poses_of(truth).isel(keypoint=[0, 1])
    result = analyze(one, body_length_m=0.1)
    assert result.strides["length_body"].isna().all()
    assert any("ends of the body are not seen" in note for note in result.notes)


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        (Scale(metres_per_pixel=0.0), "must be a positive number"),
        (Scale(body_length_m=float("nan")), "must be a positive number"),
        (Scale(metres_per_pixel=0.1, body_length_m=1.0), "one of them sets the scale"),
        (Scale(ground_marks=[(0, 0, 0)]), "two or more are needed"),
        (Scale(ground_marks=[(0, 0, 0), (1, 2)]), "cannot be read"),  # type: ignore[list-item]
        (Scale(ground_marks=[(0, 0, 0), (50, 0, 2), (100, 0, 1)]), "do not go one way"),
        (Scale(ground_marks=[(0, 0, 0), (0, 0, 1)]), "do not go one way"),
    ],
)
def test_wrong_scales_are_refused(scale: Scale, message: str) -> None:
    with pytest.raises(InputError, match=message):
        scale.check()


def test_two_marks_are_one_scale() -> None:
    line = walkway([(10, 20, 0.0), (110, 20, 2.0)])
    assert line.at(np.array([[60.0, 20.0], [210.0, 25.0]])) == pytest.approx([1.0, 4.0])
