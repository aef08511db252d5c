"""What a person may name as a source: a video, a folder, a glob, or a list of these."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from superanimal.errors import InputError, NotFoundError
from superanimal.video import IMAGE_SUFFIXES, VIDEO_SUFFIXES

if TYPE_CHECKING:
    from superanimal.video import Video

_GLOBBED = (*VIDEO_SUFFIXES, ".tif", ".tiff")
_SAMPLE_BYTES = 2**16

Source = str | os.PathLike[str]


def find_videos(source: Source | Iterable[Source]) -> list[Path]:
    """Return the videos a source stands for, in natural order of the given names and sorted within folders.

    A folder stands for the videos in it, or for itself when it holds images or is a zarr array; a name with
    ``*``, ``?`` or ``[`` that is no file is a glob (``**`` reaches into sub-folders).

    Raises
    ------
    NotFoundError
        When a name is neither a file nor a folder and matches nothing.
    """
    if not isinstance(source, (str, os.PathLike)):
        found = [path for each in source for path in find_videos(each)]
        if not found:
            raise InputError("no video was given", remedy="name at least one file, folder or glob")
        return list(dict.fromkeys(found))
    path = Path(source).expanduser()
    if path.is_dir():
        return _in_folder(path)
    if path.exists():
        return [path]
    if glob.has_magic(str(path)):
        matches = map(Path, sorted(glob.glob(str(path), recursive=True)))  # noqa: PTH207
        videos = [match for match in matches if match.suffix.lower() in _GLOBBED]
        if not videos:
            raise NotFoundError(f"{source}: no video matches", rule=_rule())
        return videos
    near = _near(path)
    raise NotFoundError(f"{source}: no such file", remedy=f"did you mean {', '.join(near)}?" if near else "")


def fingerprint(video: Video) -> str:
    """Return a short hash of what a video holds, whatever its name: size, both ends, frames and frame size.

    For an image folder or a zarr array the names and sizes of the files are hashed.
    """
    path = Path(video.path)
    digest = hashlib.sha256(repr(tuple(int(n) for n in video.shape)).encode())
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file():
                digest.update(f"{file.relative_to(path).as_posix()} {file.stat().st_size}\n".encode())
    else:
        size = path.stat().st_size
        digest.update(str(size).encode())
        with path.open("rb") as handle:
            digest.update(handle.read(_SAMPLE_BYTES))
            handle.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(handle.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:32]


def _in_folder(path: Path) -> list[Path]:
    """Return the videos in a folder, or the folder itself when it is one."""
    if (path / "zarr.json").exists() or (path / ".zarray").exists() or (path / ".zgroup").exists():
        return [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    videos = [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
    if videos:
        return videos
    if any(file.suffix.lower() in IMAGE_SUFFIXES for file in files):
        return [path]
    raise NotFoundError(f"{path}: no video and no images in this folder", rule=_rule())


def _near(path: Path) -> list[str]:
    """Return names in the same folder that look like a mistyped one."""
    import difflib

    if not path.parent.is_dir():
        return []
    return difflib.get_close_matches(path.name, [file.name for file in path.parent.iterdir()], n=3)


def _rule() -> str:
    return f"videos are files ending in {', '.join(VIDEO_SUFFIXES)}"
