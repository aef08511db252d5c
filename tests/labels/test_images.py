"""Labelled images of more than 8 bits are seen as a stack of the same folder shows them."""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest

from superanimal.labels import ImageRef, LabelledSet, concatenate, materialize, read_labels
from superanimal.video import open_video


def deep_set(folder: Path, suffix: str = ".png", top: int = 4000) -> LabelledSet:
    """Return labels of every third of 12 pictures of 12 bits, each a little brighter than the one before."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for k in range(12):
        picture = rng.integers(100, 100 + (k + 1) * (top - 100) // 12, (20, 24, 3)).astype(np.uint16)
        cv2.imwrite(str(folder / f"img{k:02d}{suffix}"), picture)
    chosen = range(0, 12, 3)
    images = [ImageRef(str(folder / f"img{k:02d}{suffix}")) for k in chosen]
    points = np.full((4, 2, 2), 5.0, np.float32)
    flags = np.full((4, 2), 2, np.int8)
    return LabelledSet(folder.name, ("a", "b"), images, np.arange(4), points, flags, video=folder.name)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_twelve_bits_look_as_in_a_stack_of_the_folder(tmp_path: Path, suffix: str) -> None:
    labelled, stack = deep_set(tmp_path / "deep", suffix), open_video(tmp_path / "deep")
    for i, k in enumerate(range(0, 12, 3)):
        assert np.array_equal(labelled.pixels(i), stack[k])
    assert stack[11].max() > 250
    assert np.array_equal(labelled.subset([2]).pixels(0), stack[6])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("where", "to"), [("s.labels.zarr", "store"), ("p.pkg.slp", "sleap")])
def test_folders_packed_together_keep_their_looks(tmp_path: Path, suffix: str, where: str, to: str) -> None:
    both = concatenate([deep_set(tmp_path / "bright", suffix, 60000), deep_set(tmp_path / "dark", suffix)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        packed = read_labels(materialize(both, tmp_path / where, to).path)
    seen = [packed.pixels(i) for i in range(8)]
    assert all(any(np.array_equal(both.pixels(i), pixels) for pixels in seen) for i in range(8))


def test_a_package_of_another_program_gets_one_stretch(tmp_path: Path) -> None:
    import h5py

    labelled = deep_set(tmp_path / "deep")
    with h5py.File(tmp_path / "p.slp", "w") as file:
        data = [np.frombuffer(Path(image.path).read_bytes(), np.int8) for image in labelled.images]
        rows = file.create_dataset("video0/video", (4,), h5py.vlen_dtype(np.int8))
        for k, row in enumerate(data):
            rows[k] = row
    frames = [ImageRef(str(tmp_path / "p.slp"), frame=k, inside="video0/video") for k in range(4)]
    packed = labelled.with_columns(images=frames)
    brightest = [int(packed.pixels(k).max()) for k in range(4)]
    assert brightest == sorted(brightest) and brightest[0] < 40 and brightest[3] == 255
