"""``superanimal track``: who is who in a file of poses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.cli.files import beside
from superanimal.errors import Cancelled


def track(
    poses: Annotated[Path, typer.Argument(help="Pose file of any format, or a run (.poses.zarr).")],
    video: Annotated[
        Path | None, typer.Option(help="Video of the poses, to tell animals apart by colour and brightness.")
    ] = None,
    max_individuals: Annotated[int, typer.Option(help="Greatest number of animals.")] = 2,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Output; its ending selects the format. Default: NAME.tracked.nc beside the input."
        ),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, if the file does not state it.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing output.")] = False,
) -> None:
    """Find out who is who: give the animals identities that last, from poses alone or with the video.

    No network runs. Points edited by hand keep their animal's name. Formats other than .nc do not hold the
    confidence of the identities.
    """
    from superanimal.cli.progress import RichProgress
    from superanimal.formats import load_poses, save_poses
    from superanimal.tracking import track as run

    target = beside(poses, "tracked", out, overwrite=overwrite)
    found = load_poses(poses, fps=fps)
    try:
        with RichProgress() as progress:
            tracked = run(found, max_individuals, video=video, progress=progress)
    except KeyboardInterrupt:
        raise Cancelled("stopped; nothing was written") from None
    console = Console(highlight=False, markup=False)
    sure = tracked["identity_confidence"]
    for name in tracked["individual"].values:
        one = sure.sel(individual=name)
        seen = int(one.notnull().sum())
        doubtful = int((one < 0.9).sum())
        console.print(f"{name}: {seen} of {sure.sizes['time']} frames, {doubtful} of them doubtful")
    for file in save_poses(tracked, target):
        console.print(f"  {file}", soft_wrap=True)
