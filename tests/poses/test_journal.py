from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from superanimal.errors import FormatError, StorageError
from superanimal.poses import make_poses
from superanimal.poses.journal import Journal, JournalWarning, journal_paths

NAMES = ["nose", "neck", "tail_base"]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SUPERANIMAL_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clip.h5"
    path.write_bytes(b"poses")
    return path


def poses(frames: tuple[int, ...] = (10, 12, 14, 16), **options: object) -> xr.Dataset:
    n = len(frames)
    numbers = np.arange(n * 2 * 3 * 2, dtype=np.float32).reshape(n, 2, 3, 2)
    return make_poses(
        numbers,
        np.full((n, 3, 2), 0.5, np.float32),
        keypoints=NAMES,
        individuals=["ada", "bob"],
        frames=np.array(frames),
        **options,  # type: ignore[arg-type]
    )


def edit(journal: Journal, t: int, i: int, k: int, x: float, y: float, step: str = "edit") -> None:
    at = (np.array([t]), np.array([i]), np.array([k]))
    journal.append(step, at, np.array([[x, y]], np.float32), np.float32([1]), np.array([True]))


def undo(journal: Journal, t: int, i: int, k: int) -> None:
    at = (np.array([t]), np.array([i]), np.array([k]))
    nothing = np.zeros((1, 2), np.float32)
    journal.append("undo", at, nothing, np.float32([0.5]), np.array([False]))


def test_edits_come_back_exactly_and_are_marked(file: Path) -> None:
    ds = poses()
    x, y = np.float32(0.1) + np.float32(81.23), np.float32(1 / 3)
    edit(Journal(file, ds), 1, 0, 2, float(x), float(y))
    again = Journal(file, ds).apply(ds)
    assert again["position"].values[1, :, 2, 0].tolist() == [x, y]
    assert again["confidence"].values[1, 2, 0] == 1
    assert again["edited"].values.sum() == 1 and again["edited"].values[1, 2, 0]
    rest = ~again["edited"].values
    np.testing.assert_array_equal(
        again["confidence"].values[rest], ds["confidence"].values[rest], "nothing else changes"
    )
    assert "edited" not in ds and ds["position"].values[1, 0, 2, 0] != x, "the poses given are left alone"


def test_nothing_is_written_before_the_first_edit(file: Path) -> None:
    ds = poses()
    journal = Journal(file, ds)
    assert journal.apply(ds) is ds and not journal.unsaved()
    journal.saved([file.with_suffix(".csv")])
    journal.discard()
    assert sorted(p.name for p in file.parent.iterdir()) == ["clip.h5"]


def test_later_steps_win_and_undone_points_are_as_the_poses_have_them(file: Path) -> None:
    ds = poses()
    journal = Journal(file, ds)
    edit(journal, 0, 0, 0, 1, 2)
    edit(journal, 0, 0, 0, 3, 4)
    edit(journal, 2, 1, 1, 5, 6)
    undo(journal, 2, 1, 1)
    again = journal.apply(ds)
    assert again["position"].values[0, :, 0, 0].tolist() == [3, 4]
    assert again["position"].values[2, :, 1, 1].tolist() == ds["position"].values[2, :, 1, 1].tolist()
    assert int(again["edited"].sum()) == 1
    other = ds.assign(position=ds["position"] + 100)  # a run that went on meanwhile
    assert Journal(file, other).apply(other)["position"].values[2, 0, 1, 1] > 100


def test_a_deleted_point_comes_back_deleted(file: Path) -> None:
    ds = poses()
    nan = np.full((1, 2), np.nan, np.float32)
    at = (np.array([3]), np.array([1]), np.array([0]))
    Journal(file, ds).append("edit", at, nan, np.float32([np.nan]), np.array([True]))
    again = Journal(file, ds).apply(ds)
    assert np.isnan(again["position"].values[3, :, 0, 1]).all() and again["edited"].values[3, 0, 1]
    assert np.isnan(again["confidence"].values[3, 0, 1])


