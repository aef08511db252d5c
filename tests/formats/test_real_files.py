"""Every pose or label file other programs wrote, as found in ../shared, is recognised and read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from superanimal.errors import FormatError
from superanimal.formats import load_poses, recognise
from superanimal.formats.deeplabcut_pickles import read_meta
from superanimal.formats.unpickle import load

SHARED = Path(__file__).resolve().parents[3] / "shared"
_ANNOTATED = ("adult_6112", "adult_6115", "young_8294", "young_8296", "young_8301")
NOT_POSES = {
    ".png", ".jpg", ".jpeg", ".mp4", ".avi", ".md", ".yaml", ".mat", "LICENSE",
    "_meta.pickle",  # facts about an analysis
    "Documentation_data-task_95shuffle1.pickle", "taskMA_Scor95shuffle1.pickle",  # splits of a training set
    "human_step_cycles.csv", "events_boris.csv",  # times of events
    *(f"annots/{name}.csv" for name in _ANNOTATED),
    ".pbtxt", ".obj", "pca_bone_config_world.csv", "vertex_weights_simplified_skin.csv",  # geometry
    "_annotations.txt", "oft-raters/labels.csv", "human-gait-forceplate/events.csv",  # bouts and events
    "human-gait-forceplate/bts.csv", "human-gait-forceplate/overground.csv",  # markers
    "tracktor-mouse/position.csv",  # centre and size
}  # fmt: skip
MOUSE_3D = ["nose", "neck", "anus", "chest", "rfoot", "lfoot", "rhand", "lhand", "tip"]
OPTIONS = {  # numbers without names: the caller has to tell them
    "coords/": {"keypoints": MOUSE_3D, "coords": "xyz"},
    "unlabelled/": {"keypoints": MOUSE_3D, "coords": "xyz"},
    "testDLC_sleap_table.npy": {"keypoints": [f"point{i}" for i in range(14)]},
}


def files() -> list[str]:
    roots = (SHARED / "fixtures/deeplabcut/files", SHARED / "data")
    return sorted(str(p.relative_to(SHARED)) for root in roots for p in root.rglob("*") if p.is_file())


POSES = [name for name in files() if not name.endswith(tuple(NOT_POSES))]
OTHERS = [name for name in files() if name.endswith(tuple(NOT_POSES - {".png", ".jpg", ".jpeg"}))]


@pytest.mark.parametrize("name", POSES or [pytest.param("", marks=pytest.mark.skip("no folder ../shared"))])
def test_file_with_poses_reads(name: str) -> None:
    options = next((value for key, value in OPTIONS.items() if key in name), {})
    assert recognise(SHARED / name) is not None
    ds = load_poses(SHARED / name, **options)
    assert min(ds.sizes.values()) > 0
    assert np.isfinite(ds["position"].values).any()
    assert ds.attrs["source_file"].endswith(name)
    x = ds["position"].values[:, 0]
    assert not np.any((x == -1) & (ds["position"].values[:, 1] == -1)), "-1 marks a missing animal"


@pytest.mark.parametrize("name", OTHERS or [pytest.param("", marks=pytest.mark.skip("no folder ../shared"))])
def test_other_file_is_refused(name: str) -> None:
    with pytest.raises(FormatError) as caught:
        load_poses(SHARED / name)
    assert name.rsplit("/", 1)[-1] in str(caught.value)


def test_nameless_columns_need_names(shared: Path) -> None:
    path = shared / "data/subtle-mouse3d-behaviour/coords/adult_6112.csv"
    with pytest.raises(FormatError, match="keypoints="):
        load_poses(path)
    with pytest.raises(FormatError, match="27 columns"):
        load_poses(path, keypoints=["nose"])
    ds = load_poses(path, keypoints=MOUSE_3D, coords="xyz", fps=20)
    assert ds["position"].sel(keypoint="nose").values[0, :, 0] == pytest.approx([7.6028, 6.3976])
    assert ds["time"].values[20] == 1.0


def test_nwb_and_h5_of_one_prediction_agree(shared: Path) -> None:
    h5, nwb = (next((shared / "data/dlc2nwb").glob(f"*.{ending}")) for ending in ("h5", "nwb"))
    a, b = load_poses(h5), load_poses(nwb)
    assert list(a["keypoint"].values) == list(b["keypoint"].values)
    np.testing.assert_array_equal(a["position"].values, b["position"].values)
    np.testing.assert_array_equal(a["confidence"].values, b["confidence"].values)
    np.testing.assert_array_equal(a["frame"].values, b["frame"].values)


def test_superanimal_h5_and_json_agree(shared: Path) -> None:
    folder = shared / "fixtures/deeplabcut/files/out1"
    a, b = (load_poses(next(folder.glob(pattern))) for pattern in ("*.h5", "*.json"))
    np.testing.assert_array_equal(a["position"].values, b["position"].values)
    np.testing.assert_array_equal(a["confidence"].values, b["confidence"].values)
    assert list(a["individual"].values) == ["animal0", "animal1", "animal2"]
    assert list(b["boxes"].dims) == ["time", "box", "individual"]


def test_h5_and_csv_of_one_project_agree(shared: Path) -> None:
    folder = shared / "data/dlc-golden-mouse/labeled-data/golden_mouse"
    a, b = (load_poses(folder / f"CollectedData_shaokai.{ending}") for ending in ("h5", "csv"))
    np.testing.assert_allclose(a["position"].values, b["position"].values, atol=1e-3)
    assert list(a["image"].values) == list(b["image"].values)
    assert a["frame"].values[0] == 67
    assert a["edited"].values.sum() == np.isfinite(a["position"].values[:, 0]).sum()


def test_unique_body_parts_belong_to_single_alone(shared: Path) -> None:
    folder = shared / "fixtures/deeplabcut/files/proj/taskMA-Scor-2026-11-22/labeled-data/vid1"
    ds = load_poses(folder / "CollectedData_Scor.csv")
    assert list(ds["individual"].values) == ["mouse1", "mouse2", "single"]
    assert ds.attrs["unique_keypoints"] == ["corner1"]
    corner = ds["position"].sel(keypoint="corner1")
    assert np.isfinite(corner.sel(individual="single").values).all()
    assert np.isnan(corner.sel(individual=["mouse1", "mouse2"]).values).all()
    assert np.isnan(ds["position"].sel(individual="single", keypoint="snout").values).all()


def test_zero_zero_is_missing_in_a_file_without_likelihood(shared: Path) -> None:
    ds = load_poses(shared / "data/mabe-three-mice/EGS8X2MN4SSUGFWAV976.h5")
    missing = np.isnan(ds["position"].values)
    assert 0.05 < missing.mean() < 0.2
    assert not (ds["position"].values == 0).all(axis=1).any()


def test_sleap_project_and_analysis_agree(shared: Path) -> None:
    folder = shared / "data/deepof-tables/test_single_topview/SLEAP"
    a, b = load_poses(folder / "testDLC_sleap.slp"), load_poses(folder / "testDLC_sleap.analysis.h5")
    np.testing.assert_allclose(a["position"].values, b["position"].values, atol=1e-4)
    np.testing.assert_allclose(a["confidence"].values, b["confidence"].values, atol=1e-6)


def test_pickles_of_one_analysis_agree(shared: Path) -> None:
    folder = shared / "fixtures/deeplabcut/files/an_multi_12"
    full, assemblies = (load_poses(next(folder.glob(f"*_{kind}.pickle"))) for kind in ("full", "assemblies"))
    np.testing.assert_allclose(full["position"].values, assemblies["position"].values, atol=1e-4)
    assert full.attrs["fps"] == 10
    assert list(assemblies["keypoint"].values) == ["snout", "ear", "tail"]
    tracklets = load_poses(next(folder.glob("*_el.pickle")))
    stored = load(next(folder.glob("*_el.pickle")))
    rows = sum(len(track) for track in stored.values() if isinstance(track, dict))
    assert np.isfinite(tracklets["position"].values[:, 0]).all(1).sum() == rows > 0
    assert read_meta(next(folder.glob("*_meta.pickle")))["nframes"] == 24
