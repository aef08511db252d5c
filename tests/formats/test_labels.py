from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from superanimal.errors import FormatError
from superanimal.formats import LossWarning, load_poses, recognise, save_poses
from superanimal.poses import make_poses


def labels(images: list[str], individuals: list[str] | None = None) -> xr.Dataset:
    names = individuals or ["animal0"]
    position = np.random.default_rng(0).uniform(1, 99, (len(images), 2, 2, len(names)))
    position[0, :, 1] = np.nan
    return make_poses(position, keypoints=["snout", "tail base"], individuals=names, images=images)


def test_both_files_hold_the_same_sorted_labels(tmp_path: Path) -> None:
    ds = labels([f"labeled-data/clip one/img{i:03d}.png" for i in (12, 3, 107)])
    written = save_poses(ds, tmp_path / "CollectedData_Eva.h5")
    assert [path.name for path in written][:2] == ["CollectedData_Eva.h5", "CollectedData_Eva.csv"]
    for path in written[:2]:
        assert recognise(path) == "dlc-labels"
        back = load_poses(path)
        assert [image[-10:] for image in back["image"].values] == ["img003.png", "img012.png", "img107.png"]
        assert list(back["frame"].values) == [3, 12, 107]
        np.testing.assert_array_equal(back["position"].values, ds["position"].values[[1, 0, 2]])
        np.testing.assert_array_equal(back["edited"].values, np.isfinite(back["position"].values[:, 0]))
    frame = pd.read_hdf(written[0], key="df_with_missing")
    assert frame.columns.names == ["scorer", "bodyparts", "coords"]
    assert set(frame.columns.get_level_values(0)) == {"Eva"}
    assert frame.index[0] == ("labeled-data", "clip one", "img003.png")
    assert (frame.dtypes == np.float64).all()
    text = pd.read_csv(written[1], header=[0, 1, 2], index_col=[0, 1, 2])
    np.testing.assert_allclose(text.to_numpy(), frame.to_numpy())


@pytest.mark.parametrize("name", ["task-Scor-2026-11-22", "taskMA-Scor-2026-11-22"])
def test_files_equal_those_of_deeplabcut(shared: Path, tmp_path: Path, name: str) -> None:
    folder = shared / "fixtures/deeplabcut/files/proj" / name / "labeled-data/vid1"
    for ending in ("csv", "h5"):
        original = folder / f"CollectedData_Scor.{ending}"
        written = save_poses(load_poses(original), tmp_path / ending / original.name)
        if ending == "csv":
            assert written[1].read_text().split() == original.read_text().split()
        else:
            pd.testing.assert_frame_equal(pd.read_hdf(written[0]), pd.read_hdf(original))


def test_ragged_columns_survive(shared: Path, tmp_path: Path) -> None:
    folder = shared / "fixtures/deeplabcut/files/proj/taskMA-Scor-2026-11-22/labeled-data/vid1"
    ds = load_poses(folder / "CollectedData_Scor.csv")
    ds["position"].loc[{"individual": "single"}] = np.nan  # unlabelled unique points keep their columns
    save_poses(ds, tmp_path / "CollectedData_Scor.h5")
    frame = pd.read_hdf(tmp_path / "CollectedData_Scor.h5")
    assert frame.shape[1] == 2 * (2 * 3 + 1)
    xr.testing.assert_equal(load_poses(tmp_path / "CollectedData_Scor.h5")["position"], ds["position"])


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_index_of_one_level_reads(tmp_path: Path, separator: str) -> None:
    columns = pd.MultiIndex.from_product(
        [["s"], ["nose"], ["x", "y"]], names=["scorer", "bodyparts", "coords"]
    )
    rows = [separator.join(["labeled-data", "clip", f"img{i}.png"]) for i in (1, 22)]
    pd.DataFrame(np.ones((2, 2)), columns=columns, index=rows).to_hdf(
        tmp_path / "a.h5", key="df_with_missing"
    )
    ds = load_poses(tmp_path / "a.h5")
    assert list(ds["image"].values) == ["labeled-data/clip/img1.png", "labeled-data/clip/img22.png"]
    assert list(ds["frame"].values) == [1, 22]


def test_frames_without_images_get_names(tmp_path: Path) -> None:
    ds = labels(["a", "b"]).drop_vars("image")
    ds = ds.assign_coords(frame=("time", [7, 1200]))
    save_poses(ds, tmp_path, format="dlc-labels", scorer="Eva", video="clip")
    back = load_poses(tmp_path / "CollectedData_Eva.h5")
    assert list(back["image"].values) == ["labeled-data/clip/img0007.png", "labeled-data/clip/img1200.png"]
    assert list(back["frame"].values) == [7, 1200]


def test_old_labels_are_kept_beside_the_new(tmp_path: Path) -> None:
    ds = labels(["labeled-data/clip/img1.png", "labeled-data/clip/img2.png"])
    save_poses(ds, tmp_path / "CollectedData_Eva.h5")
    before = (tmp_path / "CollectedData_Eva.csv").read_bytes()
    save_poses(ds * 2, tmp_path / "CollectedData_Eva.h5")
    assert (tmp_path / "CollectedData_Eva.csv.bak").read_bytes() == before
    assert (tmp_path / "CollectedData_Eva.h5.bak").is_file()
    assert (tmp_path / "CollectedData_Eva.csv").read_bytes() != before
    save_poses(ds * 3, tmp_path / "CollectedData_Eva.h5")  # and what was there first today
    kept = [file.read_bytes() for file in tmp_path.glob("CollectedData_Eva.csv.*.bak")]
    assert kept == [before]


def test_an_image_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="twice"):
        save_poses(labels(["l/c/a1.png", "l/c/a1.png"]), tmp_path / "CollectedData_Eva.h5")
    assert list(tmp_path.iterdir()) == []


def test_saving_predictions_as_labels_says_what_is_lost(poses: xr.Dataset, tmp_path: Path) -> None:
    with pytest.warns(LossWarning, match="cannot hold: confidence, edited, boxes"):
        save_poses(poses, tmp_path / "CollectedData_Eva.h5")


def test_a_missing_part_of_the_path_is_said(tmp_path: Path) -> None:
    text = "scorer,,me,me\nbodyparts,,nose,nose\ncoords,,x,y\nlabeled-data,img003.png,1,2\n"
    (tmp_path / "CollectedData_me.csv").write_text(text)
    with pytest.warns(UserWarning, match="1 of 1 rows .* labeled-data/img003.png"):
        assert load_poses(tmp_path / "CollectedData_me.csv")["frame"].values.tolist() == [3]
