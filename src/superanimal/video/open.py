"""Opening any sequence of pictures as a video."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from superanimal.errors import InputError, NotFoundError, VideoError, nearest
from superanimal.progress import Progress
from superanimal.video.base import Video
from superanimal.video.pictures import IMAGE_SUFFIXES

VIDEO_SUFFIXES = (
    ".mp4", ".avi", ".mov", ".mkv", ".m4v", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".mts", ".h264",
)  # fmt: skip
ZARR_MARKS = ("zarr.json", ".zarray", ".zgroup")

CACHE_BYTES = 256 << 20

PathLike = str | os.PathLike[str]


def open_video(
    source: PathLike | Sequence[PathLike],
    cache_bytes: int = CACHE_BYTES,
    *,
    fps: float | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Video:
    """Open a video file, a folder of images, a TIFF stack or a zarr array as a lazy video.

    Parameters
    ----------
    source
        A video file; a folder of images (in natural order: 2 before 10); a TIFF; a zarr array or group;
        or a list of image files. All pages of TIFF files are used.
    cache_bytes
        Size of the cache of decoded frames in bytes.
    fps
        True frame rate, if the source states none or a wrong one (common with high-speed cameras);
        ``timestamps`` are scaled accordingly.
    threads
        Decoder threads, at most four by default.
    progress
        Shows progress if the whole file must be decoded for indexing (rare, and only once).

    Returns
    -------
    Video
        ``(T, H, W, 3)`` uint8 RGB.

    Raises
    ------
    NotFoundError
        When the file does not exist.
    VideoError
        When the source is not a video, or none of its frames can be decoded.
    InputError
        When an option is invalid.

    Examples
    --------
    >>> from superanimal.samples import sample_path
    >>> with open_video(sample_path("topview_mouse.mp4")) as video:
    ...     print(len(video), video.fps, video[10].shape == video.shape[1:])
    300 30.0 True
    """
    if fps is not None and not 0 < fps < float("inf"):
        raise InputError(
            f"fps={fps}", "a frame rate is a positive number", "leave it out to use the file's own"
        )
    if cache_bytes < 0:
        raise InputError(f"cache_bytes={cache_bytes}", "a cache has 0 or more bytes")
    options: dict[str, Any] = {"cache_bytes": cache_bytes, "fps": fps, "threads": threads}
    if not isinstance(source, str | os.PathLike):
        return _open_images([Path(path) for path in source], cache_bytes, fps, options)
    path = Path(source).expanduser()
    _check_exists(path)
    reopen = partial(open_video, str(path.resolve()), **options)
    if path.is_dir():
        return _open_folder(path, cache_bytes, fps, reopen)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return _open_images([path], cache_bytes, fps, options)
    _refuse_data(path)
    from superanimal.video.reader import FileVideo

    return FileVideo(path, cache_bytes, fps=fps, threads=threads, progress=progress, reopen=reopen)


def _check_exists(path: Path) -> None:
    if path.exists():
        return
    folder = path.parent
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: no such folder")
    names = [other.name for other in folder.iterdir() if other.suffix.lower() in VIDEO_SUFFIXES]
    near = nearest(path.name, names, alike=0.6)
    remedy = f"did you mean {', '.join(near)}?" if near else ""
    raise NotFoundError(f"{path}: no such file", remedy=remedy)


def _refuse_data(path: Path) -> None:
    """Reject a file of text or numbers before a decoder reports it as invalid data."""
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return
    with path.open("rb") as file:
        head = file.read(2048)
    kinds = {b"\x89HDF": "an HDF5 file", b"PAR1": "a Parquet file", b"\xff\xfe": "text", b"\xfe\xff": "text"}
    kind = next((name for mark, name in kinds.items() if head.startswith(mark)), None)
    if kind is None and head and not set(head) & set(range(9)):
        kind = "text"
    if kind:
        raise VideoError(
            f"{path}: {kind}, not a video",
            "a video is a video file, a folder of images, a TIFF or a zarr array",
            "choose the video; open poses and labels with their own command",
        )


def _open_folder(path: Path, cache_bytes: int, fps: float | None, reopen: partial[Video]) -> Video:
    from superanimal.video.stack import ImageStack, images_of, open_zarr

    if any((path / mark).exists() for mark in ZARR_MARKS):
        return open_zarr(path, cache_bytes, fps, reopen)
    images = images_of(path)
    if not images:
        raise VideoError(
            f"{path.name} holds no images",
            f"a folder opened as a video holds {', '.join(IMAGE_SUFFIXES)} files or is a zarr store",
            "choose a video file or the folder that holds the frames",
        )
    return ImageStack(path, images, cache_bytes, fps=fps, reopen=reopen)


def _open_images(paths: list[Path], cache_bytes: int, fps: float | None, options: dict[str, Any]) -> Video:
    from superanimal.video.stack import ImageStack

    if not paths:
        raise InputError("an empty list of images", "a video has at least one frame")
    for path in paths:
        _check_exists(path)
    reopen = partial(open_video, [str(path.resolve()) for path in paths], **options)
    return ImageStack(paths[0], paths, cache_bytes, fps=fps, reopen=reopen)
