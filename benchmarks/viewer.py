"""What poses cost in the viewer: frame change and edit at 100 000 frames, and stalls while an analysis runs.

    xvfb-run -a -s "-screen 0 1400x1000x24 +extension GLX +render -noreset" python benchmarks/viewer.py

Viewers with and without poses stand side by side and are stepped in turn, so that a busy machine slows all
of them alike; figures are medians. A frame change is ``viewer.dims.set_point`` and everything until the
canvas is repainted.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import napari
import numpy as np
from _report import table, write_section
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

import napari_superanimal as plugin
from napari_superanimal.pose_layer.layers import DENSE_LIMIT, poses_to_layer
from napari_superanimal.pose_layer.playback import attach
from superanimal.poses import load_space, make_poses
from superanimal.samples import sample_path
from superanimal.video import open_video

LIMIT = 1.5
SHOWN = (
    "video",
    "video + points",
    "video + points + skeleton",
    "video + one-frame layer + skeleton",
)


def walk(frames: int, individuals: int) -> Any:
    """Return poses of mice that walk in circles."""
    space = load_space("topviewmouse")
    rng = np.random.default_rng(0)
    angle = np.arange(frames) / 50
    center = np.stack([320 + 150 * np.cos(angle), 240 + 100 * np.sin(angle)], axis=1).astype(np.float32)
    shape = rng.normal(0, 20, (1, 2, len(space), individuals)).astype(np.float32)
    confidence = rng.uniform(0.3, 1, (frames, len(space), individuals)).astype(np.float32)
    return make_poses(center[:, :, None, None] + shape, confidence, keypoints=space.keypoints, fps=30)


def tiled_video(frames: int) -> Any:
    """Return the sample video, decoded by this project, repeated to ``frames`` frames."""
    video = open_video(sample_path("topview_mouse.mp4"))

    def block(block_id: Any = None) -> np.ndarray:
        return video[block_id[0] % len(video)][None]

    _, height, width, _ = video.shape
    return da.map_blocks(
        block,
        chunks=((1,) * frames, (height,), (width,), (3,)),
        dtype=np.uint8,
        meta=np.empty((0, 0, 0, 0), np.uint8),
    )


def timed(action: Callable[[], Any]) -> float:
    """Return milliseconds from an action until all events it caused are handled."""
    start = time.perf_counter()
    action()
    QApplication.processEvents()
    return 1e3 * (time.perf_counter() - start)


def make_viewers(frames: int) -> dict[str, tuple[Any, Any]]:
    """Return (viewer, view of its poses or None) by what is shown."""
    video = tiled_video(frames)
    poses = walk(frames, 1)
    crowd = walk(frames, 2)
    viewers = {}
    for name in (
        "video",
        "video + points",
        "video + points + skeleton",
        "video + one-frame layer + skeleton",
    ):
        viewer = napari.Viewer()
        viewer.add_image(video, rgb=True, contrast_limits=(0, 255), cache=False, name="video")
        view = None
        if "one-frame" in name:
            layer = viewer.add_layer(poses_to_layer(crowd, dense_limit=len(poses)))
            view = attach(viewer, layer)
        elif "points" in name:
            view = attach(viewer, viewer.add_layer(poses_to_layer(poses, dense_limit=27 * frames)))
        if view is not None and "skeleton" in name:
            view.show_overlay("skeleton")
        viewers[name] = (viewer, view)
    return viewers


def frame_changes(frames: int, rounds: int) -> str:
    """Measure frame changes and edits, in turn over all viewers, and return a Markdown table."""
    viewers = make_viewers(frames)
    rng = np.random.default_rng(1)
    kinds = ("random frame", "next frame", "move a point", "cut-off")
    times: dict[tuple[str, str], list[float]] = {(n, k): [] for n in viewers for k in kinds}
    for i in range(rounds + 3):
        at = int(rng.integers(1, frames - 1))
        for name, (viewer, view) in viewers.items():
            result = {
                "random frame": timed(lambda v=viewer, t=at: v.dims.set_point(0, t)),
                "next frame": timed(lambda v=viewer, t=at: v.dims.set_point(0, t + 1)),
            }
            if view is not None:
                n = view.table.shape[1] * view.table.shape[2]
                row, xy = np.array([(at + 1) * n + i % 27]), rng.uniform(100, 300, (1, 2))
                result["move a point"] = timed(lambda v=view, r=row, p=xy: v.editing.move(r, p))
                result["cut-off"] = timed(lambda v=view, c=i % 10 / 20: v.set_cutoff(c))
            if i >= 3:
                for kind, ms in result.items():
                    times[name, kind].append(ms)
    median = {key: float(np.median(values)) if values else np.nan for key, values in times.items()}
    rows = []
    for name in viewers:
        cells = []
        for kind in kinds:
            ms, base = median[name, kind], median["video", "random frame" if "frame" not in kind else kind]
            cells.append("" if np.isnan(ms) else f"{ms:.0f} ms ({ms / base:.2f}x)")
        rows.append([name, *cells])
    for viewer, _ in viewers.values():
        viewer.close()
    return (
        f"{frames:,} frames x 27 keypoints ({frames * 27:,} points; two animals in the one-frame "
        f"layer, which the plugin takes above {DENSE_LIMIT:,} points; the other rows force all frames "
        f"into the layer), a video {tuple(tiled_video(1).shape[1:3])} decoded each time, software GL, "
        f"medians of {rounds} in turn. In brackets: relative to the video alone at such a frame, "
        f"edits to a random frame; the aim is at most {LIMIT}x.\n\n" + table(["shown", *kinds], rows)
    )


def stalls() -> str:
    """Run the embedded model on the sample in the viewer and return how long the event loop stood still."""
    folder = Path(tempfile.mkdtemp())
    clip = Path(shutil.copy(sample_path("topview_mouse.mp4"), folder / "mouse.mp4"))
    viewer = napari.Viewer()
    plugin.open_video(viewer, clip)
    viewer.window.add_plugin_dock_widget("napari-superanimal", "Estimate poses")
    for _ in range(5):
        QApplication.processEvents()
    ticks: list[float] = []
    timer = QTimer()
    timer.setInterval(5)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start()
    start = time.perf_counter()
    run = plugin.estimate_poses(viewer)
    counted: list[float] = []
    arrived: list[float] = []
    run.job.reported.connect(lambda report: counted.append(time.perf_counter()) if report.total else None)
    run.job.landed.connect(lambda times, arrays: arrived.append(time.perf_counter()))
    while run.report.running:
        QApplication.processEvents()
        time.sleep(0.002)
    span = time.perf_counter() - start
    frames = run.report.done
    gaps = 1e3 * np.sort(np.diff(ticks))
    viewer.close()
    shutil.rmtree(folder, ignore_errors=True)
    return (
        f"While the embedded model ran over {frames} frames ({span:.0f} s, {run.report.state}), "
        f"the event loop stalled for at most {gaps[-1]:.0f} ms, the second longest "
        f"{gaps[-2]:.0f} ms, the 99th percentile {np.percentile(gaps, 99):.0f} ms (a timer of 5 ms, "
        f"{len(gaps)} ticks). Models were loaded after {counted[0] - start:.1f} s, the first points appeared "
        f"{arrived[0] - counted[0]:.1f} s later."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--skip-run", action="store_true", help="do not measure stalls during an analysis")
    arguments = parser.parse_args()
    body = frame_changes(arguments.frames, arguments.rounds)
    if not arguments.skip_run:
        body += "\n\n" + stalls()
    print(body)
    write_section("Poses in the viewer", body)


if __name__ == "__main__":
    main()
