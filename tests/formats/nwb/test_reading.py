from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pynwb
import pytest
from ndx_pose import PoseEstimation, PoseEstimationSeries, Skeleton, Skeletons

from superanimal.errors import FormatError, InputError
from superanimal.formats import LossWarning, load_poses, save_poses
from superanimal.formats.nwb.times import join


def container(
    name: str = "PoseEstimation",
    keypoints: Sequence[str] = ("nose", "tail"),
    *,
    at: float = 0.0,
    times: np.ndarray | None = None,
    frames: int = 4,
    axes: int = 2,
    skeleton: bool = True,
    describe: str = "",
    video: str = "",
    unit: str = "pixels",
    **conversion: float,
) -> PoseEstimation:
    """Return a container whose keypoint k is at (at + t + 10 k, at + 1, ...) in row t."""
    times = np.arange(frames) / 30 if times is None else times
    series = []
    for k, keypoint in enumerate(keypoints):
        data = np.full((len(times), axes), at + 1)
        data[:, 0] = at + np.arange(len(times)) + 10 * k
        series.append(
            PoseEstimationSeries(
                name=keypoint,
                description=describe.format(*keypoint.split("_", 1)) or "d",
                data=data,
                confidence=np.full(len(times), 0.9),
                unit=unit,
                reference_frame="r",
                timestamps=times,
                **conversion,
            )
        )
    named = Skeleton(name=f"skeleton_{name}", nodes=list(keypoints)) if skeleton else None
    return PoseEstimation(
        name=name,
        pose_estimation_series=series,
        description="d",
        source_software="S",
        skeleton=named,
        original_videos=video.split() or None,
    )


def write(path: Path, modules: dict[str, Sequence[PoseEstimation]], **more: Any) -> Path:
    nwb = pynwb.NWBFile("x", "session 1", datetime(2020, 1, 1, tzinfo=UTC), **more)
    for name, containers in modules.items():
        module = nwb.create_processing_module(name, "b")
        skeletons = [each.skeleton for each in containers if each.skeleton is not None]
        if skeletons:
            module.add(Skeletons(skeletons=skeletons))
        for each in containers:
            module.add(each)
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(nwb)
    return path


def x_of(path: Path, **options: Any) -> list[float]:
    """Return x of the first keypoint of the only individual."""
    ds = load_poses(path, **options)
    assert ds.sizes["individual"] == 1
    return ds["position"].values[:, 0, 0, 0].tolist()


def test_containers_of_one_name_in_two_modules_are_chosen_by_name(tmp_path: Path) -> None:
    modules = {"behavior_cam1": [container()], "behavior_cam2": [container(at=500)]}
    path = write(tmp_path / "x.nwb", modules)
    with pytest.raises(FormatError, match=r"'behavior_cam1', 'behavior_cam2'.*video=\.\.\."):
        load_poses(path)
    assert x_of(path, video="behavior_cam1") == [0, 1, 2, 3]
    assert x_of(path, video="behavior_cam2/PoseEstimation") == [500, 501, 502, 503]
    for wrong, fits in (("behavior_cam3", "none"), ("PoseEstimation", "2")):
        with pytest.raises(InputError, match=f"it matches {fits} of 'behavior_cam1', 'behavior_cam2'"):
            load_poses(path, video=wrong)


@pytest.mark.parametrize(
    ("names", "videos", "second"),
    [
        (("one", "two"), ("camA.mp4", "camB.mp4"), {}),
        (("PoseEstimationLeftCamera", "PoseEstimationRightCamera"), ("", ""), {}),
        (("cam1", "cam2"), ("", ""), {}),
        (("left", "right"), ("", ""), {}),
        (("one", "two"), ("", ""), {"frames": 7}),
        (("one", "two"), ("", ""), {"keypoints": ("nose", "paw")}),
        (("one", "two"), ("", ""), {"times": np.arange(4) / 30 + 0.011}),
    ],
)
def test_two_cameras_in_one_module_are_not_two_animals(
    tmp_path: Path, names: tuple[str, str], videos: tuple[str, str], second: dict[str, Any]
) -> None:
    both = [container(names[0], video=videos[0]), container(names[1], at=500, video=videos[1], **second)]
    path = write(tmp_path / "x.nwb", {"behavior": both})
    with pytest.raises(FormatError, match=f"'{names[0]}', '{names[1]}'"):
        load_poses(path)
    ds = load_poses(path, video=names[1])
    assert ds["position"].values[0, 0, 0, 0] == 500
    assert ds.attrs["video_path"] == videos[1]
    if videos[0]:
        assert x_of(path, video="camA.mp4") == [0, 1, 2, 3]


