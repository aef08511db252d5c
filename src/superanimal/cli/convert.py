"""``superanimal convert``: labelled data sets into another format and keypoint space."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from superanimal.errors import Cancelled, InputError

if TYPE_CHECKING:
    from superanimal.keypoints.convert import Conversion

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="SRC... DEST",
        help="Data sets as PATH, NAME=PATH or NAME:COLUMN=PATH, followed by the target.",
    ),
]
Space = Annotated[
    str | None,
    typer.Option(help="Keypoint space: built-in name or YAML file; the union of all keypoints by default."),
]
Tables = Annotated[
    list[str] | None, typer.Option("--table", help="Conversion table, repeatable: built-in name or CSV file.")
]
To = Annotated[
    str,
    typer.Option(help="Target format: coco, deeplabcut, sleap (DEST.pkg.slp) or store (DEST.labels.zarr)."),
]
Images = Annotated[Path | None, typer.Option(help="Folder that contains the labelled images.")]
VideoFile = Annotated[
    Path | None,
    typer.Option("--video", help="Video the labels belong to; labels of other videos are skipped."),
]
Scorer = Annotated[
    str | None, typer.Option(help="Whose labels to read when a folder holds those of several people.")
]
MinConfidence = Annotated[
    float | None, typer.Option(help="Read model predictions as labels, from this confidence upwards.")
]
Copy = Annotated[bool, typer.Option(help="Copy image files instead of linking to them.")]
Overwrite = Annotated[bool, typer.Option(help="Replace what an earlier run wrote to DEST.")]


def convert(
    paths: Paths,
    to: To = "coco",
    space: Space = None,
    table: Tables = None,
    images: Images = None,
    video: VideoFile = None,
    scorer: Scorer = None,
    min_confidence: MinConfidence = None,
    copy: Copy = False,
    overwrite: Overwrite = False,
) -> None:
    """Convert labelled data sets: DeepLabCut, COCO, SLEAP, Lightning Pose, Label Studio, NWB, tables.

    Stop it at any time; the same command resumes.
    """
    from superanimal.cli.progress import RichProgress
    from superanimal.keypoints.convert import convert as run

    sources, dest = split_paths(paths)
    with stoppable(), RichProgress() as progress:
        done = run(
            sources,
            dest,
            to=to,
            space=space,
            table=table,
            images="copy" if copy else "link",
            overwrite=overwrite,
            progress=progress,
            reading=reading_options(images=images, video=video, scorer=scorer, min_confidence=min_confidence),
        )
    show(done, dict.fromkeys(done.merged.labelled.notes))


def reading_options(**given: Any) -> dict[str, Any]:
    """Return the options of ``read_labels`` that were given."""
    return {key: value for key, value in given.items() if value is not None}


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn Ctrl-C into the message that the work can go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise Cancelled("stopped", remedy="run the same command again to resume") from None


def split_paths(paths: list[str]) -> tuple[list[str], Path]:
    """Return (sources, target): the target is the last one."""
    if len(paths) < 2:
        raise InputError(
            f"only {paths[0]!r} is given",
            "sources come first, the target last",
            "superanimal convert SRC DEST",
        )
    return paths[:-1], Path(paths[-1])


def show(done: Conversion, notes: dict[str, None]) -> None:
    """Print what was written, what to know about it and what was lost."""
    console = Console(highlight=False)
    labelled = done.merged.labelled
    console.print(
        f"{len(labelled)} images, {labelled.n_individuals} animals, {len(labelled.keypoints)} keypoints",
        markup=False,
    )
    for note in notes:
        console.print(f"  note: {note}", soft_wrap=True, markup=False)
    for note in done.written.notes:
        console.print(f"  note: {note}", soft_wrap=True, markup=False)
    for item in done.written.lost:
        console.print(f"  not held by this format: {item}", soft_wrap=True, markup=False)
    console.print(f"  {done.written.path}", soft_wrap=True, markup=False)
