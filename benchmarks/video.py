"""Random, backward, skipping and sequential reading against other readers, with a count of wrong frames.

    python benchmarks/video.py [VIDEO ...] [--peers DIR] [--rounds N]

Reads a generated 1080p film and the given videos. Each reader runs in a process of its own; rounds take turns
and the best counts. ``--peers DIR`` names a folder with further readers, filled by
``uv pip install --no-deps --target DIR decord napari-video pyvideoreader``.
A frame is wrong when it differs from what plain decoding from the start gives, beyond colour rounding.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

READERS = {
    "superanimal": "av",
    "opencv": "opencv-python-headless",
    "decord": "decord",
    "napari-video": "napari-video",
    "torchcodec": "torchcodec",
}
RANDOM, STEPS, SKIP, WALK = 12, 10, 10, 120
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
COLUMNS = ("random", "back", "skip", "sequential")


def open_reader(name: str, path: str) -> tuple[int, Callable[[int], np.ndarray], Callable[[int], Any]]:
    """Return length, access to frame k and a walk over the first n frames."""
    if name == "superanimal":
        from superanimal.video import open_video

        video = open_video(path)
        return len(video), video.__getitem__, lambda n: sum(1 for _ in video.frames(0, n))
    if name == "opencv":
        import cv2

        capture = cv2.VideoCapture(path)

        def read(k: int) -> np.ndarray:
            if int(capture.get(cv2.CAP_PROP_POS_FRAMES)) != k:
                capture.set(cv2.CAP_PROP_POS_FRAMES, k)
            ok, frame = capture.read()
            if not ok:
                raise EOFError(k)
            return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)

        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), read, lambda n: [read(k) for k in range(n)][:0]
    if name == "decord":
        import decord

        reader = decord.VideoReader(path)
        return (
            len(reader),
            lambda k: reader[k].asnumpy(),
            lambda n: [reader[k].asnumpy() for k in range(n)][:0],
        )
    if name == "napari-video":
        from napari_video.napari_video import VideoReaderNP

        frames = VideoReaderNP(path)
        return len(frames), lambda k: frames[k], lambda n: [frames[k] for k in range(n)][:0]
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(path, dimension_order="NHWC")
    return len(decoder), lambda k: decoder[k].numpy(), lambda n: [decoder[k].numpy() for k in range(n)][:0]


def small(frame: np.ndarray) -> np.ndarray:
    """Return what two frames are compared by."""
    return np.asarray(frame)[::2, ::2].astype(np.int16).mean(-1)


def questions(length: int) -> list[int]:
    return np.random.default_rng(0).choice(length, min(RANDOM, length), replace=False).tolist()


def make_reference(path: Path, file: Path) -> int:
    """Decode from the start and keep the asked frames and their neighbours; return the number of frames."""
    import av

    with av.open(str(path)) as container:
        length = sum(1 for _ in container.decode(video=0))
    wanted = {k + d for k in questions(length) for d in (-1, 0, 1)}
    kept = {}
    with av.open(str(path)) as container:
        for k, frame in enumerate(container.decode(video=0)):
            if k in wanted:
                kept[str(k)] = small(frame.to_ndarray(format="rgb24")).astype(np.float32)
    np.savez(file, length=length, **kept)
    return length


def wrong_frames(
    read: Callable[[int], np.ndarray], reference: Path, asked: list[int], clock: str
) -> tuple[int, list[float]]:
    wrong, times = 0, []
    with np.load(reference) as truth:
        for k in asked:
            start = CLOCKS[clock]()
            try:
                frame = read(k)
            except Exception:
                wrong += 1
                continue
            times.append(CLOCKS[clock]() - start)
            differences = {
                d: float(np.abs(small(frame) - truth[str(k + d)]).mean())
                for d in (0, -1, 1)
                if str(k + d) in truth.files
            }
            wrong += differences[0] > 2 or differences[0] > min(differences.values())
    return wrong, times


def work(name: str, path: str, reference: str, clock: str) -> dict[str, Any]:
    """Measure one reader once, in this process."""
    start = CLOCKS[clock]()
    _, read, walk = open_reader(name, path)
    result: dict[str, Any] = {"open": 1e3 * (CLOCKS[clock]() - start)}
    with np.load(reference) as truth:
        length = int(truth["length"])
    result["wrong"], times = wrong_frames(read, Path(reference), questions(length), clock)
    result["random"] = 1e3 * float(np.mean(times))
    middle = length // 2
    for column, step in (("back", -1), ("skip", SKIP)):
        read(middle)
        places = [middle + step * i for i in range(1, STEPS + 1) if 0 <= middle + step * i < length]
        start = CLOCKS[clock]()
        for k in places:
            read(k)
        result[column] = 1e3 * (CLOCKS[clock]() - start) / len(places)
    _, _, walk = open_reader(name, path)
    start = CLOCKS[clock]()
    walk(min(WALK, length))
    result["sequential"] = min(WALK, length) / (CLOCKS[clock]() - start)
    return result


def generate(path: Path, frames: int = 600) -> None:
    """Write a 1080p film: a barcode over a moving pattern; groups of 250 with B-frames."""
    import av
    import cv2

    from superanimal.files import atomic_write

    rng = np.random.default_rng(0)
    coarse = rng.integers(40, 210, ((1080 + 256) // 16, (1920 + 256) // 16, 3), np.uint8)
    texture = cv2.resize(coarse, (1920 + 256, 1080 + 256), interpolation=cv2.INTER_CUBIC)
    with atomic_write(path) as temporary, av.open(str(temporary), "w") as out:
        stream = out.add_stream(
            "libx264", rate=30, options={"preset": "veryfast", "x264-params": "scenecut=0"}
        )
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        stream.codec_context.gop_size, stream.codec_context.max_b_frames = 250, 2
        for k in range(frames):
            y, x = k * 3 % 256, k * 5 % 256
            picture = texture[y : y + 1080, x : x + 1920].copy()
            for bit in range(16):
                picture[:64, 120 * bit : 120 * bit + 120] = 235 if k >> bit & 1 else 20
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))


def measure(path: Path, rounds: int, peers: Path | None, clock: str) -> dict[str, dict[str, Any]]:
    """Run every reader ``rounds`` times in turns; keep the best of each figure and the most wrong frames."""
    best: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        reference = Path(folder) / "reference.npz"
        make_reference(path, reference)
        missing: set[str] = set()
        for _ in range(rounds):
            for name in READERS:
                if name in missing:
                    continue
                command = [
                    sys.executable,
                    __file__,
                    "--clock",
                    clock,
                    "--work",
                    name,
                    str(path),
                    str(reference),
                ]
                command += ["--peers", str(peers)] if peers else []
                done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
                if done.returncode:
                    reason = (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]
                    print(path.name, name, reason, flush=True)
                    best.setdefault(name, {"error": reason})
                    missing.add(name)
                    continue
                result = json.loads(done.stdout.strip().splitlines()[-1])
                kept = best.setdefault(name, result)
                for key, value in result.items():
                    kept[key] = (max if key in ("sequential", "wrong") else min)(kept[key], value)
                print(path.name, name, {key: round(value, 1) for key, value in result.items()}, flush=True)
    return best


def report(path: Path, best: dict[str, dict[str, Any]]) -> str:
    from _report import table

    from superanimal.video import open_video

    rows = []
    peers = [result for name, result in best.items() if name != "superanimal" and "error" not in result]
    for name, result in best.items():
        if "error" in result:
            continue
        figures = [f"{result[column]:.3g}" for column in ("open", *COLUMNS)]
        rows.append([f"{name} {_version(name)}", *figures, f"{result['wrong']}/{RANDOM}"])
    ours = best["superanimal"]
    if peers:
        ratios = [min(peer[column] for peer in peers) / ours[column] for column in COLUMNS[:3]]
        ratios.append(ours["sequential"] / max(peer["sequential"] for peer in peers))
        rows.append(["times faster than the best other", "", *(f"{ratio:.2g}" for ratio in ratios), ""])
    missing = ", ".join(name for name, result in best.items() if "error" in result)
    header = [
        "reader",
        "open ms",
        "random ms",
        "step back ms",
        f"skip {SKIP} ms",
        "sequential fps",
        "wrong frames",
    ]
    text = f"**{path.name}**: {open_video(path)!r}".replace("<", "").replace(">", "")
    return f"{text}\n\n{table(header, rows)}\n" + (f"\nNot installed: {missing}.\n" if missing else "")


def _version(name: str) -> str:
    try:
        return version("napari-superanimal" if name == "superanimal" else READERS[name])
    except PackageNotFoundError:
        return ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="cpu: all threads' time, for a busy machine"
    )
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peers:
        sys.path.append(str(options.peers))
    if options.work:
        print(json.dumps(work(*options.work, options.clock)))
        return
    from _report import write_section

    film = Path(__file__).parents[1] / ".cache/benchmarks/generated_1080p.mp4"
    if not film.exists():
        generate(film)
    videos = [film, *options.videos]
    parts = [report(path, measure(path, options.rounds, options.peers, options.clock)) for path in videos]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("av", "numpy", "opencv-python-headless"))
    names = " ".join(path.name for path in options.videos)
    note = (
        f"{libraries}. Mean milliseconds of {options.clock} time per frame; "
        f"random: {RANDOM} frames, the first access at random; "
        f"step back and skip: {STEPS} steps from the middle; sequential: first {WALK} frames. "
        f"Best of {options.rounds} rounds in turns."
    )
    write_section(
        "Video reading",
        f"{note}\n\n" + "\n".join(parts),
        f"python benchmarks/video.py {names} --rounds {options.rounds} --clock {options.clock}",
    )


if __name__ == "__main__":
    main()
