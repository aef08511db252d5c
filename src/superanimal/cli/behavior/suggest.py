"""``superanimal behavior suggest``: which bouts to label next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.cli.files import pose_files
from superanimal.errors import InputError
from superanimal.files import atomic_write


def suggest(
    model: Annotated[Path, typer.Argument(help="Folder of a model.")],
    poses: Annotated[list[Path], typer.Argument(help="Pose files without labels, or folders of them.")],
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, if the files do not state it.")
    ] = None,
    count: Annotated[int, typer.Option(help="Number of stretches, at most.")] = 20,
    length: Annotated[float, typer.Option(help="Seconds that each lasts.")] = 3.0,
    regions: Annotated[
        Path | None, typer.Option(help="Regions and arena, for a model trained with them: a file.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Table that is written, .csv.")] = Path("suggestions.csv"),
) -> None:
    """Find the stretches of recordings without labels that would teach a model most."""
    from superanimal.behavior import load_model
    from superanimal.behavior import suggest as suggest_bouts
    from superanimal.cli.progress import RichProgress

    if out.suffix != ".csv":
        raise InputError(f"{out}: ending {out.suffix!r}", "suggestions are a .csv table")
    if out.exists():
        raise InputError(f"{out} is already there", "a table is not written over", "choose another name")
    loaded = load_model(model)
    with RichProgress() as progress:
        table = suggest_bouts(
            pose_files(poses), loaded, fps, count=count, length_s=length, regions=regions, progress=progress
        )
    console = Console(highlight=False)
    for _, row in table.iterrows():
        who = f", {row['individual']}" if row["individual"] else ""
        console.print(
            f"{row['recording']}{who}, {row['start_s']:.1f} to {row['end_s']:.1f} s: {row['reason']}",
            soft_wrap=True, markup=False,
        )  # fmt: skip
    with atomic_write(out) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    console.print(f"  {out}", soft_wrap=True, markup=False)
