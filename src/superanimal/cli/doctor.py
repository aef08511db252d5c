"""``superanimal doctor``: installed versions, devices, codecs and speed."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

PACKAGES = (
    "napari-superanimal", "torch", "onnxruntime", "openvino", "torchvision", "timm", "numpy", "av",
    "opencv-python-headless", "zarr", "xarray", "sleap-io", "napari",
)  # fmt: skip
CODECS = ("h264", "hevc", "mpeg4", "mjpeg", "vp9", "av1", "ffv1")


def doctor(
    device: Annotated[str, typer.Option(help="Device to benchmark: auto, cpu, cuda or mps.")] = "auto",
    frames: Annotated[int, typer.Option(help="Number of frames of the sample video to analyse.")] = 64,
) -> None:
    """Show devices, versions and codecs, and time a short run."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    console = Console(highlight=False, markup=False)
    table = Table(show_header=False, box=None)
    for key, value in {**machine(), **versions(), **codecs()}.items():
        table.add_row(key, value)
    for key, value in backends().items():
        table.add_row(key, value)
    console.print(table)
    console.print(short_run(device, frames), soft_wrap=True)


def machine() -> dict[str, str]:
    """Describe computer and devices."""
    import torch

    found = [f"cpu ({os.cpu_count()} cores, {torch.get_num_threads()} torch threads)"]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(index)
        found.append(f"cuda:{index} ({properties.name}, {properties.total_memory / 2**30:.0f} GB)")
    if torch.backends.mps.is_available():
        found.append("mps")
    rows = {
        "system": f"{platform.platform()}, Python {sys.version.split()[0]}",
        "devices": ", ".join(found),
        "free disk space here": f"{shutil.disk_usage(Path.cwd()).free / 2**30:.0f} GB",
    }
    if len(found) == 1 and torch.version.cuda and shutil.which("nvidia-smi"):
        rows["note"] = "an NVIDIA driver is installed but torch cannot use it: check driver and torch version"
    return rows


def versions() -> dict[str, str]:
    """Return the versions of the main packages."""
    rows = {}
    for name in PACKAGES:
        try:
            rows[name] = version(name)
        except PackageNotFoundError:
            rows[name] = "not installed"
    return rows


def codecs() -> dict[str, str]:
    """Return the readable video codecs."""
    import av

    there = [name for name in CODECS if name in av.codecs_available]
    missing = [name for name in CODECS if name not in there]
    return {"codecs": ", ".join(there) + (f"; missing: {', '.join(missing)}" if missing else "")}


def backends() -> dict[str, str]:
    """Return how the embedded models run on the CPU of this computer, compared with torch."""
    from superanimal.inference.choosing import embedded_models
    from superanimal.inference.verdicts import prepare
    from superanimal.zoo.finding import find_model

    rows = {}
    for name in embedded_models():
        found = find_model(name, "pose")
        assert found is not None
        verdict = prepare(found)
        tried = [f"{backend} {trial.sentence(backend)}" for backend, trial in verdict.trials.items()]
        best = verdict.best(found.entry.reduced)
        rows[f"backend of {name}"] = verdict.problem or (
            f"{best} on the CPU: torch {verdict.torch_ms:.1f} ms; {'; '.join(tried)}"
        )
    return rows


def short_run(device: str, frames: int) -> str:
    """Analyse the first frames of the sample video with the embedded model and report the speed."""
    from superanimal.inference import Analyzer
    from superanimal.samples import sample_path

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        analyzer = Analyzer(device=device, formats=(), frames=f"0:{frames}", out=folder)
        loaded = time.perf_counter()
        result = analyzer.run(sample_path("topview_mouse.mp4"))
        took = time.perf_counter() - loaded
    done, settings = result.poses.sizes["time"], analyzer.settings
    return (
        f"short run on {settings.device} ({settings.backend}, batch {settings.batch_size}): "
        f"models loaded in {loaded - began:.1f} s, {done} frames in {took:.1f} s = "
        f"{done / took:.1f} frames/s, animals in {result.frames_with_animals} frames"
    )
