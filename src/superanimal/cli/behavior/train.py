"""``superanimal behavior train``: a classifier from poses and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.cli.gait import pose_files
from superanimal.errors import InputError
from superanimal.files import atomic_write


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
    importance: Annotated[
        bool, typer.Option("--importance", help="Measure which features matter: importance.csv.")
    ] = False,
    learning_curve: Annotated[
        bool,
        typer.Option("--learning-curve", help="Measure whether more labels help: learning_curve.csv."),
    ] = False,
) -> None:
    """Train a classifier, print how good it is on recordings that were left out, and write a report on it."""
    from superanimal.behavior import importance as importance_of
    from superanimal.behavior import learning_curve as curve_of
    from superanimal.behavior import train as train_model
    from superanimal.behavior.results.model_page import write_model_page
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
        worth = importance_of(model, progress=progress) if importance else None
        curve = curve_of(model, progress=progress) if learning_curve else None
    console.print(str(model), soft_wrap=True, markup=False)
    for note in model.notes:
        console.print(f"note: {note}", soft_wrap=True, markup=False)
    console.print(f"  {model.save(out)}", soft_wrap=True, markup=False)
    for name, table in (("importance", worth), ("learning_curve", curve)):
        if table is not None:
            with atomic_write(out / f"{name}.csv") as temporary:
                table.to_csv(temporary, index=False, float_format="%.6g")
            console.print(f"  {out / f'{name}.csv'}", soft_wrap=True, markup=False)
    page = write_model_page(model, out / "report.html", worth, curve)
    console.print(f"  {page}", soft_wrap=True, markup=False)
