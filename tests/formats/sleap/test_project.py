from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import sleap_io
import xarray as xr

from superanimal.errors import FormatError, InputError
from superanimal.formats import LossWarning, load_poses, save_poses
from superanimal.labels import read_labels
from superanimal.poses import make_poses

MOUSE = sleap_io.Skeleton(nodes=["nose", "tail"], name="mouse")
FLY = sleap_io.Skeleton(nodes=["head", "abdomen"], name="fly")
VIDEO = sleap_io.Video("v.mp4", open_backend=False)


def animal(
    at: float, skeleton: Any = MOUSE, track: Any = None, by: Any = None, score: float | None = 0.7
) -> Any:
    """Return an instance with its points at (at, at) and (at + 1, at + 1); one of a person without score."""
    points = np.array([[at, at], [at + 1, at + 1]])
    if score is None:
        return sleap_io.Instance.from_numpy(points, skeleton=skeleton, track=track, from_predicted=by)
    return sleap_io.PredictedInstance.from_numpy(
        points, skeleton=skeleton, track=track, score=score, point_scores=np.full(2, score)
    )


def write(path: Path, frames: Sequence[Sequence[Any]], video: Any = VIDEO, **more: Any) -> Path:
    """Write a project with these instances in frames 0, 1, ..."""
    found = [
        sleap_io.LabeledFrame(video=video, frame_idx=t, instances=list(each)) for t, each in enumerate(frames)
    ]
    sleap_io.save_slp(sleap_io.Labels(found, **more), str(path), verbose=False)
    return path


def first_points(ds: xr.Dataset) -> dict[str, list[float]]:
    """Return the x of each individual's first known keypoint, per frame (NaN: absent)."""
    x = ds["position"].sel(space="x").transpose("individual", "time", "keypoint").values
    return {
        str(name): np.nanmin(np.where(np.isnan(one), np.inf, one), axis=1).tolist()
        for name, one in zip(ds["individual"].values, x, strict=True)
    }


@pytest.fixture
def project(poses: xr.Dataset, tmp_path: Path) -> Path:
    with pytest.warns(LossWarning, match="slp cannot hold: boxes$"):
        return save_poses(poses, tmp_path / "x.slp")[0]


def test_sleap_io_reads_what_we_write(poses: xr.Dataset, project: Path) -> None:
    labels = sleap_io.load_slp(str(project), open_videos=False)
    assert labels.skeletons[0].node_names == list(poses["keypoint"].values)
    assert [track.name for track in labels.tracks] == list(poses["individual"].values)
    assert [frame.frame_idx for frame in labels] == list(poses["frame"].values)
    assert labels.videos[0].filename == "clip.mp4"
    for t, frame in enumerate(labels):
        for instance in [*frame.user_instances, *frame.unused_predictions]:
            n = list(poses["individual"].values).index(instance.track.name)
            np.testing.assert_array_equal(instance.numpy(), poses["position"].values[t, :, :, n].T)
    kinds = [type(instance).__name__ for frame in labels for instance in frame]
    assert kinds.count("Instance") == 1
    assert kinds.count("PredictedInstance") == 9
    assert sum(len(frame.unused_predictions) for frame in labels) == 8
    np.testing.assert_array_equal(
        labels.numpy()[:, :, :, :2][[3, 4, 5, 9, 12]], poses["position"].values.transpose(0, 3, 2, 1)
    )


def test_edit_marks_and_scores_come_back_point_by_point(poses: xr.Dataset, project: Path) -> None:
    ds = load_poses(project)
    for name in ("position", "confidence", "edited"):
        np.testing.assert_array_equal(ds[name].values, poses[name].values)


def test_five_edited_points_are_five_after_a_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    edited = np.zeros((9, 27, 1), dtype=bool)
    edited[[1, 1, 4, 4, 7], [0, 5, 3, 26, 9]] = True
    ds = make_poses(
        rng.uniform(0, 99, (9, 2, 27, 1)),
        rng.uniform(0, 1, (9, 27, 1)),
        keypoints=[f"k{i}" for i in range(27)],
        edited=edited,
    )
    ds["position"].values[4, :, 26] = np.nan  # deleted by the person
    back = load_poses(save_poses(ds, tmp_path / "x.slp")[0])
    assert back["edited"].values.sum() == 5
    np.testing.assert_array_equal(back["edited"].values, edited)
    np.testing.assert_array_equal(back["position"].values, ds["position"].values)
    assert np.isfinite(back["confidence"].values).sum() == 9 * 27 - 1