def test_animals_of_one_video_are_read_together(tmp_path: Path) -> None:
    both = [container("Ada", video="v.mp4"), container("Bo", at=500, video="v.mp4", frames=3)]
    ds = load_poses(write(tmp_path / "x.nwb", {"behavior": both}))
    assert list(ds["individual"].values) == ["Ada", "Bo"]
    np.testing.assert_array_equal(ds["position"].values[:, 0, 0, 1], [500, 501, 502, np.nan])


def test_poses_of_two_video_files_say_so(tmp_path: Path) -> None:
    path = write(tmp_path / "x.nwb", {"behavior": [container(video="a/one.avi two.avi")]})
    with pytest.warns(UserWarning, match=r"2 video files \(one\.avi, two\.avi\); the data set names only"):
        ds = load_poses(path)
    assert ds.attrs["video_path"] == "a/one.avi"


def test_containers_that_say_nothing_are_animals_and_that_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "x.nwb", {"behavior": [container("Ada"), container("Bo", at=500)]})
    with pytest.warns(UserWarning, match="read as animals of one video; if they are cameras, only one"):
        ds = load_poses(path)
    assert list(ds["individual"].values) == ["Ada", "Bo"]
    cameras = write(tmp_path / "y.nwb", {"behavior": [container("cam1"), container("cam2", at=500)]})
    assert list(load_poses(cameras, video=["cam1", "cam2"])["individual"].values) == ["cam1", "cam2"]


def test_keypoints_with_sides_stay_keypoints(tmp_path: Path) -> None:
    for skeleton in (True, False):
        only = container(keypoints=("paw_left", "paw_right"), skeleton=skeleton)
        ds = load_poses(write(tmp_path / f"{skeleton}.nwb", {"behavior": [only]}))
        assert list(ds["keypoint"].values) == ["paw_left", "paw_right"]
        assert list(ds["individual"].values) == ["animal0"]


def test_dlc2nwb_names_the_individual_in_the_description(tmp_path: Path) -> None:
    names = [f"{animal}_{keypoint}" for animal in ("m1", "m2") for keypoint in ("paw_left", "paw_right")]
    only = container(keypoints=names, skeleton=False, describe="Keypoint {1} from individual {0}.")
    ds = load_poses(write(tmp_path / "x.nwb", {"behavior": [only]}))
    assert sorted(ds["individual"].values) == ["m1", "m2"]
    assert sorted(ds["keypoint"].values) == ["paw_left", "paw_right"]


def test_keypoints_come_in_the_order_of_the_linked_skeleton(tmp_path: Path) -> None:
    path = write(tmp_path / "x.nwb", {"behavior": [container(keypoints=("snout", "ear", "base"))]})
    assert list(load_poses(path)["keypoint"].values) == ["snout", "ear", "base"]


def test_series_of_neuroconv_have_the_names_of_their_nodes(tmp_path: Path) -> None:
    made = container(keypoints=["PoseEstimationSeriesLeftEar", "PoseEstimationSeriesNose"])
    made.skeleton.fields["nodes"] = ["nose", "left_ear"]
    ds = load_poses(write(tmp_path / "x.nwb", {"behavior": [made]}))
    assert list(ds["keypoint"].values) == ["nose", "left_ear"]
    assert ds["position"].values[0, 0, :, 0].tolist() == [10, 0]


def test_clocks_that_are_a_little_off_are_one_and_drifting_ones_are_refused() -> None:
    clock = np.arange(300) / 30
    times, rows = join([clock, clock[10:] + 2e-3], "x.nwb")
    assert len(times) == 300
    assert rows[1].tolist() == list(range(10, 300))
    with pytest.raises(FormatError, match="drift apart"):
        join([clock, clock * 1.01], "x.nwb")


def test_the_subject_names_the_animal_of_a_nameless_container(tmp_path: Path) -> None:
    subject = pynwb.file.Subject(subject_id="Ada")
    path = write(tmp_path / "x.nwb", {"behavior": [container()]}, subject=subject)
    assert list(load_poses(path)["individual"].values) == ["Ada"]


