from __future__ import annotations

import json
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import sleap_io
import xarray as xr

from superanimal.errors import FormatError
from superanimal.formats import LossWarning, load_poses, save_poses
from superanimal.poses import make_poses

LAYOUTS = {"matlab": "track xy node frame", "standard": "frame track node xy", "old": "frame node xy track"}
CANONICAL = ["frame", "xy", "node", "track"]


def write(path: Path, layout: str, *, dims: bool, scores: bool = True, shape: tuple[int, ...]) -> np.ndarray:
    """Write an analysis file of ``shape`` (T, 2, K, N) in a layout; return the positions in that shape."""
    order = LAYOUTS[layout].split()
    position = np.arange(np.prod(shape), dtype=float).reshape(shape)
    with h5py.File(path, "w") as file:
        file["tracks"] = position.transpose([CANONICAL.index(axis) for axis in order])
        file["node_names"] = np.array([f"k{i}" for i in range(shape[2])], dtype="S4")
        file["track_names"] = np.array([f"t{i}" for i in range(shape[3])], dtype="S4")
        if dims:
            file["tracks"].attrs["dims"] = json.dumps(order)
        if scores:
            rest = [axis for axis in order if axis != "xy"]
            confidence = position[:, 0] / position.max()
            file["point_scores"] = confidence.transpose([("frame", "node", "track").index(a) for a in rest])
    return position


@pytest.mark.parametrize("scores", [True, False])
@pytest.mark.parametrize("dims", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_reads_the_same(tmp_path: Path, layout: str, dims: bool, scores: bool) -> None:
    path = tmp_path / "x.analysis.h5"
    position = write(path, layout, dims=dims, scores=scores, shape=(10, 2, 4, 3))
    ds = load_poses(path)
    np.testing.assert_array_equal(ds["position"].values, position.astype(np.float32))
    expected = position[:, 0] / position.max() if scores else np.full((10, 4, 3), np.nan)
    np.testing.assert_array_equal(ds["confidence"].values, expected.astype(np.float32))
    assert list(ds["individual"].values) == ["t0", "t1", "t2"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_dims_settle_what_sizes_leave_open(tmp_path: Path, layout: str) -> None:
    position = write(tmp_path / "x.analysis.h5", layout, dims=True, shape=(2, 2, 2, 2))
    np.testing.assert_array_equal(load_poses(tmp_path / "x.analysis.h5")["position"].values, position)
    write(tmp_path / "y.analysis.h5", layout, dims=False, shape=(2, 2, 2, 2))
    with pytest.raises(FormatError, match=r"may be \(track, xy, node, frame\) or \(frame, track"):
        load_poses(tmp_path / "y.analysis.h5")


def test_axes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.analysis.h5"
    write(path, "matlab", dims=True, shape=(10, 2, 4, 3))
    with h5py.File(path, "r+") as file:
        file["tracks"].attrs["dims"] = json.dumps(["track", "node", "xy", "frame"])
    with pytest.raises(FormatError, match="2 coordinates and 4 nodes"):
        load_poses(path)
    with h5py.File(path, "r+") as file:
        file["tracks"].attrs["dims"] = json.dumps(["track", "space", "node", "frame"])
    with pytest.raises(FormatError, match="expected the axes"):
        load_poses(path)


@pytest.mark.parametrize("preset", ["matlab", "standard"])
def test_we_read_both_presets_of_sleap_io(tmp_path: Path, preset: str) -> None:
    skeleton = sleap_io.Skeleton(nodes=["a", "b", "c"], name="s")
    tracks = [sleap_io.Track("one"), sleap_io.Track("two")]
    video = sleap_io.Video("v.mp4", open_backend=False)
    points = np.random.default_rng(0).uniform(0, 9, (4, 2, 3, 2))
    frames = [
        sleap_io.LabeledFrame(
            video=video,
            frame_idx=t,
            instances=[
                sleap_io.PredictedInstance.from_numpy(
                    points[t, n], skeleton=skeleton, track=tracks[n], point_scores=np.full(3, 0.5)
                )
                for n in range(2)
            ],
        )
        for t in range(4)
    ]
    path = tmp_path / "x.analysis.h5"
    sleap_io.save_analysis_h5(sleap_io.Labels(frames, tracks=tracks), str(path), preset=preset)
    ds = load_poses(path)
    np.testing.assert_allclose(ds["position"].values[:4], points.transpose(0, 3, 2, 1), rtol=1e-6)
    assert (ds["confidence"].values[:4] == 0.5).all()


def test_sleap_io_reads_our_analysis_file(poses: xr.Dataset, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        save_poses(poses, tmp_path / "x.analysis.h5")
    labels = sleap_io.load_analysis_h5(str(tmp_path / "x.analysis.h5"))
    found = {frame.frame_idx: frame for frame in labels if len(frame)}
    assert sorted(found) == [3, 4, 5, 9, 12]
    np.testing.assert_allclose(found[9][1].numpy(), poses["position"].values[3, :, :, 1].T)


def test_the_skeleton_has_a_name_and_symmetries(tmp_path: Path) -> None:
    names = ["nose", "left_ear", "right_ear", "mouse_center"]
    ds = make_poses(np.ones((2, 2, 4, 1)), np.ones((2, 4, 1)), keypoints=names, individuals=["Ada"])
    save_poses(ds, tmp_path / "x.analysis.h5")
    skeleton = sleap_io.load_analysis_h5(str(tmp_path / "x.analysis.h5")).skeleton
    assert skeleton.name == "topviewmouse"
    assert skeleton.symmetry_names == [("left_ear", "right_ear")]
    with h5py.File(tmp_path / "x.analysis.h5") as file:
        assert json.loads(file["tracks"].attrs["dims"]) == LAYOUTS["matlab"].split()
