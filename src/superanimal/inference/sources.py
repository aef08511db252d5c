"""Resolving sources given by the user: a video, a folder, a glob, or a list of these."""

from __future__ import annotations

import glob
import os
import re
import warnings
from collections.abc import Iterable
from pathlib import Path

from superanimal.errors import InputError, NotFoundError, nearest
from superanimal.video import IMAGE_SUFFIXES, VIDEO_SUFFIXES

_GLOBBED = (*VIDEO_SUFFIXES, ".tif", ".tiff")
_DRAWN = re.compile(r"_labell?ed(_(before|after)_adapt)?$|DLC_.*_full$", re.IGNORECASE)

Source = str | os.PathLike[str]


def find_videos(source: Source | Iterable[Source]) -> list[Path]:
    """Return the videos a source stands for, in natural order of the given names and sorted within folders.

    A folder stands for the videos in it, or for itself when it holds images or is a zarr array; a name with
    ``*``, ``?`` or ``[`` that is not a file is a glob (``**`` includes sub-folders). Videos with poses drawn
    into them (``*_labeled.mp4``) are left out of folders and globs, with a warning; by name they are taken.

    Raises
    ------
    NotFoundError
        When a name is neither a file nor a folder and matches nothing.

    Examples
    --------
    >>> from superanimal.samples import SAMPLE_FOLDER
    >>> [video.name for video in find_videos(SAMPLE_FOLDER)]
    ['sideview_horse.mp4', 'topview_mouse.mp4']
    """
    if not isinstance(source, (str, os.PathLike)):
        found = [path for each in source for path in find_videos(each)]
        if not found:
            raise InputError("no video was given", remedy="name at least one file, folder or glob")
        unique: dict[Path, Path] = {}
        for path in found:
            unique.setdefault(path.absolute(), path)
        return list(unique.values())
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
        return _without_drawn(videos, str(source))
    near = _near(path)
    raise NotFoundError(f"{source}: no such file", remedy=f"did you mean {', '.join(near)}?" if near else "")


def one_video(source: Source) -> Path:
    """Return the one video, or folder of images, given by a path.

    Raises
    ------
    NotFoundError
        When there is no such file.
    InputError
        When it is a pattern, or a folder of videos.
    """
    path = Path(source).expanduser()
    videos = find_videos(path)
    if videos == [path]:
        return path
    raise InputError(
        f"{source} stands for {len(videos)} video{'s' if len(videos) != 1 else ''}",
        "one video, one folder of images, or a list of them is analysed",
        f"analyze(find_videos({os.fspath(source)!r}))",
    )


def _in_folder(path: Path) -> list[Path]:
    """Return the videos in a folder, or the folder itself when it is one."""
    if (path / "zarr.json").exists() or (path / ".zarray").exists() or (path / ".zgroup").exists():
        return [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    videos = [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
    images = any(file.suffix.lower() in IMAGE_SUFFIXES for file in files)
    if images and all(map(_is_drawn, videos)):
        return [path]
    if videos:
        return _without_drawn(videos, str(path))
    raise NotFoundError(f"{path}: no video and no images in this folder", rule=_rule())


def _is_drawn(video: Path) -> bool:
    """Return whether the name of a video marks it as a labelled video of this program or DeepLabCut."""
    return _DRAWN.search(video.stem) is not None


def _without_drawn(videos: list[Path], source: str) -> list[Path]:
    """Return the videos without drawn poses; a warning lists the others."""
    drawn = [video for video in videos if _is_drawn(video)]
    if len(drawn) == len(videos):
        raise NotFoundError(
            f"{source}: only labelled videos ({', '.join(video.name for video in drawn)})",
            "poses drawn into a video mislead the networks",
            "name the file itself to analyse it anyway",
        )
    if drawn:
        names = ", ".join(video.name for video in drawn)
        warnings.warn(f"labelled videos are skipped unless named explicitly: {names}", stacklevel=3)
    return [video for video in videos if video not in drawn]


def _near(path: Path) -> list[str]:
    """Return names in the same folder that look like a mistyped one."""
    names = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    return nearest(path.name, names, alike=0.6)


def _rule() -> str:
    return f"videos are files ending in {', '.join(VIDEO_SUFFIXES)}"
