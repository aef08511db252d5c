"""``superanimal train``: train a model on many data sets from one settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console


def train(
    config: Annotated[Path, typer.Argument(help="Settings file (YAML), see docs/train.md.")],
    out: Annotated[Path | None, typer.Option(help="Output folder; <settings>_model by default.")] = None,
    steps: Annotated[
        int | None, typer.Option(help="Number of optimiser steps; overrides the settings file.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    devices: Annotated[int | None, typer.Option(help="Number of GPUs per node.")] = None,
    nodes: Annotated[int | None, typer.Option(help="Number of nodes.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Strategy of lightning, such as ddp.")] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Read and split the data and draw augmented samples, without training."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Start over instead of resuming.")] = False,
) -> None:
    """Train a pose model on labelled data sets; the same command resumes."""
    from superanimal.cli.progress import RichProgress, stop_on_interrupt
    from superanimal.training.pretraining.config import load_config

    given = {"steps": steps, "device": device, "devices": devices, "nodes": nodes, "strategy": strategy}
    recipe: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if steps is not None:
        recipe["epochs"] = None
    changes = {} if out is None else {"out": str(out.resolve())}
    settings = load_config(config, recipe=recipe, **changes)
    console = Console(highlight=False, markup=False)
    with RichProgress() as progress, stop_on_interrupt(progress):
        if check:
            from superanimal.training.pretraining.pretrain import check as run_check

            for line in run_check(settings, progress):
                console.print(line, soft_wrap=True)
            return
        from superanimal.training.pretraining.pretrain import train as run

        done = run(settings, progress=progress, resume=not overwrite)
    best = done.fit.best
    figures = ", ".join(
        f"{name.removeprefix('held_out_')} {value:.4g}"
        for name, value in best.items()
        if name.startswith("held_out_")
    )
    console.print(f"{done.fit.stopped_because} after {done.fit.steps} steps; best at step {best['step']:.0f}")
    if figures:
        console.print(f"validation: {figures}")
    for name, held_out in done.report["held_out"].items():
        console.print(
            f"never trained on: {name}: error {held_out['error_px']:.2f} px, OKS {held_out['oks']:.3f}"
        )
    console.print(f"model: {done.model.folder}", soft_wrap=True)
    console.print(f"use it: superanimal analyze VIDEO --model {done.model.folder}", soft_wrap=True)
