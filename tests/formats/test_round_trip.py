"""read(write(x)) == x for everything a format can hold, for data sets of any shape and any names."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from superanimal.errors import FormatError
from superanimal.formats import LossWarning, load_poses, save_poses
from superanimal.formats.registry import get_format, seen_only
from superanimal.poses import get_provenance, make_poses

FILES = {
    "dlc-h5": "x.h5",
    "dlc-csv": "x.csv",
    "movement": "x.nc",
    "csv": "tidy.csv",
    "parquet": "x.parquet",
    "coco": "x.json",
    "slp": "x.slp",
    "sleap-analysis-h5": "x.analysis.h5",
    "nwb": "x.nwb",
    "lightning-pose": "lp.csv",
}
NAMES = st.text(st.sampled_from("abzXY 019_-,;'\"/:.éß日"), min_size=1, max_size=8).filter(
    lambda name: name == name.strip() and name.strip(".") and name != "single"
)


@st.composite
def data_sets(draw: st.DrawFn, one_animal: bool = False) -> xr.Dataset:
    times, keypoints = draw(st.integers(1, 5)), draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    individuals = ["animal0"] if one_animal else draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    shape = (times, len(keypoints), len(individuals))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    position = rng.normal(300, 400, (times, 2, *shape[1:])).astype(np.float32)
    confidence = rng.uniform(0.01, 1, shape).astype(np.float32)
    if draw(st.booleans()):
        confidence[:] = np.nan
    absent = rng.random(shape) < draw(st.sampled_from([0, 0.3, 1]))
    position[np.broadcast_to(absent[:, None], position.shape)] = np.nan
    confidence[absent] = np.nan
    boxes = box_confidence = edited = None
    if draw(st.booleans()):
        boxes = rng.uniform(-5, 300, (times, 4, shape[2])).astype(np.float32)
        boxes[:, 2:] = np.abs(boxes[:, 2:])  # no box is less than nothing wide
        boxes[np.broadcast_to((rng.random((times, 1, shape[2])) < 0.3), boxes.shape)] = np.nan
        box_confidence = np.where(np.isnan(boxes[:, 0]), np.nan, rng.random((times, shape[2])))
        box_confidence = box_confidence.astype(np.float32)
    if draw(st.booleans()):
        edited = rng.random(shape) < 0.5
    frames = np.cumsum(rng.integers(1, 9, times)) + draw(st.sampled_from([-1, 50]))
    return make_poses(
        position,
        confidence,
        keypoints=keypoints,
        individuals=individuals,
        fps=draw(st.sampled_from([None, 30.0, 29.97])),
        frames=frames,
        boxes=boxes,
        box_confidence=box_confidence,
        edited=edited,
        source_software="superanimal",
        video_path="vidéo 1.mp4",
        provenance={"action": "test"},
    )


def there_and_back(ds: xr.Dataset, name: str, **options: object) -> xr.Dataset:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", LossWarning)
        path = Path(folder) / FILES[name]
        written = save_poses(ds, path, format=name, **options)
        assert all(p.is_file() for p in written)
        assert sorted(p.name for p in Path(folder).iterdir()) == sorted(p.name for p in written)
        return load_poses(path)


def assert_kept(ds: xr.Dataset, back: xr.Dataset, name: str) -> None:
    """Positions, names and whatever the format's entry says must be equal, bit for bit."""
    keeps = get_format(name).keeps
    np.testing.assert_array_equal(back["position"].values, ds["position"].values)
    assert list(back["keypoint"].values) == list(ds["keypoint"].values)
    assert list(back["individual"].values) == list(ds["individual"].values)
    if "frames" in keeps:
        np.testing.assert_array_equal(back["frame"].values, ds["frame"].values)
    if "fps" in keeps:
        assert back.attrs.get("fps") == ds.attrs.get("fps")
        np.testing.assert_array_equal(back["time"].values, ds["time"].values)
    if "confidence" in keeps:
        np.testing.assert_array_equal(back["confidence"].values, ds["confidence"].values)
    if "provenance" in keeps:
        assert get_provenance(back) == get_provenance(ds)
        assert back.attrs["video_path"] == ds.attrs["video_path"]
    for group, variables in {"boxes": ("boxes", "box_confidence"), "edited": ("edited",)}.items():
        for variable in variables:
            if group in keeps and variable in ds:
                if name == "slp" and not ds[variable].values.any():
                    continue  # marks that there are none
                if name == "coco" and not np.isfinite(ds[variable].values).any():
                    continue  # a box that is nowhere is not written
                np.testing.assert_array_equal(back[variable].values, ds[variable].values)
            else:
                assert variable not in back


@pytest.mark.parametrize("name", [n for n in FILES if n not in ("lightning-pose", "nwb")])
@given(ds=data_sets())
def test_everything_a_format_keeps_comes_back(name: str, ds: xr.Dataset) -> None:
    if name == "slp" and "edited" in ds:
        ds = ds.assign(edited=ds["edited"] & ds["position"].notnull().all("space"))  # else tested in sleap/
    ds, _ = seen_only(ds, get_format(name))
    assert_kept(ds, there_and_back(ds, name), name)


@given(ds=data_sets(one_animal=True))
def test_lightning_pose_keeps_one_animal(ds: xr.Dataset) -> None:
    assert_kept(ds, there_and_back(ds, "lightning-pose"), "lightning-pose")


@settings(max_examples=5)  # pynwb takes its time
@given(ds=data_sets())
def test_nwb_keeps_what_has_a_frame_rate(ds: xr.Dataset) -> None:
    fps = ds.attrs.get("fps") or 25.0
    ds, _ = seen_only(ds, get_format("nwb"))
    back = there_and_back(ds, "nwb", fps=fps)
    expected = ds.assign_attrs(fps=fps).assign_coords(time=ds["frame"].values / fps)
    assert_kept(expected, back, "nwb")


@pytest.mark.parametrize("name", sorted({*FILES, "dlc-labels"} - {"movement", "coco"}))
def test_no_individuals_is_refused_and_leaves_no_file(name: str, tmp_path: Path) -> None:
    empty = make_poses(np.zeros((4, 2, 3, 0)), keypoints=["a", "b", "c"], fps=10.0)
    with pytest.raises(FormatError, match="individuals"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save_poses(empty, tmp_path / FILES.get(name, "CollectedData_me.h5"), format=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["movement", "coco"])
def test_no_individuals_comes_back(name: str) -> None:
    empty = make_poses(np.zeros((4, 2, 3, 0)), keypoints=["a", "b", "c"], fps=10.0)
    back = there_and_back(empty, name)
    assert back.sizes["individual"] == 0
    assert back.sizes["time"] == 4
    assert list(back["keypoint"].values) == ["a", "b", "c"]


def test_conversion_between_all_formats_keeps_the_points(poses: xr.Dataset, tmp_path: Path) -> None:
    poses = poses.drop_vars("edited")
    previous, ds = "", poses
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        for name in [n for n in FILES if n != "lightning-pose"]:
            save_poses(ds, tmp_path / FILES[name], format=name)
            ds = load_poses(tmp_path / FILES[name])
            np.testing.assert_array_equal(ds["position"].values, poses["position"].values, err_msg=previous)
            np.testing.assert_array_equal(ds["frame"].values, poses["frame"].values)
            previous = name
