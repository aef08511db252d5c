"""``superanimal behavior predict``: behaviour in each frame, and bouts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.cli.behavior.features import targets
from superanimal.cli.files import pose_files
from superanimal.errors import InputError, SuperAnimalError
from superanimal.files import atomic_write


def predict(
    model: Annotated[Path, typer.Argument(help="Folder of a model.")],
    poses: Annotated[list[Path], typer.Argument(help="Pose files, or folders of them.")],
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, if the files do not state it.")
    ] = None,
    regions: Annotated[
        Path | None, typer.Option(help="Regions and arena, for a model trained with them: a file.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("behavior"),
) -> None:
    """Predict behaviour: writes a table of frames and a table of bouts for each file."""
    from superanimal.behavior import load_model
    from superanimal.behavior import predict as predict_behavior
    from superanimal.behavior.classifiers import bouts_of_predictions
    from superanimal.cli.progress import RichProgress

    console = Console(highlight=False)
    files, failed = pose_files(poses), list[str]()
    loaded = load_model(model)
    frames, bouts = (targets(files, out, f".{kind}.csv") for kind in ("behavior", "bouts"))
    for file, table_path, bouts_path in zip(files, frames, bouts, strict=True):
        try:
            with RichProgress() as progress:
                table = predict_behavior(file, loaded, fps, regions=regions, progress=progress)
        except InputError as error:
            if len(files) == 1:
                raise
            failed.append(f"{file}: {error.text('shell')}")
            continue
        for content, path in ((table, table_path), (bouts_of_predictions(table), bouts_path)):
            with atomic_write(path) as temporary:
                content.to_csv(temporary, index=False, float_format="%.6g")
            console.print(f"  {path}", soft_wrap=True, markup=False)
    for text in failed:
        console.print(f"failed: {text}", soft_wrap=True, markup=False)
    if len(failed) == len(files):
        raise SuperAnimalError(
            f"none of {len(files)} files could be analysed", "the reasons are listed above"
        )
