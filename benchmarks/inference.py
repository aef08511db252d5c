"""How good and how fast is inference, and what does each choice of it cost or gain?

    python benchmarks/inference.py [--model NAME] [--frames N] [--skip-real] [--write]

1. Labelled real frames (the openfield mouse, zero-shot, when ../shared/data is there): arg-max against
   sub-pixel, one look against two.
2. A rendered video with exact truth: the detector on every n-th frame, boxes carried by the pose in between.
3. The same on a real video, as the distance from running the detector on every frame.
4. Boxes carried over real labelled frames: each image becomes a film that slides into place within
   five frames, so that the last, labelled one has a box carried four times.

Speed is given per second of processor time, because development machines are shared.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from _report import table, write_section
from PIL import Image

from superanimal.formats import load_poses
from superanimal.inference import Analyzer
from superanimal.samples import sample_path

OPENFIELD = Path(__file__).parents[2] / "shared/data/dlc-openfield"
NAMES = {"snout": "nose", "leftear": "left_ear", "rightear": "right_ear", "tailbase": "tail_base"}
EVERY = (1, 2, 5, 10, 20)


class Run:
    """One analysis: its poses, its cost, and how often the networks were called."""

    def __init__(self, video: Path, **options: Any) -> None:
        with tempfile.TemporaryDirectory() as folder:
            analyzer = Analyzer(out=folder, formats=(), **options)
            wall, cpu = time.perf_counter(), time.process_time()
            self.poses = analyzer.run(video).poses
            self.cpu, self.wall = time.process_time() - cpu, time.perf_counter() - wall
        self.frames = self.poses.sizes["time"]
        self.found = int(self.poses["position"].notnull().any(("space", "keypoint", "individual")).sum())

    def distance(self, other: xr.Dataset) -> np.ndarray:
        """Distances (T, K) in pixels of the first animal from other poses with the same rows."""
        keypoints = [k for k in other["keypoint"].values if k in self.poses["keypoint"].values]
        here = self.poses["position"].isel(individual=0).sel(keypoint=keypoints).values
        there = other["position"].isel(individual=0).sel(keypoint=keypoints).values
        return np.hypot(*np.moveaxis(here - there, 1, 0))


def spread(distance: np.ndarray) -> list[str]:
    """Mean, median and 95th percentile, in pixels."""
    values = distance[np.isfinite(distance)]
    return [f"{values.mean():.2f}", f"{np.median(values):.2f}", f"{np.quantile(values, 0.95):.2f}"]


def labelled_frames(model: str) -> str:
    """Zero-shot errors on labelled real frames, whole pipeline from the raw frame."""
    folder = OPENFIELD / "labeled-data/m4s1"
    labels = load_poses(folder / "CollectedData_Pranav.h5")
    labels = labels.assign_coords(keypoint=[NAMES[str(k)] for k in labels["keypoint"].values])
    names = sorted(path.name for path in folder.glob("*.png"))
    order = [names.index(Path(str(image)).name) for image in labels["image"].values]
    rows = []
    for title, options in (
        ("arg-max (compatible)", {"mode": "compatible"}),
        ("sub-pixel, one look", {"detector_every": 1, "refine": False}),
        ("sub-pixel, two looks (enhanced)", {"detector_every": 1, "refine": True}),
    ):
        run = Run(folder, model=model, **options)
        run.poses = run.poses.isel(time=order)
        per_second = f"{run.frames / run.cpu:.1f}"
        rows.append([title, f"{run.found}/{run.frames}", *spread(run.distance(labels)), per_second])
    return table(["openfield, 4 keypoints", "found", "mean px", "median", "p95", "frames/CPU-s"], rows)


def carried_labels(model: str, step: int = 8, length: int = 5) -> str:
    """Zero-shot errors on real labels with boxes detected anew or carried over ``length`` - 1 moves."""
    folder = OPENFIELD / "labeled-data/m4s1"
    labels = load_poses(folder / "CollectedData_Pranav.h5")
    labels = labels.assign_coords(keypoint=[NAMES[str(k)] for k in labels["keypoint"].values])
    images = [
        np.asarray(Image.open(folder / Path(str(i)).name).convert("RGB")) for i in labels["image"].values
    ]
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "slide.zarr"
        shape = (length * len(images), *images[0].shape)
        film = zarr.create_array(
            path, shape=shape, chunks=(1, *shape[1:]), dtype="uint8", compressors=None, fill_value=0
        )
        turns = [(step, 0), (0, step), (-step, 0), (0, -step)]
        for k, image in enumerate(images):
            down, right = turns[k % 4]
            for j in range(length):
                back = length - 1 - j
                film[k * length + j] = np.roll(image, (back * down, back * right), (0, 1))
        for every in (1, length):
            run = Run(path, model=model, detector_every=every)
            run.poses = run.poses.isel(time=slice(length - 1, None, length))
            found = int(run.poses["position"].notnull().any(("space", "keypoint", "individual")).sum())
            distance = run.distance(labels)
            rows.append(
                [f"{every}", f"{found}/{len(images)}", *spread(distance), f"{run.frames / run.cpu:.1f}"]
            )
    title = f"detector every n, {step} px of motion per frame"
    return table([title, "found", "mean px", "median", "p95", "frames/CPU-s"], rows)


def every_nth(video: Path, frames: int, truth: xr.Dataset | None, model: str) -> str:
    """The detector on every n-th frame against truth, or against every frame."""
    rows, reference = [], truth
    for every in EVERY:
        run = Run(video, model=model, detector_every=every, frames=f"0:{frames}")
        if reference is None:
            reference = run.poses
        distance = run.distance(reference.isel(time=slice(0, run.frames)))
        step = run.poses["position"].diff("time", 2).isel(individual=0)
        jitter = float(np.nanmedian(np.hypot(step.sel(space="x"), step.sel(space="y"))))
        found, speed = f"{run.found}/{run.frames}", f"{run.frames / run.cpu:.1f}"
        rows.append([f"{every}", found, *spread(distance), f"{jitter:.2f}", speed])
    what = "from truth" if truth is not None else "from n = 1"
    header = ["detector every n", "found", f"mean px {what}", "median", "p95", "jitter px", "frames/CPU-s"]
    return table(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", default="mini_topviewmouse")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--skip-real", action="store_true")
    parser.add_argument("--write", action="store_true", help="write the section of benchmarks/RESULTS.md")
    options = parser.parse_args()
    parts = []
    truth = load_poses(sample_path("topview_mouse_truth.h5"))
    parts += ["Rendered video `topview_mouse.mp4`, all keypoints, against exact truth:"]
    parts += [every_nth(sample_path("topview_mouse.mp4"), options.frames, truth, options.model)]
    print(parts[-1], flush=True)
    if OPENFIELD.exists() and not options.skip_real:
        parts += ["Real video `m3v1mp4.mp4` (640 x 480):"]
        clip = OPENFIELD / "videos/m3v1mp4.mp4"
        parts += [every_nth(clip, options.frames, None, options.model)]
        print(parts[-1], flush=True)
        parts += ["Real labelled frames, zero-shot, own detector:", labelled_frames(options.model)]
        print(parts[-1], flush=True)
        parts += ["The same labels with boxes carried by the pose over four moves of the picture:"]
        parts += [carried_labels(options.model)]
        print(parts[-1], flush=True)
    if options.write:
        write_section("Inference", "\n\n".join(parts))


if __name__ == "__main__":
    main()
