from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr
from mice_that_act import acting, pair

from superanimal.behavior.descriptors import Preset, blocks, features, load_recording, write_features
from superanimal.behavior.descriptors.presets import get_preset
from superanimal.behavior.descriptors.recording import with_bodies
from superanimal.behavior.measures import Regions
from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.poses import make_poses

SMALL = Preset("default", (0.5,))


def moving(times: np.ndarray, speed: float = 40.0, heading: float = 0.3) -> np.ndarray:
    """Return an animal of 60 px that walks at px per second, (T, 2, 3, 1)."""
    place = speed * times * np.exp(1j * heading)
    points = place[:, None] + np.exp(1j * heading) * np.array([30.0, 0.0, -30.0])
    return np.stack([points.real, -points.imag], axis=1)[..., None]


NAMES = ["nose", "mouse_center", "tail_base"]


def test_speed_is_in_body_lengths_per_real_second() -> None:
    times = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.08, 400))  # the frame rate varies
    table = features(make_poses(moving(times), keypoints=NAMES, times=times), SMALL)
    assert table["speed.nose"][5:-5].to_numpy() == pytest.approx(40 / 60, rel=1e-3)
    assert table["velocity.forward"][5:-5].to_numpy() == pytest.approx(40 / 60, rel=1e-3)
    assert table["speed.nose|mean 0.5 s"][20:-20].to_numpy() == pytest.approx(40 / 60, rel=1e-3)
    assert table.attrs["units"]["speed.nose"] == "body lengths/s"


@pytest.mark.parametrize("size", [0.25, 4.0])
@pytest.mark.parametrize("heading", [0.0, 2.0, -2.5])
def test_places_do_not_depend_on_size_direction_or_place(size: float, heading: float) -> None:
    times = np.arange(100) / 20
    poses = make_poses(size * moving(times, heading=heading) + 500, keypoints=NAMES, fps=20)
    table = features(poses, SMALL)
    assert table["forward.nose"].to_numpy() == pytest.approx(0.5, abs=1e-3)
    assert table["left.nose"].to_numpy() == pytest.approx(0, abs=1e-3)
    assert table["distance.nose.tail_base"].to_numpy() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("steady", [True, False])
def test_borders_of_blocks_leave_no_trace(steady: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    poses, _ = pair(1, 700, fps=20 if steady else 100)
    poses["position"].values[100:105, :, 1, 0] = np.nan
    recording = load_recording(poses)
    if not steady:  # the camera slows down to a quarter of its rate
        steps = np.where(np.arange(700) < 400, recording.step, 4 * recording.step)
        recording = with_bodies(replace(recording, time=np.cumsum(steps)))

    def with_rows(rows: int) -> np.ndarray:
        monkeypatch.setattr(blocks, "ROWS", rows)
        parts = blocks.feature_blocks(recording, get_preset("default"), 0)
        return np.concatenate([block.values for block in parts], axis=1)

    whole, small = with_rows(10_000), with_rows(150)
    size = np.maximum(1, np.nanstd(whole, axis=1, keepdims=True))  # sums of squares lose digits
    np.testing.assert_allclose(small / size, whole / size, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("threads", [1, 3])
def test_bits_do_not_depend_on_the_number_of_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    poses, _ = pair(1, 700)
    monkeypatch.setattr(blocks, "ROWS", 150)
    monkeypatch.setattr("superanimal.behavior.descriptors.table.ROWS", 150)
    monkeypatch.setattr("superanimal.behavior.descriptors.table.THREADS", threads)
    parts = blocks.feature_blocks(load_recording(poses), SMALL, 0)
    one_by_one = np.concatenate([block.values for block in parts], axis=1).T
    np.testing.assert_array_equal(features(poses, SMALL, individual="a").iloc[:, 2:].to_numpy(), one_by_one)


def test_rows_are_the_same_in_every_kind_of_file(tmp_path: Path) -> None:
    poses, _ = acting(0, 120)
    table = features(poses, SMALL)
    for name in ("a.parquet", "a.csv", "a.zarr"):
        write_features(poses, tmp_path / name, SMALL)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), table, check_flags=False)
    assert pd.read_csv(tmp_path / "a.csv")["speed.nose"].to_numpy() == pytest.approx(
        table["speed.nose"], rel=1e-4
    )
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    np.testing.assert_array_equal(group["values"][:], table.iloc[:, 2:].to_numpy())
    assert group.attrs["names"] == list(table.columns[2:])
    with pytest.raises(InputError, match="already there"):
        write_features(poses, tmp_path / "a.zarr", SMALL)
    with pytest.raises(FormatError, match=r"\.xlsx"):
        write_features(poses, tmp_path / "a.xlsx", SMALL)


