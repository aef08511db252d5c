"""Raw estimates are computed chunk by chunk, anywhere; results are linked from them, and linked anew."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blobs import KEYPOINTS, BlobDetector, BlobPose
from watching import CancelAt, Listening

from superanimal.errors import Cancelled, InputError
from superanimal.formats import load_poses
from superanimal.inference import Analyzer
from superanimal.inference.estimator import Estimator
from superanimal.inference.pipeline import estimate
from superanimal.poses import get_provenance
from superanimal.poses.animal_frame import Shape
from superanimal.poses.journal import Journal
from superanimal.poses.offsets import Offsets
from superanimal.poses.run_store import RunStore
from superanimal.progress import Progress
from superanimal.video import open_video

LEGS = ((("red_nose", "blue_tail"), ("green_body", "green_body")),)


def analyzer(out: Path, legs: bool = False, **options: Any) -> Analyzer:
    options = {"device": "cpu", "batch_size": 8, "detector_every": 3, "formats": (), **options}
    made = Analyzer(BlobPose(), detector=BlobDetector(), out=out, **options)
    if legs:
        made.model.entry = replace(made.model.entry, limbs=LEGS)
    return made


def results(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all results of a store, and of its raw estimates."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "zarr.json")
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@pytest.fixture(scope="module")
def whole(long_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a run in one go, legs sorted."""
    return analyzer(tmp_path_factory.mktemp("whole"), legs=True).run(long_clip).store


