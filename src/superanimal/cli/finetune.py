"""``superanimal finetune``: adapt a model to your labels and measure whether that helped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from superanimal.cli.convert import MinConfidence

if TYPE_CHECKING:
    from superanimal.training.finetuning.finetune import Finetuned

SHOWN = {
    "mean_euclidean_px": ("mean error", 1, "px"),
    "p50_px": ("median error", 1, "px"),
    "AP": ("average precision (OKS)", 100, "%"),
    "PCK@0.1": ("keypoints within 10 % of animal length", 100, "%"),
}


def finetune(
    data: Annotated[str, typer.Argument(help="Labels: project folder or label file.")],
    model: Annotated[
        str, typer.Option(help="Model to start from: name, weight file or folder.")
    ] = "mini_topviewmouse",
    method: Annotated[
        str, typer.Option(help="memory-replay, finetune, transfer or scratch; see docs/methods.md.")
    ] = "memory-replay",
    out: Annotated[Path | None, typer.Option(help="Output folder; <data>_<method> by default.")] = None,
    table: Annotated[
        str | None, typer.Option(help="Conversion table of keypoints; matched by position by default.")
    ] = None,
    held_out: Annotated[float, typer.Option(help="Fraction of the images held out from training.")] = 0.2,
    split_by: Annotated[
        str, typer.Option(help="Unit of the split: auto, video, image, animal or source.")
    ] = "auto",
    threshold: Annotated[
        float, typer.Option(help="memory-replay: minimum confidence of predictions used.")
    ] = 0.7,
    encoder: Annotated[
        str, typer.Option(help="transfer: encoder weights, from model or imagenet.")
    ] = "model",
    detector: Annotated[
        str | None,
        typer.Option(help="Detector for images without boxes; 'none' uses the extent of the labels."),
    ] = None,
    length: Annotated[
        str, typer.Option(help="quick (encoder kept: a minute for ten frames), standard or long.")
    ] = "standard",
    steps: Annotated[
        int | None, typer.Option(help="Number of training steps; chosen from the data by default.")
    ] = None,
    min_confidence: MinConfidence = None,
    recipe: Annotated[
        Path | None, typer.Option(help="YAML file with more settings, see docs/train.md.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    seed: Annotated[int, typer.Option(help="Random seed of the split, the weights and the training.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start over instead of resuming.")] = False,
) -> None:
    """Fine-tune a model on your labels and compare it with the original on held-out images.

    Stop it at any time: the best weights so far are kept, and the same command resumes.
    """
    from superanimal.cli.progress import RichProgress, stop_on_interrupt
    from superanimal.settings import read_yaml
    from superanimal.training.finetuning.finetune import finetune as run

    choices: dict[str, Any] = read_yaml(recipe) if recipe is not None else {}
    choices["device"] = device
    if steps is not None:
        choices["steps"] = steps
    folder = out or Path(f"{Path(data).resolve().stem}_{method}")
    with RichProgress() as progress, stop_on_interrupt(progress):
        done = run(
            data,
            model,
            method,
            folder,
            table=table,
            held_out=held_out,
            split_by=split_by,  # type: ignore[arg-type]
            threshold=threshold,
            encoder=encoder,  # type: ignore[arg-type]
            length=length,  # type: ignore[arg-type]
            detector=detector,
            min_confidence=min_confidence,
            recipe=choices,
            seed=seed,
            progress=progress,
            resume=not overwrite,
        )
    show(done)


def show(done: Finetuned) -> None:
    """Print the figures before and after, those of other keypoints, the warnings and the verdict."""
    console = Console(highlight=False, markup=False)
    report = done.report
    if "after" in report:
        grid = Table(box=None)
        grid.add_column("held-out images")
        for when in ("before", "after"):
            grid.add_column(when, justify="right")
        grid.add_column("")
        for name, (title, factor, unit) in SHOWN.items():
            cells = [
                f"{factor * report[when][name]:.3g}" if when in report else "" for when in ("before", "after")
            ]
            grid.add_row(title, *cells, unit)
        console.print(grid)
    forgotten = report.get("forgetting")
    if forgotten:
        console.print(
            f"other keypoints ({forgotten['keypoints']}): {forgotten['dropped_before']:.1f} per animal were "
            f"below confidence {forgotten['cutoff']:g} before, {forgotten['dropped_after']:.1f} are after",
            soft_wrap=True,
        )
    for text in (*report["notes"], *report["warnings"]):
        console.print(f"note: {text}", soft_wrap=True)
    console.print(report["verdict"], soft_wrap=True)
    console.print(f"model: {done.model.folder}", soft_wrap=True)
    console.print(f"use it: superanimal analyze VIDEO --model {done.model.folder}", soft_wrap=True)