def test_short_gaps_are_filled_and_long_ones_stay() -> None:
    poses, _ = acting(0, 400)
    poses["position"].values[100:104] = np.nan
    poses["position"].values[200:260] = np.nan
    table = features(poses, SMALL)
    assert table["forward.nose"][100:104].notna().all()
    assert table["forward.nose"][215:245].isna().all()
    assert table["seen"][100:104].tolist() == [0] * 4


def test_keypoints_without_known_names_still_have_a_front() -> None:
    times = np.arange(300) / 20
    table = features(make_poses(moving(times, heading=1.0), keypoints=["p", "q", "r"], fps=20), SMALL)
    assert table["forward.p"].median() == pytest.approx(0.5, abs=0.02)
    still = make_poses(moving(times, speed=0), keypoints=["p", "q", "r"], fps=20)
    assert any("front" in note for note in features(still, SMALL).attrs["notes"])


def test_one_keypoint_has_paths_and_speeds() -> None:
    table = features(make_poses(moving(np.arange(50) / 20)[:, :, :1], keypoints=["p"], fps=20), SMALL)
    assert table["speed.p"][5:-5].to_numpy() == pytest.approx(40, rel=1e-3)
    assert any("body frame" in note for note in table.attrs["notes"])


def test_three_coordinates_have_heights() -> None:
    poses, _ = acting(0, 200, space=3)
    poses["position"].values[:, 2, 0] += 30  # the nose is up
    table = features(poses, SMALL)
    assert table["up.nose"].mean() == pytest.approx(table["up.neck"].mean() + 30 / 58, rel=0.2)
    assert table["pitch.neck.nose"].median() > 0.8


def test_pairs_have_a_direction() -> None:
    poses, chases = pair(2)
    a, b = (features(poses, SMALL, individual=name) for name in "ab")
    assert a["other.forward.middle"][chases].median() > 0  # the chased one is in front of the chaser
    assert a["other.distance"][chases].median() < 0.5 * a["other.distance"][~chases].median()
    both = features(poses, SMALL)
    assert both["high.speed.nose"].to_numpy() == pytest.approx(np.fmax(a["speed.nose"], b["speed.nose"]))
    with pytest.raises(NotFoundError, match="'c'"):
        features(poses, SMALL, individual="c")


def test_the_papers_features() -> None:
    poses, _ = acting(0, 200)
    table = features(poses, "paper")
    assert any("lack a keypoint" in note for note in table.attrs["notes"])
    assert table["distance.nose.neck|+0.2 s"][50] == pytest.approx(table["distance.nose.neck"][54])


def test_the_frame_rate_must_be_known() -> None:
    with pytest.raises(InputError, match="frame rate"):
        features(make_poses(moving(np.arange(9) / 20), keypoints=NAMES))


def test_places_are_measured_from_the_arena_and_regions() -> None:
    corners = np.array([[-100, -100], [100, -100], [100, 100], [-100, 100.0]])
    regions = Regions({"food": corners / 2}, corners)
    table = features(
        make_poses(moving(np.arange(200) / 20, heading=0.0), keypoints=NAMES, fps=20), SMALL, regions=regions
    )
    nose = 30 + 2.0 * np.arange(200)  # px to the right of the middle
    assert table["edge.nose"].to_numpy() == pytest.approx((100 - nose) / 60, abs=1e-4)
    assert table["region.food.nose"].to_numpy() == pytest.approx((50 - nose) / 60, abs=1e-4)


def test_bodies_with_a_back_but_no_front_look_away_from_it() -> None:
    backwards = make_poses(
        moving(np.arange(100) / 20, speed=-40.0), keypoints=["p", "q", "tail_base"], fps=20
    )
    assert features(backwards, SMALL)["forward.p"].median() > 0.4
