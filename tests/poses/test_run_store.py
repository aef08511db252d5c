from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import zarr

from superanimal.errors import FormatError, NotFoundError, StorageError
from superanimal.poses import run_store as module
from superanimal.poses.journal import Journal
from superanimal.poses.run_store import CHUNK, RunStore, is_store

KEYPOINTS = ["a", "b", "c"]
ROWS = 2 * CHUNK + 40


def make(path: Path, rows: int = ROWS) -> RunStore:
    return RunStore.create(
        path,
        frames=np.arange(rows) * 2 + 10,
        keypoints=KEYPOINTS,
        individuals=["animal0", "animal1"],
        fps=25.0,
        video_path="clip.mp4",
        identity={"settings": {"mode": "enhanced"}},
        provenance={"software": "test 1"},
    )


def arrays(store: RunStore, chunk: int) -> dict[str, np.ndarray]:
    rows = store.rows(chunk)
    rng = np.random.default_rng(chunk)
    shape = (rows.stop - rows.start, 2)
    return {
        "position": rng.uniform(0, 100, (*shape, 3, 2)).astype(np.float32),
        "confidence": rng.uniform(0, 1, (*shape, 3)).astype(np.float32),
        "boxes": rng.uniform(0, 100, (*shape, 4)).astype(np.float32),
        "box_confidence": rng.uniform(0, 1, shape).astype(np.float32),
    }


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clip_model.poses.zarr"


def test_a_new_store_is_empty_and_whole(path: Path) -> None:
    store = make(path)
    assert is_store(path)
    assert len(store) == ROWS and store.n_chunks == 3
    assert store.finished_chunks() == [] and store.finished_frames() == 0
    assert store.resume_point() == (0, {})
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    poses = store.to_poses()
    assert poses.sizes == {"time": ROWS, "space": 2, "keypoint": 3, "individual": 2, "box": 4}
    assert poses["position"].isnull().all()
    assert poses["frame"].values[:3].tolist() == [10, 12, 14]
    assert poses.attrs["fps"] == 25.0 and poses.attrs["video_path"] == "clip.mp4"


def test_it_is_an_ordinary_zarr_group(path: Path) -> None:
    make(path)
    group = zarr.open_group(path, mode="r")
    assert group["position"].chunks == (CHUNK, 2, 3, 2)
    assert sorted(group.array_keys()) == ["box_confidence", "boxes", "confidence", "frame", "position"]


def test_chunks_count_only_with_their_marker(path: Path) -> None:
    store = make(path)
    written = arrays(store, 0)
    store.write_chunk(0, written, {"tracker": [1.5]})
    assert store.finished_chunks() == [0] and store.finished_frames() == CHUNK
    assert store.resume_point() == (1, {"tracker": [1.5]})
    poses = RunStore.open(path).to_poses()
    assert (poses["position"].values[:CHUNK] == written["position"].transpose(0, 3, 2, 1)).all()
    assert (poses["boxes"].values[:CHUNK] == written["boxes"].transpose(0, 2, 1)).all()
    assert poses["position"][CHUNK:].isnull().all()
    store.marker(0).unlink()
    assert store.resume_point() == (0, {})
    assert store.to_poses()["position"].isnull().all()


def test_two_ways_to_the_same_bytes(path: Path, tmp_path: Path) -> None:
    one = make(path)
    for chunk in range(3):
        one.write_chunk(chunk, arrays(one, chunk), {"at": chunk})
    other = make(tmp_path / "other.poses.zarr")
    with other.exclusive():
        other.write_chunk(0, arrays(other, 0), {"at": 0})
        other.write_chunk(1, {k: v + 1 for k, v in arrays(other, 1).items()}, {"at": 9})
        other.marker(1).unlink()  # as if it had been killed before the marker
        (other.path / "position" / "c" / "1" / "x.abc.partial").write_text("half")
        (other.path / "chunks" / ".000001-ab12.json").write_text("{")
    again = RunStore.open(other.path)
    with again.exclusive():
        start, state = again.resume_point()
        assert (start, state) == (1, {"at": 0})
        for chunk in range(start, 3):
            again.write_chunk(chunk, arrays(again, chunk), {"at": chunk})
    with one.exclusive():
        pass
    assert content(path) == content(other.path)


def test_of_several_that_create_one_succeeds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def after_another(new: Path, target: Path) -> Path:
        monkeypatch.undo()
        make(path)  # by another process, in the last moment
        return rename(new, target)

    monkeypatch.setattr(Path, "rename", after_another)
    with pytest.raises(StorageError, match="already exists"):
        make(path)
    assert len(RunStore.open(path)) and not list(path.parent.glob("*.new"))


def test_raw_estimates_in_the_making_are_left_alone(path: Path) -> None:
    store = make(path)
    young, old = store.path / "chunks" / ".000001-aa.npz", store.path / "chunks" / ".000002-bb.npz"
    for file in (young, old):
        file.write_bytes(b"half")
    os.utime(old, (0, 0))
    with store.exclusive():
        assert young.exists() and not old.exists()


def test_only_one_writes(path: Path) -> None:
    store = make(path)
    with (
        store.exclusive(),
        pytest.raises(StorageError, match="written by another process"),
        RunStore.open(path).exclusive(),
    ):
        pass
    with RunStore.open(path).exclusive():
        pass


def test_an_existing_store_is_not_replaced(path: Path) -> None:
    make(path)
    with pytest.raises(StorageError, match="already exists"):
        make(path)


def test_other_things_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        RunStore.open(tmp_path / "nothing.poses.zarr")
    zarr.open_group(tmp_path / "foreign.zarr", mode="w")
    with pytest.raises(FormatError, match="not a pose store"):
        RunStore.open(tmp_path / "foreign.zarr")
    (tmp_path / "damaged.zarr").mkdir()
    (tmp_path / "damaged.zarr" / "zarr.json").write_text("{nonsense")
    assert not is_store(tmp_path / "damaged.zarr")
    assert not is_store(tmp_path / "nothing")


def test_a_later_version_is_refused(path: Path) -> None:
    make(path)
    record = json.loads((path / "zarr.json").read_text())
    record["attributes"]["version"] = 99
    (path / "zarr.json").write_text(json.dumps(record))
    with pytest.raises(FormatError, match="version 99"):
        RunStore.open(path)


def test_a_full_disk_leaves_finished_chunks_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make(path)
    store.write_chunk(0, arrays(store, 0), {})
    before = store.to_poses()

    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_flush", full)
    with pytest.raises(StorageError, match="disk is full") as error:
        store.write_chunk(1, arrays(store, 1), {})
    assert "free some disk space" in error.value.remedy
    assert store.finished_chunks() == [0]
    assert store.to_poses().identical(before)


def test_delete(path: Path) -> None:
    make(path).delete()
    assert not path.exists()


def test_corrections_come_with_the_run_and_keep_it_from_being_deleted(path: Path) -> None:
    store = make(path)
    store.write_chunk(0, arrays(store, 0), {})
    raw = store.to_poses()
    assert "edited" not in raw and store.additions() == []
    at = (np.array([3]), np.array([1]), np.array([2]))
    Journal(path, raw).append("edit", at, np.float32([[7, 8]]), np.float32([1]), np.array([True]))
    poses = RunStore.open(path).to_poses()
    assert poses["position"].values[3, :, 2, 1].tolist() == [7, 8]
    assert int(poses["edited"].sum()) == 1
    assert store.additions() == ["edits"], "starting over keeps such a run under another name"
    store.write_chunk(1, arrays(store, 1), {})  # the run goes on
    assert int(RunStore.open(path).to_poses()["edited"].sum()) == 1
