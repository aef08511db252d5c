"""``superanimal gait``: contacts, strides, phases and gaits of pose files and videos."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from superanimal.cli.files import pose_files
from superanimal.errors import Cancelled, InputError, StorageError, SuperAnimalError

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from superanimal.inference import Analyzers


def gait(
    poses: Annotated[list[Path], typer.Argument(help="Pose files, videos, or folders of either.")],
    limb: Annotated[
        list[str] | None,
        typer.Option(
            help="Limb as name=keypoint or name=heel,toe, repeatable; derived from keypoint names by default."
        ),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, if the files do not state it.")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(help="CSV with a column file and further columns, such as animal and group."),
    ] = None,
    model: Annotated[str, typer.Option(help="Model for videos; auto inspects each and chooses.")] = "auto",
    max_individuals: Annotated[int, typer.Option(help="Maximum number of animals in a video.")] = 1,
    metres_per_pixel: Annotated[
        float | None, typer.Option(help="Scale of the picture where the animal walks; fills length_m.")
    ] = None,
    body_length: Annotated[
        float | None,
        typer.Option(
            help="Instead: metres from one end of the trunk to the other (see body in summary.csv)."
        ),
    ] = None,
    ground_mark: Annotated[
        list[str] | None,
        typer.Option(
            help="Instead: a place on the ground as x,y,metres along the walkway, repeatable; 3 or more show "
            "the perspective."
        ),
    ] = None,
    detector: Annotated[str, typer.Option(help="contact (default), extremes, or height.")] = "contact",
    ground_line: Annotated[
        str | None,
        typer.Option(
            help="For the detector height: two points x,y,x,y on the ground; the lowest level of the feet by "
            "default."
        ),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(help="Contacts and lifts set by hand, of one recording: csv, or an export of BORIS."),
    ] = None,
    boris: Annotated[bool, typer.Option(help="Also write the stances of each file for BORIS.")] = False,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("gait"),
) -> None:
    """Analyse gait: contacts, strides and phases. Writes CSV tables and an HTML report."""
    from superanimal.gait.analysis import analyze, check_groups, joined, with_groups
    from superanimal.gait.event_files import write_boris
    from superanimal.gait.scale import Scale
    from superanimal.inference.naming import check_distinct
    from superanimal.video.open import VIDEO_SUFFIXES

    limbs, marks, line = parse_limbs(limb), parse_marks(ground_mark), parse_line(ground_line)
    Scale(metres_per_pixel, body_length, marks).check()
    files = pose_files(poses, or_videos=True)
    videos = [file for file in files if file.suffix.lower() in VIDEO_SUFFIXES]
    if events is not None and len(files) > 1:
        raise InputError(f"one table of events for {len(files)} files", "it belongs to one recording")
    if groups is not None:
        check_groups(groups, files)
    if boris:
        check_distinct(files, lambda file: boris_file(file, out))
    analyzers = analyzers_of(videos, model, max_individuals, out)
    console = Console(highlight=False)
    results, failed, lists = [], [], []
    for file in files:
        try:
            result = analyze(
                estimated(file, analyzers) if analyzers is not None and file in videos else file,
                limbs,
                fps=fps,
                detector=detector,  # type: ignore[arg-type]
                ground_line=line,
                metres_per_pixel=metres_per_pixel,
                body_length_m=body_length,
                ground_marks=marks,
                events=events,
            )
        except (Cancelled, StorageError):
            raise
        except SuperAnimalError as error:
            if len(files) == 1:
                raise
            failed.append(f"{file}: {error.text('shell')}")
            console.print(f"failed: {failed[-1]}", soft_wrap=True, markup=False)
            continue
        if boris:
            lists.append(write_boris(result, boris_file(file, out)))
        results.append(replace(result, found=None))  # of hundreds of files, memory holds the tables only
    if not results:
        raise InputError(f"none of {len(files)} files could be analysed", "the reasons are listed above")
    result = joined(results)
    result.notes[:0] = [f"Not analysed: {text}" for text in failed]
    if groups is not None:
        result = with_groups(result, groups)
    kept = int((result.strides["refused"] == "").sum())
    console.print(f"{len(results)} of {len(files)} files, {kept} of {len(result.strides)} strides kept")
    for note in result.notes[len(failed) :]:
        console.print(f"note: {note}", soft_wrap=True, markup=False)
    for path in [*lists, *result.save(out), result.report(out / "report.html")]:
        console.print(f"  {path}", soft_wrap=True, markup=False)


def boris_file(file: Path, out: Path) -> Path:
    """Return where the stances of a file are written for BORIS."""
    return out / f"{file.stem}.boris.tsv"


def analyzers_of(videos: list[Path], model: str, max_individuals: int, out: Path) -> Analyzers | None:
    """Return what finds the poses in videos; None without videos."""
    if not videos:
        return None
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads cost a shared machine dearly
    from superanimal.inference import Analyzers
    from superanimal.inference.naming import check_distinct

    analyzers = Analyzers(model, max_individuals=max_individuals, out=out)
    check_distinct(videos, analyzers.store_path)
    return analyzers


def estimated(video: Path, analyzers: Analyzers) -> xr.Dataset:
    """Return the poses in a video; a run that was stopped goes on."""
    from superanimal.cli.progress import RichProgress

    try:
        with RichProgress() as progress:
            poses = analyzers.run(video, progress).poses
    except KeyboardInterrupt:
        raise Cancelled("stopped", remedy="run the same command again to resume") from None
    return poses.assign_attrs(source_file=str(video))


def parse_limbs(texts: list[str] | None) -> dict[str, list[str]] | None:
    """Read ``name=point`` and ``name=point,point``."""
    if not texts:
        return None
    limbs: dict[str, list[str]] = {}
    for text in texts:
        name, equals, points = text.partition("=")
        if not equals or not name.strip() or not points.strip():
            raise InputError(f"limb {text!r}", "give it as name=keypoint, or name=heel,toe")
        limbs[name.strip()] = [point.strip() for point in points.split(",")]
    return limbs


def parse_marks(texts: list[str] | None) -> list[list[float]] | None:
    """Read ``x,y,metres``."""
    if not texts:
        return None
    marks = []
    for text in texts:
        try:
            marks.append([float(part) for part in text.split(",")])
        except ValueError:
            marks.append([])
        if len(marks[-1]) != 3:
            raise InputError(f"ground mark {text!r}", "give it as x,y,metres, such as 120,400,0.5")
    return marks


def parse_line(text: str | None) -> np.ndarray | None:
    """Read ``x,y,x,y``, as (2, 2)."""
    import numpy as np

    if not text:
        return None
    try:
        return np.array([float(part) for part in text.split(",")]).reshape(2, 2)
    except ValueError:
        raise InputError(f"ground line {text!r}", "give it as x,y,x,y, such as 0,400,640,410") from None