def test_a_deleted_animal_leaves_no_mark_and_that_is_said(poses: xr.Dataset, tmp_path: Path) -> None:
    poses["position"].values[3, :, :, 0] = np.nan
    with pytest.warns(LossWarning, match="marks of deleted animals"):
        save_poses(poses, tmp_path / "x.slp")


def test_a_new_instance_of_sleap_in_our_file_is_all_by_hand(poses: xr.Dataset, project: Path) -> None:
    labels = sleap_io.load_slp(str(project), open_videos=False)
    labels[1].instances.append(
        sleap_io.Instance.from_numpy(np.ones((3, 2)), skeleton=labels.skeleton, track=labels.tracks[1])
    )
    labels.save(str(project), verbose=False)
    ds = load_poses(project)
    assert ds["edited"].values[1, :, 1].all()
    assert ds["edited"].values.sum() == 4


def test_we_read_what_sleap_io_writes(tmp_path: Path) -> None:
    skeleton = sleap_io.Skeleton(nodes=["a", "b"])
    tracks = [sleap_io.Track("one"), sleap_io.Track("two")]
    points = np.arange(8.0).reshape(2, 2, 2)
    frames = [
        sleap_io.LabeledFrame(
            video=VIDEO,
            frame_idx=frame,
            instances=[
                sleap_io.PredictedInstance.from_numpy(
                    points[n] + frame, skeleton=skeleton, point_scores=np.array([0.5, 1.02]), track=tracks[n]
                )
                for n in ((0, 1) if frame == 9 else (1,))
            ]
            + [sleap_io.Instance.from_numpy(points[0], skeleton=skeleton)] * (frame == 4),
        )
        for frame in (9, 4)
    ]
    sleap_io.save_slp(sleap_io.Labels(frames, tracks=tracks), str(tmp_path / "x.slp"), verbose=False)
    ds = load_poses(tmp_path / "x.slp", fps=50)
    assert list(ds["individual"].values) == ["one", "two", "animal0"]
    assert list(ds["frame"].values) == [4, 9]
    np.testing.assert_array_equal(ds["position"].values[1, :, :, 1].T, points[1] + 9)
    np.testing.assert_array_equal(ds["position"].values[0, :, :, 2].T, points[0])
    assert np.isnan(ds["position"].values[0, :, :, 0]).all()
    np.testing.assert_array_equal(ds["edited"].values[0].sum(axis=0), [0, 0, 2])
    assert ds["confidence"].values[1, :, 0].tolist() == [0.5, 1.0]
    assert ds["time"].values.tolist() == [4 / 50, 9 / 50]


