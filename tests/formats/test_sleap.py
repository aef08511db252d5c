from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import sleap_io
import xarray as xr

from superanimal.errors import FormatError
from superanimal.formats import LossWarning, load_poses, save_poses


@pytest.fixture
def project(poses: xr.Dataset, tmp_path: Path) -> Path:
    with pytest.warns(LossWarning, match="confidence of edited animals, edited"):
        return save_poses(poses, tmp_path / "x.slp")[0]


def test_sleap_io_reads_what_we_write(poses: xr.Dataset, project: Path) -> None:
    labels = sleap_io.load_slp(str(project), open_videos=False)
    assert labels.skeletons[0].node_names == list(poses["keypoints"].values)
    assert [track.name for track in labels.tracks] == list(poses["individuals"].values)
    assert [frame.frame_idx for frame in labels] == list(poses["frame"].values)
    assert labels.videos[0].filename == "clip.mp4"
    for t, frame in enumerate(labels):
        for instance in frame:
            n = list(poses["individuals"].values).index(instance.track.name)
            np.testing.assert_array_equal(instance.numpy(), poses["position"].values[t, :, :, n].T)
    kinds = [type(instance).__name__ for frame in labels for instance in frame]
    assert kinds.count("Instance") == 1
    assert kinds.count("PredictedInstance") == 8


def test_a_labelled_instance_comes_back_edited(poses: xr.Dataset, project: Path) -> None:
    ds = load_poses(project)
    np.testing.assert_array_equal(ds["position"].values, poses["position"].values)
    assert ds["edited"].values[3, :, 0].all()
    assert ds["edited"].values.sum() == 3
    assert np.isnan(ds["confidence"].values[3, :, 0]).all()


def test_we_read_what_sleap_io_writes(tmp_path: Path) -> None:
    skeleton = sleap_io.Skeleton(nodes=["a", "b"])
    tracks = [sleap_io.Track("one"), sleap_io.Track("two")]
    video = sleap_io.Video("v.mp4", open_backend=False)
    points = np.arange(8.0).reshape(2, 2, 2)
    frames = [
        sleap_io.LabeledFrame(
            video=video,
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
    assert list(ds["individuals"].values) == ["one", "two", "animal0"]
    assert list(ds["frame"].values) == [4, 9]
    np.testing.assert_array_equal(ds["position"].values[1, :, :, 1].T, points[1] + 9)
    np.testing.assert_array_equal(ds["position"].values[0, :, :, 2].T, points[0])
    assert np.isnan(ds["position"].values[0, :, :, 0]).all()
    np.testing.assert_array_equal(ds["edited"].values[0].sum(axis=0), [0, 0, 2])
    assert ds["confidence"].values[1, :, 0].tolist() == [0.5, 1.0]
    assert ds["time"].values.tolist() == [4 / 50, 9 / 50]


def test_several_videos_need_a_choice(tmp_path: Path) -> None:
    skeleton = sleap_io.Skeleton(nodes=["a"])
    frames = [
        sleap_io.LabeledFrame(
            video=sleap_io.Video(f"{i}.mp4", open_backend=False),
            frame_idx=i,
            instances=[sleap_io.Instance.from_numpy(np.full((1, 2), i + 1.0), skeleton=skeleton)],
        )
        for i in range(2)
    ]
    sleap_io.save_slp(sleap_io.Labels(frames), str(tmp_path / "x.slp"), verbose=False)
    with pytest.raises(FormatError, match="video="):
        load_poses(tmp_path / "x.slp")
    ds = load_poses(tmp_path / "x.slp", video=1)
    assert ds["position"].values.ravel().tolist() == [2, 2]
    assert ds.attrs["video_path"] == "1.mp4"


def test_sleap_io_reads_our_analysis_file(poses: xr.Dataset, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        save_poses(poses, tmp_path / "x.analysis.h5")
    labels = sleap_io.load_analysis_h5(str(tmp_path / "x.analysis.h5"))
    found = {frame.frame_idx: frame for frame in labels if len(frame)}
    assert sorted(found) == [3, 4, 5, 9, 12]
    np.testing.assert_allclose(found[9][1].numpy(), poses["position"].values[3, :, :, 1].T)