def test_points_are_found_by_frame_and_name_not_by_row(file: Path) -> None:
    edit(Journal(file, poses()), 2, 1, 2, 7, 8)  # frame 14, bob, tail_base
    longer = poses((8, 10, 11, 12, 13, 14)).isel(individual=[1, 0], keypoint=[2, 1, 0])
    again = Journal(file, longer).apply(longer)
    place = again.isel(time=5).sel(individual="bob", keypoint="tail_base")
    assert place["position"].values.tolist() == [7, 8] and int(again["edited"].sum()) == 1


def test_labels_are_found_by_the_name_of_their_image(file: Path) -> None:
    names = [f"img{i}.png" for i in (3, 5, 7, 9)]
    edit(Journal(file, poses((0, 1, 2, 3), images=names)), 2, 0, 0, 7, 8)
    fewer = poses((0, 1, 2, 3), images=names).isel(time=[0, 2, 3])
    assert Journal(file, fewer).apply(fewer)["position"].values[1, :, 0, 0].tolist() == [7, 8]


def test_corrections_that_do_not_fit_are_told_and_kept(file: Path, tmp_path: Path) -> None:
    ds = poses()
    journal = Journal(file, ds)
    edit(journal, 0, 0, 0, 1, 2)
    edit(journal, 3, 1, 2, 3, 4)
    part = ds.isel(time=[0, 1], individual=[0])
    other = Journal(file, part)
    with pytest.warns(JournalWarning, match="1 of 2 corrections"):
        assert int(other.apply(part)["edited"].sum()) == 1
    other.saved([tmp_path / "part.csv"])
    edit(other, 1, 0, 1, 5, 6)
    assert int(Journal(file, ds).apply(ds)["edited"].sum()) == 3


def test_a_line_cut_off_by_a_crash_costs_that_line_only(file: Path) -> None:
    ds = poses()
    journal = Journal(file, ds)
    edit(journal, 0, 0, 0, 1, 2)
    edit(journal, 1, 0, 0, 3, 4)
    path = journal.paths[0]
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.warns(JournalWarning, match="1 lines"):
        assert int(Journal(file, ds).apply(ds)["edited"].sum()) == 1
    edit(journal, 2, 0, 0, 5, 6)
    with pytest.warns(JournalWarning, match="1 lines"):
        again = Journal(file, ds).apply(ds)
    assert again["position"].values[2, :, 0, 0].tolist() == [5, 6] and int(again["edited"].sum()) == 2
    journal.saved([file.with_suffix(".csv")])  # what cannot be read is not thrown away
    assert len(path.read_bytes().splitlines()) == 5


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"op":"edit","points":3}',
        b'{"op":"edit","points":[[10,0]]}',
        b'{"op":"edit","points":[[10,0,99,1,2,3]]}',
        b'{"op":"edit","points":[[10,0,-1,1,2,3]]}',
        b'{"op":"edit","points":[[10,0,1,"a",2,3]]}',
        b'{"op":"dance"}',
        b'{"kind":"superanimal-edits","version":"x"}',
    ],
)
def test_damaged_lines_are_left_out_with_a_word(file: Path, line: bytes) -> None:
    ds = poses()
    journal = Journal(file, ds)
    edit(journal, 0, 0, 0, 1, 2)
    with journal.paths[0].open("ab") as out:
        out.write(line + b"\n")
    with pytest.warns(JournalWarning, match="cannot be read"):
        assert int(Journal(file, ds).apply(ds)["edited"].sum()) == 1


def test_unsaved_until_saved_or_undone(file: Path, tmp_path: Path) -> None:
    ds = poses()
    journal = Journal(file, ds)
    edit(journal, 0, 0, 0, 1, 2)
    assert Journal(file, ds).unsaved()
    undo(journal, 0, 0, 0)
    assert not Journal(file, ds).unsaved()
    edit(journal, 0, 0, 0, 1, 2)
    journal.saved([tmp_path / "other.csv"])
    assert not Journal(file, ds).unsaved()
    assert int(Journal(file, ds).apply(ds)["edited"].sum()) == 1, "they still come back"
    edit(journal, 1, 0, 0, 1, 2)
    assert Journal(file, ds).unsaved()