@pytest.mark.parametrize("tracks", ["none", "both", "lost"])
def test_a_correction_takes_the_place_of_its_prediction(tmp_path: Path, tracks: str) -> None:
    track = None if tracks == "none" else sleap_io.Track("mouse")
    seen = [animal(10, track=track), animal(11, track=track), animal(12, track=track)]
    by_hand = animal(99, by=seen[1], score=None, track=track if tracks == "both" else None)
    path = write(tmp_path / "x.slp", [[seen[0]], [seen[1], by_hand], [seen[2]]])
    ds = load_poses(path)
    assert first_points(ds) == {"animal0" if track is None else "mouse": [10, 99, 12]}
    assert ds["edited"].values[:, :, 0].tolist() == [[False] * 2, [True] * 2, [False] * 2]
    assert np.isnan(ds["confidence"].values[1]).all()
    labels = read_labels(path)
    assert labels.individuals.tolist() == ["animal0" if tracks == "none" else "mouse"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        again = load_poses(save_poses(ds, tmp_path / "y.slp")[0])
    assert first_points(again) == first_points(ds)


def test_a_label_wins_over_an_unlinked_prediction_of_its_track(tmp_path: Path) -> None:
    track = sleap_io.Track("mouse")
    for order in (1, -1):
        pair = [animal(99, track=track, score=None), animal(10, track=track)][::order]
        ds = load_poses(write(tmp_path / "x.slp", [pair]))
        assert first_points(ds) == {"mouse": [99]}
        assert ds["edited"].values.all()


@pytest.mark.parametrize("order", [1, -1])
def test_a_label_wins_over_a_prediction_that_nothing_connects(tmp_path: Path, order: int) -> None:
    pair = [animal(99, score=None), animal(11)][::order]
    ds = load_poses(write(tmp_path / "x.slp", [[animal(10)], pair, [animal(12)]]))
    assert first_points(ds) == {"animal0": [10, 99, 12]}
    several = [animal(98, score=None), animal(99, score=None), animal(11), animal(15)][::order]
    path = write(tmp_path / "y.slp", [[animal(10), animal(14)], several])
    with pytest.warns(UserWarning, match="frame 1 has labels and predictions that neither track nor link"):
        ds = load_poses(path)
    assert sorted(one[1] for one in first_points(ds).values()) == [11, 15, 98, 99]
    assert ds["edited"].values[1].all(0).tolist() == [True, True, False, False]  # people's come first


def test_frames_with_predictions_only_are_no_labelled_images(tmp_path: Path) -> None:
    tracks = [sleap_io.Track("a"), sleap_io.Track("b")]
    seen = animal(10, track=tracks[0])
    half = [seen, animal(99, by=seen, score=None, track=tracks[0]), animal(20, track=tracks[1])]
    path = write(tmp_path / "x.slp", [half, [animal(11, track=tracks[0])], [animal(12, track=tracks[0])]])
    labels = read_labels(path)
    assert [image.frame for image in labels.images] == [0]
    assert labels.xy[:, 0, 0].tolist() == [99]
    assert labels.notes[0].endswith("3 predicted ones are left out, and 2 frames with nothing else")
    everything = read_labels(path, min_confidence=0.5)
    assert [image.frame for image in everything.images] == [0, 1, 2]
    assert everything.xy[:, 0, 0].tolist() == [99, 20, 11, 12]
    assert not everything.predicted


def test_each_animal_has_the_keypoints_of_its_skeleton(tmp_path: Path) -> None:
    frames = [
        [animal(1, score=None), animal(50, FLY, score=None), animal(101, score=None)],
        [animal(51, FLY, score=None), animal(2, score=None), animal(102, score=None)],
    ]
    ds = load_poses(write(tmp_path / "x.slp", frames))
    assert list(ds["keypoint"].values) == ["nose", "tail", "head", "abdomen"]
    assert first_points(ds) == {"animal0": [1, 2], "animal1": [101, 102], "animal2": [50, 51]}
    fly = ds["position"].sel(individual="animal2", space="x")
    np.testing.assert_array_equal(fly.sel(keypoint=["head", "abdomen"]).values, [[50, 51], [51, 52]])
    assert np.isnan(fly.sel(keypoint=["nose", "tail"]).values).all()


@pytest.mark.parametrize("read", [load_poses, read_labels])
def test_more_points_than_nodes_are_refused(tmp_path: Path, read: Any) -> None:
    path = write(tmp_path / "x.slp", [[animal(1, score=None)], [animal(2, score=None)]])
    with h5py.File(path, "r+") as file:
        instances = file["instances"][:]
        instances["point_id_start"], instances["point_id_end"] = [0, 3], [3, 6]
        file["instances"][...] = instances
        points = np.resize(file["points"][:], 6)
        del file["points"]
        file["points"] = points
    with pytest.raises(FormatError, match="frame 0 holds 3 points; its skeleton 'mouse' has 2 nodes"):
        read(path)


@pytest.mark.parametrize(
    ("table", "field", "value"),
    [
        ("instances", "skeleton", 5), ("instances", "track", 3), ("instances", "point_id_end", 99),
        ("instances", "instance_type", 7), ("frames", "instance_id_end", 99), ("frames", "video", 9),
    ],
)  # fmt: skip
@pytest.mark.parametrize("read", [load_poses, read_labels])
def test_a_reference_to_nothing_is_refused(
    tmp_path: Path, table: str, field: str, value: int, read: Any
) -> None:
    path = write(tmp_path / "x.slp", [[animal(1, score=None)], [animal(2, score=None)]])
    with h5py.File(path, "r+") as file:
        rows = file[table][:]
        rows[field][1] = value
        file[table][...] = rows
    with pytest.raises(FormatError, match=r"x\.slp"):
        read(path)


def two_videos(path: Path, labelled: Sequence[int]) -> Path:
    """Write a project of camA.mp4 and camB.mp4 with one animal at 10 x (1 + k) in some of them."""
    videos = [sleap_io.Video(f"data/cam{name}.mp4", open_backend=False) for name in "AB"]
    frames = [
        sleap_io.LabeledFrame(video=videos[k], frame_idx=3, instances=[animal(10 * (k + 1), score=None)])
        for k in labelled
    ]
    sleap_io.save_slp(sleap_io.Labels(frames, videos=videos), str(path), verbose=False)
    return path


def test_several_videos_need_a_choice(tmp_path: Path) -> None:
    path = two_videos(tmp_path / "x.slp", [0, 1])
    with pytest.raises(FormatError, match=r"0: data/camA\.mp4 .*1: data/camB\.mp4 .*index"):
        load_poses(path)
    for choice in (1, "1", "camB.mp4", "data/camB.mp4"):
        ds = load_poses(path, video=choice)
        assert first_points(ds) == {"animal0": [20]}
        assert ds.attrs["video_path"] == "data/camB.mp4"
    for wrong in (2, -1, "camC.mp4"):
        with pytest.raises(InputError, match=r"camB\.mp4"):
            load_poses(path, video=wrong)


def test_the_number_of_a_video_counts_all_of_them(tmp_path: Path) -> None:
    path = two_videos(tmp_path / "x.slp", [1])
    for options in ({}, {"video": 1}):
        ds = load_poses(path, **options)
        assert first_points(ds) == {"animal0": [20]}
        assert ds.attrs["video_path"] == "data/camB.mp4"
    assert load_poses(path, video=0).sizes["time"] == 0


def test_two_tracks_of_one_name_stay_apart(tmp_path: Path) -> None:
    tracks = [sleap_io.Track("mouse"), sleap_io.Track("mouse")]
    path = write(tmp_path / "x.slp", [[animal(1, track=tracks[0]), animal(5, track=tracks[1])]])
    with pytest.warns(UserWarning, match="two tracks are named 'mouse'"):
        ds = load_poses(path)
    assert first_points(ds) == {"mouse": [1], "mouse_2": [5]}


def test_a_track_that_stands_twice_in_a_frame_loses_no_instance(tmp_path: Path) -> None:
    track = sleap_io.Track("animal0")
    frames = [[animal(1, track=track)], [animal(2, track=track), animal(50, track=track)]]
    with pytest.warns(UserWarning, match="'animal0' occurs twice in frame 1;"):
        ds = load_poses(write(tmp_path / "x.slp", frames))
    assert first_points(ds) == {"animal0": [1, 2], "animal0_2": [np.inf, 50]}


def test_the_skeleton_has_a_name_and_symmetries(tmp_path: Path) -> None:
    names = ["nose", "left_ear", "right_ear", "mouse_center"]
    ds = make_poses(np.ones((2, 2, 4, 1)), np.ones((2, 4, 1)), keypoints=names, video_path="v.mp4")
    save_poses(ds, tmp_path / "x.slp")
    labels = sleap_io.load_slp(str(tmp_path / "x.slp"), open_videos=False)
    assert labels.skeleton.name == "topviewmouse"
    assert labels.skeleton.symmetry_names == [("left_ear", "right_ear")]
    other = make_poses(np.ones((2, 2, 1, 1)), np.ones((2, 1, 1)), keypoints=["antenna"])
    save_poses(other, tmp_path / "y.slp")
    assert sleap_io.load_slp(str(tmp_path / "y.slp"), open_videos=False).skeleton.name


def test_sleap_io_saves_our_project_as_nwb_and_we_read_it(tmp_path: Path) -> None:
    ds = make_poses(
        np.arange(24.0).reshape(3, 2, 2, 2),
        np.full((3, 2, 2), 0.5),
        keypoints=["nose", "neck"],
        individuals=["Ada", "Bo"],
        video_path="v.mp4",
    )
    save_poses(ds, tmp_path / "x.slp")
    sleap_io.save_nwb(sleap_io.load_slp(str(tmp_path / "x.slp"), open_videos=False), str(tmp_path / "x.nwb"))
    back = load_poses(tmp_path / "x.nwb")
    assert list(back["individual"].values) == ["Ada", "Bo"]
    np.testing.assert_array_equal(
        back["position"].sel(keypoint=["nose", "neck"]).values, ds["position"].values
    )
