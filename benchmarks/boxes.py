"""Do boxes that follow the pose hold the animal where the picture changes at once, and what does that cost?

    python benchmarks/boxes.py [--against OTHER/src] [--rounds 5] [--write]

1. A folder of 20 stills that have nothing to do with each other: of the rendered sample, and of the labelled
   real openfield mouse when ../shared/data is there.
2. A video with 29 planted cuts: pieces of the sample video, each turned or mirrored at random. Counted are
   all frames, and the first after each cut.
3. One frame a second: of the sample video, and of a real video (against the detector on every frame).
4. Speed on normal videos, in frames per second of processor time, in turn with the other code.

``--against`` names the source folder of another checkout, whose figures stand beside ours as "before".
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

HERE = Path(__file__)
OPENFIELD = HERE.parents[2] / "shared/data/dlc-openfield"
NAMES = {"snout": "nose", "leftear": "left_ear", "rightear": "right_ear", "tailbase": "tail_base"}
CUTS, STILLS, FPS = 29, 20, 30
FAR = 50.0
"""Pixels of mean error over the keypoints from which a frame counts as wrong."""
SPEED_FRAMES = 150


def sample() -> tuple[Any, np.ndarray, tuple[str, ...]]:
    """Return the rendered video, its truth (T, K, 2) and the keypoint names."""
    from superanimal.formats import load_poses
    from superanimal.samples import sample_path
    from superanimal.video import open_video

    truth = load_poses(sample_path("topview_mouse_truth.h5"))
    names = next(d for d in truth["position"].dims if str(d).startswith("keypoint"))
    animal = next(d for d in truth["position"].dims if str(d).startswith("individual"))
    position = truth["position"].isel({animal: 0}).transpose("time", names, "space").values
    return open_video(sample_path("topview_mouse.mp4")), position, tuple(truth[names].values)


def make_cases(folder: Path) -> dict[str, dict[str, Any]]:
    """Write the videos and folders; return for each case its path, truth and which frames count."""
    from superanimal.samples import sample_path
    from superanimal.video import VideoWriter

    video, truth, names = sample()
    height, width = video.shape[1:3]
    rng = np.random.default_rng(0)
    cases: dict[str, dict[str, Any]] = {}

    order = rng.permutation(len(video))[:STILLS]
    stills = folder / "stills"
    stills.mkdir()
    for i, k in enumerate(order):
        cv2.imwrite(str(stills / f"img{i:03d}.png"), video[int(k)][..., ::-1])
    cases["20 stills, rendered"] = {"path": stills, "truth": truth[order], "names": names}

    if OPENFIELD.exists():
        from superanimal.formats import load_poses

        labelled = OPENFIELD / "labeled-data/m4s1"
        labels = load_poses(labelled / "CollectedData_Pranav.h5")
        dims = [str(d) for d in labels["position"].dims]
        points = labels["position"].transpose("time", *[d for d in dims if d.startswith("keypoint")], ...)
        points = points.values[..., 0] if dims[-1].startswith("individual") else points.values
        chosen = rng.permutation(len(points))[:STILLS]
        real = folder / "stills_real"
        real.mkdir()
        for i, k in enumerate(chosen):
            name = Path(str(labels["image"].values[k])).name
            (real / f"img{i:03d}.png").write_bytes((labelled / name).read_bytes())
        body = tuple(NAMES[str(k)] for k in labels[dims[2]].values)
        cases["20 stills, openfield"] = {"path": real, "truth": points[chosen], "names": body}

    starts = rng.integers(0, len(video) - 14, CUTS + 1)
    film, places, first = folder / "cuts.mp4", [], []
    with VideoWriter(film, width, height, FPS) as writer:
        for n, start in enumerate(starts):
            flip_x, flip_y = n % 2 == 0, bool(rng.integers(2))
            first.append(len(places))
            for k in range(start, start + int(rng.integers(7, 14))):
                image, points = video[int(k)], truth[k].copy()
                if flip_x:
                    image, points[:, 0] = image[:, ::-1], width - 1 - points[:, 0]
                if flip_y:
                    image, points[:, 1] = image[::-1], height - 1 - points[:, 1]
                writer.write(np.ascontiguousarray(image))
                places.append(points)
    cases["29 cuts"] = {"path": film, "truth": np.stack(places), "names": names}
    cases["29 cuts, first frames"] = {**cases["29 cuts"], "rows": first[1:], "as": "29 cuts"}

    slow = folder / "slow.mp4"
    with VideoWriter(slow, width, height, 1) as writer:
        for k in range(0, len(video), FPS):
            writer.write(video[k])
    cases["1 frame a second, rendered"] = {"path": slow, "truth": truth[::FPS], "names": names}
    if OPENFIELD.exists():
        clip = OPENFIELD / "videos/m3v1mp4.mp4"
        cases["every 30th frame, real"] = {"path": clip, "frames": "::30", "names": names}
        cases["speed, real"] = {"path": clip, "frames": f"0:{SPEED_FRAMES}"}
    cases["speed, rendered"] = {"path": sample_path("topview_mouse.mp4"), "frames": f"0:{SPEED_FRAMES}"}
    return cases


class Looks:
    """Calls a detector and counts the frames it sees."""

    def __init__(self, detect: Any) -> None:
        self.detect, self.frames = detect, 0

    def __call__(self, frames: Any, *size: Any) -> Any:
        self.frames += len(frames)
        return self.detect(frames, *size)


def measure(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Analyse each job; runs in a process of its own with the code of either side."""
    from superanimal.inference import Analyzer

    results = []
    for job in jobs:
        options = {key: job[key] for key in ("frames", "detector_every") if key in job}
        with tempfile.TemporaryDirectory() as scratch:
            analyzer = Analyzer("mini_topviewmouse", out=scratch, formats=(), device="cpu", **options)
            looks = Looks(analyzer.detector.detect)
            analyzer.detector.detect = looks
            start = time.process_time()
            poses = analyzer.run(job["path"]).poses
            cpu = time.process_time() - start
        position = poses["position"].transpose("time", ...)
        dims = [str(d) for d in position.dims]
        points = position.isel({next(d for d in dims if d.startswith("individual")): 0})
        keypoints = next(d for d in dims if d.startswith("keypoint"))
        results.append(
            {
                "points": points.transpose("time", keypoints, "space").values.tolist(),
                "names": [str(k) for k in poses[keypoints].values],
                "cpu": cpu,
                "looks": looks.frames,
            }
        )
    return results


