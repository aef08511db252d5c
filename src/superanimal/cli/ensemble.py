"""``superanimal ensemble``: one set of poses from those of several models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.cli.files import beside


def ensemble(
    poses: Annotated[
        list[Path], typer.Argument(help="Pose files or runs of one video, each by another model.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Output; its ending selects the format. Default: NAME.ensemble.nc beside the first input."
        ),
    ] = None,
    smooth: Annotated[
        bool, typer.Option(help="Smooth over time: the more the models differ, the further.")
    ] = True,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing output.")] = False,
) -> None:
    """Join the poses of several models: their median, smoothed where they differ.

    No network runs. Formats other than .nc do not hold the spread of the models.
    """
    from superanimal.adaptation import ensemble as run
    from superanimal.formats import save_poses

    target = beside(poses[0], "ensemble", out, overwrite=overwrite)
    joined = run(poses, smooth=smooth)
    console = Console(highlight=False, markup=False)
    spread = joined["spread"]
    console.print(f"{len(poses)} models, {joined.sizes['time']} frames; spread of the models in pixels:")
    for name in joined["keypoint"].values:
        console.print(f"  {name}: {float(spread.sel(keypoint=name).median()):.2f}")
    for file in save_poses(joined, target):
        console.print(f"  {file}", soft_wrap=True)
