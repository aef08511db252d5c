from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import zarr

from superanimal.inference import fingerprint as module
from superanimal.inference.fingerprint import fingerprint
from superanimal.video import open_video


def of(path: Path) -> str:
    with open_video(path) as video:
        return fingerprint(video)


def images(folder: Path, count: int = 3) -> Path:
    folder.mkdir()
    for k in range(count):
        cv2.imwrite(str(folder / f"img{k}.bmp"), np.full((64, 64, 3), 20 * k, np.uint8))
    return folder


class Fake:
    """A video of any content: only its place and its shape count."""

    def __init__(self, path: Path) -> None:
        self.path, self.shape = path, (1, 2, 3, 3)


def test_name_place_and_date_do_not_count(clip: Path, pair: Path, tmp_path: Path) -> None:
    copy = tmp_path / "other.mp4"
    copy.write_bytes(clip.read_bytes())
    os.utime(copy, (1, 1))
    assert of(clip) == of(copy) != of(pair)


@pytest.mark.parametrize("whole", [2**20, 0])
def test_changes_between_the_ends_of_a_file_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    monkeypatch.setattr(module, "WHOLE_BYTES", whole)
    monkeypatch.setattr(module, "BLOCK_BYTES", 2**10)
    content = bytearray(300_000)
    (tmp_path / "v.mp4").write_bytes(content)
    before = fingerprint(Fake(tmp_path / "v.mp4"))  # type: ignore[arg-type]
    stat = (tmp_path / "v.mp4").stat()
    content[70_000:230_000] = b"x" * 160_000  # the ends and the length stay
    (tmp_path / "v.mp4").write_bytes(content)
    os.utime(tmp_path / "v.mp4", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert fingerprint(Fake(tmp_path / "v.mp4")) != before  # type: ignore[arg-type]


def test_a_long_file_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "v.mp4").open("wb") as file:
        file.truncate(2**40)  # a terabyte of nothing, no disk needed
    assert len(fingerprint(Fake(tmp_path / "v.mp4"))) == 32  # type: ignore[arg-type]


@pytest.mark.parametrize("whole", [2**20, 0])
def test_a_replaced_image_of_the_same_size_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    monkeypatch.setattr(module, "WHOLE_BYTES", whole)
    folder = images(tmp_path / "frames")
    before = of(folder)
    (folder / "img1.bmp").write_bytes((folder / "img2.bmp").read_bytes())
    assert of(folder) != before


def test_what_is_no_image_does_not_count(tmp_path: Path) -> None:
    folder = images(tmp_path / "frames")
    before = of(folder)
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "frames_mini.h5").write_bytes(b"x")
    (folder / "out").mkdir()
    (folder / "out" / "plot.png").write_bytes(b"x")
    os.utime(folder / "img0.bmp", (1, 1))
    assert of(folder) == before


def test_a_zarr_array_counts_by_its_chunks(tmp_path: Path) -> None:
    path = tmp_path / "v.zarr"
    array = zarr.create_array(path, shape=(4, 8, 8), chunks=(1, 8, 8), dtype="uint8", compressors=None)
    array[:] = 7
    before = of(path)
    (path / ".DS_Store").write_bytes(b"x")
    assert of(path) == before
    array[2, 4, 4] = 9
    assert of(path) != before
