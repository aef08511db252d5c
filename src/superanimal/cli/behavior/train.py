"""``superanimal behavior train``: a classifier from poses and labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from superanimal.cli.files import pose_files
from superanimal.errors import InputError, NotFoundError
from superanimal.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd


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
        str, typer.Option(help="ensemble, boosting, gradient-boosting, forest, mlp, logistic or majority.")
    ] = "ensemble",
    preset: Annotated[str, typer.Option(help="Features: default or paper.")] = "default",
    shortest: Annotated[float, typer.Option(help="Shortest bout in seconds.")] = 0.0,
    gap: Annotated[float, typer.Option(help="Gaps up to this many seconds are filled.")] = 0.0,
    regions: Annotated[
        list[Path] | None,
        typer.Option(help="Regions and arena, whose distances are features: a file for all, or one of each."),
    ] = None,
    leave_out: Annotated[
        Path | None,
        typer.Option(help="CSV of times that are not learnt from: file, start_s, end_s."),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            help="CSV with file and animal (or group): recordings of one animal are left out together."
        ),
    ] = None,
    align: Annotated[
        bool,
        typer.Option(
            "--align", help="Move labels by their constant offset from the motion where it is certain."
        ),
    ] = False,
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
    files = pose_files(poses)
    with RichProgress() as progress:
        model = train_model(
            files,
            labels,
            stream,
            [name.strip() for name in classes.split(",")] if classes else None,
            fps,
            classifier=classifier,
            preset=preset,
            groups=animals_of(groups, files) if groups else None,
            leave_out=times_of(leave_out, files) if leave_out else None,
            regions=regions or None,
            shortest_s=shortest,
            gap_s=gap,
            align=align,
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


def animals_of(groups: Path, files: Sequence[Path]) -> list[str]:
    """Return what each file must be left out together with: its animal, else its group."""
    import pandas as pd

    from superanimal.groups import with_groups

    table = with_groups(
        pd.DataFrame({"file": [str(file) for file in files]}), groups, [str(f) for f in files]
    )
    column = next((name for name in ("animal", "group") if name in table.columns), None)
    if column is None:
        raise InputError(f"{groups}: the columns are {', '.join(table.columns)}", "one is animal or group")
    return [str(value) for value in table[column]]


def times_of(path: Path, files: Sequence[Path]) -> list[pd.DataFrame]:
    """Return the rows of a table of times that belong to each file."""
    import pandas as pd

    if not path.is_file():
        raise NotFoundError(f"{path}: no such table of times")
    try:
        table = pd.read_csv(path, sep=None, engine="python", dtype={"file": str})
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a csv table ({error})") from error
    if "file" not in table.columns and len(files) == 1:
        table = table.assign(file=files[0].name)
    if absent := [name for name in ("file", "start_s", "end_s") if name not in table.columns]:
        raise InputError(
            f"{path}: the columns are {', '.join(map(str, table.columns))}", f"it lacks {', '.join(absent)}"
        )
    named = [Path(str(name)).parts for name in table["file"]]
    fits = [[file.parts[-len(name) :] == name for name in named] for file in files]
    for row, name in enumerate(named):
        if (count := sum(own[row] for own in fits)) != 1:
            raise InputError(
                f"{path}, row {row + 2}: {count} pose files are called {Path(*name)}", "it names one of them"
            )
    return [table.loc[own, ["start_s", "end_s"]].reset_index(drop=True) for own in fits]
