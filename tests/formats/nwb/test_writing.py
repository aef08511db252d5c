from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pynwb
import pytest
import xarray as xr

from superanimal.errors import FormatError, InputError, StorageError
from superanimal.formats import LossWarning, load_poses, save_poses
from superanimal.formats.nwb.times import pack, unpack
from superanimal.poses import make_poses


@pytest.fixture
def ada(tmp_path: Path) -> xr.Dataset:
    """One animal in 6 frames of a video that exists."""
    video = tmp_path / "videos" / "clip.mp4"
    video.parent.mkdir()
    video.write_bytes(b"stands for a video")
    position = np.random.default_rng(0).uniform(0, 99, (6, 2, 2, 1))
    names = ["nose", "left_ear"]
    return make_poses(
        position,
        np.full((6, 2, 1), 0.5),
        keypoints=names,
        individuals=["Ada"],
        fps=29.97,
        video_path=str(video),
    )


def test_a_nwb_file_is_valid(poses: xr.Dataset, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        save_poses(poses, tmp_path / "x.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "x.nwb"), "r") as io:
        nwb = io.read()
        assert pynwb.validate(io=io) == []
        container = nwb.processing["behavior"]["Ada"]
        np.testing.assert_allclose(container["nose"].timestamps[:], poses["time"].values)
        np.testing.assert_array_equal(container["nose"].data[:], poses["position"].values[:, :, 0, 0])
        assert list(container.skeleton.nodes[:]) == list(poses["keypoint"].values)


def test_one_animal_is_where_movement_looks_and_has_its_name(ada: xr.Dataset, tmp_path: Path) -> None:
    save_poses(ada, tmp_path / "x.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "x.nwb"), "r") as io:
        nwb = io.read()
        container = nwb.processing["behavior"]["PoseEstimation"]
        assert nwb.identifier == nwb.subject.subject_id == "Ada"
        assert container.skeleton.subject is nwb.subject
        assert container["nose"].rate == 29.97
        assert container["nose"].timestamps is None


@pytest.mark.parametrize(("unit", "stored"), [("mm", "millimeters"), ("cm", "centimeters"), ("ells", "n.a.")])
def test_units_are_called_as_nwbinspector_accepts_them(tmp_path: Path, unit: str, stored: str) -> None:
    ds = make_poses(np.ones((3, 3, 1, 1)), keypoints=["nose"], fps=30, space_unit=unit)
    save_poses(ds, tmp_path / "x.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "x.nwb"), "r") as io:
        assert io.read().processing["behavior"]["PoseEstimation"]["nose"].unit == stored
    assert load_poses(tmp_path / "x.nwb", space=3).attrs["space_unit"] == unit


def test_the_video_is_named_relative_to_the_file(ada: xr.Dataset, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    save_poses(ada, tmp_path / "out" / "x.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "out" / "x.nwb"), "r") as io:
        nwb = io.read()
        assert list(nwb.processing["behavior"]["PoseEstimation"].original_videos) == ["../videos/clip.mp4"]
        assert not nwb.acquisition  # nothing that a reader would look for under a path of this machine
    Path(ada.attrs["video_path"]).unlink()
    save_poses(ada, tmp_path / "y.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "y.nwb"), "r") as io:
        container = io.read().processing["behavior"]["PoseEstimation"]
        assert list(container.original_videos) == [ada.attrs["video_path"]]


@pytest.mark.parametrize(("start", "step"), [(3, 1), (0, 5), (100, 7)])
def test_regular_frames_have_a_rate_and_come_back(
    ada: xr.Dataset, tmp_path: Path, start: int, step: int
) -> None:
    frames = start + step * np.arange(6)
    ds = ada.assign_coords(frame=("time", frames), time=frames / 29.97)
    save_poses(ds, tmp_path / "x.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "x.nwb"), "r") as io:
        series = io.read().processing["behavior"]["PoseEstimation"]["nose"]
        assert series.rate == pytest.approx(29.97 / step)
        assert series.starting_time == pytest.approx(start / 29.97)
    back = load_poses(tmp_path / "x.nwb")
    np.testing.assert_array_equal(back["frame"].values, frames)
    np.testing.assert_array_equal(back["time"].values, ds["time"].values)


def test_the_subject_says_what_is_known(ada: xr.Dataset, tmp_path: Path) -> None:
    save_poses(ada, tmp_path / "x.nwb", subject={"species": "Mus musculus", "sex": "F"})
    with pynwb.NWBHDF5IO(str(tmp_path / "x.nwb"), "r") as io:
        subject = io.read().subject
        assert (subject.species, subject.sex, subject.age) == ("Mus musculus", "F", "P0D/")
    with pytest.raises(InputError, match=r"subject=.*colour"):
        save_poses(ada, tmp_path / "y.nwb", subject={"colour": "black"})
    assert not (tmp_path / "y.nwb").exists()


def test_one_file_per_animal(poses: xr.Dataset, tmp_path: Path) -> None:
    poses = poses.drop_vars(["edited", "boxes", "box_confidence"])
    files = save_poses(poses, tmp_path / "x.nwb", "nwb-per-animal")
    assert [file.name for file in files] == ["x_Ada.nwb", "x_Bo é.nwb"]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(file.name for file in files)
    for file, name in zip(files, poses["individual"].values, strict=True):
        back = load_poses(file)
        assert list(back["individual"].values) == [name]
        np.testing.assert_array_equal(
            back["position"].values, poses["position"].sel(individual=[name]).values
        )
        with pynwb.NWBHDF5IO(str(file), "r") as io:
            assert io.read().identifier == name
    with pytest.raises(StorageError, match=r"x_Ada\.nwb.* already exists"):
        save_poses(poses, tmp_path / "x.nwb", "nwb-per-animal")
    assert save_poses(poses, tmp_path / "x.nwb", "nwb-per-animal", overwrite=True) == files


def test_without_a_frame_rate_it_is_refused(poses: xr.Dataset, tmp_path: Path) -> None:
    del poses.attrs["fps"]
    poses = poses.assign_attrs(time_unit="frames")
    with pytest.raises(FormatError, match="fps="), pytest.warns(LossWarning):
        save_poses(poses, tmp_path / "x.nwb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frames", [[], [5], [5, 6, 7], [7, 6, 6, 9], [0, 10, 20, 21, 22, 5], [4, 4]])
def test_runs_of_frames_come_back(frames: list[int]) -> None:
    packed = pack(np.array(frames, dtype=np.int64))
    back = unpack(packed, len(frames))
    assert back is not None
    assert back.tolist() == frames
    assert unpack(packed, len(frames) + 1) is None
    assert len(pack(np.arange(0, 10_000, 5))) == 1
