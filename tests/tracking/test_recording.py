"""superanimal.track as a whole, on herds with known identities."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from superanimal import track
from superanimal.errors import InputError
from superanimal.poses import make_poses, validate_poses
from superanimal.poses.provenance import get_provenance
from superanimal.synth.herd import Errors, Herd, make_herd
from superanimal.tracking.recording import TrackingWarning

NONE = Errors(*[0.0] * 7)


def points_of(poses: xr.Dataset) -> np.ndarray:
    return poses["position"].transpose("time", "individual", "keypoint", "space").values


def quietly(poses: xr.Dataset, count: int) -> xr.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrackingWarning)
        return track(poses, count)


def right(tracked: xr.Dataset, truth: xr.Dataset) -> float:
    """Return the share of true animals that have the name they have most often."""
    found, known = points_of(tracked), points_of(truth)
    hits = np.zeros((known.shape[1], found.shape[1]))
    for i in range(known.shape[1]):
        for j in range(found.shape[1]):
            apart = np.linalg.norm(known[:, i] - found[:, j], axis=-1)
            seen = np.isfinite(apart).any(-1)
            hits[i, j] = (np.nanmedian(apart[seen], axis=-1) < 8).sum()
    return float(hits.max(1).sum() / hits.sum())


@pytest.fixture(scope="module")
def herd() -> Herd:
    return make_herd(2, 400, seed=3, variety=0.1)


def test_slots_that_mean_nothing(herd: Herd) -> None:
    tracked = track(herd.shuffled(seed=0))
    assert right(tracked, herd.truth) == 1
    assert np.isfinite(points_of(tracked)).all()  # nothing is lost
    assert float(tracked["identity_confidence"].min()) > 0.5


def test_errors_of_a_detector(herd: Herd) -> None:
    """Misses, merges, spurious and doubled detections, keypoints on the wrong animal."""
    found = herd.detected(Errors(), seed=1)
    with pytest.warns(TrackingWarning, match="detections are left out"):
        tracked = track(found, 2)
    assert right(tracked, herd.truth) > 0.95
    assert tracked.sizes["individual"] == 2


def test_five_animals_and_a_shelter() -> None:
    herd = make_herd(5, 250, seed=1, shelter=True, side=800, variety=0.1)
    assert right(quietly(herd.detected(Errors(merged=0, stolen=0), seed=0), 5), herd.truth) > 0.9


def test_fewer_animals_than_the_maximum(herd: Herd) -> None:
    tracked = quietly(herd.shuffled(seed=0), 6)
    assert right(tracked, herd.truth) == 1
    assert tracked.sizes["individual"] == 2


def test_a_short_spurious_detection_is_dropped_and_said() -> None:
    herd = make_herd(1, 60, seed=0)
    points = np.concatenate([points_of(herd.truth), np.full((60, 1, 8, 2), np.nan)], axis=1)
    points[20:22, 1] = points[20:22, 0] + 300
    poses = make_poses(points.transpose(0, 3, 2, 1), keypoints=list(herd.truth["keypoint"].values))
    with pytest.warns(TrackingWarning, match="2 of 62 detections are left out: 2 that fit none"):
        tracked = track(poses, 2)
    assert np.isnan(points_of(tracked)[:, 1]).all()


def test_duplicates_are_one_animal() -> None:
    herd = make_herd(1, 30, seed=0)
    points = np.repeat(points_of(herd.truth), 2, axis=1)
    points[:, 1] += 1
    poses = make_poses(points.transpose(0, 3, 2, 1), keypoints=list(herd.truth["keypoint"].values))
    with pytest.warns(TrackingWarning, match="30 that lie on another one"):
        tracked = track(poses, 2)
    assert np.isnan(points_of(tracked)).all((0, 2, 3)).sum() == 1


def test_gaps_between_frames(herd: Herd) -> None:
    rows = np.r_[0:100, 110:200, 230:400]
    tracked = track(herd.shuffled(seed=2).isel(time=rows))
    assert right(tracked, herd.truth.isel(time=rows)) == 1
    np.testing.assert_array_equal(tracked["frame"], rows)


def test_the_order_of_rows_does_not_matter(herd: Herd) -> None:
    found = herd.shuffled(seed=2).isel(time=slice(0, 80))
    mixed = found.isel(time=np.random.default_rng(0).permutation(80))
    assert right(track(mixed), herd.truth.sel(time=mixed["time"])) == 1


@pytest.mark.parametrize("frames", [0, 1, 2])
@pytest.mark.parametrize("animals", [1, 2])
@pytest.mark.parametrize("keypoints", [1, 3])
def test_hardly_any_data(frames: int, animals: int, keypoints: int) -> None:
    position = np.random.default_rng(0).uniform(0, 500, (frames, 2, keypoints, animals))
    poses = make_poses(position, keypoints=[f"k{i}" for i in range(keypoints)])
    tracked = quietly(poses, 2)
    validate_poses(tracked)
    assert tracked["position"].shape == position.shape


def test_nothing_found() -> None:
    tracked = track(make_poses(np.full((5, 2, 3, 2), np.nan), keypoints=list("abc")))
    assert np.isnan(tracked["position"]).all()
    assert np.isnan(tracked["identity_confidence"]).all()


def test_boxes_and_marks_go_with_the_animal(herd: Herd) -> None:
    found = herd.shuffled(seed=0).isel(time=slice(0, 60))
    points = points_of(found)
    boxes = np.concatenate([np.nanmin(points, axis=2), np.ptp(points, axis=2)], -1)
    found["boxes"] = (("time", "box", "individual"), boxes.transpose(0, 2, 1).astype(np.float32))
    found = found.assign_coords(box=["x", "y", "width", "height"])
    tracked = track(found)
    corner = np.nanmin(points_of(tracked), axis=2)
    np.testing.assert_allclose(
        tracked["boxes"].transpose("time", "individual", "box").values[..., :2], corner
    )
    validate_poses(tracked)


def test_what_a_person_set_wins(herd: Herd) -> None:
    """The names of one frame are set by a person, against those that most frames have."""
    names = herd.truth.assign_coords(individual=["animal0", "animal1"])
    edited = np.zeros((400, 8, 2), dtype=bool)
    edited[200, :3] = True
    points = points_of(names).copy()
    points[:200] = points[:200, ::-1]
    points[201:] = points[201:, ::-1]
    poses = make_poses(points.transpose(0, 3, 2, 1), keypoints=list(names["keypoint"].values), edited=edited)
    tracked = track(poses)
    np.testing.assert_array_equal(points_of(tracked), points_of(names))
    assert tracked["edited"].values.sum() == 6


def test_more_named_animals_than_asked_for(herd: Herd) -> None:
    poses = herd.truth.assign(edited=xr.ones_like(herd.truth["confidence"], dtype=bool))
    with pytest.raises(InputError, match="points of 2 animals were set by a person"):
        track(poses, 1)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_no_number_of_animals(herd: Herd, count: object) -> None:
    with pytest.raises(InputError, match="max_individuals"):
        track(herd.truth, count)  # type: ignore[arg-type]


def test_three_dimensions_are_refused() -> None:
    with pytest.raises(InputError, match="tracking needs x and y"):
        track(make_poses(np.zeros((2, 3, 1, 1)), keypoints=["a"], space_unit="mm"))


def test_names_of_the_input_are_kept(herd: Herd) -> None:
    named = herd.truth.assign_coords(individual=["mother", "pup"])
    tracked = track(named)
    np.testing.assert_array_equal(points_of(tracked), points_of(named))
    assert tracked["individual"].values.tolist() == ["mother", "pup"]
    assert get_provenance(tracked)["action"] == "track"
    assert tracked.attrs["fps"] == 30


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_slots_only_change_names_and_nothing_is_made_up(seed: int, most: int) -> None:
    herd = make_herd(3, 40, seed=seed, side=300)
    found = herd.detected(Errors(missed=0.2, spurious=0.3), seed)
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.random((40, found.sizes["individual"])), axis=1)
    mixed = found.copy(deep=True)
    rows = np.arange(40)[:, None]
    mixed["position"].values[:] = points_of(found)[rows, order].transpose(0, 3, 2, 1)
    mixed["confidence"].values[:] = (
        found["confidence"].values.transpose(0, 2, 1)[rows, order].transpose(0, 2, 1)
    )
    first, second = points_of(quietly(found, most)), points_of(quietly(mixed, most))
    assert first.shape[1] <= max(most, 1)
    # the same animals, each under some name
    assert sorted(_keys(first)) == sorted(_keys(second))
    # every keypoint of the result is one of the input, and none is there twice
    known, given = _keypoints(points_of(found)), _keypoints(first)
    assert set(given) <= set(known)
    assert len(set(given)) == len(given)


def _keypoints(points: np.ndarray) -> list[tuple[int, int, bytes]]:
    """Return row, keypoint and place of all keypoints."""
    return [(t, k, points[t, i, k].tobytes()) for t, i, k in np.argwhere(np.isfinite(points[..., 0]))]


def _keys(points: np.ndarray) -> list[bytes]:
    return [points[:, i].tobytes() for i in range(points.shape[1]) if np.isfinite(points[:, i]).any()]


def test_colours_tell_animals_apart_that_look_alike(tmp_path: Path) -> None:
    """Two animals of the same shape vanish together and come back elsewhere."""
    from superanimal.video import VideoWriter

    herd = make_herd(2, 200, seed=5, variety=0.0, side=300, length=30)
    points = points_of(herd.truth).copy()
    points[90:110] = np.nan
    points[110:] = points[110:, :, :, ::-1]  # mirrored: where they come back says nothing
    colours = np.array([[40, 40, 40], [220, 160, 90]], np.uint8)
    with VideoWriter(tmp_path / "two.mp4", 304, 304, 30) as writer:
        for row in points:
            image = np.full((304, 304, 3), 128, np.uint8)
            for pose, colour in zip(row, colours, strict=True):
                if np.isfinite(pose).all():
                    low, high = pose.min(0).astype(int), pose.max(0).astype(int)
                    image[max(low[1], 0) : high[1], max(low[0], 0) : high[0]] = colour
            writer.write(image)
    position = points[:, ::1].transpose(0, 3, 2, 1)
    poses = make_poses(position, keypoints=list(herd.truth["keypoint"].values), fps=30)
    swapped = poses.copy(deep=True)
    swapped["position"].values[110:] = swapped["position"].values[110:, ..., ::-1]
    tracked = points_of(track(swapped, 2, video=tmp_path / "two.mp4"))
    first = [bool(np.allclose(tracked[t, 0], points[t, 0])) for t in (80, 120)]
    assert first[0] == first[1]


def test_a_file_is_read(tmp_path: Path, herd: Herd) -> None:
    from superanimal.formats import save_poses

    (path, *_) = save_poses(herd.shuffled(seed=0).isel(time=slice(0, 30)), tmp_path / "p.nc")
    assert track(path).sizes["time"] == 30
