"""``superanimal adapt``: fit a model to your own videos, without labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def adapt(
    videos: Annotated[list[str], typer.Argument(help="Videos, folders, or globs such as 'data/*.mp4'.")],
    model: Annotated[
        str, typer.Option(help="Model to adapt: name, weight file or folder; auto inspects the video.")
    ] = "auto",
    corrections: Annotated[
        Path | None,
        typer.Option(help="Corrected frames: poses with edited points, or labelled images (CollectedData)."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Add the adapted model to the list of models under this name.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; <video>_adapted by default.")] = None,
    max_individuals: Annotated[int, typer.Option(help="Maximum number of animals per frame.")] = 1,
    threshold: Annotated[float, typer.Option(help="Minimum confidence of predictions used as labels.")] = 0.5,
    mask: Annotated[
        str,
        typer.Option(help="Unsure keypoints are unknown (masked), or absent: hidden legs in side views."),
    ] = "unknown",
    steps: Annotated[int, typer.Option(help="Number of training steps.")] = 200,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start over instead of resuming.")] = False,
) -> None:
    """Adapt a model to videos without labels, and keep it only if it is better on held-out frames.

    Stop it at any time; the same command resumes.
    """
    from superanimal.adaptation import adapt as run
    from superanimal.cli.progress import RichProgress, stop_on_interrupt

    with RichProgress() as progress, stop_on_interrupt(progress):
        done = run(
            videos,
            model,
            corrections=corrections,
            name=name,
            out=out,
            max_individuals=max_individuals,
            threshold=threshold,
            mask=mask,  # type: ignore[arg-type]
            steps=steps,
            seed=seed,
            device=device,
            progress=progress,
            resume=not overwrite,
        )
    console = Console(highlight=False, markup=False)
    grid = Table(box=None)
    grid.add_column("held-out frames")
    for method in done.figures["methods"]:
        grid.add_column(method, justify="right")
    for key, title, factor in (("jitter", "jitter, % of the body", 100), ("dropped", "dropped keypoints", 1)):
        cells = [f"{factor * figures[key]:.3g}" for figures in done.figures["methods"].values()]
        grid.add_row(title, *cells)
    console.print(grid)
    for video, reason in done.figures["failed"].items():
        console.print(f"left out: {video}: {reason}", soft_wrap=True)
    console.print(done.verdict, soft_wrap=True)
    console.print(f"report: {done.folder / 'report.html'}", soft_wrap=True)
    console.print(f"use it: superanimal analyze VIDEO --model {done.model}", soft_wrap=True)
