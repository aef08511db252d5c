"""Error over the size of the animal, looked at as usual and with ``--scales auto``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

import superanimal
from superanimal.inference import Analyzer
from superanimal.inference.first_look import Look, first_look
from superanimal.labels import read_labels
from superanimal.progress import Progress
from superanimal.samples import sample_path
from superanimal.video import open_video

MODEL = "mini_topviewmouse"
OPENFIELD = {"snout": "nose", "leftear": "left_ear", "rightear": "right_ear", "tailbase": "tail_base"}
SCALES = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
FRAMES = 12
KINDS = ("picture resized", "frame around it larger")
WAYS: dict[str, str | None] = {"one look": None, "scales auto": "auto"}
HEAD = ["", "what changes", "looked at", *(f"×{scale:g}" for scale in SCALES), "worst of ×0.25 to ×4"]

Pictures = tuple[list[np.ndarray], np.ndarray, list[str]]


def rendered() -> Pictures:
    """Frames of the sample mouse, exact positions (n, K, 2) and keypoints."""
    truth = superanimal.load_poses(sample_path("topview_mouse_truth.h5")).isel(individual=0)
    rows = np.linspace(5, 295, FRAMES).astype(int)
    with open_video(sample_path("topview_mouse.mp4")) as video:
        frames = [np.asarray(video[k]) for k in rows.tolist()]
    position = truth["position"].transpose("time", "keypoint", "space").values[rows]
    return frames, position, list(map(str, truth["keypoint"].values))


def openfield(data: Path) -> Pictures:
    """Images of openfield, labelled positions and the names of the keypoints in our space."""
    labels = read_labels(data / "dlc-openfield")
    rows = np.linspace(0, len(labels) - 1, FRAMES).astype(int).tolist()
    position = np.stack([labels.xy[labels.animals_of(row)[0]] for row in rows])
    return [labels.pixels(row) for row in rows], position, [OPENFIELD[name] for name in labels.keypoints]


def changed(pictures: Pictures, kind: str, scale: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield each picture and its truth with an animal of another size."""
    frames, truth, _ = pictures
    plate, random = np.median(np.stack(frames), 0).astype(np.uint8), np.random.default_rng(0)
    height, width = frames[0].shape[:2]
    for frame, points in zip(frames, truth, strict=True):
        if kind == KINDS[0]:
            size = round(width * scale), round(height * scale)
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            yield cv2.resize(frame, size, interpolation=method), (points + 0.5) * scale - 0.5
            continue
        size = round(width / scale), round(height / scale)
        large = cv2.resize(plate, size, interpolation=cv2.INTER_LINEAR)
        x, y = (int(random.integers(0, a - b + 1)) for a, b in zip(size, (width, height), strict=True))
        large[y : y + height, x : x + width] = frame
        yield large, points + [x, y]


def error(pictures: Pictures, kind: str, scale: float, way: str | None) -> tuple[float, str]:
    """Return the mean error in % of nose to tail base, and what was said about the size."""
    analyzer = Analyzer(MODEL, device="cpu", track=False, detector_every=1, formats=(), scales=way)
    frames, truth = map(list, zip(*changed(pictures, kind, scale), strict=True))
    assert analyzer.search is not None
    few = frames[:: max(1, FRAMES // 8)]
    look: Look = first_look(analyzer.estimator(), few, analyzer.search)
    look = analyzer.closer(look, few, "", Progress())
    rows, stills = np.arange(len(frames)), np.zeros(len(frames), bool)
    found = analyzer.estimator(look=look).estimate(frames, rows, stills)
    names = pictures[2]
    ours = [analyzer.model.keypoints.index(name) for name in names]
    gone = np.full((len(ours), 2), np.nan)
    points = np.stack([each.points[0][ours] if len(each) else gone for each in found])
    right = np.stack(truth)
    ends = right[:, names.index("nose")] - right[:, names.index("tail_base")]
    length = float(np.nanmean(np.linalg.norm(ends, axis=-1)))
    away = np.linalg.norm(points - right, axis=-1) / length
    away[~np.isfinite(points).all((1, 2))] = 1.0  # an animal that is not found is a body length away
    return 100 * float(np.nanmean(away)), f"zoom x{look.zoom}"


def scales(data: Path, work: Path) -> list[list[str]]:
    """Return the table; figures that are there already are taken from a file in ``work``."""
    file = work / "scales.json"
    known: dict[str, tuple[float, str]] = json.loads(file.read_text()) if file.exists() else {}
    sets = {"rendered": rendered, "openfield": lambda: openfield(data)}
    rows = []
    for name, read in sets.items():
        pictures = read()
        for kind in KINDS:
            for title, way in WAYS.items():
                errors: dict[float, float] = {}
                for scale in SCALES:
                    if kind == KINDS[1] and scale > 1:
                        continue
                    key = f"{name}|{kind}|{title}|{scale:g}"
                    if key not in known:
                        known[key] = error(pictures, kind, scale, way)
                        file.write_text(json.dumps(known, indent=1))
                        print(key, known[key], flush=True)
                    errors[scale] = known[key][0]
                worst = max(errors[scale] for scale in errors if 0.25 <= scale <= 4) / errors[1.0]
                cells = [f"{errors[scale]:.2f}" if scale in errors else "" for scale in SCALES]
                rows.append([name, kind, title, *cells, f"{worst:.2f}×"])
    return rows


def draw(work: Path, out: Path) -> None:
    """Draw the error over the size of the animal into a picture."""
    from matplotlib.figure import Figure

    known = json.loads((work / "scales.json").read_text())
    figure = Figure((10, 2.8), layout="constrained")
    axes = figure.subplots(1, 4, sharey=True)
    panels = [(name, kind) for name in ("rendered", "openfield") for kind in KINDS]
    for each, (name, kind) in zip(axes, panels, strict=True):
        for title, color in zip(WAYS, ("0.6", "#2a78d6"), strict=True):
            keys = {scale: f"{name}|{kind}|{title}|{scale:g}" for scale in SCALES}
            points = [(scale, known[key][0]) for scale, key in keys.items() if key in known]
            each.plot(*zip(*points, strict=True), "o-", ms=4, lw=1.4, color=color, label=title)
        each.set_title(f"{name}\n{kind}", fontsize=9)
        each.set(xscale="log", xlabel="size of the animal", xlim=(0.08, 5), ylim=(0, 8))
        each.set_xticks([0.1, 0.25, 1, 4], ["0.1", "0.25", "1", "4"])
        each.minorticks_off()
        each.grid(color="0.9", lw=0.6)
    axes[0].set_ylabel("error, % of the body")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(out, dpi=110)
