"""``superanimal evaluate``: compare predictions, or a model, with labels."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from superanimal.cli.convert import Images, Recording, Scorer, VideoFile, reading_options
from superanimal.errors import InputError

if TYPE_CHECKING:
    from superanimal.evaluation import Evaluation

SHOWN = {
    "AP": ("average precision (OKS)", 100, "%"),
    "AR": ("average recall (OKS)", 100, "%"),
    "mean_euclidean_px": ('mean distance ("RMSE" of the SuperAnimal paper)', 1, "px"),
    "root_mean_square_px": ("root mean square distance", 1, "px"),
    "p50_px": ("median distance", 1, "px"),
    "p95_px": ("95th percentile of distances", 1, "px"),
    "mean_euclidean_animal": ("mean distance", 100, "% of animal length"),
    "PCK@0.1": ("keypoints within 10 % of animal length", 100, "%"),
    "normalised_error": ("normalised error", 1, ""),
    "missed_keypoints": ("labelled keypoints not predicted", 100, "%"),
    "left_right_swaps": ("left-right swaps", 100, "%"),
    "calibration_error": ("expected calibration error", 100, "%"),
}


def evaluate(
    predictions: Annotated[
        list[str], typer.Argument(help="Pose files (one per video), or a model name or weight file.")
    ],
    dataset: Annotated[Path, typer.Argument(help="Labels: project folder, label file or pose file.")],
    out: Annotated[Path | None, typer.Option(help="Report folder; <dataset>_evaluation by default.")] = None,
    images: Images = None,
    video: VideoFile = None,
    scorer: Scorer = None,
    recording: Recording = None,
    keypoint_map: Annotated[
        Path | None,
        typer.Option("--map", help="CSV of label name, prediction name; other keypoints are paired by name."),
    ] = None,
    space: Annotated[str | None, typer.Option(help="Keypoint space: built-in name or YAML file.")] = None,
    offsets: Annotated[
        Path | None, typer.Option(help="Offsets file measured for the model (superanimal match --offsets).")
    ] = None,
    boxes: Annotated[
        str | None, typer.Option(help="For a model: where boxes come from, detector (default) or labels.")
    ] = None,
    detector: Annotated[str | None, typer.Option(help="For a model: detector name or weight file.")] = None,
    max_individuals: Annotated[
        int | None, typer.Option(help="For a model: maximum number of animals per image.")
    ] = None,
    mode: Annotated[str | None, typer.Option(help="For a model: enhanced (default) or compatible.")] = None,
    device: Annotated[str | None, typer.Option(help="For a model: auto (default), cpu, cuda or mps.")] = None,
    cutoff: Annotated[float, typer.Option(help="Minimum confidence for a keypoint to count as found.")] = 0.6,
    reference: Annotated[
        str | None, typer.Option(help="Two keypoints a,b whose distance is the unit of the normalised error.")
    ] = None,
    samples: Annotated[
        int, typer.Option(help="Number of bootstrap samples for the confidence intervals.")
    ] = 1000,
    draw: Annotated[str, typer.Option(help="Bootstrap unit: image or video.")] = "image",
    frame_offset: Annotated[int, typer.Option(help="Number added to the frame numbers of the labels.")] = 0,
    same_video: Annotated[
        bool,
        typer.Option(
            "--same-video", help="Labels and predictions are of the same video, under different names."
        ),
    ] = False,
    box_margin: Annotated[
        float,
        typer.Option(
            help="Margin around the keypoints, in pixels, for the OKS area of labels without a box."
        ),
    ] = 0.0,
    worst: Annotated[int, typer.Option(help="Number of worst images drawn.")] = 12,
) -> None:
    """Measure how well predictions agree with labels; write a report as JSON, CSV and HTML."""
    from superanimal.cli.progress import RichProgress
    from superanimal.evaluation import evaluate as run
    from superanimal.formats import load_poses
    from superanimal.formats.recordings import recordings
    from superanimal.labels import read_labels

    given: dict[str, Any] = {
        "boxes": boxes,
        "detector": detector,
        "max_individuals": max_individuals,
        "mode": mode,
        "device": device,
    }
    options = reading_options(images=images, video=video, scorer=scorer)
    found: list[Any] = list(predictions)
    if recording is not None:  # of the labels, of the predictions, or of both
        files = [file for file in (dataset, *map(Path, predictions)) if file.is_file()]
        with_several = [file for file in files if recordings(file)]
        if not with_several:
            raise InputError(
                f"recording {recording!r}", "only SLEAP projects and NWB files hold several videos"
            )
        if dataset in with_several:
            options["recording"] = recording
        found = [load_poses(p, video=recording) if Path(p) in with_several else p for p in predictions]
    labels = read_labels(dataset, **options)
    with RichProgress() as progress:
        result = run(
            found,
            labels,
            keypoint_map=keypoint_map,
            space=space,
            offsets=offsets,
            cutoff=cutoff,
            reference=parse_pair(reference),
            samples=samples,
            draw=draw,
            frame_offset=frame_offset,
            same_video=same_video,
            box_margin=box_margin,
            progress=progress,
            **{name: value for name, value in given.items() if value is not None},
        )
    folder = out or Path(f"{dataset.resolve().stem}_evaluation")
    files = result.save(folder, worst=worst)
    show(result)
    console = Console(highlight=False)
    for note in labels.notes:
        console.print(f"note: {note}", soft_wrap=True, markup=False)
    for file in files:
        console.print(f"  {file}", soft_wrap=True, markup=False)


def show(result: Evaluation) -> None:
    """Print the main figures."""
    console = Console(highlight=False, markup=False)
    labels = result.facts["labels"]
    console.print(
        f"{labels['images']} images, {labels['animals']} animals, {len(result.keypoints)} keypoints"
    )
    table = Table(box=None, show_header=False)
    for column in range(4):
        table.add_column(justify="right" if column == 1 else "left")
    for name, (title, factor, unit) in SHOWN.items():
        if name in result.figures and not math.isnan(result[name]):
            figure = result.figures[name]
            limits = f"{factor * figure.low:.3g} to {factor * figure.high:.3g}"
            table.add_row(
                title, f"{factor * result[name]:.3g}", unit, "" if math.isnan(figure.low) else limits
            )
    console.print(table)
    for text in result.facts["warnings"]:
        console.print(f"note: {text}", soft_wrap=True)


def parse_pair(text: str | None) -> tuple[str, str] | None:
    """Read ``a,b``."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(parts):
        raise InputError(f"reference {text!r}", "give two labelled keypoints as a,b")
    return parts[0], parts[1]
