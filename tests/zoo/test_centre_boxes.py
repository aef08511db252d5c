"""The embedded detector decodes boxes where they are, the large animal first."""

from __future__ import annotations

import numpy as np
import pytest

from superanimal.zoo import centre_boxes


def test_letterbox_and_boxes_agree() -> None:
    canvas, scale = centre_boxes.letterbox(np.zeros((300, 640, 3), np.uint8))
    assert canvas.shape == (160, 320, 3) and scale == 0.5
    assert (canvas[150:] == centre_boxes.GREY).all() and (canvas[:150] == 0).all()
    center = np.full((1, 1, 20, 40), -9.0, np.float32)
    center[0, 0, 5, 11] = 3.0
    extent = np.zeros((1, 4, 20, 40), np.float32)
    extent[0, 2:, 5, 11] = [3.0, 2.0]  # 8 x 4 cells
    ((boxes, scores),) = centre_boxes.decode({"center": center, "extent": extent}, scale, (300, 640))
    # Cell centre (11.5, 5.5) * 8 / 0.5 = (184, 88), half sizes 64 and 32, pixel centres at integers.
    assert np.allclose(boxes, [[184 - 64 - 0.5, 88 - 32 - 0.5, 184 + 64 - 0.5, 88 + 32 - 0.5]])
    assert scores[0] == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_a_large_animal_comes_before_a_small_one_of_the_same_score() -> None:
    center = np.full((1, 1, 20, 40), -9.0, np.float32)
    extent = np.zeros((1, 4, 20, 40), np.float32)
    for row, column, log_size, logit in ((4, 8, 1.0, 0.4), (12, 28, 3.5, 0.3)):
        center[0, 0, row, column] = logit
        extent[0, 2:, row, column] = log_size
    outputs = {"center": center, "extent": extent}
    ((boxes, scores),) = centre_boxes.decode(outputs, 1.0, (160, 320), size_prior=0.25)
    ((plain, before),) = centre_boxes.decode(outputs, 1.0, (160, 320))
    assert np.diff(boxes[:, [0, 2]])[0] > 60 > np.diff(plain[:, [0, 2]])[0]
    assert (scores <= before.max()).all() and scores[0] > scores[1]
