"""Draw docs/images/tracking.svg: what a detector gives, and who is who, on two generated animals.

python docs/make_tracking_picture.py
"""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np

from superanimal import track
from superanimal.synth.herd import Errors, make_herd

COLOURS = ("#0072B2", "#D55E00", "#009E73")


def main() -> None:
    plt.rcParams["svg.hashsalt"] = "superanimal"
    herd = make_herd(3, 240, seed=4, variety=0.1)
    found = herd.detected(Errors(), seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tracked = track(found, 3)
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    for axis, poses, title in (
        (axes[0], found, "detections: any slot"),
        (axes[1], tracked, "superanimal.track"),
    ):
        for i in range(poses.sizes["individual"]):
            path = poses["position"].isel(individual=i).mean("keypoint").values
            axis.scatter(*path.T, s=5, color=COLOURS[i] if poses is tracked else "0.5", linewidths=0)
        axis.set(title=title, xlabel="x (px)", ylabel="y (px)", aspect="equal")
        axis.invert_yaxis()
    for i, name in enumerate(tracked["individual"].values):
        sure = tracked["identity_confidence"].sel(individual=name)
        axes[2].plot(
            tracked["time"], np.where(sure.notnull(), sure, np.nan) - 0.004 * i, color=COLOURS[i], label=name
        )
    axes[2].set(title="identity_confidence", xlabel="time (s)", ylim=(0, 1.05))
    axes[2].legend(loc="lower left", frameon=False)
    figure.savefig(Path(__file__).parent / "images" / "tracking.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
