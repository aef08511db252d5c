"""Peaks of two heatmaps taken together: where they are, and how probable for each keypoint."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from superanimal.inference.crops import CropWindows
from superanimal.inference.decode import decode
from superanimal.inference.legs.peaks import APART, MASS, PEAKS, PLACE, SURE, pair_peaks
from superanimal.zoo.entry import HeadSpec

HEAD = HeadSpec("heatmap", stride=4, activation="softmax", pixel_shift=0.5)
WINDOWS = CropWindows(np.array([[100, 50]]), np.array([[240, 240]]), (120, 120))  # two image pixels each


def maps(*shares: dict[tuple[float, float], float]) -> torch.Tensor:
    """Return logits (1, K, 30, 30) of narrow spots at cells (x, y) with these shares of the mass."""
    y, x = np.mgrid[0:30, 0:30]
    mass = [
        sum(share * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 1.2) for (cx, cy), share in spots.items())
        for spots in shares
    ]
    return torch.from_numpy(np.log(np.stack(mass) + 1e-9)[None]).float()


def test_both_legs_are_found_where_each_map_shows_both() -> None:
    here, there = (8.0, 20.0), (19.4, 21.0)
    heatmap = maps({here: 0.6, there: 0.4}, {here: 0.5, there: 0.5}, {(3.0, 3.0): 1.0})
    peaks = pair_peaks({"heatmap": heatmap}, HEAD, WINDOWS, np.array([[0, 1]]))
    assert peaks.shape == (1, 1, PEAKS, 6)
    for peak, cell, shares in ((0, here, (0.6, 0.5)), (1, there, (0.4, 0.5))):
        place = (np.array(cell) + 0.5) * 4 * 2 + [100, 50] - 0.5
        assert peaks[0, 0, peak, PLACE] == pytest.approx(place, abs=0.6)
        assert peaks[0, 0, peak, MASS] == pytest.approx(shares, abs=0.02)
        assert peaks[0, 0, peak, SURE] == pytest.approx([min(1.0, sum(shares))] * 2, abs=0.02)
    assert peaks[0, 0, 2, MASS].max() < 0.05


def test_one_spot_is_where_the_keypoint_is_decoded() -> None:
    outputs = {"heatmap": maps({(12.3, 7.7): 1.0}, {(12.3, 7.7): 1.0})}
    points, confidence = decode(outputs, HEAD, WINDOWS, subpixel=True)
    peaks = pair_peaks(outputs, HEAD, WINDOWS, np.array([[0, 1]]))
    assert peaks[0, 0, 0, PLACE] == pytest.approx(points[0, 0], abs=1e-4)
    assert peaks[0, 0, 0, 4] == pytest.approx(min(1.0, 2 * confidence[0, 0]), abs=1e-4)


def test_peaks_keep_apart_and_fall() -> None:
    first, shoulder, second, third = (8.0, 8.0), (10.0, 8.0), (12.0, 8.0), (20.0, 22.0)
    assert shoulder[0] - first[0] <= APART < second[0] - first[0]
    spots = {first: 0.4, shoulder: 0.3, second: 0.2, third: 0.1}
    peaks = pair_peaks({"heatmap": maps(spots, spots)}, HEAD, WINDOWS, np.array([[0, 1]]))
    cells = (peaks[0, 0, :, PLACE] + 0.5 - [100, 50]) / 8 - 0.5
    for found, cell in zip(cells, (first, second, third), strict=True):
        assert np.abs(found - cell).max() < 1.5  # a neighbour draws the centroid to itself
    unlike = {"heatmap": maps({first: 0.7, third: 0.3}, {first: 0.2, third: 0.8})}
    straight, crossed = (pair_peaks(unlike, HEAD, WINDOWS, np.array([pair])) for pair in ([0, 1], [1, 0]))
    assert np.allclose(crossed[..., MASS], straight[..., MASS][..., ::-1])
    assert straight[0, 0, 0, MASS] == pytest.approx([0.3, 0.8], abs=0.02)


def test_visibility_and_calibration_enter_the_confidence() -> None:
    head = HeadSpec("heatmap", 4, "softmax", pixel_shift=0.5, calibration=(1.0, 1.0, 0.0))
    spot = {(8.0, 8.0): 1.0}
    outputs = {"heatmap": maps(spot, spot), "visibility": torch.tensor([[3.0, -30.0]])}
    left, right = pair_peaks(outputs, head, WINDOWS, np.array([[0, 1]]))[0, 0, 0, SURE]
    assert left > 0.9 and right < 0.01
