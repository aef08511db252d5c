"""``superanimal export-model``: export a model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.errors import InputError


def export_model(
    model: Annotated[str, typer.Argument(help="Model name, weight file, or folder of a trained model.")],
    out: Annotated[
        Path,
        typer.Argument(
            help="Target .onnx, .xml (OpenVINO) or .ts (TorchScript); or DeepLabCut project to add it to."
        ),
    ],
    to: Annotated[
        str,
        typer.Option(help="onnx, openvino, torchscript or deeplabcut; inferred from the target by default."),
    ] = "",
    keypoint_map: Annotated[
        Path | None, typer.Option("--map", help="deeplabcut: CSV of project keypoint, model keypoint.")
    ] = None,
    detector: Annotated[
        str | None, typer.Option(help="deeplabcut: detector to export as well, by name or file.")
    ] = None,
) -> None:
    """Export a pose model to ONNX, OpenVINO or TorchScript (checked against torch), or to DeepLabCut 3.

    For DeepLabCut it becomes a shuffle of a project.
    """
    from superanimal.inference.exports import SUFFIXES, export_network
    from superanimal.zoo import load_detector, load_model, resolve_detector

    formats = {suffix: name for name, suffix in SUFFIXES.items()}
    to = to or formats.get(out.suffix, "deeplabcut")
    if to not in (*SUFFIXES, "deeplabcut"):
        raise InputError(f"--to {to!r}", f"a model is exported to {', '.join(SUFFIXES)} or deeplabcut")
    console = Console(highlight=False, markup=False)
    loaded = load_model(model)
    if to in SUFFIXES:
        if keypoint_map is not None or detector is not None:
            raise InputError(f"--map and --detector with {to}", "they apply only to DeepLabCut projects")
        done = export_network(loaded, out, to)
        worst = max(done.differences.values())
        console.print(
            f"matches torch: outputs within {worst:.1g} standard deviations, keypoints within "
            f"{done.pixels:.1g} crop pixels",
            soft_wrap=True,
        )
        console.print(f"  {done.file}", soft_wrap=True)
        return
    from superanimal.evaluation.names import read_map
    from superanimal.exporting.deeplabcut_shuffle import export_deeplabcut

    finder = None
    if detector is not None:
        known = Path(detector).exists()
        finder = load_detector(detector if known else resolve_detector(loaded.entry, detector).name)
    names = read_map(keypoint_map) if keypoint_map is not None else None
    shuffle = export_deeplabcut(loaded, out, keypoint_map=names, detector=finder)
    console.print(f"shuffle {shuffle.shuffle}: {shuffle.folder}", soft_wrap=True)
    if shuffle.note:
        console.print(f"note: {shuffle.note}", soft_wrap=True)
    if not shuffle.trainable:
        console.print(
            "note: the project has no training set yet, so DeepLabCut can neither evaluate nor train this "
            "shuffle: call deeplabcut.create_training_dataset first, then export again",
            soft_wrap=True,
        )
    if finder is None:
        train = ", or train one there" if shuffle.trainable else ""
        console.print(
            f"note: without a detector DeepLabCut cannot analyse videos: add one with --detector{train}",
            soft_wrap=True,
        )
    number = f"shuffle={shuffle.shuffle}"
    calls = [f"deeplabcut.analyze_videos(config, [VIDEO], {number})"] if finder is not None else []
    if shuffle.trainable:
        calls.append(f"deeplabcut.evaluate_network(config, Shuffles=[{shuffle.shuffle}])")
        calls.append(f"deeplabcut.train_network(config, {number}, epochs=N)")
    if calls:
        console.print("in DeepLabCut:", *calls, sep="\n  ", soft_wrap=True)
