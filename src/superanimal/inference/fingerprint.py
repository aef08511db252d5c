"""Detecting whether the content of a video has changed, without reading all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from superanimal.video import Video

WHOLE_BYTES = 64 * 2**20
"""Size in bytes up to which everything is read."""
BLOCKS = 128
BLOCK_BYTES = 2**16
"""Number and size in bytes of the blocks read of a longer file, including the first and the last."""
PIECE_BYTES = 2**14
"""Number of bytes read in the middle of each file of a longer folder."""
_ZARR_FILES = frozenset([".zarray", ".zgroup", ".zattrs", ".zmetadata"])


def fingerprint(video: Video) -> str:
    """Return a short hash of the content of a video, independent of its name, location and date.

    Names (of images and chunks), sizes and the content count: all of it up to 64 MB, beyond that 128 blocks
    of a file, or a piece of every file of a folder. Other files in the folder do not count.
    """
    path = Path(video.path)
    digest = hashlib.sha256(repr(tuple(int(n) for n in video.shape)).encode())
    files = _images_of(video) or ([path] if path.is_file() else list(_chunks_of(path)))
    sizes = [file.stat().st_size for file in files]
    whole = sum(sizes) <= WHOLE_BYTES
    for file, size in zip(files, sizes, strict=True):
        name = file.relative_to(path).as_posix() if path in file.parents else ""
        digest.update(f"{name} {size}\n".encode())
        with file.open("rb") as handle:
            if whole:
                for block in iter(lambda: handle.read(2**20), b""):
                    digest.update(block)
            elif len(files) == 1:
                for k in range(BLOCKS):
                    handle.seek((size - BLOCK_BYTES) * k // (BLOCKS - 1))
                    digest.update(handle.read(BLOCK_BYTES))
            else:
                handle.seek(max(0, (size - PIECE_BYTES) // 2))
                digest.update(handle.read(PIECE_BYTES))
    return digest.hexdigest()[:32]


def _images_of(video: Any) -> list[Path]:
    """Return the image files a video is made of, in order; none for other kinds."""
    return [Path(image) for image in getattr(video, "paths", ())]


def _chunks_of(path: Path) -> Iterable[Path]:
    """Yield the files of a zarr array or group, sorted, without what file managers leave there."""
    for file in sorted(path.rglob("*")):
        hidden = file.name.startswith(".") and file.name not in _ZARR_FILES
        if not hidden and file.is_file():
            yield file
