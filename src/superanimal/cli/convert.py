"""``superanimal convert``: labelled data sets into another format and keypoint space."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from superanimal.errors import Cancelled, InputError, StorageError, unknown_name

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
ToAny = Annotated[
    str,
    typer.Option(
        help="Labels: coco, deeplabcut, sleap (DEST.pkg.slp), store (DEST.labels.zarr). "
        "Poses of one file: dlc-h5, dlc-csv (if DEST is a folder, named after the video, as SimBA and "
        "keypoint-moseq expect), movement, csv, parquet, slp, nwb, nwb-per-animal, ..."
    ),
]
Images = Annotated[Path | None, typer.Option(help="Folder that contains the labelled images.")]
VideoFile = Annotated[
    Path | None,
    typer.Option("--video", help="Video the labels belong to; labels of other videos are skipped."),
]
Scorer = Annotated[
    str | None, typer.Option(help="Whose labels to read if a folder holds those of several people.")
]
MinConfidence = Annotated[
    float | None, typer.Option(help="Read model predictions as labels, from this confidence upwards.")
]
Recording = Annotated[
    str | None,
    typer.Option(help="Which of several videos in a .slp (number from 0, or name) or .nwb file (name)."),
]
Copy = Annotated[bool, typer.Option(help="Copy image files instead of linking to them.")]
Overwrite = Annotated[bool, typer.Option(help="Replace the output of an earlier run in DEST.")]


def convert(
    paths: Paths,
    to: ToAny = "coco",
    space: Space = None,
    table: Tables = None,
    images: Images = None,
    video: VideoFile = None,
    scorer: Scorer = None,
    min_confidence: MinConfidence = None,
    recording: Recording = None,
    fps: Annotated[
        float | None, typer.Option(help="Poses: frames per second, if the file does not state it.")
    ] = None,
    copy: Copy = False,
    overwrite: Overwrite = False,
) -> None:
    """Convert labelled data sets: DeepLabCut, COCO, SLEAP, Lightning Pose, Label Studio, NWB, tables.

    Stop it at any time; the same command resumes. With the name of a pose format, it converts the poses of
    one file, confidence and all.
    """
    from superanimal.formats import format_names
    from superanimal.labels.writing import TARGETS

    sources, dest = split_paths(paths)
    reading = reading_options(
        images=images, video=video, scorer=scorer, min_confidence=min_confidence, recording=recording
    )
    poses = format_names(writable=True)
    if to not in TARGETS and to not in poses:
        raise unknown_name("target format", to, [*TARGETS, *poses])
    if to not in TARGETS:
        unused = {"space": space, "table": table or None, "copy": copy or None, **reading}
        unused.pop("recording", None)
        convert_poses(sources, dest, to, recording, fps, overwrite, unused)
        return
    if fps is not None:
        raise InputError(f"--fps {fps:g} with --to {to}", "a frame rate applies to poses, not to labels")
    done = convert_labels(sources, dest, to, space, table, copy=copy, overwrite=overwrite, reading=reading)
    show(done, dict.fromkeys(done.merged.labelled.notes))


def convert_labels(
    sources: list[str],
    dest: Path,
    to: str,
    space: str | None,
    table: list[str] | None,
    *,
    copy: bool,
    **more: Any,
) -> Conversion:
    """Convert data sets with a progress bar; ``more`` are arguments of :func:`superanimal.convert`."""
    from superanimal.cli.progress import RichProgress
    from superanimal.keypoints.convert import convert as run

    images = "copy" if copy else "link"
    with stoppable(), RichProgress() as progress:
        return run(sources, dest, to=to, space=space, table=table, images=images, progress=progress, **more)


def convert_poses(
    sources: list[str],
    dest: Path,
    to: str,
    recording: str | None,
    fps: float | None,
    overwrite: bool,
    unused: dict[str, Any],
) -> None:
    """Save the poses of one file in another format; ``unused`` are options for labels, which are rejected."""
    from superanimal.formats import load_poses, save_poses
    from superanimal.formats.recordings import recordings

    if given := [f"--{name.replace('_', '-')}" for name, value in unused.items() if value is not None]:
        raise InputError(f"{', '.join(given)} with --to {to}", "these options apply to labels, not to poses")
    if len(sources) != 1:
        raise InputError(f"{len(sources)} sources with --to {to}", "poses are converted one file at a time")
    named = to in ("dlc-h5", "dlc-csv") and dest.is_dir()  # after the video
    if dest.exists() and not (overwrite or named):
        raise StorageError(
            f"{dest} already exists", "nothing is replaced silently", "choose another name, or --overwrite"
        )
    options: dict[str, Any] = {}
    if recording is not None:
        if not recordings(sources[0]):
            raise InputError(
                f"--recording {recording} of {sources[0]}",
                "only SLEAP projects and NWB files hold several videos",
            )
        options["video"] = recording
    poses = load_poses(sources[0], fps=fps, **options)
    console = Console(highlight=False, markup=False)
    sizes = poses.sizes
    console.print(f"{sizes['time']} frames, {sizes['individual']} animals, {sizes['keypoint']} keypoints")
    # names of their own are known to the writer only
    replace = {"overwrite": overwrite} if named or to == "nwb-per-animal" else {}
    for file in save_poses(poses, dest, to, **replace):
        console.print(f"  {file}", soft_wrap=True)


def reading_options(**given: Any) -> dict[str, Any]:
    """Return the given options of ``read_labels``."""
    return {key: value for key, value in given.items() if value is not None}


@contextmanager
def stoppable() -> Iterator[None]:
    """Convert Ctrl-C to the message that the work can be resumed."""
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
    """Print the written files, the notes and the losses."""
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
