"""``superanimal behavior features``: the features of each frame."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.cli.files import pose_files
from superanimal.errors import InputError


def features(
    poses: Annotated[list[Path], typer.Argument(help="Pose files, or folders of them.")],
    preset: Annotated[str, typer.Option(help="default or paper.")] = "default",
    individual: Annotated[
        str | None, typer.Option(help="Whose features; all animals together by default.")
    ] = None,
    format: Annotated[str, typer.Option(help="parquet, csv or zarr.")] = "parquet",
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, if the files do not state it.")
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            help="Regions and arena, whose distances are features: JSON, or shapes saved by napari."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("behavior"),
) -> None:
    """Compute the features of each frame and write one table for each file."""
    from superanimal.behavior import write_features
    from superanimal.cli.progress import RichProgress

    console = Console(highlight=False)
    files = pose_files(poses)
    for file, target in zip(files, targets(files, out, f".features.{format}"), strict=True):
        with RichProgress() as progress:
            notes = write_features(
                file, target, preset, fps=fps, individual=individual, regions=regions, progress=progress
            )
        for note in notes:
            console.print(f"note: {note}", soft_wrap=True, markup=False)
        console.print(f"  {target}", soft_wrap=True, markup=False)


def targets(files: list[Path], out: Path, ending: str) -> list[Path]:
    """Return where the result of each file goes, by its name."""
    names = [file.name.split(".")[0] for file in files]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"several files are called {twice[0]}",
            "each gets a result of its name",
            "analyse them one by one",
        )
    return [out / f"{name}{ending}" for name in names]
