"""What adaptation to a video brings, several looks, other sizes of animals, and several models.

    python benchmarks/adaptation.py [--data ../shared/data] [--only PART ...] [--no-report]

``scales``: error over the size of the animal, rendered and openfield, looked at once and with ``--scales
auto``. ``corrections``: five corrected frames of horse-in-shadow and the error on the others. ``horse``: the
same clip adapted to without labels, beside filters. ``ensemble``: five networks on eks-mirror-mouse.
``rendered``: 20 rendered mice that differ from the training pictures in light, blur, colour, size or
background (four CPU-minutes each). ``shifts``: the sample mouse under planted shifts (dark, blurred, tinted,
noisy) with exact truth: error on held-out frames before and after, and whether the adapted model was kept.
``looks``: labelled images of openfield seen once, mirrored, in several scales. ``openfield``: the unlabelled
video m3v1mp4 is adapted to; jitter on held-out frames, and the error on the 96 labelled frames of the
project. Runs are kept in --work and resumed; a part that was run keeps its table there, so that one report
holds all.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import _adaptation_corrections
import _adaptation_ensemble
import _adaptation_scales
import _adaptation_videos
import cv2
import numpy as np
from _report import machine, parser_with_data, require_data, table, write_section

import superanimal
from superanimal.adaptation import AdaptResult, adapt
from superanimal.inference.labelled_images import predict_images
from superanimal.labels import LabelledSet, read_labels
from superanimal.samples import sample_path
from superanimal.video import VideoWriter, open_video

FRAMES = 150
MOUSE, HORSE = "mini_topviewmouse", "mini_quadruped"
SHIFTS = ("none", "dark", "blurred", "tinted", "noisy")
OPENFIELD = {"snout": "nose", "leftear": "left_ear", "rightear": "right_ear", "tailbase": "tail_base"}
PARTS = {
    "scales": (
        "Size of the animal: mean error in % of nose to tail base (bar: 1.5× that of ×1 from ×0.25 to ×4)",
        _adaptation_scales.HEAD,
    ),
    "corrections": (
        "Five corrected frames of horse-in-shadow, error on its other frames that show the horse whole",
        _adaptation_corrections.HEAD,
    ),
    "horse": (
        "horse-in-shadow, without labels (bars: jitter −30 %, error not above the best filter)",
        _adaptation_corrections.HORSE_HEAD,
    ),
    "ensemble": ("Five networks, two views of one mouse (eks-mirror-mouse)", _adaptation_ensemble.HEAD),
    "rendered": (
        "Rendered videos with planted shifts, exact truth, frames held out (bars: −20 %, 1 worse kept)",
        _adaptation_videos.HEAD,
    ),
    "shifts": (
        "Planted shifts, exact truth, held-out frames",
        ["shift", "median before, px", "after, px", "change, %", "jitter, %", "kept", "CPU-s"],
    ),
    "looks": (
        "Several looks, labelled images of openfield",
        ["looks", "mean, px", "median, px", "found", "CPU-s"],
    ),
    "openfield": (
        "openfield, unlabelled video m3v1mp4 (bars: jitter −30 %, error not higher)",
        ["", "jitter on held-out frames, % of the body", "mean error on 96 labels, px", "median, px"],
    ),
}
LOOKS: dict[str, dict[str, object]] = {
    "one": {},
    "mirrored": {"flip": True},
    "three scales": {"scales": "auto"},
    "both": {"scales": "auto", "flip": True},
}


def shifted(frame: np.ndarray, shift: str, random: np.random.Generator) -> np.ndarray:
    """Return a frame under a planted shift."""
    x = frame.astype(np.float32)
    if shift == "dark":
        x = 153 * (x / 255) ** 2.2 + random.normal(0, 8, x.shape)
    elif shift == "blurred":
        x = cv2.GaussianBlur(x, (0, 0), 3.0)
    elif shift == "tinted":
        x = x * np.array([0.3, 0.5, 0.7], np.float32) + 60
    elif shift == "noisy":
        x = x + random.normal(0, 30, x.shape)
    return np.clip(x, 0, 255).astype(np.uint8)


def shifts(work: Path) -> list[list[str]]:
    """Adapt to the sample under each shift; errors on held-out frames against the truth."""
    truth = superanimal.load_poses(sample_path("topview_mouse_truth.h5"))["position"]
    rows = []
    for shift in SHIFTS:
        path = work / f"{shift}.mp4"
        with open_video(sample_path("topview_mouse.mp4")) as video:
            height, width = video.shape[1:3]
            random = np.random.default_rng(0)
            if not path.exists():
                with VideoWriter(path, width, height, 30) as writer:
                    for k in range(FRAMES):
                        writer.write(shifted(np.asarray(video[k]), shift, random))
        start = time.process_time()
        done = adapt(path, MOUSE, out=work / f"{shift}_adapted", device="cpu")
        errors = []
        for file in ("before.nc", "after.nc"):
            poses = superanimal.load_poses(done.folder / file)
            right = truth.sel(keypoint=list(poses["keypoint"].values)).values[poses["frame"].values]
            errors.append(np.linalg.norm(poses["position"].values - right, axis=1))
        medians = [float(np.nanmedian(each)) for each in errors]
        rows.append(
            [shift, *(f"{each:.2f}" for each in medians), f"{100 * (medians[1] / medians[0] - 1):+.0f}",
             jitter(done), "yes" if done.kept else "no", f"{time.process_time() - start:.0f}"]
        )  # fmt: skip
        print(rows[-1], done.verdict, flush=True)
    return rows


def jitter(done: AdaptResult) -> str:
    """Return the change of the jitter in percent."""
    methods = done.figures["methods"]
    return f"{100 * (methods['adapted']['jitter'] / methods['original']['jitter'] - 1):+.0f}"


def openfield_error(labels: LabelledSet, model: str, **options: object) -> tuple[float, float, int]:
    """Return mean and median error in pixels over the labelled points of found animals, and how many."""
    poses = predict_images(labels, model, device="cpu", **options)  # type: ignore[arg-type]
    ours = [OPENFIELD.get(name, name) for name in labels.keypoints]
    position = poses["position"].isel(individual=0).sel(keypoint=ours)
    away = np.linalg.norm(position.transpose("time", "keypoint", "space").values - labels.xy, axis=-1)
    return (
        float(np.nanmean(away)),
        float(np.nanmedian(away)),
        int(np.isfinite(position.values).all((1, 2)).sum()),
    )


def looks(data: Path) -> list[list[str]]:
    """Errors on the labelled images of openfield, looked at once and several times."""
    labels, rows = read_labels(data / "dlc-openfield"), []
    for name, options in LOOKS.items():
        start = time.process_time()
        mean, median, found = openfield_error(labels, MOUSE, **options)
        spent = time.process_time() - start
        rows.append([name, f"{mean:.2f}", f"{median:.2f}", f"{found}/{len(labels)}", f"{spent:.0f}"])
        print(rows[-1], flush=True)
    return rows


def openfield(data: Path, work: Path) -> list[list[str]]:
    """Adapt to m3v1mp4 without labels; jitter there and error on the labelled frames of the project."""
    labels = read_labels(data / "dlc-openfield")
    video = next((data / "dlc-openfield" / "videos").glob("m3v1mp4.*"))
    start = time.process_time()
    done = adapt(video, MOUSE, out=work / "openfield", device="cpu")
    spent = time.process_time() - start
    rows = [["original", f"{100 * done.figures['methods']['original']['jitter']:.2f}"]]
    rows += [
        [name, f"{100 * done.figures['methods'][name]['jitter']:.2f}"]
        for name in ("median filter", "Kalman smoother", "adapted")
    ]
    error = {"original": openfield_error(labels, MOUSE)}
    if done.kept:
        error["adapted"] = openfield_error(labels, done.model)
    for row in rows:
        row += [f"{figure:.2f}" for figure in error[row[0]][:2]] if row[0] in error else ["", ""]
    print(rows, done.verdict, f"{spent:.0f} CPU-s", flush=True)
    return rows


def main() -> None:
    parser = parser_with_data(__doc__)
    parts = tuple(PARTS)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "adaptation")
    choices = parser.parse_args()
    choices.work.mkdir(parents=True, exist_ok=True)
    data, work = choices.data, choices.work
    made = {
        "scales": lambda: _adaptation_scales.scales(data, work),
        "corrections": lambda: _adaptation_corrections.corrections(data, work),
        "horse": lambda: _adaptation_corrections.horse(data, work),
        "ensemble": lambda: _adaptation_ensemble.ensembles(data),
        "rendered": lambda: _adaptation_videos.shifts_rendered(work),
        "shifts": lambda: shifts(work),
        "looks": lambda: looks(data),
        "openfield": lambda: openfield(data, work),
    }
    for part in choices.only:
        if part != "shifts":
            require_data(data)
        title, head = PARTS[part]
        text = f"### {title}\n\n{machine()}\n\n{table(head, made[part]())}"
        (choices.work / f"{part}.md").write_text(text)
    body = "\n\n".join(
        (choices.work / f"{part}.md").read_text() for part in parts if (choices.work / f"{part}.md").exists()
    )
    print(body)
    if not choices.no_report:
        write_section("Adaptation", body)
        if "scales" in choices.only:
            _adaptation_scales.draw(work, Path(__file__).parents[1] / "docs" / "images" / "scales.png")


if __name__ == "__main__":
    main()
