"""Are two workers of a cluster as fast as two bare processes?

    OMP_NUM_THREADS=1 python benchmarks/cluster.py [--frames N] [--rounds N] [--video FILE] [--write]

One and two processes that analyse a video each, and one and two workers (``--cluster local``) that are given
the same videos, take turns. Counted is the time from "go" to the last exported file, with models loaded and
processes started in both cases, and the processor time of all processes meanwhile. The efficiency is the rate
of the workers over that of the bare processes in the same round.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from _report import table, write_section

from superanimal.cluster import worker
from superanimal.cluster.dispatch import Dispatcher
from superanimal.cluster.places import connected
from superanimal.cluster.runs import make_job
from superanimal.inference import Analyzer
from superanimal.inference.verdicts import prepare
from superanimal.progress import Progress
from superanimal.samples import sample_path
from superanimal.zoo.finding import find_model

OPENFIELD = Path(__file__).parents[2] / "shared/data/dlc-openfield/videos/m3v1mp4.mp4"
MODEL, DETECTOR = "mini_topviewmouse", "mini_topviewmouse_detector"
BAR = 0.85


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=1024, help="of each video")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--video", type=Path, default=OPENFIELD if OPENFIELD.is_file() else None)
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        sys.exit("set OMP_NUM_THREADS=1: each process has one core")
    if options.bare is not None:
        return bare(options.bare, options.frames)
    video = options.video or sample_path("topview_mouse.mp4")
    for kind, name in (("pose", MODEL), ("detector", DETECTOR)):
        found = find_model(name, kind)
        assert found is not None
        prepare(found)
    body = measure(video, options.frames, options.rounds)
    print(body)
    if options.write:
        asked = f"--frames {options.frames} --rounds {options.rounds}"
        write_section("Cluster", body, f"OMP_NUM_THREADS=1 python benchmarks/cluster.py {asked} --write")
    return None


def measure(video: Path, frames: int, rounds: int) -> str:
    """Return the section."""
    rates: dict[tuple[str, int], list[float]] = {}
    costs: dict[tuple[str, int], list[float]] = {}
    total: dict[tuple[str, int], int] = {}
    for _ in range(rounds):
        for number in (1, 2):
            for kind, run in (("processes", processes), ("workers", workers)):
                with tempfile.TemporaryDirectory() as folder:
                    copies = [Path(shutil.copy(video, Path(folder) / f"{i}.mp4")) for i in range(number)]
                    seconds, spent, done = run(copies, frames)
                rates.setdefault((kind, number), []).append(done / seconds)
                costs.setdefault((kind, number), []).append(1e3 * spent / done)
                total[kind, number] = done
                print(f"{number} {kind}: {done / seconds:.1f} frames/s, {spent:.0f} CPU-s", flush=True)
    rows = []
    for number in (1, 2):
        ratio = np.median(np.divide(rates["workers", number], rates["processes", number]))
        for kind in ("processes", "workers"):
            key = kind, number
            shown = f"{ratio:.2f}" if kind == "workers" else ""
            rate, cost = np.median(rates[key]), np.median(costs[key])
            rows.append([f"{number} {kind}", str(total[key]), f"{rate:.1f}", f"{cost:.1f}", shown])
    passed = "met" if ratio >= BAR else "missed"
    each = "; ".join(f"{w / p:.2f}" for w, p in zip(rates["workers", 2], rates["processes", 2], strict=True))
    header = ["who", "frames", "frames/s (median)", "CPU-ms a frame", "efficiency"]
    return (
        f"distributed {version('distributed')}, onnxruntime {version('onnxruntime')}. `{video.name}`, "
        f"`{MODEL}`, {frames} frames of a copy for each process or worker, one thread each, {rounds} rounds "
        f"in turn, other programs running beside:\n\n{table(header, rows)}\n\n"
        f"Two workers against two bare processes: **{ratio:.2f}** (bar {BAR}: {passed}); rounds {each}."
    )


def processes(videos: list[Path], frames: int) -> tuple[float, float, int]:
    """Return seconds, processor seconds and frames of bare processes, one for each video."""
    command = [sys.executable, __file__, "--frames", str(frames), "--bare"]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([*command, str(video)], **pipes) for video in videos]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate()[0].split() for process in started]
    seconds = time.perf_counter() - began
    return seconds, sum(float(spent) for spent, _ in answers), sum(int(done) for _, done in answers)


def bare(video: Path, frames: int) -> None:
    """Analyse one video when told to, and print processor seconds and frames."""
    analyzer = Analyzer(MODEL, device="cpu", frames=f":{frames}")
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.process_time()
    poses = analyzer.run(video).poses
    print(time.process_time() - began, poses.sizes["time"], flush=True)


def workers(videos: list[Path], frames: int) -> tuple[float, float, int]:
    """Return seconds, processor seconds and frames of as many workers as there are videos."""
    job = make_job(MODEL, {"device": "cpu", "frames": f":{frames}"})
    with connected("local", len(videos), "cpu") as client:
        client.run(load, job)
        before = sum(client.run(time.process_time).values()) + time.process_time()
        began = time.perf_counter()
        outcomes = Dispatcher(client, job, videos, Progress(), lambda _: Progress(), 60.0).run()
        seconds = time.perf_counter() - began
        spent = sum(client.run(time.process_time).values()) + time.process_time() - before
    assert all(outcome.error is None for outcome in outcomes)
    return seconds, spent, sum(outcome.frames for outcome in outcomes)


def load(job: worker.Job) -> None:
    """Load the models of a job in a worker."""
    worker.bench_of(job)


if __name__ == "__main__":
    main()
