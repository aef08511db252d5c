"""``superanimal behavior report``: what animals did and how they moved, tables and one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.cli.files import pose_files


def report(
    poses: Annotated[list[Path], typer.Argument(help="Pose files, or folders of them.")],
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            help="Annotations or predictions: one for each pose file, in order, or one of all videos."
        ),
    ] = None,
    regions: Annotated[
        Path | None, typer.Option(help="Regions and arena: JSON, or shapes saved by napari.")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(help="CSV with a column file and further columns, such as animal and group."),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, if the files do not state it.")
    ] = None,
    metres_per_pixel: Annotated[
        float | None, typer.Option(help="Scale of the picture; fills lengths in cm.")
    ] = None,
    bin_s: Annotated[float, typer.Option("--bin", help="Length of time bins, seconds.")] = 60.0,
    rater: Annotated[
        str | None, typer.Option(help="Whose labels to use, where there are several raters.")
    ] = None,
    point: Annotated[str | None, typer.Option(help="Keypoint that stands for the animal.")] = None,
    parquet: Annotated[bool, typer.Option(help="Also write tables as Parquet.")] = False,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("behavior"),
) -> None:
    """Write ethograms, time budget, transitions, lab measures, regions and comparisons of groups."""
    from superanimal.behavior.results.experiment import report as sum_up
    from superanimal.cli.progress import RichProgress

    with RichProgress() as progress:
        results = sum_up(
            list(pose_files(poses)), list(labels) if labels else None, regions=regions, groups=groups,
            fps=fps, metres_per_pixel=metres_per_pixel, bin_s=bin_s, rater=rater, point=point,
            progress=progress,
        )  # fmt: skip
    console = Console(highlight=False)
    for note in results.notes:
        console.print(f"note: {note}", soft_wrap=True, markup=False)
    for path in [*results.save(out, parquet=parquet), results.report(out / "report.html")]:
        console.print(f"  {path}", soft_wrap=True, markup=False)
