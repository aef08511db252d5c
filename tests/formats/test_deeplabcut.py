from __future__ import annotations

import csv
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from superanimal.errors import FormatError
from superanimal.formats import LossWarning, load_poses, recognise, save_poses
from superanimal.poses import make_poses


def grid(times: int, keypoints: int, individuals: list[str]) -> xr.Dataset:
    rng = np.random.default_rng(1)
    return make_poses(
        rng.uniform(1, 99, (times, 2, keypoints, len(individuals))),
        rng.uniform(0.1, 1, (times, keypoints, len(individuals))),
        keypoints=[f"kp {i}" for i in range(keypoints)],
        individuals=individuals,
    )


def wide(levels: int, coords: tuple[str, ...], rows: int = 4, names: bool = True) -> pd.DataFrame:
    parts = [["s"], ["m1", "m2"], ["nose", "left ear"], list(coords)]
    if levels == 3:
        del parts[1]
    labels = (
        ["scorer", "individuals", "bodyparts", "coords"] if levels == 4 else ["scorer", "bodyparts", "coords"]
    )
    columns = pd.MultiIndex.from_product(parts, names=labels if names else None)
    values = np.random.default_rng(0).uniform(0.1, 0.9, (rows, len(columns)))
    return pd.DataFrame(values, columns=columns)


def dump(path: Path) -> dict[str, object]:
    """Everything in the data frame's node except values: names, shapes, dtypes and attributes."""
    found: dict[str, object] = {}
    with h5py.File(path) as file:
        assert "df_with_missing" in file

        def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
            if "_i_table/index/" not in name:
                found[name] = (getattr(node, "dtype", None), getattr(node, "ndim", None))
                found.update({f"{name}@{key}": node.attrs[key] for key in node.attrs})

        file["df_with_missing"].visititems(visit)
        found.update({f"@{key}": value for key, value in file["df_with_missing"].attrs.items()})
    return found


@pytest.mark.parametrize("name", ["an_single_12", "out1"])
def test_h5_is_what_deeplabcut_writes(shared: Path, tmp_path: Path, name: str) -> None:
    original = next((shared / "fixtures/deeplabcut/files" / name).glob("*.h5"))
    save_poses(load_poses(original), tmp_path / "x.h5")
    ours, theirs = pd.read_hdf(tmp_path / "x.h5"), pd.read_hdf(original)
    pd.testing.assert_frame_equal(ours, theirs)
    assert (ours.dtypes == np.float32).all()
    a, b = dump(tmp_path / "x.h5"), dump(original)
    assert {key for key in b if key not in a} == set()
    different = {key for key in b if not np.array_equal(a[key], b[key])}
    assert different == set()


def test_more_columns_than_a_table_holds_are_stored_fixed(tmp_path: Path) -> None:
    ds = grid(3, 39, [f"animal{i}" for i in range(30)])  # 3510 columns
    save_poses(ds, tmp_path / "x.h5")
    assert pd.read_hdf(tmp_path / "x.h5", key="df_with_missing").shape == (3, 3510)
    xr.testing.assert_equal(load_poses(tmp_path / "x.h5"), ds)


def test_long_names_are_stored_fixed(tmp_path: Path) -> None:
    ds = grid(2, 30, ["a", "b"]).assign_coords(keypoint=[f"{i} " + "å" * 400 for i in range(30)])
    save_poses(ds, tmp_path / "x.h5")
    xr.testing.assert_equal(load_poses(tmp_path / "x.h5"), ds)


@pytest.mark.parametrize("layout", ["table", "fixed"])
@pytest.mark.parametrize("levels", [3, 4])
@pytest.mark.parametrize("named", [True, False])
def test_h5_of_pandas_reads(tmp_path: Path, layout: str, levels: int, named: bool) -> None:
    frame = wide(levels, ("x", "y", "likelihood"), names=named)
    frame.to_hdf(tmp_path / "x.h5", key="tracks", format=layout, complib="zlib", complevel=3)
    assert recognise(tmp_path / "x.h5") == "dlc-h5"
    ds = load_poses(tmp_path / "x.h5")
    assert list(ds["keypoint"].values) == ["nose", "left ear"]
    assert list(ds["individual"].values) == (["m1", "m2"] if levels == 4 else ["animal0"])
    np.testing.assert_array_equal(ds["confidence"].values[:, 1, -1], frame.iloc[:, -1].astype(np.float32))


@pytest.mark.parametrize("levels", [3, 4])
def test_csv_of_pandas_reads(tmp_path: Path, levels: int) -> None:
    frame = wide(levels, ("x", "y", "likelihood"))
    frame.to_csv(tmp_path / "x.csv")
    ds = load_poses(tmp_path / "x.csv")
    np.testing.assert_array_equal(ds["position"].values[:, 1, 0, 0], frame.iloc[:, 1].astype(np.float32))


