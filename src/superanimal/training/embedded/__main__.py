"""Train the embedded models from rendered animals: ``python -m superanimal.training.embedded all``.

No real image and no label is used. ``all`` does everything for one ``--model``, and resumes where it was
stopped: ``scenes`` (renders the cache, each ``--kind``), ``detector`` and ``pose`` (train), ``export``
(safetensors, filters in float16; into the package unless ``--to`` says where). Each can be run separately.
With a CUDA card the networks are trained on it. A run is a folder ``runs/<model>/pose`` or
``.../detector`` in the cache, see
:mod:`superanimal.training.loop.fit`.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from superanimal.poses import load_space
from superanimal.progress import Progress
from superanimal.training.embedded.confidence import calibrate_confidence
from superanimal.training.embedded.scene_samples import TILT, SceneCrops, SceneFrames
from superanimal.training.embedded.scene_task import SceneDetectorTask, ScenePoseTask
from superanimal.training.embedded.scenes import KINDS as SCENES
from superanimal.training.embedded.scenes import open_shards, render_shard
from superanimal.training.embedded.subjects import MOUSE, SUBJECTS, Subject
from superanimal.training.loop.batches import on_gpu
from superanimal.training.loop.fit import run
from superanimal.training.loop.recipe import Augmentation, Recipe
from superanimal.training.networks.detector import new_detector
from superanimal.training.networks.new_model import LITE0, TIMM, new_model
from superanimal.zoo.checkpoint import fill, read_checkpoint, write_weights
from superanimal.zoo.pose_model import PoseModel

CACHE = Path(".cache")
WEIGHTS = Path(__file__).parents[2] / "zoo" / "weights"
PREPARING = 3
"""Number of processes that prepare samples for a graphics card; for the CPU, none."""
KINDS = ("pose", "pose-validation", "detector", "detector-validation")
CHECKS = tuple(name for name in SCENES if name.startswith("check-"))
"""Scenes of one kind of difficulty each, to measure with."""
SHARDS = {"detector-validation": 1, "detector": 32, "pose-validation": 1, "pose": 32}
"""Files of scenes that ``all`` renders."""
CALIBRATION_SEED = 11
LOOKS = Augmentation(
    erase=0.15,
    brightness=0.35,
    contrast=0.3,
    saturation=0.4,
    hue=0.3,
    gamma=0.3,
    gray=0.2,
    blur=0.25,
    noise=9.0,
)
"""Stronger variation of light and colours than for real images, because rendered ones are not realistic."""


def pose_recipe(subject: Subject, steps: int, *, rate: float = 1.0, seed: int = 0) -> Recipe:
    """Return how a pose network is trained; ``rate`` multiplies the learning rates."""
    varied = replace(LOOKS, rotation=float(np.degrees(subject.turn)), scale=(0.73, 1.38), shift=0.06)
    return Recipe(
        steps=steps,
        batch=16,
        lr=2e-3 * rate,
        freeze=2,
        absent_weight=0.08,
        augmentation=varied,
        seed=seed,
        precision="32",
    )


def detector_recipe(subject: Subject, steps: int, *, rate: float = 1.0, seed: int = 0) -> Recipe:
    """Return how a detector is trained; ``rate`` multiplies the learning rates."""
    turned = float(np.degrees(TILT)) if subject.upright else 180.0
    varied = replace(LOOKS, rotation=turned, scale=(0.67, 1.35))
    return Recipe(
        steps=steps, batch=8, lr=2e-3 * rate, freeze=3, augmentation=varied, seed=seed, precision="32"
    )


def new_pose_model(subject: Subject, start: Literal["imagenet", "random"], seed: int = 0) -> PoseModel:
    """Build the pose model of a subject."""
    return new_model(
        f"{TIMM}{LITE0}",
        load_space(subject.space),
        input_size=(subject.crop, subject.crop),
        crop_margin=subject.crop_margin,
        options={"visibility": True} | ({"sides": True} if subject.upright else {}),
        start=start,
        seed=seed,
        name=subject.model,
    )


def pose_task(scenes: Path, subject: Subject, recipe: Recipe, start: Path | None = None) -> ScenePoseTask:
    """Return the training of a subject's pose model.

    Parameters
    ----------
    scenes
        Folder of the rendered scenes.
    subject
        The animals.
    recipe
        See :func:`pose_recipe`.
    start
        Weights to start from; the backbone's are those of ImageNet without.
    """
    model = new_pose_model(subject, "random" if start else "imagenet", recipe.seed)
    if start:
        fill(model.network, read_checkpoint(start), subject.model)
    train, validation = (open_shards(scenes, f"{subject.scenes}{kind}") for kind in KINDS[:2])
    return ScenePoseTask(
        model,
        SceneCrops(train, subject, model.head, recipe, pictures=not on_gpu(recipe)),
        SceneCrops(validation, subject, model.head, recipe, augmented=False),
        recipe,
    )


def detector_task(
    scenes: Path, subject: Subject, recipe: Recipe, start: Path | None = None
) -> SceneDetectorTask:
    """Return the training of a subject's detector; the parameters are those of :func:`pose_task`."""
    name = f"{subject.model}_detector"
    detector = new_detector(start="random" if start else "imagenet", name=name, seed=recipe.seed)
    if start:
        fill(detector.network, read_checkpoint(start), name)
    train, validation = (open_shards(scenes, f"{subject.scenes}{kind}") for kind in KINDS[2:])
    return SceneDetectorTask(
        detector,
        SceneFrames(train, subject, recipe, pictures=not on_gpu(recipe)),
        SceneFrames(validation, subject, recipe, augmented=False),
    )


