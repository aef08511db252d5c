from __future__ import annotations

import numpy as np
import pytest
import torch

from superanimal.inference import decode as module
from superanimal.inference.crops import CropWindows
from superanimal.inference.decode import decode
from superanimal.zoo.entry import HeadSpec


def identity_windows(number: int, size: tuple[int, int] = (256, 256)) -> CropWindows:
    return CropWindows(np.zeros((number, 2), np.int64), np.full((number, 2), size), size)


def gaussian_maps(
    centres: np.ndarray, size: int = 64, sigma: float = 2.83, amplitude: float = 0.8
) -> torch.Tensor:
    """Heatmaps (n, K, size, size) with peaks at centres (n, K, 2), in crop pixels of stride 4."""
    grid = (np.arange(size) + 0.5) * 4
    dx, dy = grid - centres[..., 0, None], grid - centres[..., 1, None]
    bell = np.exp(-(dx[..., None, :] ** 2 + dy[..., :, None] ** 2) / (2 * (sigma * 4) ** 2))
    return torch.from_numpy((amplitude * bell).astype(np.float32))


@pytest.fixture
def centres() -> np.ndarray:
    return np.random.default_rng(3).uniform(30, 220, (5, 7, 2))


def test_argmax_is_that_of_a_plain_loop() -> None:
    maps = torch.from_numpy(np.random.default_rng(0).normal(0.3, 0.5, (3, 4, 16, 20)).astype(np.float32))
    points, confidence = decode(
        {"heatmap": maps}, HeadSpec(stride=4), identity_windows(3, (80, 64)), subpixel=False
    )
    for i in range(3):
        for k in range(4):
            row, column = np.unravel_index(int(maps[i, k].argmax()), (16, 20))
            assert points[i, k].tolist() == [(column + 0.5) * 4, (row + 0.5) * 4]
            assert confidence[i, k] == pytest.approx(float(maps[i, k].max().clip(0, 1)))


def test_the_first_of_equal_maxima_counts() -> None:
    points, _ = decode({"heatmap": torch.ones(1, 1, 8, 8)}, HeadSpec(), identity_windows(1), subpixel=False)
    assert points[0, 0].tolist() == [2, 2]


def test_a_gaussian_is_found_between_cells(centres: np.ndarray) -> None:
    outputs = {"heatmap": gaussian_maps(centres)}
    coarse, _ = decode(outputs, HeadSpec(), identity_windows(5), subpixel=False)
    fine, confidence = decode(outputs, HeadSpec(), identity_windows(5), subpixel=True)
    assert np.abs(coarse - centres).max() > 1.5
    assert np.abs(fine - centres).max() < 1e-3
    assert confidence.min() > 0.7 and confidence.max() <= 0.8 + 1e-6


def test_subpixel_survives_noise_edges_and_negative_values(centres: np.ndarray) -> None:
    maps = gaussian_maps(centres)
    noisy = maps + 0.01 * torch.from_numpy(
        np.random.default_rng(1).normal(size=maps.shape).astype(np.float32)
    )
    fine, _ = decode({"heatmap": noisy}, HeadSpec(), identity_windows(5), subpixel=True)
    coarse, _ = decode({"heatmap": noisy}, HeadSpec(), identity_windows(5), subpixel=False)
    assert np.abs(fine - centres).mean() < 0.35 * np.abs(coarse - centres).mean()
    corner = gaussian_maps(np.array([[[0.0, 0.0], [256.0, 256.0], [256.0, 3.0]]]))
    found, _ = decode({"heatmap": corner - 0.5}, HeadSpec(), identity_windows(1), subpixel=True)
    assert np.isfinite(found).all()
    assert (np.abs(found - np.array([[0, 0], [256, 256], [256, 3]])) <= 4).all()


def test_an_empty_map_has_no_confidence() -> None:
    points, confidence = decode(
        {"heatmap": torch.full((1, 2, 8, 8), -3.0)}, HeadSpec(), identity_windows(1), subpixel=True
    )
    assert np.isfinite(points).all()
    assert (confidence == 0).all()


def test_softmax_head_gives_mass_and_centroid(centres: np.ndarray) -> None:
    logits = torch.log(gaussian_maps(centres, sigma=0.8) + 1e-12)
    points, confidence = decode(
        {"heatmap": logits}, HeadSpec(activation="softmax"), identity_windows(5), subpixel=True
    )
    assert np.abs(points - centres).max() < 0.4
    assert confidence.min() > 0.95 and confidence.max() <= 1
    flat, low = decode(
        {"heatmap": torch.zeros(1, 1, 64, 64)},
        HeadSpec(activation="softmax"),
        identity_windows(1),
        subpixel=True,
    )
    assert low[0, 0] < 0.01
    assert np.isfinite(flat).all()


def test_offset_maps_move_the_peak() -> None:
    heatmap = torch.zeros(1, 2, 33, 33)
    locref = torch.zeros(1, 4, 33, 33)
    heatmap[0, 0, 10, 20], heatmap[0, 1, 5, 6] = 0.9, 0.4
    locref[0, 0, 10, 20], locref[0, 1, 10, 20] = 0.5, -0.25
    locref[0, 2, 5, 6] = 1.0
    head = HeadSpec(stride=8, locref_std=7.2801)
    for subpixel in (False, True):
        points, confidence = decode(
            {"heatmap": heatmap, "locref": locref}, head, identity_windows(1), subpixel=subpixel
        )
        assert points[0, 0] == pytest.approx([20.5 * 8 + 0.5 * 7.2801, 10.5 * 8 - 0.25 * 7.2801])
        assert points[0, 1] == pytest.approx([6.5 * 8 + 7.2801, 5.5 * 8])
        assert confidence[0] == pytest.approx([0.9, 0.4])