def elsewhere(jobs: list[dict[str, Any]], source: Path) -> list[dict[str, Any]]:
    """Run :func:`measure` in a process that uses the code below ``source``."""
    with tempfile.TemporaryDirectory() as scratch:
        order, answer = Path(scratch) / "jobs.json", Path(scratch) / "results.json"
        order.write_text(json.dumps([{**job, "path": str(job["path"])} for job in jobs]))
        subprocess.run(
            [sys.executable, str(HERE), "--measure", str(order), str(answer)],
            env={**os.environ, "PYTHONPATH": str(source)},
            check=True,
        )
        return list(json.loads(answer.read_text()))


def errors(result: dict[str, Any], case: dict[str, Any]) -> np.ndarray:
    """Return the mean error over the keypoints of each frame that counts, px; NaN without an animal."""
    columns = [result["names"].index(name) for name in case["names"]]
    away = np.linalg.norm(np.array(result["points"])[:, columns] - case["truth"], axis=-1)
    each = np.nanmean(away, axis=1)
    return each[case.get("rows", slice(None))]


def described(each: np.ndarray) -> list[str]:
    """Mean and worst frame, in pixels, and how many are wrong or without an animal."""
    wrong = int((~(each <= FAR)).sum())
    return [f"{np.nanmean(each):.1f}", f"{np.nanmax(each):.0f}", f"{wrong} of {len(each)}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--against", type=Path, help="source folder of another checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write the section of benchmarks/RESULTS.md")
    parser.add_argument("--measure", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        options.measure[1].write_text(json.dumps(measure(json.loads(options.measure[0].read_text()))))
        return
    from _report import table, write_section

    sides = {"now": HERE.parents[1] / "src"}
    if options.against:
        sides = {"before": options.against.resolve(), **sides}
    with tempfile.TemporaryDirectory() as folder:
        cases = make_cases(Path(folder))
        quality = {name: case for name, case in cases.items() if not name.startswith("speed")}
        own = [name for name, case in quality.items() if "as" not in case]
        jobs = [{k: cases[name][k] for k in ("path", "frames") if k in cases[name]} for name in own]
        each_frame = [{**job, "detector_every": 1} for job in jobs]
        found = {side: dict(zip(own, elsewhere(jobs, source), strict=True)) for side, source in sides.items()}
        found["every frame"] = dict(zip(own, elsewhere(each_frame, sides["now"]), strict=True))
        rows = []
        for name, case in quality.items():
            which = case.get("as", name)
            case.setdefault("truth", np.array(found["every frame"][which]["points"]))
            for side, results in found.items():
                figures = described(errors(results[which], case))
                looks = f"{results[which]['looks']} of {len(results[which]['points'])}"
                rows.append([name, side, *figures, looks])
        parts = [
            f'Mean error over the keypoints, per frame. "Wrong": more than {FAR:.0f} px, or no animal. "every'
            ' frame": the detector on each frame.',
            table(["case", "code", "mean px", "worst px", "wrong", "detector looks"], rows),
        ]
        print("\n\n".join(parts), flush=True)
        rows = []
        for name in [name for name in cases if name.startswith("speed") and options.rounds]:
            job = {key: cases[name][key] for key in ("path", "frames")}
            rates: dict[str, list[float]] = {side: [] for side in sides}
            looks = {}
            for _ in range(options.rounds):
                for side, source in sides.items():
                    (result,) = elsewhere([job], source)
                    rates[side].append(len(result["points"]) / result["cpu"])
                    looks[side] = result["looks"]
            for side in sides:
                ratio = np.median(np.divide(rates["now"], rates[side]))
                rows.append([name, side, f"{np.median(rates[side]):.1f}", f"{ratio:.2f}", f"{looks[side]}"])
        header = ["normal video, 150 frames", "code", "frames/CPU-s (median)", "now / this", "detector looks"]
        parts += [f"Speed, {options.rounds} rounds in turn:", table(header, rows)]
        print(parts[-1], flush=True)
    if options.write:
        write_section("Boxes that follow", "\n\n".join(parts))


if __name__ == "__main__":
    main()
