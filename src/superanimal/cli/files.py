"""Which files a verb reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from superanimal.errors import NotFoundError, StorageError

SUFFIXES = (".h5", ".csv", ".slp", ".nc", ".nwb", ".parquet", ".zarr")
"""Endings of pose files that are looked for in folders; a csv can be any table."""


def pose_files(paths: Sequence[Path], *, or_videos: bool = False) -> list[Path]:
    """Return the pose files among files and folders, in order; says which files of a folder are left out.

    Parameters
    ----------
    or_videos
        A folder without a pose file gives its videos.

    Raises
    ------
    NotFoundError
        When a path does not exist, or there is no pose file.
    """
    from superanimal.formats import recognise
    from superanimal.reports.numbers import count_of
    from superanimal.video.open import VIDEO_SUFFIXES

    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise NotFoundError(f"{path}: no such file or folder")
        if not path.is_dir() or path.name.endswith(".zarr"):
            found.append(path)
            continue
        before, inside = len(found), sorted(path.iterdir())
        for each in inside:
            if each.suffix not in SUFFIXES:
                continue
            if recognise(each):
                found.append(each)
            elif each.suffix != ".csv":
                typer.echo(f"left out: {each}: no poses are recognised in it; it may be damaged", err=True)
        videos = [each for each in inside if each.suffix.lower() in VIDEO_SUFFIXES] if or_videos else []
        if len(found) == before:
            found += videos
        elif videos:
            said = f"left out: {count_of(len(videos), 'video')} in {path}, which has pose files too"
            typer.echo(f"{said}; name the videos that are to be analysed", err=True)
    if not found:
        raise NotFoundError(f"{', '.join(map(str, paths))}: no pose file{' or video' * or_videos} in it")
    return found


def beside(source: Path, kind: str, out: Path | None, *, overwrite: bool) -> Path:
    """Return the output of a verb: ``out``, or ``NAME.<kind>.nc`` beside the source.

    Raises
    ------
    StorageError
        When it exists and is not to be replaced.
    """
    target = out or source.with_name(f"{source.name.removesuffix('.zarr').rsplit('.', 1)[0]}.{kind}.nc")
    if target.exists() and not overwrite:
        raise StorageError(
            f"{target} already exists",
            "nothing is replaced silently",
            "choose another name (--out), or --overwrite",
        )
    return target