def simcc(centres: np.ndarray, bins: tuple[int, int], sigma: float = 5.66) -> dict[str, torch.Tensor]:
    """Logits whose peaks are at centres (n, K, 2) in crop pixels, two bins per pixel."""
    maps = {}
    for axis, name in enumerate(("simcc_x", "simcc_y")):
        grid = np.arange(bins[axis]) / 2
        values = -((grid - centres[..., axis, None]) ** 2) / (2 * (sigma / 2) ** 2)
        maps[name] = torch.from_numpy(values.astype(np.float32))
    return maps


def test_simcc_peaks(centres: np.ndarray) -> None:
    head = HeadSpec(kind="simcc", simcc_split=2.0, simcc_temperature=(1.0, 1.0))
    outputs = simcc(centres, (512, 512))
    coarse, confidence = decode(outputs, head, identity_windows(5), subpixel=False)
    fine, _ = decode(outputs, head, identity_windows(5), subpixel=True)
    assert (coarse == np.rint(centres * 2) / 2).all()
    assert np.abs(fine - centres).max() < 5e-3
    softmax = [torch.softmax(outputs[name], -1).amax(-1).numpy() for name in ("simcc_x", "simcc_y")]
    assert confidence == pytest.approx(np.minimum(*softmax), rel=1e-5)


def test_simcc_no_better_than_chance_is_marked_as_deeplabcut_does() -> None:
    head = HeadSpec(kind="simcc")
    outputs = {"simcc_x": torch.zeros(1, 1, 512), "simcc_y": torch.zeros(1, 1, 512)}
    points, _ = decode(outputs, head, identity_windows(1), subpixel=False)
    assert points[0, 0].tolist() == [-0.5, -0.5]
    assert (decode(outputs, head, identity_windows(1), subpixel=True)[0] >= 0).all()


def test_windows_and_pixel_shift_are_applied(centres: np.ndarray) -> None:
    windows = CropWindows(np.full((5, 2), 100), np.full((5, 2), 128), (256, 256))
    points, _ = decode({"heatmap": gaussian_maps(centres)}, HeadSpec(pixel_shift=0.5), windows, subpixel=True)
    assert points == pytest.approx(centres / 2 + 100 - 0.5, abs=1e-3)


@pytest.mark.parametrize("activation", ["none", "softmax"])
def test_the_path_for_accelerators_gives_the_same(
    centres: np.ndarray, activation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = HeadSpec(activation=activation)  # type: ignore[arg-type]
    outputs = {"heatmap": gaussian_maps(centres)}
    on_cpu = decode(outputs, head, identity_windows(5), subpixel=True)
    monkeypatch.setattr(module, "_on_cpu", lambda values: False)
    elsewhere = decode(outputs, head, identity_windows(5), subpixel=True)
    assert (on_cpu[0] == elsewhere[0]).all()
    assert (on_cpu[1] == elsewhere[1]).all()


@pytest.mark.parametrize("activation", ["none", "softmax", "sigmoid"])
def test_arrays_decode_like_tensors(centres: np.ndarray, activation: str) -> None:
    head = HeadSpec(activation=activation)  # type: ignore[arg-type]
    maps, seen = gaussian_maps(centres), torch.linspace(-2, 2, 5)[:, None].expand(5, centres.shape[1])
    outputs = {"heatmap": maps, "visibility": seen}
    tensors = decode(outputs, head, identity_windows(5), subpixel=True)
    arrays = decode({k: v.numpy() for k, v in outputs.items()}, head, identity_windows(5), subpixel=True)
    np.testing.assert_allclose(arrays[0], tensors[0], atol=1e-4)
    np.testing.assert_allclose(arrays[1], tensors[1], atol=1e-6)


def test_visibility_lowers_the_confidence_and_calibration_joins_both(centres: np.ndarray) -> None:
    maps = gaussian_maps(centres)
    plain = decode({"heatmap": maps}, HeadSpec(), identity_windows(5), subpixel=True)[1]
    seen = torch.full(plain.shape, -2.0)
    outputs = {"heatmap": maps, "visibility": seen}
    product = decode(outputs, HeadSpec(), identity_windows(5), subpixel=True)[1]
    assert product == pytest.approx(plain / (1 + np.exp(2.0)))
    same = HeadSpec(calibration=(1.0, 0.0, 0.0))
    assert decode(outputs, same, identity_windows(5), subpixel=True)[1] == pytest.approx(plain, abs=2e-6)
    only_seen = HeadSpec(calibration=(0.0, 0.5, 0.25))
    expected = 1 / (1 + np.exp(0.75))
    assert decode(outputs, only_seen, identity_windows(5), subpixel=True)[1] == pytest.approx(expected)
    assert decode({"heatmap": maps}, only_seen, identity_windows(5), subpixel=True)[1] == pytest.approx(
        1 / (1 + np.exp(-0.25))
    )