def test_saving_merges_the_steps(file: Path, tmp_path: Path) -> None:
    ds = poses()
    journal = Journal(file, ds)
    for x in range(50):
        edit(journal, 0, 0, 0, x, 2)
    long = journal.paths[0].stat().st_size
    before = journal.apply(ds)
    journal.saved([tmp_path / "other.csv"])
    assert journal.paths[0].stat().st_size < long / 5
    xr.testing.assert_identical(journal.apply(ds), before)
    edit(journal, 3, 1, 2, 3, 4)
    assert int(Journal(file, ds).apply(ds)["edited"].sum()) == 2


def test_saving_over_the_file_ends_its_journal(file: Path) -> None:
    ds = poses()
    journal = Journal(file, ds)
    edit(journal, 0, 0, 0, 1, 2)
    file.write_bytes(b"poses with corrections")
    journal.saved([file])
    assert not any(path.exists() for path in journal.paths)
    edit(journal, 1, 0, 0, 3, 4)
    assert int(Journal(file, ds).apply(ds)["edited"].sum()) == 1


def test_discarding_goes_back_to_the_last_save(file: Path, tmp_path: Path) -> None:
    ds = poses()
    journal = Journal(file, ds)
    edit(journal, 0, 0, 0, 1, 2)
    journal.saved([tmp_path / "other.csv"])
    before = journal.apply(ds)
    edit(journal, 0, 0, 0, 8, 9)
    edit(journal, 1, 0, 0, 3, 4)
    journal.discard()
    xr.testing.assert_identical(Journal(file, ds).apply(ds), before)
    edit(journal, 2, 0, 0, 3, 4)
    assert int(Journal(file, ds).apply(ds)["edited"].sum()) == 2


def test_another_file_of_the_same_name_does_not_get_the_corrections(file: Path) -> None:
    ds = poses()
    edit(Journal(file, ds), 0, 0, 0, 1, 2)
    file.write_bytes(b"other poses")
    with pytest.warns(JournalWarning, match="not the file that was corrected") as caught:
        assert Journal(file, ds).apply(ds) is ds
    (kept,) = file.parent.glob("clip.h5.edits.*.jsonl")
    assert str(kept) in str(caught[0].message)
    assert not Journal(file, ds).unsaved()


def test_read_only_folders_have_their_journal_in_the_state_folder(
    file: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ds = poses()
    journal = Journal(file, ds)
    edit(journal, 0, 0, 0, 1, 2)
    whole = Path.open

    def refuse(path: Path, mode: str = "r", *rest: object, **more: object) -> object:
        if path.parent == file.parent and "a" in mode:
            raise PermissionError(13, "Permission denied")
        return whole(path, mode, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)  # root may write everywhere, so modes would not do
    edit(journal, 1, 0, 0, 3, 4)
    assert journal.paths[1].exists() and journal.paths[1].is_relative_to(state)
    assert int(Journal(file, ds).apply(ds)["edited"].sum()) == 2
    journal.saved([file.with_suffix(".csv")])
    assert int(Journal(file, ds).apply(ds)["edited"].sum()) == 2
    assert not Journal(file, ds).unsaved()


def test_poses_that_are_gone_take_no_edits(file: Path, state: Path) -> None:
    journal = Journal(file, poses())
    file.unlink()
    with pytest.raises(StorageError, match="gone"):
        edit(journal, 0, 0, 0, 1, 2)
    assert not state.exists()


def test_a_later_version_is_refused(file: Path) -> None:
    ds = poses()
    journal_paths(file)[0].write_text(
        json.dumps({"kind": "superanimal-edits", "version": 2, "of": ""}) + "\n"
    )
    with pytest.raises(FormatError, match="version 2"):
        Journal(file, ds).apply(ds)


def test_an_edit_survives_the_death_of_its_process(file: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[1]); import test_journal as t\n"
        "t.edit(t.Journal(Path(sys.argv[2]), t.poses()), 1, 1, 1, 5, 6); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(Path(__file__).parent), str(file)], env=os.environ)
    assert done.returncode != 0
    ds = poses()
    assert Journal(file, ds).apply(ds)["position"].values[1, :, 1, 1].tolist() == [5, 6]