def fill_from_run(network: nn.Module, folder: Path) -> dict[str, str]:
    """Fill a network with the best weights of a run; return seed, steps, minutes and held-out figures."""
    checkpoint = read_checkpoint(folder / "best.safetensors")
    fill(network, checkpoint, str(folder))
    record = json.loads((folder / "run.json").read_text("utf-8"))
    said = checkpoint.metadata
    held_out = "held_out_"
    figures = {
        name.removeprefix(held_out): float(said[name]) for name in sorted(said) if name.startswith(held_out)
    }
    return {
        "seed": str(record["recipe"]["seed"]),
        "steps": said["step"],
        "minutes": f"{float(said['seconds']) / 60:.1f}",
        "rendered_validation": json.dumps(figures),
    }


def export_pose(run_folder: Path, scenes: Path, subject: Subject, target: Path, commit: str = "") -> None:
    """Write the pose weights of a run, filters in float16, with figures and calibration as metadata.

    Parameters
    ----------
    run_folder
        A run of :func:`pose_task`.
    scenes
        Folder of the rendered scenes: confidence is calibrated on those for validation.
    subject
        The animals.
    target
        The file to write.
    commit
        Git commit that trained them, for the metadata.
    """
    model = new_pose_model(subject, "random")
    metadata = fill_from_run(model.network, run_folder)
    shards = open_shards(scenes, f"{subject.scenes}{KINDS[1]}")
    crops = SceneCrops(shards, subject, model.head, pose_recipe(subject, 1, seed=CALIBRATION_SEED))
    numbers, quality = calibrate_confidence(model, crops)
    calibration = json.dumps({"numbers": numbers, **quality})
    said = {"commit": commit, **metadata, "calibration": calibration}
    write_weights(model.network, target, said, half=True)


def export_detector(run_folder: Path, target: Path, commit: str = "") -> None:
    """Write the detector's weights of a run; see :func:`export_pose`."""
    network = new_detector(start="random").network
    metadata = fill_from_run(network, run_folder)
    write_weights(network, target, {"commit": commit, **metadata}, half=True)


class Lines(Progress):
    """Prints progress messages with the time, one per line."""

    def message(self, text: str) -> None:
        """Print a line."""
        print(time.strftime("%H:%M:%S"), text, flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["all", "scenes", "pose", "detector", "export"])
    parser.add_argument("--model", choices=sorted(SUBJECTS), default=MOUSE.model)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for scenes and runs")
    parser.add_argument("--kind", choices=(*KINDS, *CHECKS), default="pose", help="scenes: which kind")
    parser.add_argument("--shards", default="0:48", help="scenes: range of shards, start:stop[:step]")
    parser.add_argument("--steps", type=int, default=6000, help="length of the training")
    parser.add_argument("--every", type=int, help="steps from one validation and checkpoint to the next")
    parser.add_argument(
        "--start", type=Path, help="pose, detector: weights to start from (default: ImageNet)"
    )
    parser.add_argument("--rate", type=float, default=1.0, help="factor of the learning rates")
    parser.add_argument("--run", help="name of the run (default: the model)")
    parser.add_argument("--batch", type=int, help="samples a step (default: 16 crops or 8 frames)")
    parser.add_argument(
        "--freeze", type=int, help="stages of the backbone that stay as they are (default: 2, detector 3)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--to", type=Path, default=WEIGHTS, help="export: folder of the weights")
    parser.add_argument("--commit", default="", help="export: git commit that trained it")
    options = parser.parse_args(arguments)
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    torch.set_float32_matmul_precision("high")  # TF32 on a graphics card
    subject, scenes = SUBJECTS[options.model], options.cache / "scenes"
    runs = options.cache / "runs" / (options.run or subject.model)
    lines = Lines()
    every = options.what == "all"
    if every and options.start:
        parser.error("all starts from ImageNet; to start from weights, train pose and detector separately")
    if every:
        for kind, count in SHARDS.items():
            for index in range(count):
                lines.message(str(render_shard(scenes, subject.scenes + kind, index)))
    elif options.what == "scenes":
        start, stop, step = ([int(v) for v in options.shards.split(":")] + [1])[:3]
        for index in range(start, stop, step):
            kind = options.kind if options.kind in CHECKS else subject.scenes + options.kind
            lines.message(str(render_shard(scenes, kind, index)))
    chosen = {"validate_every": options.every, "batch": options.batch, "freeze": options.freeze}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    chosen["workers"] = PREPARING if torch.cuda.is_available() else 0
    if every or options.what == "detector":
        recipe = detector_recipe(subject, options.steps, rate=options.rate, seed=options.seed)
        recipe = replace(recipe, **chosen)
        run(detector_task(scenes, subject, recipe, options.start), recipe, runs / "detector", progress=lines)
    if every or options.what == "pose":
        recipe = pose_recipe(subject, options.steps, rate=options.rate, seed=options.seed)
        recipe = replace(recipe, **chosen)
        run(pose_task(scenes, subject, recipe, options.start), recipe, runs / "pose", progress=lines)
    if every or options.what == "export":
        options.to.mkdir(parents=True, exist_ok=True)
        target = options.to / f"{subject.model}.safetensors"
        if (runs / "pose").is_dir():
            export_pose(runs / "pose", scenes, subject, target, options.commit)
            lines.message(f"{target} {read_checkpoint(target).metadata}")
        if (runs / "detector").is_dir():
            target = options.to / f"{subject.model}_detector.safetensors"
            export_detector(runs / "detector", target, options.commit)
            lines.message(f"{target} {read_checkpoint(target).metadata}")


if __name__ == "__main__":
    main()
