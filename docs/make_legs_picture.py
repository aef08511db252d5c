"""Make the picture of docs/analyze.md on legs: ``python docs/make_legs_picture.py``.

The feet of the rendered sample horse along the picture, frame by frame and followed over time, and the truth.
Prints how far off they are on average, in % of the trunk (croup to withers).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from superanimal.formats import load_poses
from superanimal.inference import Analyzer
from superanimal.samples import sample_path

PICTURE = Path(__file__).with_name("images") / "legs.png"
COLOURS = {"left": "#1f77b4", "right": "#d62728"}


def feet(poses: xr.Dataset, pair: str, side: str) -> np.ndarray:
    """Return where a foot is along the picture, (T,) pixels."""
    one = poses["position"].isel(individual=0).sel(keypoint=f"{pair}_{side}_paw", space="x")
    return one.values


def feet_off(poses: xr.Dataset, truth: xr.Dataset) -> float:
    """Return the mean error of all feet in % of the trunk."""
    order = ("keypoint", "time", "space")
    found, true = (each["position"].isel(individual=0).transpose(*order) for each in (poses, truth))
    trunk = np.linalg.norm(true.sel(keypoint="back_base") - true.sel(keypoint="back_end"), axis=-1).mean()
    names = [f"{pair}_{side}_paw" for pair in ("front", "back") for side in COLOURS]
    away = found.sel(keypoint=names).values - true.sel(keypoint=names).values
    return 100 * float(np.linalg.norm(away, axis=-1).mean() / trunk)


def main() -> None:
    """Analyse the sample twice and draw."""
    truth = load_poses(sample_path("sideview_horse_truth.h5"))
    with tempfile.TemporaryDirectory() as folder:
        found = {
            title: Analyzer("mini_quadruped", out=Path(folder) / str(track), formats=(), track=track)
            .run(sample_path("sideview_horse.mp4"))
            .poses.load()
            for title, track in (("each frame by itself", False), ("over time (default)", True))
        }
    for title, poses in found.items():
        print(f"feet, {title}: {feet_off(poses, truth):.1f} % of the trunk")
    figure, axes = plt.subplots(2, 2, figsize=(8.4, 5), sharex=True, sharey=True, layout="constrained")
    for row, pair in zip(axes, ("front", "back"), strict=True):
        for axis, (title, poses) in zip(row, found.items(), strict=True):
            for side, colour in COLOURS.items():
                axis.plot(feet(truth, pair, side), color=colour, alpha=0.35, lw=5, label=f"{side}, truth")
                axis.plot(feet(poses, pair, side), ".", color=colour, ms=4, label=f"{side}, found")
            axis.set_title(f"{'fore' if pair == 'front' else 'hind'} feet, {title}", fontsize=10)
    for axis in axes[:, 0]:
        axis.set_ylabel("x (px)")
    for axis in axes[-1]:
        axis.set_xlabel("frame")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
