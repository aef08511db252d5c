"""``superanimal behavior train``: a classifier from poses and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.cli.gait import pose_files
from superanimal.errors import InputError


def train(
    poses: Annotated[list[Path], typer.Argument(help="Pose files, or folders of them.")],
    labels: Annotated[
        list[Path], typer.Option(help="Labels of each pose file, in the same order; repeatable.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the model, which must not exist yet.")],
    stream: Annotated[str | None, typer.Option(help="Which of several streams of labels.")] = None,
    classes: Annotated[
        str | None,
        typer.Option(help="Labels to tell apart, separated by commas; other frames are left out."),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, if the files do not state it.")
    ] = None,
    classifier: Annotated[
        str, typer.Option(help="boosting, gradient-boosting, forest, mlp, logistic or majority.")
    ] = "boosting",
    preset: Annotated[str, typer.Option(help="Features: default or paper.")] = "default",
    shortest: Annotated[float, typer.Option(help="Shortest bout in seconds.")] = 0.0,
    gap: Annotated[float, typer.Option(help="Gaps up to this many seconds are filled.")] = 0.0,
) -> None:
    """Train a classifier and print how good it is on recordings that were left out."""
    from superanimal.behavior import train as train_model
    from superanimal.cli.progress import RichProgress

    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        raise InputError(f"{out} is already there", "a model is not written over", "choose another folder")
    console = Console(highlight=False)
    with RichProgress() as progress:
        model = train_model(
            pose_files(poses),
            labels,
            stream,
            [name.strip() for name in classes.split(",")] if classes else None,
            fps,
            classifier=classifier,
            preset=preset,
            shortest_s=shortest,
            gap_s=gap,
            progress=progress,
        )
    console.print(str(model), soft_wrap=True, markup=False)
    for note in model.notes:
        console.print(f"note: {note}", soft_wrap=True, markup=False)
    console.print(f"  {model.save(out)}", soft_wrap=True, markup=False)
