"""Names of result files: distinct, short enough for the file system, never replacing others."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from unicodedata import normalize

from superanimal.errors import InputError
from superanimal.files import storage_error
from superanimal.poses.run_store import SUFFIX

LONGEST = 190
"""Most bytes of a name before its ending: file systems take 255, endings and dates need the rest."""


def results_name(video: Path, rest: str) -> str:
    """Return ``video``'s own name followed by ``rest``, without an ending.

    A folder keeps dots in its name, a file loses its ending. A name too long for the disk is cut and ends
    with a digest of the whole name, so that two long names stay different.

    Parameters
    ----------
    video
        A video file, or a folder that is one.
    rest
        What follows: ``"_MODEL"``, or the scorer of DeepLabCut.
    """
    name = video.name.removesuffix(".zarr") if video.is_dir() else video.stem
    room = LONGEST - len(rest.encode())
    if len(name.encode()) > room:
        mark = f"~{sha256(name.encode()).hexdigest()[:8]}"
        name = name.encode()[: max(room, 40) - len(mark)].decode(errors="ignore") + mark
    return name + rest


def store_path(video: Path, model: str, out: Path | None = None) -> Path:
    """Return the path of the run store of a video: in ``out``, or beside the video."""
    return (out or video.parent) / f"{results_name(video, f'_{model}')}{SUFFIX}"


def check_distinct(videos: Iterable[Path], place: Callable[[Path], Path]) -> None:
    """Raise :class:`InputError` when two videos would be written to one place, before anything is written.

    Parameters
    ----------
    videos
        All videos of one call.
    place
        Returns where the results of a video go.
    """
    taken: dict[str, Path] = {}
    for video in videos:
        at = place(video)
        name = normalize("NFC", os.path.normcase(at))
        if sys.platform == "darwin":  # its file systems take Clip and clip for one name
            name = name.casefold()
        other = taken.setdefault(name, video)
        if other != video and not other.samefile(video):
            raise InputError(
                f"{other} and {video} would both be written to {at}",
                "every video needs a separate place for results",
                "choose different output folders, or rename one of them",
            )


def set_aside(path: Path) -> Path:
    """Rename a file or folder to a dated name beside it that is not taken, and return that.

    The date stands in front, because DeepLabCut takes every ``<video><scorer>*.h5`` for its own.
    """
    stamp = time.strftime("kept-%Y-%m-%d-%H%M%S")
    number, kept = 1, path.with_name(f"{stamp}-{path.name}")
    while kept.exists():
        number += 1
        kept = path.with_name(f"{stamp}-{number}-{path.name}")
    try:
        return path.rename(kept)
    except OSError as error:
        raise storage_error(path, error) from error
