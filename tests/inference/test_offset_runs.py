"""A run with offsets holds moved points, goes on with the same bytes, and is never mixed with another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blobs import KEYPOINTS, SPACING, BlobDetector, BlobPose

from superanimal.errors import Cancelled, InputError
from superanimal.inference import Analyzer
from superanimal.poses import get_provenance
from superanimal.poses.animal_frame import Shape
from superanimal.poses.offsets import Offsets
from superanimal.poses.run_store import RunStore
from superanimal.progress import Progress


@pytest.fixture(scope="module")
def offsets() -> Offsets:
    """The nose lies a quarter of the length further forward, the tail as much to the left."""
    points = np.array([[0.5, 0.0], [0.0, 0.0], [-0.5, 0.0]])
    offsets = np.array([[0.25, 0.0], [0.0, 0.0], [0.0, 0.25]])
    intervals = np.full((3, 2, 2), np.nan)
    weights = BlobPose().digest()
    return Offsets(Shape(KEYPOINTS, points, "", False), offsets, intervals, {}, "blobs", weights)


def analyzer(out: Path, offsets: Offsets | Path | None = None, **options: Any) -> Analyzer:
    options = {"device": "cpu", "batch_size": 8, "detector_every": 3, "formats": (), **options}
    return Analyzer(BlobPose(), detector=BlobDetector(), out=out, offsets=offsets, **options)


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class CancelAt(Progress):
    def changed(self) -> None:
        if self.done >= 300:
            self.cancel()


@pytest.fixture(scope="module")
def whole(long_clip: Path, offsets: Offsets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of an uninterrupted run with offsets."""
    return analyzer(tmp_path_factory.mktemp("whole"), offsets).run(long_clip).store


def test_the_run_holds_the_moved_points(
    long_clip: Path, whole: Path, offsets: Offsets, tmp_path: Path
) -> None:
    plain = analyzer(tmp_path).run(long_clip).poses
    moved = RunStore.open(whole).to_poses()
    expected = offsets.apply(plain)
    assert np.allclose(moved["position"], expected["position"], atol=1e-3, equal_nan=True)
    assert moved["boxes"].equals(plain["boxes"]) and moved["confidence"].equals(plain["confidence"])
    shift = np.linalg.norm(moved["position"].values - plain["position"].values, axis=1)[:, :, 0]
    assert np.median(shift, axis=0) == pytest.approx([SPACING / 2, 0, SPACING / 2], abs=0.3)
    assert get_provenance(moved)["calibration"]["digest"] == offsets.digest
    with pytest.raises(InputError, match="already applied"):
        offsets.apply(moved)


def test_a_stopped_run_goes_on_with_the_same_bytes(
    long_clip: Path, whole: Path, offsets: Offsets, tmp_path: Path
) -> None:
    file = offsets.save(tmp_path / "c.json")
    with pytest.raises(Cancelled):
        analyzer(tmp_path, file).run(long_clip, CancelAt())
    assert content(analyzer(tmp_path, file).run(long_clip).store) == content(whole)


def test_offsets_are_applied_to_a_run_that_is_there(clip: Path, offsets: Offsets, tmp_path: Path) -> None:
    analyzer(tmp_path).run(clip)
    again = analyzer(tmp_path, offsets)
    moved = again.run(clip).poses
    assert again.model.batches == []  # type: ignore[attr-defined]
    assert moved.equals(analyzer(tmp_path, offsets, resume=False).run(clip).poses)


def test_offsets_of_other_weights_are_refused(offsets: Offsets, tmp_path: Path) -> None:
    other = Offsets(offsets.shape, offsets.values, offsets.intervals, {}, "blobs", "0" * 64)
    with pytest.raises(InputError, match="the offsets are for blobs"):
        analyzer(tmp_path, other)
