"""What the product does on a CUDA card, in at most five minutes: the same poses, and how fast.

    python benchmarks/gpu_wheels.py            # here, with a network: what a bare machine lacks, as wheels
    python benchmarks/gpu.py --out DIR         # there
    python benchmarks/gpu.py --device cpu --quick   # dry run

On the machine with the card::

    python3 -m pip install -q --no-index --no-deps --no-compile --target .wheels/site .wheels/*.whl
    PYTHONPATH=.wheels/site:src python3 benchmarks/gpu.py

Each part is a process of its own, so that a crash or a full card costs one part; what a part has measured is
kept after every row in ``gpu.json`` (in ``--out``, by default ``$OUT`` or the working folder).
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

FlopCounter = partial(FlopCounterMode, display=False)
SAMPLES = {"mini_topviewmouse": "topview_mouse.mp4", "mini_quadruped": "sideview_horse.mp4"}
RANDOM = "HRNet-w32, random"
HRNET, DETECTOR = (
    "superanimal_topviewmouse_hrnet_w32",
    "superanimal_topviewmouse_fasterrcnn_mobilenet_v3_large_fpn",
)
SECONDS = {"machine": 20, "agreement": 80, "speed": 60, "memory": 35, "finetune": 55, "variants": 50}
"""What each part may take; what it leaves is for the parts after it."""
Row = dict[str, Any]


class Task:
    """What a part is given, and where its rows go."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.device, self.quick, self.folder = torch.device(options.device), options.quick, folder
        self.rows: list[Row] = []

    def row(self, **values: Any) -> None:
        """Keep a row at once."""
        self.rows.append({k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in values.items()})
        target = self.folder / "rows.json"
        target.with_suffix(".new").write_text(json.dumps(self.rows), "utf-8")
        target.with_suffix(".new").replace(target)

    @contextmanager
    def attempt(self, **what: Any) -> Iterator[None]:
        """Let a failure cost one row only."""
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            self.row(**what, failed=f"{type(error).__name__}: {error}"[:300])

    def seconds(self, work: Callable[[], object], repeats: int) -> float:
        """Return the mean seconds of a call, two (dry run: one) unmeasured ones before."""
        for _ in range(1 if self.quick else 2):
            work()
        self.wait()
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        self.wait()
        return (time.perf_counter() - start) / repeats

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def frames(self, model: str, count: int) -> list[np.ndarray]:
        """Return the first frames (H, W, 3) uint8 RGB of a sample video, read without av."""
        film = cv2.VideoCapture(str(ROOT / "src/superanimal/sample_data" / SAMPLES[model]))
        try:
            return [cv2.cvtColor(film.read()[1], cv2.COLOR_BGR2RGB) for _ in range(count)]
        finally:
            film.release()

    def images(self, model: str, count: int) -> Path:
        """Return a folder with those frames as pictures."""
        folder = self.folder / f"{model}{count}"
        folder.mkdir(exist_ok=True)
        for number, frame in enumerate(self.frames(model, count)):
            cv2.imwrite(str(folder / f"{number:04d}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        return folder

    def released(self) -> tuple[Path, Path]:
        """Return weight files of HRNet-w32 and a Faster R-CNN that are random, but find something."""
        from _random_weights import make_detector_weights, make_pose_weights

        from superanimal.zoo.catalog import get_entry

        some = np.stack(self.frames("mini_topviewmouse", 1 if self.quick else 4))
        pose, detector = self.folder / f"{HRNET}.pt", self.folder / f"{DETECTOR}.pt"
        make_pose_weights(get_entry(HRNET), some, pose)
        make_detector_weights(get_entry(DETECTOR), some, detector)
        return pose, detector


def machine(task: Task) -> None:
    """The card, and the measured rate of matrix products, in TFLOP/s."""
    name = torch.cuda.get_device_name(0) if task.device.type == "cuda" else platform.processor() or "CPU"
    task.row(what="device", value=name)
    task.row(what="versions", value=f"Python {platform.python_version()}, torch {torch.__version__}")
    size = 512 if task.quick else 8192
    for what, dtype, tf32 in (
        ("fp32", torch.float32, False), ("tf32", torch.float32, True), ("bf16", torch.bfloat16, False)
    ):  # fmt: skip
        with task.attempt(what=what):
            torch.backends.cuda.matmul.allow_tf32 = tf32
            a, b = (torch.randn(size, size, device=task.device, dtype=dtype) for _ in range(2))
            task.row(
                what=f"{what} TFLOP/s", value=2 * size**3 / task.seconds(lambda a=a, b=b: a @ b, 5) / 1e12
            )


def agreement(task: Task) -> None:
    """Poses on the device in fp32 and bf16 against those of the CPU."""
    models: list[tuple[str, str, dict[str, Any]]] = [(m, m, {"model": m}) for m in SAMPLES]
    with task.attempt(model=RANDOM):
        pose, detector = task.released()
        models.append((RANDOM, "mini_topviewmouse", {"model": pose, "detector": detector}))
    for title, film, chosen in models:
        folder = task.images(film, 1 if task.quick else 20 if title == RANDOM else 40)
        truth = poses_of(folder, {**chosen, "device": "cpu", "precision": "fp32"})
        for precision, tf32 in (("fp32", False), ("fp32", True), ("bf16", True)):
            if task.device.type == "cpu" and tf32 and (precision == "fp32" or title == RANDOM):
                continue  # there is no TF32, and bf16 takes minutes
            called = f"{precision}{' with tf32' if tf32 and precision == 'fp32' else ''}"
            with task.attempt(model=title, precision=called):
                torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
                start = time.perf_counter()
                found = poses_of(folder, {**chosen, "device": str(task.device), "precision": precision})
                task.row(
                    model=title, precision=called, **difference(found, truth),
                    seconds=time.perf_counter() - start,
                )  # fmt: skip


def poses_of(folder: Path, choices: dict[str, Any]) -> Any:
    """Analyse a folder of pictures."""
    from superanimal import analyze

    with tempfile.TemporaryDirectory() as out:
        return analyze(folder, out=out, formats=(), **choices).load()


def difference(found: Any, truth: Any) -> Row:
    """Say how far poses are from others of the same frames, in pixels and in confidence."""
    individuals = min(found.sizes["individual"], truth.sizes["individual"])
    ours, theirs = (each.isel(individual=slice(individuals)) for each in (found, truth))
    distance = np.hypot(*np.moveaxis((ours["position"] - theirs["position"]).values, 1, 0))
    confidence = np.abs((ours["confidence"] - theirs["confidence"]).values)
    known = np.isfinite(distance)
    sure = known & (theirs["confidence"].values > 0.4)

    def seen(poses: Any) -> int:
        return int(poses["position"].notnull().any(("space", "keypoint")).sum())

    return {
        "found": f"{seen(found)}/{seen(truth)}",
        "median_px": float(np.median(distance[known])) if known.any() else None,
        "p99_px": float(np.quantile(distance[known], 0.99)) if known.any() else None,
        "max_px_where_sure": float(distance[sure].max()) if sure.any() else None,
        "max_confidence": float(np.nanmax(confidence)) if known.any() else None,
    }


def speed(task: Task) -> None:
    """Crops per second over batch sizes, the share of the matrix-product rate, and frames per second."""
    from superanimal.zoo import load_model
    from superanimal.zoo.loaded_model import autocast

    folder = task.images("mini_topviewmouse", 2 if task.quick else 150)
    for batch in (2,) if task.quick else (16, 64, 128):
        with task.attempt(model="mini_topviewmouse", batch=batch):
            choices = {"model": "mini_topviewmouse", "device": str(task.device), "batch_size": batch}
            start = time.perf_counter()
            frames = poses_of(folder, choices).sizes["time"]
            task.row(
                model="mini_topviewmouse, whole analysis", precision="auto", batch=batch,
                frames_per_s=frames / (time.perf_counter() - start),
            )  # fmt: skip
    rates = {row["what"]: row.get("value") for row in json.loads((task.folder / "machine.json").read_text())}
    for source in ("mini_topviewmouse", task.released()[0]):
        model = load_model(source, str(task.device))
        width, height = model.entry.input_size
        one = torch.zeros(1, height, width, 3, dtype=torch.uint8)
        with torch.no_grad(), FlopCounter() as counter:
            model.network(model.preprocess(one).clone())  # a normal tensor: inference mode hides operations
        flops = counter.get_total_flops()
        for precision in ("fp32",) if task.device.type == "cpu" else ("fp32", "bf16"):
            for batch in (1, 2) if task.quick else (1, 8, 32, 64, 128, 256):
                with task.attempt(model=model.entry.name, precision=precision, batch=batch):
                    crops = torch.randint(0, 255, (batch, height, width, 3), dtype=torch.uint8)

                    def work(
                        crops: torch.Tensor = crops, model: Any = model, precision: str = precision
                    ) -> None:
                        with torch.inference_mode(), autocast(precision, task.device):
                            model.forward(model.preprocess(crops))

                    rate = batch / task.seconds(work, 1 if task.quick else 5)
                    peak = rates.get(f"{precision} TFLOP/s")
                    share = rate * flops / 1e12 / peak if peak else None
                    task.row(
                        model=model.entry.name, precision=precision, batch=batch, crops_per_s=rate,
                        share_of_matmul=share,
                    )  # fmt: skip


def memory(task: Task) -> None:
    """Poses and batch size when the card is allowed only a part of its memory."""
    from superanimal.inference.batches import Batches
    from superanimal.zoo import load_model

    cuda = task.device.type == "cuda"
    model = load_model(task.released()[0], str(task.device))
    width, height = model.entry.input_size
    crops = np.random.default_rng(0).integers(0, 255, (2 if task.quick else 512, height, width, 3), np.uint8)

    def forward(part: np.ndarray) -> torch.Tensor:
        with torch.inference_mode():
            heads = model.forward(model.preprocess(torch.from_numpy(part)))
        return heads["heatmap"].amax((-2, -1)).cpu()

    free = torch.cat(Batches(1 if task.quick else 32).run(forward, crops))
    if cuda:
        torch.cuda.empty_cache()
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(
            min(1.0, (torch.cuda.memory_reserved() + 3 * 2**30) / total)
        )
    batches = Batches(len(crops))
    with task.attempt(what="back-off"):
        limited = torch.cat(batches.run(forward, crops))
        task.row(
            what="back-off", limit="3 GiB" if cuda else "none", batch_before=len(crops),
            batch_after=batches.size, max_difference=float((limited - free).abs().max()),
        )  # fmt: skip
    with task.attempt(what="analysis in little memory"):
        folder = task.images("mini_topviewmouse", 2 if task.quick else 40)
        found = poses_of(
            folder, {"model": "mini_topviewmouse", "device": str(task.device), "batch_size": 512}
        )
        task.row(what="analysis in little memory", frames=found.sizes["time"])


def finetune(task: Task) -> None:
    """Fine-tuning on rendered mice, and the batch size that it finds."""
    from superanimal import finetune as train
    from superanimal.labels import synthetic_labels

    steps = 2 if task.quick else 50
    mice = synthetic_labels(task.folder / "mice", 4 if task.quick else 24, size=(160, 200))
    for precision, batch in (("auto", 2 if task.quick else "auto"), ("32", 16)):
        if task.quick and precision == "32":
            continue
        with task.attempt(precision=precision, batch=batch):
            recipe = {
                "steps": steps, "batch": batch, "precision": precision, "workers": 0,
                "device": task.device.type, "validate_every": max(1, steps // 2),
            }  # fmt: skip
            start = time.perf_counter()
            out = task.folder / f"trained{precision}"
            trained = train(mice, "mini_topviewmouse", "finetune", out, recipe=recipe, detector="none")
            seconds = time.perf_counter() - start
            run = json.loads((out / "run" / "run.json").read_text("utf-8"))
            task.row(
                precision=precision, batch=run["batch"], steps=trained.fit.steps, seconds=seconds,
                best_step=trained.fit.best["step"], held_out_oks=trained.fit.best.get("held_out_oks"),
            )  # fmt: skip


def variants(task: Task) -> None:
    """HRNet-w32 alone, on crops that lie on the device, in ways to run it that could become backends."""
    from superanimal.zoo import load_model

    peak = {row["what"]: row.get("value") for row in json.loads((task.folder / "machine.json").read_text())}
    model = load_model(task.released()[0], str(task.device))
    width, height = model.entry.input_size
    with torch.no_grad(), FlopCounter() as counter:
        model.network(torch.zeros(1, 3, height, width, device=task.device))
    flops = counter.get_total_flops()
    plain = model.network.eval()
    half = copy.deepcopy(plain).to(torch.bfloat16).to(memory_format=torch.channels_last)
    for batch in (1,) if task.quick else (64, 256):
        crops = torch.randn(batch, 3, height, width, device=task.device)
        last = crops.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)

        def autocast(crops: torch.Tensor = crops) -> Any:
            with torch.autocast(task.device.type, torch.bfloat16):
                return plain(crops)

        ways: dict[str, Callable[[], Callable[[], Any]]] = {
            "autocast": lambda work=autocast: work,
            "bf16 weights, channels last": lambda last=last: lambda: half(last),
            "the same as a CUDA graph": lambda last=last: graphed(half, last),
            "the same, compiled": lambda last=last: compiled(half, last),
        }
        for way, make in ways.items():
            if task.quick and way != "autocast":
                continue  # takes minutes on a CPU, or needs a card
            with task.attempt(way=way, batch=batch), torch.inference_mode():
                start = time.perf_counter()
                work = make()
                work()
                first = time.perf_counter() - start
                rate = batch / task.seconds(work, 1 if task.quick else 10)
                share = rate * flops / 1e12 / peak["bf16 TFLOP/s"] if peak.get("bf16 TFLOP/s") else None
                task.row(way=way, batch=batch, crops_per_s=rate, share_of_matmul=share, first_s=first)


def graphed(network: torch.nn.Module, crops: torch.Tensor) -> Callable[[], Any]:
    """Record one pass as a CUDA graph; return what replays it."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            network(crops)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        network(crops)
    return graph.replay


def compiled(network: torch.nn.Module, crops: torch.Tensor) -> Callable[[], Any]:
    """Compile a network; return one pass over the crops."""
    fast = torch.compile(network)
    return lambda: fast(crops)


PARTS: dict[str, Callable[[Task], None]] = {
    "machine": machine, "agreement": agreement, "speed": speed, "memory": memory, "finetune": finetune,
    "variants": variants,
}  # fmt: skip


def run_part(name: str, options: argparse.Namespace, folder: Path, limit: float) -> Row:
    """Run a part as a process of its own and return its rows, and what went wrong."""
    command = [sys.executable, __file__, "--device", options.device, "--part", name, "--folder", str(folder)]
    start, rows = time.perf_counter(), folder / "rows.json"
    rows.unlink(missing_ok=True)
    error = ""
    try:
        done = subprocess.run(
            command + ["--quick"] * options.quick, timeout=limit, stderr=subprocess.PIPE, text=True,
            errors="replace",
        )  # fmt: skip
        if done.returncode:
            error = f"exit status {done.returncode}\n{done.stderr[-2000:]}"
    except subprocess.TimeoutExpired:
        error = f"stopped after {limit:.0f} s"
    found = json.loads(rows.read_text("utf-8")) if rows.is_file() else []
    (folder / f"{name}.json").write_text(json.dumps(found), "utf-8")
    return {"seconds": round(time.perf_counter() - start, 1), "error": error, "rows": found}


def as_table(rows: list[Row]) -> str:
    """Return rows as a Markdown table."""
    from _report import table

    names = list(dict.fromkeys(key for row in rows for key in row))
    return table(names, [[str(row.get(name, "")) for name in names] for row in rows])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="a dry run: small, and not worth comparing")
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", ".")))
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), default=list(PARTS))
    parser.add_argument("--write", action="store_true", help="write the section of benchmarks/RESULTS.md")
    parser.add_argument("--part", choices=tuple(PARTS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        PARTS[options.part](Task(options, options.folder))
        return 0
    if options.device == "cuda" and not torch.cuda.is_available():
        print("no CUDA device on this machine: --device cpu --quick makes a dry run", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    results: dict[str, Row] = {}
    began, allowed, texts = time.perf_counter(), 0, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "machine.json").write_text("[]")
        for part in options.only:
            allowed += SECONDS[part]
            limit = 600 if options.quick else allowed - (time.perf_counter() - began)
            if limit < 5:
                results[part] = {"seconds": 0, "error": "no time was left", "rows": []}
            else:
                results[part] = run_part(part, options, folder, limit)
            (options.out / "gpu.json").write_text(json.dumps(results, indent=1), "utf-8")
            found = results[part]
            failed = f"\n\nFailed: {found['error']}" if found["error"] else ""
            texts.append(f"**{part}** ({found['seconds']} s): {PARTS[part].__doc__}\n\n")
            texts[-1] += f"{as_table(found['rows']) if found['rows'] else 'no rows'}{failed}"
            print(texts[-1] + "\n", flush=True)
    if options.write:
        from _report import write_section

        title = "GPU (dry run on the CPU: no figure counts)" if options.device == "cpu" else "GPU"
        write_section(title, "\n\n".join(texts))
    bad = [p for p, r in results.items() if r["error"] or any("failed" in row for row in r["rows"])]
    print(f"failed: {', '.join(bad)}" if bad else "every part ran")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
