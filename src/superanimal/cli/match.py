"""``superanimal match``: match the keypoints of a model to those of a labelled data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from superanimal.cli.convert import Images, Recording, Scorer, VideoFile, reading_options

if TYPE_CHECKING:
    from superanimal.keypoints import Matching
    from superanimal.poses.offsets import Offsets


def match(
    dataset: Annotated[Path, typer.Argument(help="Labels: project folder, label file or pose file.")],
    model: Annotated[str, typer.Option(help="Model name or weight file.")] = "mini_topviewmouse",
    out: Annotated[Path | None, typer.Option(help="Output folder; <dataset>_match by default.")] = None,
    column: Annotated[
        str | None,
        typer.Option(help="Column name in the conversion table; the name of the data set by default."),
    ] = None,
    images: Images = None,
    video: VideoFile = None,
    scorer: Scorer = None,
    recording: Recording = None,
    prefixes: Annotated[
        str | None, typer.Option(help="Prefixes of keypoint names that distinguish animals, such as B_,W_.")
    ] = None,
    boxes: Annotated[str, typer.Option(help="Where boxes come from: labels or detector.")] = "labels",
    detector: Annotated[str | None, typer.Option(help="Detector name or weight file.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    names: Annotated[bool, typer.Option(help="Let keypoint names decide between nearby candidates.")] = True,
    min_confidence: Annotated[float, typer.Option(help="Minimum confidence of predicted points used.")] = 0.3,
    max_distance: Annotated[float, typer.Option(help="Maximum distance of a match, in body lengths.")] = 0.1,
    min_score: Annotated[float, typer.Option(help="Minimum fraction of images that agree on a pair.")] = 0.3,
    offsets: Annotated[
        bool, typer.Option("--offsets", help="Also measure offsets; refused if they would not help.")
    ] = False,
) -> None:
    """Match a model's keypoints to those of labelled images by position.

    Writes a conversion table, scores, figures, the annotation bias and, on request, offsets for analyze and
    evaluate.
    """
    from superanimal import keypoints
    from superanimal.cli.progress import RichProgress
    from superanimal.inference.labelled_images import predict_images
    from superanimal.labels import read_labels
    from superanimal.labels.usable import usable

    console = Console(highlight=False)
    options = reading_options(images=images, video=video, scorer=scorer, recording=recording)
    labels = read_labels(dataset, **options)
    if prefixes:
        labels = keypoints.split_prefixes(
            labels, [part.strip() for part in prefixes.split(",") if part.strip()]
        )
    with RichProgress() as progress:
        labels = usable(labels, progress)
        predictions = predict_images(
            labels, model, boxes=boxes, detector=detector, device=device, progress=progress
        )
    limits: dict[str, Any] = {"min_confidence": min_confidence}
    matching = keypoints.match_predictions(
        labels, predictions, max_distance=max_distance, min_score=min_score, names=names, **limits
    )
    folder = out or Path(f"{dataset.resolve().stem}_match")
    files = keypoints.save_matching(matching, folder, column=column or labels.name)
    show(matching)
    for file in files:
        console.print(f"  {file}", soft_wrap=True, markup=False)
    if offsets:
        measured = keypoints.measure_offsets(labels, predictions, matching, **limits)
        show_offsets(measured)
        console.print(f"  {measured.save(folder / 'offsets.json')}", soft_wrap=True, markup=False)


def show(matching: Matching) -> None:
    """Print the table, the unmatched keypoints and the warnings."""
    console = Console(highlight=False, markup=False)
    facts = matching.facts
    console.print(
        f"{facts['images']} images, {facts['animals']} animals, space {facts['space'] or 'unknown'}"
    )
    across = "up" if matching.shape and matching.shape.mirrored else "left"
    table = Table("labels", "model", "score", "margin", "forward", across, box=None)
    for column in table.columns[2:]:
        column.justify = "right"
    for pair in matching.pairs:
        forward, left = ("", "") if pair.offset is None else (f"{100 * part:+.1f}" for part in pair.offset)
        mark = " (by name)" if pair.by_name else ""
        table.add_row(pair.user, pair.model + mark, f"{pair.score:.2f}", f"{pair.margin:+.2f}", forward, left)
    console.print(table)
    console.print(
        "forward, left: from the model's point to the label, % of body length, in the animal's frame"
    )
    if matching.unmatched_user:
        console.print(f"without counterpart: {', '.join(matching.unmatched_user)}", soft_wrap=True)
    for text in matching.warnings:
        console.print(f"note: {text}", soft_wrap=True)


def show_offsets(offsets: Offsets) -> None:
    """Print the gain from offsets."""
    console = Console(highlight=False, markup=False)
    gain = offsets.facts["gain"]
    (before, _, _), (after, _, _), (_, low, high) = (
        gain[f"{name}_px"] for name in ("before", "after", "gain")
    )
    console.print(
        f"offsets: {before:.2f} to {after:.2f} px on images left out "
        f"(gain {low:.2f} to {high:.2f} px); moves {', '.join(offsets.moved)}",
        soft_wrap=True,
    )