def camera(name: str) -> np.ndarray:
    """Return 3000 time stamps of a real camera."""
    rng = np.random.default_rng(0)
    if name == "free run":
        return 0.37 + np.cumsum(1 / 60.03 + rng.normal(0, 2e-4, 3000))
    if name == "trigger":
        return 1000.5 + np.arange(3000) / 29.97 + rng.normal(0, 2e-4, 3000)
    return 1000.5 + np.arange(3000) / 30


@pytest.mark.parametrize("name", ["free run", "trigger", "regular"])
def test_time_stamps_of_a_camera_lose_no_frame(tmp_path: Path, name: str) -> None:
    times = camera(name)
    path = write(tmp_path / "x.nwb", {"behavior": [container(times=times)]})
    ds = load_poses(path)
    np.testing.assert_array_equal(ds["frame"].values, np.arange(3000))
    np.testing.assert_allclose(ds["time"].values, times, rtol=0, atol=1e-9)
    assert ds.attrs["fps"] == pytest.approx(2999 / (times[-1] - times[0]), rel=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for file in ("y.nwb", "y.nc", "y.parquet"):
            back = load_poses(save_poses(ds, tmp_path / file)[0])
            np.testing.assert_array_equal(back["frame"].values, np.arange(3000))
            np.testing.assert_allclose(back["time"].values, times, rtol=0, atol=1e-9)
    with pytest.warns(LossWarning, match="cannot hold: times"):
        save_poses(ds, tmp_path / "y.h5")
    assert load_poses(tmp_path / "y.h5").sizes["time"] == 3000


def test_gaps_on_an_exact_grid_are_gaps_and_of_a_camera_a_warning(tmp_path: Path) -> None:
    grid = np.array([0, 1, 2, 7, 8]) / 29.97
    ds = load_poses(write(tmp_path / "x.nwb", {"behavior": [container(times=grid)]}))
    assert ds["frame"].values.tolist() == [0, 1, 2, 7, 8]
    assert ds.attrs["fps"] == pytest.approx(29.97)
    shaken = 5 + grid + np.array([0, 3e-4, -2e-4, 1e-4, 4e-4])
    path = write(tmp_path / "y.nwb", {"behavior": [container(times=shaken)]})
    with pytest.warns(UserWarning, match="1 gaps in the time stamps"):
        ds = load_poses(path)
    assert ds["frame"].values.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(ds["time"].values, shaken)


def test_frame_numbers_in_place_of_seconds(tmp_path: Path) -> None:
    ds = load_poses(write(tmp_path / "x.nwb", {"behavior": [container(times=np.array([2.0, 3, 4, 9]))]}))
    assert ds["frame"].values.tolist() == [2, 3, 4, 9]
    assert "fps" not in ds.attrs


@pytest.mark.parametrize("times", [[0, 0.1, np.nan, 0.3], [0, 0.1, 0.1, 0.2], [0, 0.2, 0.1, 0.3]])
def test_broken_time_stamps_cost_no_row(tmp_path: Path, times: list[float]) -> None:
    path = write(tmp_path / "x.nwb", {"behavior": [container(times=np.array(times))]})
    with pytest.warns(UserWarning, match="missing or do not increase"):
        ds = load_poses(path)
    assert ds["frame"].values.tolist() == [0, 1, 2, 3]
    assert ds["position"].values[:, 0, 0, 0].tolist() == [0, 1, 2, 3]


def test_z_is_dropped_with_a_warning_or_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "x.nwb", {"behavior": [container(axes=3, unit="mm", conversion=2.0)]})
    with pytest.warns(UserWarning, match=r"z is dropped.*space=3"):
        assert list(load_poses(path)["space"].values) == ["x", "y"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds = load_poses(path, space=3)
    assert list(ds["space"].values) == ["x", "y", "z"]
    assert ds.attrs["space_unit"] == "mm"
    assert ds["position"].values[2, :, 1, 0].tolist() == [24, 2, 2]
    back = load_poses(save_poses(ds, tmp_path / "y.nwb")[0], space=3)
    np.testing.assert_array_equal(back["position"].values, ds["position"].values)
    assert back.attrs["space_unit"] == "mm"


def test_a_series_that_does_not_fit_its_times_is_refused(tmp_path: Path) -> None:
    import h5py

    path = write(tmp_path / "x.nwb", {"behavior": [container()]})
    with h5py.File(path, "r+") as file:
        group = file["processing/behavior/PoseEstimation/nose"]
        del group["confidence"]
        group["confidence"] = np.ones(3)
    with pytest.raises(FormatError, match="'nose' has 4 positions, 4 times and 3 scores"):
        load_poses(path)
