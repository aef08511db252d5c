from __future__ import annotations

import contextlib
import subprocess
import sys
import warnings
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from superanimal.errors import FormatError, InputError, NotFoundError
from superanimal.formats import LossWarning, format_names, load_poses, recognise, save_poses
from superanimal.formats.registry import get_format
from superanimal.labels import read_labels
from superanimal.poses import make_poses

CONTRACT = (
     "dlc-h5", "dlc-csv", "dlc-labels", "movement", "csv", "parquet", "coco", "slp", "sleap-analysis-h5",
    "nwb", "lightning-pose", "superanimal-zarr",
)  # fmt: skip


def test_all_formats_are_registered_with_functions_that_exist() -> None:
    assert set(CONTRACT) <= set(format_names())
    for name in format_names():
        known = get_format(name)
        assert callable(known.function(known.reader))
        if known.writer:
            assert callable(known.function(known.writer))
    assert "dlc-pickle" not in format_names(writable=True)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("dlc-h5", "a.h5"), ("dlc-csv", "a.csv"), ("dlc-labels", "CollectedData_a.h5"), ("movement", "a.nc"),
        ("parquet", "a.parquet"), ("coco", "a.json"), ("slp", "a.slp"), ("nwb", "a.nwb"),
        ("sleap-analysis-h5", "a.analysis.h5"),
    ],
)  # fmt: skip
def test_ending_chooses_the_format_and_content_tells_it(
    poses: xr.Dataset, tmp_path: Path, name: str, file: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LossWarning)
        written = save_poses(poses, tmp_path / file)
    disguised = written[0].rename(tmp_path / "no-suffix")
    if name not in ("dlc-csv",):  # text is looked into only when it is called csv
        assert recognise(disguised) == name
    disguised.rename(written[0])
    assert recognise(written[0]) == name


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 100,
        b"hello",
        b"{",
        b"[]",
        b"\x89HDF\r\n\x1a\n rubbish",
        b"PAR1",
        b"CDF\x01",
        b"\x80\x04",
    ],
)
@pytest.mark.parametrize("suffix", [".h5", ".csv"])
def test_rubbish_is_refused_with_a_format_error(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(content)
    with pytest.raises(FormatError):
        load_poses(path)
    for name in format_names():
        with pytest.raises(FormatError):
            load_poses(path, format=name)


def test_no_such_file_format_or_option(poses: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        load_poses(tmp_path / "nothing.h5")
    with pytest.raises(NotFoundError, match="dlc-h5"):
        save_poses(poses, tmp_path / "x.h5", format="dlc-h55")
    with pytest.raises(FormatError, match="ending"):
        save_poses(poses, tmp_path / "x.docx")
    with pytest.raises(FormatError, match="only read"):
        save_poses(poses, tmp_path / "x.pickle", format="dlc-pickle")
    with pytest.raises(InputError, match="scorer"):
        save_poses(poses, tmp_path / "x.h5", scorrer="me")
    with pytest.raises(FormatError, match="one animal"), pytest.warns(LossWarning):
        save_poses(poses, tmp_path / "x.csv", format="lightning-pose")
    assert list(tmp_path.iterdir()) == []


def test_movement_and_h5_lose_nothing(poses: xr.Dataset, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for file in ("x.nc", "x.h5"):
            back = load_poses(save_poses(poses, tmp_path / file)[0])
            xr.testing.assert_equal(back, poses)
            for key in ("fps", "time_unit", "source_software", "video_path", "provenance", "ds_type"):
                assert back.attrs[key] == poses.attrs[key]


def test_one_warning_lists_everything_lost(poses: xr.Dataset, tmp_path: Path) -> None:
    poses["speed"] = poses["confidence"] * 2
    with pytest.warns(LossWarning) as caught:
        save_poses(poses, tmp_path / "x.csv", format="dlc-csv")
    assert [str(w.message) for w in caught] == ["dlc-csv cannot hold: edited, boxes, speed"]


def test_failed_write_leaves_the_old_file(poses: xr.Dataset, tmp_path: Path) -> None:
    path = save_poses(poses, tmp_path / "x.nc")[0]
    before = path.read_bytes()
    poses["bad"] = ("time", np.array([object()] * 5))
    with pytest.raises(Exception, match="object"):  # not ours: such a variable is a programmer's mistake
        save_poses(poses, path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_tidy_table_of_another_program_reads(tmp_path: Path) -> None:
    rows = [("b", 0.5, 1, 2), ("a", 0.5, 3, 4), ("a", 0.1, 5, None)]
    frame = pd.DataFrame(rows, columns=["keypoint", "time", "x", "y"])
    frame.to_csv(tmp_path / "x.csv", index=False)
    frame.to_parquet(tmp_path / "x.parquet")
    for file in ("x.csv", "x.parquet"):
        ds = load_poses(tmp_path / file)
        assert list(ds["keypoint"].values) == ["b", "a"]
        assert ds.attrs["fps"] == pytest.approx(2.5)
        assert list(ds["frame"].values) == [0, 1]
        np.testing.assert_array_equal(ds["position"].values[1, :, :, 0], [[1, 3], [2, 4]])
    frame.assign(time=[0.5, 0.5, 0.5]).to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(FormatError, match="two rows for keypoint 'a'"):
        load_poses(tmp_path / "x.csv")


def test_lightning_pose_columns_of_ensembles_are_left_out(tmp_path: Path) -> None:
    coords = ["x", "y", "likelihood", "x_ens_median", "x_ens_var"]
    columns = pd.MultiIndex.from_product(
        [["heatmap_mhcrnn_tracker"], ["paw"], coords], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame([[1, 2, 0.5, 9, 9]], columns=columns).to_csv(tmp_path / "x.csv")
    assert recognise(tmp_path / "x.csv") == "lightning-pose"
    assert load_poses(tmp_path / "x.csv")["position"].values.ravel().tolist() == [1, 2]


def test_movement_file_without_our_additions_reads(tmp_path: Path) -> None:
    dims = ("time", "space", "keypoint", "individual")
    coords = {"time": np.arange(3) / 30 + 0.1, "space": ["x", "y"], "keypoint": ["a"], "individual": ["i"]}
    ds = xr.Dataset(
        {"position": (dims, np.ones((3, 2, 1, 1))), "confidence": (dims[:1] + dims[2:], np.ones((3, 1, 1)))},
        coords=coords,
        attrs={"fps": 30.0, "time_unit": "seconds", "source_software": "SLEAP", "ds_type": "poses"},
    )
    ds.to_netcdf(tmp_path / "x.nc")
    back = load_poses(tmp_path / "x.nc")
    assert list(back["frame"].values) == [3, 4, 5]
    assert back.attrs["source_software"] == "SLEAP"
    ds.attrs["ds_type"] = "bboxes"
    ds.to_netcdf(tmp_path / "y.nc")
    with pytest.raises(FormatError, match="bboxes"):
        load_poses(tmp_path / "y.nc")


@pytest.mark.parametrize("name", ["time", "space", "keypoint", "individual", "position", "confidence"])
def test_movement_file_that_lost_a_dimension_neither_crashes_nor_breaks(
    poses: xr.Dataset, tmp_path: Path, name: str
) -> None:
    save_poses(poses, path := tmp_path / "x.nc")
    with h5py.File(path, "r+") as file:  # what refers to it dangles: libnetcdf crashes the process here
        value = file[name][()]
        del file[name]
        file.create_dataset(name, data=value, dtype=h5py.string_dtype() if value.dtype == object else None)
    with contextlib.suppress(FormatError):
        assert load_poses(path).sizes["keypoint"] == poses.sizes["keypoint"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("provenance", 3.0), ("provenance", "[]"), ("fps", "fast"), ("fps", -1.0), ("video_path", np.arange(2))],
)
def test_movement_file_with_a_wrong_attribute_is_refused(
    poses: xr.Dataset, tmp_path: Path, name: str, value: object
) -> None:
    save_poses(poses, path := tmp_path / "x.nc")
    with h5py.File(path, "r+") as file:
        file.attrs[name] = value
    with pytest.raises(FormatError, match=f"x.nc: the attribute '{name}'"):
        load_poses(path)


def test_movement_file_of_netcdf_3_reads(poses: xr.Dataset, tmp_path: Path) -> None:
    plain = xr.Dataset({name: poses[name] for name in ("position", "confidence")}, attrs={"fps": 30.0})
    plain.drop_vars([name for name in plain.coords if name not in plain.dims]).to_netcdf(
        path := tmp_path / "x.nc", engine="scipy"
    )
    back = load_poses(path)
    np.testing.assert_array_equal(back["position"], poses["position"].astype(np.float32))
    assert back["individual"].values.tolist() == poses["individual"].values.tolist()


TARGETS = {
    "dlc-h5": "x.h5", "dlc-csv": "x.csv", "movement": "x.nc", "csv": "t.csv", "parquet": "x.parquet",
    "coco": "x.json", "slp": "x.slp", "sleap-analysis-h5": "x.analysis.h5", "nwb": "x.nwb",
}  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_an_animal_never_seen_is_left_out_and_named(poses: xr.Dataset, tmp_path: Path, name: str) -> None:
    poses["position"].values[..., 0] = poses["confidence"].values[..., 0] = np.nan
    poses = poses.drop_vars(["edited", "boxes", "box_confidence"])
    with pytest.warns(LossWarning, match="individuals without any point, left out: Ada$"):
        files = save_poses(poses, tmp_path / TARGETS[name], format=name)
    back = load_poses(files[0])
    assert list(back["individual"].values) == ["Bo é"]
    np.testing.assert_array_equal(back["position"].values, poses["position"].values[..., 1:])


def test_edits_and_boxes_keep_an_animal_and_nobody_at_all_stays(poses: xr.Dataset, tmp_path: Path) -> None:
    poses["position"].values[..., 0] = np.nan
    for variables in (["edited"], ["boxes", "box_confidence"]):  # one of the two is enough
        save_poses(poses.drop_vars(variables), tmp_path / "x.nc")
        assert load_poses(tmp_path / "x.nc").sizes["individual"] == 2
    poses["position"].values[:] = np.nan
    save_poses(poses.drop_vars(["edited", "boxes", "box_confidence"]), tmp_path / "x.nc")
    assert load_poses(tmp_path / "x.nc").sizes["individual"] == 2


def three_axes() -> xr.Dataset:
    position = np.arange(24, dtype=np.float32).reshape(4, 3, 2, 1)
    return make_poses(position, keypoints=["a", "b"], fps=10.0, space_unit="mm")


@pytest.mark.parametrize("file", ["x.nc", "x.parquet", "x.csv"])
def test_z_comes_back_where_it_is_asked_for(tmp_path: Path, file: str) -> None:
    ds = three_axes()
    save_poses(ds, tmp_path / file, "csv" if file == "x.csv" else None)
    with pytest.warns(UserWarning, match="z is dropped"):
        assert load_poses(tmp_path / file).sizes["space"] == 2
    back = load_poses(tmp_path / file, space=3)
    np.testing.assert_array_equal(back["position"].values, ds["position"].values)
    assert back.attrs["space_unit"] == "mm"
    with pytest.raises(InputError, match="space=4"):
        load_poses(tmp_path / file, space=4)


def test_z_of_a_wide_table_is_dropped_with_a_warning_or_kept(tmp_path: Path) -> None:
    columns = pd.MultiIndex.from_product(
        [["s"], ["nose"], ["x", "y", "z"]], names=["scorer", "bodyparts", "coords"]
    )
    pd.DataFrame([[0.0, 0, 7], [0, 0, 0], [1, 2, 3]], columns=columns).to_csv(tmp_path / "x.csv")
    with pytest.warns(UserWarning, match="z is dropped"):
        assert load_poses(tmp_path / "x.csv").sizes["space"] == 2
    ds = load_poses(tmp_path / "x.csv", space=3)
    np.testing.assert_array_equal(ds["position"].values[..., 0, 0], [[0, 0, 7], [np.nan] * 3, [1, 2, 3]])


@pytest.mark.parametrize("name", ["dlc-h5", "dlc-csv", "coco", "slp", "sleap-analysis-h5"])
def test_files_of_pixels_refuse_three_axes(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"x, y and z in mm; .* needs x and y in pixels"):
        save_poses(three_axes(), tmp_path / TARGETS[name], format=name)
    assert not list(tmp_path.iterdir())


def test_importing_the_registry_loads_nothing_heavy() -> None:
    code = (
        "import sys, superanimal.formats; "
        "print(*[m for m in ('torch', 'tables', 'pynwb', 'sleap_io', 'h5py') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == []


def test_run_store_is_recognised_and_reads_as_far_as_it_is_finished(tmp_path: Path) -> None:
    from superanimal.poses.run_store import RunStore

    path = tmp_path / "clip_mini.poses.zarr"
    store = RunStore.create(path, frames=np.arange(4), keypoints=["a", "b"], individuals=["i"], fps=10.0)
    arrays = {
        "position": np.ones((4, 1, 2, 2), np.float32),
        "confidence": np.ones((4, 1, 2), np.float32),
        "boxes": np.ones((4, 1, 4), np.float32),
        "box_confidence": np.ones((4, 1), np.float32),
    }
    assert recognise(path) == "superanimal-zarr"
    assert np.isnan(load_poses(path)["position"].values).all()
    store.write_chunk(0, arrays, {})
    ds = load_poses(path)
    assert (ds["position"].values == 1).all()
    assert ds.attrs["fps"] == 10
    assert recognise(tmp_path) is None


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_run_without_readable_metadata_says_how_to_go_on(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "clip_mini.poses.zarr"
    folder.mkdir()
    (folder / "zarr.json").write_text(content)
    for read in (load_poses, read_labels):
        with pytest.raises(FormatError, match="start the analysis of the video over"):
            read(folder)
