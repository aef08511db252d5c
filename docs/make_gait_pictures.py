"""Draw the figures of docs/gait.md: those of a report on the sample horse, and groups of generated walks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from superanimal.gait import analyze
from superanimal.gait.analysis import joined, with_groups
from superanimal.gait.figures import draw_angles, draw_footfalls, draw_groups, draw_hildebrand
from superanimal.poses import make_poses
from superanimal.reports.figures import save_figure
from superanimal.samples import sample_path
from superanimal.synth.gaits import generate

IMAGES = Path(__file__).parent / "images"


def main() -> None:
    """Write the pictures."""
    horse = analyze(sample_path("sideview_horse_truth.h5"))
    save_figure(draw_footfalls(horse, "animal0"), IMAGES / "gait_footfalls.png")
    save_figure(draw_angles(horse.cycles), IMAGES / "gait_angles.png")
    results, rows = [], []
    for k in range(12):
        name, treated = f"run{k}.h5", k % 2 == 1
        gait = "walk" if k < 6 else "trot"
        truth = generate(
            gait, fps=60, noise=1.0, strides=5, seed=k, period=(1.0 if treated else 0.9) + 0.01 * k
        )
        poses = make_poses(truth.position[..., None], keypoints=truth.keypoints, times=truth.time)
        result = analyze(poses)
        results.append(replace(result, facts={**result.facts, "file": name}))
        rows.append({"file": name, "animal": f"m{k}", "group": "treated" if treated else "control"})
    every = joined(results)
    save_figure(draw_hildebrand(every), IMAGES / "gait_hildebrand.png")
    walks = pd.DataFrame(rows[:6])
    save_figure(draw_groups(with_groups(joined(results[:6]), walks)), IMAGES / "gait_groups.png")


if __name__ == "__main__":
    main()
