from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from superanimal.errors import InputError
from superanimal.inference.crops import crop_windows, cut

GOLDEN = Path(__file__).parents[3] / "shared/fixtures/deeplabcut/golden_crop.json"


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(b"img").digest()[:8], "little"))
    return rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)


@pytest.mark.skipif(not GOLDEN.exists(), reason="the DeepLabCut fixtures are not on this machine")
def test_crops_are_those_of_deeplabcut(image: np.ndarray) -> None:
    cases = json.loads(GOLDEN.read_text())
    assert len(cases) > 10
    for case in cases:
        box = np.array([case["bbox"]], dtype=np.float64)
        box += np.array([[-1, -1, 2, 2]]) * case["margin"]
        windows = crop_windows(box, tuple(case["size"]))
        assert windows.offset[0].tolist() == case["offset"]
        assert windows.scale[0] == pytest.approx(case["scale"], abs=1e-12)
        crop = cut(image, windows.offset[0], windows.extent[0], windows.size)
        assert list(crop.shape) == case["shape"]
        assert abs(int(crop.sum()) - case["sum"]) <= 1e-3 * case["sum"]


@pytest.mark.parametrize(
    ("box", "offset", "scale"),
    [
        ((100, 50, 80, 40), (100, 30), (0.3125, 0.3125)),
        ((0, 0, 60, 90), (-15, 0), (0.3515625, 0.3515625)),
        ((33.4, 77.7, 101.3, 55.5), (33, 55), (0.3984375, 0.39453125)),
        ((10.5, 20.5, 31, 31), (10, 20), (0.125, 0.125)),
    ],
)
def test_rounding_is_half_to_even(
    box: tuple[float, ...], offset: tuple[int, int], scale: tuple[float, float]
) -> None:
    windows = crop_windows(np.array([box]), (256, 256))
    assert tuple(windows.offset[0]) == offset
    assert tuple(windows.scale[0]) == scale


@pytest.mark.parametrize("box", [[5, 5, 1e9, 1e9], [5, 5, 60_000, 10], [1e12, 5, 10, 10], [5, -3e38, 3, 3]])
def test_an_absurd_box_is_refused(image: np.ndarray, box: list[float]) -> None:
    with pytest.raises(InputError, match="box"):
        windows = crop_windows(np.array([box]), (64, 64))
        cut(image, windows.offset[0], windows.extent[0], windows.size)


def test_margin_grows_about_the_centre() -> None:
    windows = crop_windows(np.array([[100.0, 50.0, 80.0, 80.0]]), (64, 64), margin=1.5)
    assert windows.offset[0].tolist() == [80, 30]
    assert windows.extent[0].tolist() == [120, 120]


def test_points_map_back_to_the_image() -> None:
    windows = crop_windows(np.array([[10.0, 20.0, 128.0, 128.0], [0.0, 0.0, 64.0, 64.0]]), (64, 64))
    points = windows.to_image(np.array([[[0.0, 0.0], [32.0, 16.0]]] * 2))
    assert points.tolist() == [[[10, 20], [74, 52]], [[0, 0], [32, 16]]]


@pytest.mark.parametrize(
    "box", [(-300, -300, 40, 40), (900, 900, 40, 40), (-20, 100, 10, 10), (700, 10, 5, 5)]
)
def test_a_window_outside_the_image_is_black(image: np.ndarray, box: tuple[float, ...]) -> None:
    windows = crop_windows(np.array([box], dtype=np.float32), (32, 48))
    crop = cut(image, windows.offset[0], windows.extent[0], windows.size)
    assert crop.shape == (48, 32, 3)
    assert not crop.any()


def test_what_lies_outside_is_black_and_the_rest_in_place(image: np.ndarray) -> None:
    windows = crop_windows(np.array([[-8.0, -8.0, 16.0, 16.0]]), (16, 16))
    crop = cut(image, windows.offset[0], windows.extent[0], windows.size)
    assert (crop[8:, 8:] == image[:8, :8]).all()
    assert not crop[:8].any() and not crop[:, :8].any()


def test_a_tiny_box_still_gives_a_crop(image: np.ndarray) -> None:
    windows = crop_windows(np.array([[5.0, 5.0, 0.2, 0.2]]), (16, 16))
    assert windows.extent[0].tolist() == [1, 1]
    assert cut(image, windows.offset[0], windows.extent[0], windows.size).shape == (16, 16, 3)


def test_antialiasing_keeps_a_thin_line_where_the_crop_shrinks() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[:, ::8] = 255
    windows = crop_windows(np.array([[0.0, 0.0, 400.0, 400.0]]), (50, 50))
    smooth = cut(image, windows.offset[0], windows.extent[0], windows.size, antialias=True)
    assert np.ptp(smooth) <= 1 and abs(int(smooth[0, 0, 0]) - 32) <= 1  # an eighth of 255 everywhere
    assert (cut(image, windows.offset[0], windows.extent[0], windows.size) == 0).all()  # misses every line


def test_antialiasing_changes_nothing_where_the_crop_grows(image: np.ndarray) -> None:
    windows = crop_windows(np.array([[0.0, 0.0, 20.0, 20.0]]), (40, 40))
    where = windows.offset[0], windows.extent[0], windows.size
    assert (cut(image, *where) == cut(image, *where, antialias=True)).all()
