"""How well are left and right legs told apart over time? Rendered animals that walk past, exact truth.

    python benchmarks/legs.py [--walks 20] [--write]

Animals of all body plans walk, trot or pace through random landscapes of the renderer, 60 frames each at 30
per second. Their boxes are given, so that only the pose counts. Each video is analysed twice: every frame
by itself, and with the legs sorted over time (the default). The constants of
``superanimal.inference.legs.sorting`` were chosen on other walks than these. Errors are in % of the trunk's
length. "Kept apart": the error when each pair may carry its names either way round, for the whole video;
"named right": the share of pairs that lie nearer to the truth as they are named.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from _report import table, write_section

from superanimal.inference import Analyzer
from superanimal.synth import QUADRUPED, quadruped_box
from superanimal.synth.pasture import photograph_pasture, sample_pasture
from superanimal.synth.species import GAITS, gait_feet
from superanimal.video import VideoWriter

SEED, FRAMES, FPS = 81_000, 60, 30.0
SIZE, TRUNK = (288, 448), 60.0
PARTS = {"feet": "paw", "carpus and hock": "knee"}


def walk(seed: int) -> tuple[list[np.ndarray], np.ndarray] | None:
    """Return the frames (H, W, 3) and keypoints (T, 39, 2) of one animal; None when it leaves the picture."""
    rng = np.random.default_rng(seed)
    pasture = sample_pasture(rng, SIZE, TRUNK, 1)
    beast = pasture.animals[0]
    heading = float((0.0, np.pi)[seed % 2] + rng.normal(0, 0.15))
    gait = str(rng.choice(["walk", "walk", "trot", "pace"]))
    period = rng.uniform(18, 36) / (1.0 if gait == "walk" else 1.5)
    vigour, phase, height = rng.uniform(0.7, 1.1), rng.random(), beast.shape.height
    pace = GAITS[gait].stride * height * vigour / (GAITS[gait].duty * period) * beast.length
    still = replace(beast.pose, pitch=0.0, lift=0.0, bend=0.0)
    camera = replace(pasture.camera, center=(SIZE[1] / 2, 200.0))
    noise, images, points = int(rng.integers(2**31)), [], []
    for t in range(FRAMES):
        way = pace * (t - FRAMES / 2)
        feet = gait_feet(gait, (phase + t / period) % 1, height, vigour)
        moved = replace(
            beast,
            heading=heading,
            pose=replace(still, feet=feet),
            x=beast.x + way * np.cos(heading),
            depth=beast.depth + way * np.sin(heading),
        )
        scene = replace(pasture, animals=(moved,), camera=camera, led=False)
        picture = photograph_pasture(np.random.default_rng(noise), scene)
        x0, y0, x1, y1 = quadruped_box(picture.keypoints[0])
        if x0 < 0 or y0 < 0 or x1 > SIZE[1] - 1 or y1 > SIZE[0] - 1:
            return None
        images.append(picture.image)
        points.append(picture.keypoints[0])
    return images, np.stack(points)


def walks(count: int) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
    """Yield so many walks."""
    seed = SEED
    while count:
        seed += 1
        made = walk(seed)
        if made is not None:
            count -= 1
            yield made


def errors(found: np.ndarray, truth: np.ndarray, part: str) -> list[tuple[float, float]]:
    """Return for both pairs of legs the mean error in % of the trunk, as named and the other way round."""
    at = [
        [QUADRUPED.index(f"{pair}_{side}_{part}") for side in ("left", "right")] for pair in ("front", "back")
    ]

    def away(pair: list[int], names: list[int]) -> float:
        return 100 * float(np.linalg.norm(found[:, pair] - truth[:, names], axis=-1).mean()) / TRUNK

    return [(away(pair, pair), away(pair, pair[::-1])) for pair in at]


def main() -> None:
    """Render, analyse, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--walks", type=int, default=20)
    parser.add_argument("--write", action="store_true", help="write the section of RESULTS.md")
    options = parser.parse_args()
    measured: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for n, (images, truth) in enumerate(walks(options.walks)):
            video = Path(scratch) / f"walk{n}.mp4"
            with VideoWriter(video, SIZE[1], SIZE[0], FPS) as writer:
                for image in images:
                    writer.write(image)
            box = quadruped_box(truth)
            box[:, 2:] -= box[:, :2]
            for track in (False, True):
                analyzer = Analyzer(
                    "mini_quadruped",
                    boxes=box[:, None],
                    detector=None,
                    out=Path(scratch) / str(track),
                    formats=(),
                    track=track,
                )
                poses = analyzer.run(video).poses.isel(individual=0)
                found = poses["position"].transpose("time", "keypoint", "space").values
                for part in PARTS.values():
                    measured.setdefault((part, track), []).extend(errors(found, truth, part))
    rows = []
    for title, part in PARTS.items():
        for track, how in ((False, "each frame by itself"), (True, "over time (default)")):
            named, other = np.array(measured[part, track]).T
            cells = (named.mean(), np.minimum(named, other).mean(), 100 * (named < other).mean())
            rows.append([title, how, *(f"{value:.1f}" for value in cells)])
    header = ["", "", "mean error, % of the trunk", "kept apart, % of the trunk", "named right, %"]
    text = (
        f"`mini_quadruped`, {options.walks} walks of {FRAMES} frames. Kept apart: the error when each pair "
        f"may carry its names either way round, for the whole video.\n\n{table(header, rows)}"
    )
    print(text)
    if options.write:
        write_section("Left and right legs over time", text)


if __name__ == "__main__":
    main()
