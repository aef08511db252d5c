"""``superanimal demo``: the main job on a sample video, offline, then a look at it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def demo(
    video: Annotated[Path | None, typer.Argument(help="Your own video; the sample mouse by default.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("demo"),
    show: Annotated[bool, typer.Option(help="Open napari afterwards when there is a display.")] = True,
) -> None:
    """Estimate poses in a sample video with the embedded model and show them."""
    from superanimal.cli.progress import RichProgress
    from superanimal.inference import analyze
    from superanimal.samples import sample_path

    console = Console(highlight=False)
    out.mkdir(parents=True, exist_ok=True)
    source = video
    if source is None:
        sample = sample_path("topview_mouse.mp4")
        source = out / sample.name
        if not source.exists():
            shutil.copyfile(sample, source)
    with RichProgress() as progress:
        analyze(source, out=out, formats=("dlc-h5", "dlc-csv"), overlay=True, progress=progress)
    console.print("\nResults:")
    for path in sorted(out.glob(f"{source.stem}*")):
        console.print(f"  {path.resolve()}", soft_wrap=True)
    if not show:
        return
    if not has_display():
        console.print("\nNo display here, so napari stays closed. The mp4 above shows the poses.")
        return
    stores = sorted(out.glob(f"{source.stem}*.poses.zarr"))
    console.print("\nOpening napari: drag a point, scrub through the video; File > Save exports.")
    subprocess.run(
        [sys.executable, "-m", "napari", "--plugin", "napari-superanimal", str(source), *map(str, stores)],
        check=False,
    )


def has_display() -> bool:
    """Tell whether a window can be opened on this machine."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