def test_our_csv_reads_with_pandas(tmp_path: Path, poses: xr.Dataset) -> None:
    with pytest.warns(LossWarning, match="edited, boxes"):
        save_poses(poses, tmp_path / "x.csv", format="dlc-csv")
    frame = pd.read_csv(tmp_path / "x.csv", header=[0, 1, 2, 3], index_col=0)
    assert frame.columns.names == ["scorer", "individuals", "bodyparts", "coords"]
    assert list(frame.index) == [3, 4, 5, 9, 12]
    np.testing.assert_allclose(frame.iloc[0, 0], poses["position"].values[0, 0, 0, 0], rtol=1e-6)
    with (tmp_path / "x.csv").open(encoding="utf-8") as file:
        assert next(csv.reader(file))[0] == "scorer"


def test_missing_likelihood(tmp_path: Path) -> None:
    wide(3, ("x", "y")).to_hdf(tmp_path / "x.h5", key="df_with_missing", format="table")
    ds = load_poses(tmp_path / "x.h5")
    assert np.isnan(ds["confidence"].values).all()
    assert np.isfinite(ds["position"].values).all()


def test_minus_one_and_zero_mark_missing_points(tmp_path: Path) -> None:
    frame = wide(4, ("x", "y", "likelihood"))
    frame.iloc[0, :6] = -1  # a missing animal, as DeepLabCut 3 writes it
    frame.iloc[1, :3] = 0  # an undetected point, as older ones do
    frame.iloc[2, :2] = 0  # a point in the corner
    frame.to_hdf(tmp_path / "x.h5", key="df_with_missing")
    ds = load_poses(tmp_path / "x.h5")
    assert (
        np.isnan(ds["position"].values[0, :, :, 0]).all() and np.isnan(ds["confidence"].values[0, :, 0]).all()
    )
    assert np.isnan(ds["position"].values[1, :, 0, 0]).all()
    assert (ds["position"].values[2, :, 0, 0] == 0).all()
    assert np.isfinite(ds["position"].values[:, :, :, 1]).all()


def test_mangled_scorers_of_a_csv_are_one(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("scorer,s,s.1,s.2\nbodyparts,a,a,a\ncoords,x,y,likelihood\n0,1,2,.5\n")
    assert load_poses(tmp_path / "x.csv")["position"].values.ravel().tolist() == [1, 2]


def test_conversion_from_csv_to_h5_and_back(tmp_path: Path) -> None:
    frame = wide(4, ("x", "y", "likelihood")).astype(np.float32)
    frame.to_csv(tmp_path / "a.csv")
    save_poses(load_poses(tmp_path / "a.csv"), tmp_path / "a.h5", scorer="s")
    pd.testing.assert_frame_equal(pd.read_hdf(tmp_path / "a.h5"), frame)
    save_poses(load_poses(tmp_path / "a.h5"), tmp_path / "b.csv")
    xr.testing.assert_equal(load_poses(tmp_path / "b.csv"), load_poses(tmp_path / "a.h5"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scorer,s,s\nbodyparts,a,a\ncoords,x,y\n0,1,oops\n", "oops"),
        ("scorer,s,s\nbodyparts,a,a\ncoords,x,x\n0,1,2\n", "a/x appears 2 times"),
        ("scorer,s,s\nbodyparts,a,a\ncoords,u,v\n0,1,2\n", "the columns are u, v"),
        ("scorer,s,s,s\nbodyparts,a,a,a\ncoords,x,y,likelihood\n0,1,2,77\n", "0..1"),
        ("scorer,s,s\nbodyparts,a,a\ncoords,x,y\n0,1,2\n1,1\n", "row 2 below the header has 2 cells"),
    ],
)
def test_damaged_csv_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        load_poses(tmp_path / "x.csv", format="dlc-csv")


def test_truncated_h5_is_a_format_error(tmp_path: Path) -> None:
    wide(3, ("x", "y")).to_hdf(tmp_path / "x.h5", key="df_with_missing")
    content = (tmp_path / "x.h5").read_bytes()
    (tmp_path / "x.h5").write_bytes(content[: len(content) // 2])
    assert recognise(tmp_path / "x.h5") is None
    with pytest.raises(FormatError, match="damaged"):
        load_poses(tmp_path / "x.h5", format="dlc-h5")


def test_stale_sidecar_is_not_believed(tmp_path: Path, poses: xr.Dataset) -> None:
    with pytest.warns(LossWarning):
        save_poses(poses, tmp_path / "x.csv", format="dlc-csv")
    assert load_poses(tmp_path / "x.csv").attrs["fps"] == 29.97
    with (tmp_path / "x.csv").open("a") as file:
        file.write("99" + "," * 18 + "\n")
    with pytest.warns(UserWarning, match="does not match the current"):
        ds = load_poses(tmp_path / "x.csv")
    assert "fps" not in ds.attrs
    assert ds.sizes["time"] == 6


def test_a_column_of_a_users_own_is_left_out_and_several_frames_are_refused(tmp_path: Path) -> None:
    frame = wide(3, ("x", "y", "likelihood")).assign(speed=1.0)
    frame.to_hdf(tmp_path / "x.h5", key="df", mode="w")
    with pytest.warns(UserWarning, match="not read: speed"):
        ds = load_poses(tmp_path / "x.h5")
    assert list(ds["keypoint"].values) == ["nose", "left ear"]
    for key in ("top", "side"):
        frame.to_hdf(tmp_path / "y.h5", key=key)
    with pytest.raises(FormatError, match="several data frames: side, top"):
        load_poses(tmp_path / "y.h5")
