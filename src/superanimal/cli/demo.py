"""``superanimal demo``: pose estimation on a sample video, offline, and the result in the viewer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.extras import QT, install_command


def demo(
    video: Annotated[
        Path | None, typer.Argument(help="Your own video; a sample video of a mouse by default.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("demo"),
    show: Annotated[bool, typer.Option(help="Open the result in napari if a display is available.")] = True,
) -> None:
    """Estimate poses in a sample video with an embedded model and show them in napari."""
    from superanimal.cli.progress import RichProgress
    from superanimal.inference import analyze
    from superanimal.poses.run_store import SUFFIX
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
        console.print("\nNo display is available, so napari was not opened. The mp4 above shows the poses.")
        return
    if not any(map(find_spec, QT)):
        console.print(
            f"\nQt is not installed, so napari was not opened: {install_command('all')}", markup=False
        )
        return
    stores = sorted(out.glob(f"{source.stem}*{SUFFIX}"))
    console.print(
        "\nOpening napari: scrub through the video, drag points to correct them, export with File > Save."
    )
    subprocess.run(
        [sys.executable, "-m", "napari", "--plugin", "napari-superanimal", str(source), *map(str, stores)],
        check=False,
    )


def has_display() -> bool:
    """Return whether a window can be opened on this machine."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