@pytest.fixture(scope="module")
def two(pair: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of two animals, tracked."""
    return analyzer(tmp_path_factory.mktemp("two"), max_individuals=2).run(pair).store


@pytest.fixture
def offsets() -> Offsets:
    points = np.array([[0.5, 0.0], [0.0, 0.0], [-0.5, 0.0]])
    values = np.array([[0.25, 0.0], [0.0, 0.0], [0.0, 0.25]])
    shape = Shape(KEYPOINTS, points, "", False)
    return Offsets(shape, values, np.full((3, 2, 2), np.nan), {}, "blobs", BlobPose().digest())


def test_chunks_are_computed_in_any_order_by_anybody_and_linked_afterwards(
    long_clip: Path, whole: Path, tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        analyzer(tmp_path, legs=True).run(long_clip, CancelAt(1))
    path = tmp_path / whole.name
    for chunks in ([2], [1, 0]):
        worker = analyzer(tmp_path, legs=True)
        with open_video(long_clip) as video:
            legs = worker.limbs(video, range(640))
            assert legs is not None
            estimator = Estimator(
                worker.model, worker.source(), worker.settings, worker.sigmas, pairs=legs.pairs
            )
            progress = Progress()
            estimate(
                video, range(640), RunStore.open(path), estimator, worker.settings, progress, chunks=chunks
            )
    assert RunStore.open(path).finished_chunks() == []
    last = analyzer(tmp_path, legs=True)
    assert last.run(long_clip).frames_with_animals == 640
    assert last.model.batches == []  # type: ignore[attr-defined]
    assert results(path) == results(whole)


def test_other_choices_are_linked_anew_without_networks(
    long_clip: Path, whole: Path, offsets: Offsets, tmp_path: Path
) -> None:
    path = tmp_path / whole.name
    shutil.copytree(whole, path)
    for number, choices in enumerate(({"track": False}, {"offsets": offsets}, {})):
        progress = Listening()
        again = analyzer(tmp_path, legs=True, formats=("dlc-h5",), **choices)
        result = again.run(long_clip, progress)
        assert again.model.batches == [] and again.detector.batches == []  # type: ignore[attr-defined, union-attr]
        assert progress.total == progress.done == 640
        assert any("relinked" in text for text in progress.messages)
        fresh = whole
        if choices:
            fresh = analyzer(tmp_path / f"fresh{number}", legs=True, **choices).run(long_clip).store
        assert results(path) == results(fresh)
        assert RunStore.open(path).attrs["identity"] == RunStore.open(fresh).attrs["identity"]
        assert bool(get_provenance(result.poses)["calibration"]) == ("offsets" in choices)
        assert load_poses(result.files[0])["position"].shape[0] == 640
    assert not list(tmp_path.glob("kept-*"))  # the exports held what a run wrote


def test_identities_are_linked_anew(pair: Path, two: Path, tmp_path: Path) -> None:
    path = tmp_path / two.name
    analyzer(tmp_path, max_individuals=2, track=False).run(pair)
    assert results(path) != results(two)
    analyzer(tmp_path, max_individuals=2).run(pair)
    assert results(path) == results(two)


def test_a_stopped_relinking_goes_on(long_clip: Path, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / whole.name
    shutil.copytree(whole, path)
    with pytest.raises(Cancelled):
        analyzer(tmp_path, legs=True, track=False).run(long_clip, CancelAt(256))
    assert RunStore.open(path).finished_chunks() == [0]
    again = analyzer(tmp_path, legs=True)  # and back: the results of another choice are not kept
    again.run(long_clip)
    assert again.model.batches == []  # type: ignore[attr-defined]
    assert results(path) == results(whole)


def test_corrected_animals_keep_their_identities(
    pair: Path, two: Path, offsets: Offsets, tmp_path: Path
) -> None:
    path = tmp_path / two.name
    shutil.copytree(two, path)
    at = (np.array([3]), np.array([1]), np.array([2]))
    poses = RunStore.open(path).to_poses()
    Journal(path, poses).append("edit", at, np.float32([[7, 8]]), np.float32([1]), np.array([True]))
    with pytest.raises(InputError, match="1 corrected points belong to its current identities"):
        analyzer(tmp_path, max_individuals=2, track=False).run(pair)
    assert results(path).items() >= results(two).items()
    moved = analyzer(tmp_path, max_individuals=2, offsets=offsets).run(pair).poses
    assert moved["position"].values[3, :, 2, 1].tolist() == [7, 8]


def test_other_networks_are_never_linked_anew(pair: Path, two: Path, tmp_path: Path) -> None:
    path = tmp_path / two.name
    shutil.copytree(two, path)
    with pytest.raises(InputError, match=r"settings\.refine was False and is True, settings\.track was True"):
        analyzer(tmp_path, max_individuals=2, track=False, refine=True).run(pair)
    assert results(path) == results(two)


def as_version_1(path: Path) -> None:
    """Turn a store into one that was written before raw estimates were kept."""
    for raw in (path / "chunks").glob("*.npz"):
        raw.unlink()
    (path / "chunks" / "begun.npz").write_bytes(b"rows of a chunk that is not full")
    record = json.loads((path / "zarr.json").read_text())
    record["attributes"]["version"] = 1
    (path / "zarr.json").write_text(json.dumps(record))


@pytest.mark.parametrize("unfinished", [False, True])
def test_stores_without_raw_estimates_open_and_go_on(
    long_clip: Path, whole: Path, tmp_path: Path, unfinished: bool
) -> None:
    path = tmp_path / whole.name
    shutil.copytree(whole, path)
    as_version_1(path)
    if unfinished:
        (path / "chunks" / "000002.json").unlink()
    assert RunStore.open(path).finished_frames() == (512 if unfinished else 640)
    with pytest.raises(InputError, match=r"missing from [23] of its chunks"):
        analyzer(tmp_path, legs=True, track=False).run(long_clip)
    again = analyzer(tmp_path, legs=True)
    poses = again.run(long_clip).poses
    assert sum(again.model.batches) == (128 if unfinished else 0)  # type: ignore[attr-defined]
    assert poses["position"].equals(RunStore.open(whole).to_poses()["position"])


def test_damaged_raw_estimates_are_computed_again(long_clip: Path, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / whole.name
    shutil.copytree(whole, path)
    (path / "chunks" / "000002.json").unlink()
    (path / "chunks" / "000002.npz").write_bytes(b"PK junk")
    again = analyzer(tmp_path, legs=True)
    again.run(long_clip)
    assert sum(again.model.batches) == 128  # type: ignore[attr-defined]
    assert results(path) == results(whole)


def test_a_run_that_version_1_wrote_goes_on(
    long_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first 300 of 640 frames, written by the code of before; its half chunk is computed again."""
    zipfile.ZipFile(Path(__file__).parents[1] / "support" / "run_of_version_1.zip").extractall(tmp_path)
    path = tmp_path / "long_blobs.poses.zarr"
    before = RunStore.open(path)
    assert before.attrs["version"] == 1 and (path / "chunks" / "begun.npz").is_file()
    there = before.to_poses()["position"].values
    assert before.finished_frames() == 256 and np.isfinite(there[:256]).all() and np.isnan(there[256:]).all()
    made = before.attrs["identity"]  # another encoder or processor would change these by a bit
    monkeypatch.setattr("superanimal.inference.analyzer.fingerprint", lambda video: made["video"])
    monkeypatch.setattr(BlobPose, "digest", lambda model: made["weights"])
    monkeypatch.setattr(BlobDetector, "digest", lambda detector: made["boxes"]["weights"])
    again = analyzer(tmp_path)
    position = again.run(long_clip).poses["position"].values
    assert sum(again.model.batches) == 640 - 256  # type: ignore[attr-defined]
    np.testing.assert_array_equal(position[:256], there[:256])
    assert np.isfinite(position).all()
    assert RunStore.open(path).attrs["version"] == 2 and not (path / "chunks" / "begun.npz").exists()
    with pytest.raises(InputError, match="missing from 1 of its chunks"):
        analyzer(tmp_path, track=False).run(long_clip)
