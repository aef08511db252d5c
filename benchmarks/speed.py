"""How fast is an analysis, and what do its parts cost?

    OMP_NUM_THREADS=1 python benchmarks/speed.py [--frames N] [--rounds N] [--video FILE] [--write]

1. The rates of this machine: matrix products and the convolutions of a network, single precision, one thread.
2. One video end to end with each backend, in turn: processor time per frame, of it the networks, and the
   largest difference of a coordinate.
3. What each backend costs in accuracy: labelled images of openfield, and the labelled horse clip.
4. A new process that analyses one frame: processor time, and memory at its peak.

Everything is processor time of one thread, because development machines are shared; ratios are medians over
rounds in which the backends take turns.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from _report import table, write_section

from superanimal.inference import Analyzer
from superanimal.inference.backends import open_pose
from superanimal.samples import sample_path

DATA = Path(__file__).parents[2] / "shared/data"
OPENFIELD = DATA / "dlc-openfield/videos/m3v1mp4.mp4"
SAME = {"snout": "nose", "leftear": "left_ear", "rightear": "right_ear", "tailbase": "tail_base"}
MODEL, DETECTOR = "mini_topviewmouse", "mini_topviewmouse_detector"
USABLE = "from superanimal.zoo.openvino_session import usable; print(*usable())"
FOUND = subprocess.run([sys.executable, "-c", USABLE], capture_output=True, text=True, check=True).stdout
BACKENDS = ("torch", "onnxruntime", *FOUND.split())  # not asked for here: the peak of a child includes ours


class Counted:
    """A model that counts the processor time of its network."""

    def __init__(self, model: Any) -> None:
        self._model, self.seconds = model, 0.0

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._model, name)
        if name not in ("heads", "detect"):
            return value

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.process_time()
            result = value(*args, **kwargs)
            self.seconds += time.process_time() - began
            return result

        return timed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--video", type=Path, default=OPENFIELD if OPENFIELD.is_file() else None)
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        sys.exit("set OMP_NUM_THREADS=1: processor time is compared, which threads that wait would add to")
    video = options.video or sample_path("topview_mouse.mp4")
    started = starts(video)  # before this process grows: the peak of a child includes that of its parent
    parts = [rates(), end_to_end(video, options.frames, options.rounds)]
    if DATA.is_dir():
        parts.append(accuracy(DATA))
    body = "\n\n".join([*parts, started])
    print(body)
    if options.write:
        write_section("Speed", body, "OMP_NUM_THREADS=1 python benchmarks/speed.py --write")


def rates() -> str:
    """Return what one thread of this machine reaches."""
    import torch

    torch.set_num_threads(1)
    a = np.random.default_rng(0).random((1024, 1024), np.float32)
    product = _best(lambda: a @ a, 5)
    image, weight = torch.randn(8, 64, 48, 48), torch.randn(64, 64, 3, 3)
    with torch.inference_mode():
        convolution = _best(lambda: torch.nn.functional.conv2d(image, weight, padding=1), 5)
    flops = 2 * 8 * 64 * 64 * 9 * 48 * 48
    return (
        f"torch {version('torch')}, onnxruntime {version('onnxruntime')}, openvino "
        f"{version('openvino')}, numpy "
        f"{np.__version__}. One thread "
        f"of this machine multiplies matrices at {2 * 1024**3 / product / 1e9:.0f} GFLOP/s and convolves "
        f"(64 channels, 3 x 3, torch) at {flops / convolution / 1e9:.0f} GFLOP/s."
    )


def end_to_end(video: Path, frames: int, rounds: int) -> str:
    """Return the cost per frame with each backend."""
    costs: dict[str, list[list[float]]] = {backend: [] for backend in BACKENDS}
    positions = {}
    for _ in range(rounds):
        for backend in BACKENDS:
            with tempfile.TemporaryDirectory() as folder:
                analyzer = Analyzer(
                    MODEL, backend=backend, device="cpu", frames=f":{frames}", out=folder, formats=()
                )
                pose, boxes = Counted(analyzer.model), Counted(analyzer.detector)
                analyzer.model, analyzer.detector = pose, boxes  # type: ignore[assignment]
                began = time.process_time()
                poses = analyzer.run(video).poses
                whole = time.process_time() - began
            parts = [whole, pose.seconds, boxes.seconds, whole - pose.seconds - boxes.seconds]
            costs[backend].append([1e3 * part / poses.sizes["time"] for part in parts])
            positions[backend] = poses["position"].values
    rows = []
    for backend in BACKENDS:
        middle = np.median(costs[backend], axis=0)
        ratio = np.median([t[0] / o[0] for t, o in zip(costs["torch"], costs[backend], strict=True)])
        rows.append([backend, *(f"{each:.1f}" for each in middle), f"{1e3 / middle[0]:.1f}", f"{ratio:.2f}"])
    apart = {name: np.abs(positions["torch"] - positions[name]) for name in BACKENDS[1:]}
    off = "; ".join(f"{name} {np.nanmax(d):.1g}, median {np.nanmedian(d):.1g}" for name, d in apart.items())
    head = ["backend", "ms a frame", "pose network", "detector", "rest", "frames/CPU-s", "times torch"]
    return (
        f"`{video.name}`, {frames} frames, `{MODEL}`, defaults of `analyze`, processor time of one thread, "
        f"{rounds} rounds in turn:\n\n{table(head, rows)}\n\n"
        f"Largest difference of a coordinate to that of torch, px: {off}."
    )


def accuracy(data: Path) -> str:
    """Return the errors against labels with each backend."""
    from _adaptation_corrections import errors, truth_of

    from superanimal.inference.labelled_images import predict_images
    from superanimal.labels import read_labels

    labels = read_labels(data / "dlc-openfield")
    clip, pairs, truth, whole, trunk = truth_of(data)
    rows = []
    for backend in BACKENDS:
        poses = predict_images(labels, open_pose(MODEL, "cpu", backend))
        names = [SAME[name] for name in labels.keypoints]
        found = poses["position"].isel(individual=0).sel(keypoint=names)
        found = found.transpose("time", "keypoint", "space").values[labels.image_index]
        apart = np.linalg.norm(found - labels.xy, axis=-1)[labels.labelled]
        with tempfile.TemporaryDirectory() as out:
            analyzer = Analyzer("mini_quadruped", backend=backend, device="cpu", out=out, formats=())
            horse = errors(analyzer.run(clip).poses, list(pairs.values()), truth, np.flatnonzero(whole))
        share = 100 * horse / trunk
        figures = np.nanmean(apart), np.nanmedian(apart), np.nanmean(share), np.nanmedian(share)
        rows.append([backend, *(f"{each:.2f}" for each in figures)])
    head = ["backend", "openfield, mean px", "median px", "horse-in-shadow, mean % of the trunk", "median %"]
    return "Errors against labels, 96 images and 123 frames:\n\n" + table(head, rows)


def starts(video: Path) -> str:
    """Return what a new process costs that analyses one frame; the best run finds the models exported."""
    rows = []
    for backend in BACKENDS:
        best = (np.inf, 0.0)
        for _ in range(3):
            with tempfile.TemporaryDirectory() as folder:
                command = ["-m", "superanimal", "analyze", str(video), "--frames", ":1", "--out", folder]
                process = subprocess.Popen(
                    [sys.executable, *command, "--model", MODEL, "--backend", backend, "--device", "cpu"],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                _, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                sys.exit(f"superanimal analyze ended with {process.returncode}")
            best = min(best, (used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))
        rows.append([backend, f"{best[0]:.1f}", f"{best[1]:.0f}"])
    return "A new process, `superanimal analyze --frames :1`, best of three:\n\n" + table(
        ["backend", "CPU-s", "peak MB"], rows
    )


def _best(function: Any, count: int) -> float:
    """Return the shortest processor time of a function, in seconds."""
    best = np.inf
    for _ in range(count):
        began = time.thread_time()
        function()
        best = min(best, time.thread_time() - began)
    return float(best)


if __name__ == "__main__":
    main()
