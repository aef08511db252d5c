from __future__ import annotations

import pickle
import pickletools
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from superanimal.errors import FormatError
from superanimal.formats import load_poses, save_poses
from superanimal.formats.deeplabcut_names import split_name
from superanimal.formats.deeplabcut_pickles import read_meta
from superanimal.formats.pandas_h5 import read_frame
from superanimal.poses import make_poses

SCORER = "DLC_HrnetW32_mouseNov22shuffle1_snapshot_200"


def poses(frames: list[int] | None = None, animals: int = 1) -> xr.Dataset:
    count = 6 if frames is None else len(frames)
    points = np.random.default_rng(1).uniform(0, 90, (count, 2, 3, animals)).astype(np.float32)
    names = [f"animal{n}" for n in range(animals)]
    return make_poses(points, keypoints=["a", "b", "c"], individuals=names, frames=frames, fps=25.0)


@pytest.mark.parametrize(
    ("name", "video", "expected"),
    [
        (f"clip{SCORER}.h5", "", ("clip", SCORER)),
        (f"clip{SCORER}_el.h5", "", ("clip", SCORER)),
        (f"clip{SCORER}_el_filtered.csv", "", ("clip", SCORER)),
        (f"myDLC_clip{SCORER}.h5", "/data/myDLC_clip.mp4", ("myDLC_clip", SCORER)),
        (f"clip{SCORER}.h5", "C:\\data\\clip.mp4", ("clip", SCORER)),
        ("clip_mini.h5", "/data/clip.mp4", None),
        (f"{SCORER}.h5", "", None),
    ],
)
def test_video_and_scorer_of_a_name(name: str, video: str, expected: tuple[str, str] | None) -> None:
    assert split_name(name, video) == expected


@pytest.mark.parametrize("ending", [".h5", ".csv"])
def test_the_columns_say_the_scorer_of_the_name(tmp_path: Path, ending: str) -> None:
    ds = poses().assign_attrs(scorer="somebody")
    path = tmp_path / f"clip{SCORER}{ending}"
    save_poses(ds, path, video_size=(100, 90)) if ending == ".h5" else save_poses(ds, path)
    assert load_poses(path).attrs["scorer"] == SCORER
    with pytest.raises(FormatError, match="the scorer in the file name is"):
        save_poses(ds, path, scorer="DLC_other")
    save_poses(ds, tmp_path / f"clip{ending}", scorer="me")
    assert load_poses(tmp_path / f"clip{ending}").attrs["scorer"] == "me"


def test_the_metadata_are_plain_and_complete(tmp_path: Path) -> None:
    path = tmp_path / f"clip{SCORER}_el.h5"
    files = save_poses(poses(animals=2), path, video_size=(100, 90), video_frames=8)
    assert [file.name for file in files] == [path.name, f"clip{SCORER}_meta.pickle"]
    operations = {opcode.name for opcode, _, _ in pickletools.genops(files[1].read_bytes())}
    assert not operations & {"GLOBAL", "STACK_GLOBAL", "REDUCE", "NEWOBJ", "BUILD", "INST", "OBJ"}
    meta = read_meta(files[1])
    assert meta["Scorer"] == SCORER and meta["fps"] == 25.0 and meta["nframes"] == 8
    assert meta["cropping"] is False and meta["cropping_parameters"] == [0, 100, 0, 90]
    assert meta["frame_dimensions"] == (100, 90)


def test_without_a_scorer_or_a_size_there_is_no_metadata(tmp_path: Path) -> None:
    assert save_poses(poses(), tmp_path / "clip.h5", video_size=(100, 90)) == [tmp_path / "clip.h5"]
    path = tmp_path / f"clip{SCORER}.h5"
    assert save_poses(poses(), path) == [path]


def test_row_k_is_frame_k_and_comes_back_as_it_was(tmp_path: Path) -> None:
    ds = poses([2, 5, 9])
    ds["edited"] = ds["position"].notnull().all("space")
    path = tmp_path / f"clip{SCORER}.h5"
    save_poses(ds, path)
    table = read_frame(path)
    assert list(table.index) == list(range(10)) and np.isnan(table.values[[0, 1, 3, 4, 6, 7, 8]]).all()
    back = load_poses(path)
    assert back["frame"].values.tolist() == [2, 5, 9] and bool(back["edited"].all())
    assert np.array_equal(back["position"], ds["position"])


def test_points_put_into_the_rows_between_are_read(tmp_path: Path) -> None:
    path = tmp_path / f"clip{SCORER}.h5"
    save_poses(poses([2, 5]), path)
    with h5py.File(path, "r+") as file:
        rows = file["df_with_missing/table"][:]
        rows["values_block_0"][3] = 0.5
        file["df_with_missing/table"][:] = rows
    back = load_poses(path)
    assert back.sizes["time"] == 6 and (back["position"][3] == 0.5).all()


def test_metadata_of_deeplabcut_are_kept_and_its_crop_is_told(tmp_path: Path) -> None:
    theirs = {
        "Scorer": SCORER,
        "cropping": True,
        "cropping_parameters": [10, 60, 20, 90],
        "pytorch-config": {},
    }
    meta = tmp_path / f"clip{SCORER}_meta.pickle"
    meta.write_bytes(pickle.dumps({"data": theirs}))
    for ending in ("_el.h5", "_el_filtered.csv"):
        path = tmp_path / f"clip{SCORER}{ending}"
        assert meta not in save_poses(poses(animals=2), path)
        with pytest.warns(UserWarning, match="a crop of the video.* 10 further right and 20 further down"):
            load_poses(path)
    save_poses(poses(animals=2), tmp_path / f"clip{SCORER}_el.h5", video_size=(100, 90))
    assert read_meta(meta) == theirs
