"""Parts of a run, computed by different processes in any order, are the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from blobs import BlobDetector, BlobPose

from superanimal.errors import InputError
from superanimal.inference import Analyzer
from superanimal.inference.open_run import chunks_of_part, parse_part
from superanimal.poses.run_store import RunStore


def analyzer(out: Path, model: BlobPose | None = None, **options: Any) -> Analyzer:
    options = {"device": "cpu", "batch_size": 8, "detector_every": 3, "formats": (), **options}
    return Analyzer(model or BlobPose(), detector=BlobDetector(), out=out, **options)


def content(store: Path) -> dict[str, bytes]:
    files = (p for p in sorted(store.rglob("*")) if p.is_file() and p.name not in ("zarr.json", "lock"))
    return {str(p.relative_to(store)): p.read_bytes() for p in files}


class Sized(BlobPose):
    """Its numbers depend on the size of the batch, as on a GPU; memory runs out above ``most`` crops."""

    def __init__(self, most: int = 100) -> None:
        super().__init__()
        self.most = most

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return {name: value * (1 + 1e-3 * len(x)) for name, value in super().forward(x).items()}


def test_parts_in_any_order_are_the_whole(long_clip: Path, tmp_path: Path) -> None:
    whole = analyzer(tmp_path / "whole").run(long_clip).store
    parts = tmp_path / "parts"
    said = [analyzer(parts).run_part(long_clip, part, 2) for part in (2, 1)]
    assert "256 of 640 frames are left" in said[0] and "all parts are there" in said[1]
    assert RunStore.open(parts / whole.name).finished_frames() == 0
    again = analyzer(parts)
    assert "0 frames computed" in again.run_part(long_clip, 2, 2)
    again.run(long_clip)
    assert again.model.batches == []  # type: ignore[attr-defined]
    assert content(parts / whole.name) == content(whole)


def test_memory_that_ran_out_in_one_chunk_changes_no_other(long_clip: Path, tmp_path: Path) -> None:
    small, large = Sized(most=3), Sized()
    for folder, order in (("a", (1, 2)), ("b", (2, 1))):
        for part in order:
            analyzer(tmp_path / folder, {1: small, 2: large}[part]).run_part(long_clip, part, 2)
    a, b = (next((tmp_path / folder).glob("*.poses.zarr")) for folder in ("a", "b"))
    assert small.batches and max(small.batches) == 2
    assert content(a) == content(b)


def test_a_run_begun_by_another_process_meanwhile_is_joined(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = RunStore.create

    def later(*args: Any, **kwargs: Any) -> RunStore:
        monkeypatch.undo()
        analyzer(tmp_path).run_part(clip, 1, 2)  # the other process
        return create(*args, **kwargs)

    monkeypatch.setattr(RunStore, "create", later)
    mine = analyzer(tmp_path)
    assert "all parts are there" in mine.run_part(clip, 2, 2)
    assert mine.run(clip).frames_with_animals == 300


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/2/3"])
def test_what_is_no_part(text: str) -> None:
    with pytest.raises(InputError, match="give the number of the part"):
        parse_part(text)


def test_more_parts_than_chunks() -> None:
    chunks = [k for part in range(1, 8) for k in chunks_of_part(3, part, 7)]
    assert chunks == [0, 1, 2]
