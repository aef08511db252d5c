"""What a training step costs, and what ten labelled frames bring in how much time.

    OMP_NUM_THREADS=1 python benchmarks/training.py [--data ../shared/data] [--write]

Times are processor seconds of one thread: on an idle core the clock says the same. Ten random frames of
``dlc-openfield`` are learnt with the defaults of ``superanimal finetune`` (memory replay), no image held out
from them; the other frames are tested through the whole pipeline, and choose nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _report import table, write_section

NAMES = {"snout": "nose", "leftear": "left_ear", "rightear": "right_ear", "tailbase": "tail_base"}
CROPS = 8


def cpu_ms(function: Callable[[], object], repeats: int = 5) -> float:
    """Return processor milliseconds of a call, the first one not counted."""
    function()
    start = time.process_time()
    for _ in range(repeats):
        function()
    return 1e3 * (time.process_time() - start) / repeats


def step_costs(folder: Path) -> list[list[str]]:
    """Measure a training step on rendered mice, network by network."""
    from superanimal.keypoints import synthetic_labels
    from superanimal.poses import load_space
    from superanimal.training.module import TrainingModule
    from superanimal.training.networks import new_model
    from superanimal.training.recipe import Recipe
    from superanimal.training.samples import PoseSamples
    from superanimal.training.task import PoseTask

    mice, space = synthetic_labels(folder, CROPS, size=(240, 320)), load_space("topviewmouse")
    rows = []
    for network, side, freeze in (
        ("timm:tf_efficientnet_lite0", 160, 0),
        ("timm:tf_efficientnet_lite0", 160, 2),
        ("timm:convnext_atto", 160, 0),
        ("tokens:tf_efficientnet_lite0", 160, 0),
        ("resnet_50", 256, 0),
        ("hrnet_w32", 256, 0),
    ):
        model = new_model(network, space, input_size=(side, side), start="random")
        recipe = Recipe(steps=1, batch=CROPS, freeze=freeze)
        samples = PoseSamples(mice, space, model.entry, recipe, cache=folder / f"cache{side}")
        task = PoseTask(model, samples, None, recipe)
        module = TrainingModule(task, recipe, 1)
        module.network.train()
        batch = samples.collate([samples[n] for n in range(CROPS)])
        optimiser = torch.optim.AdamW([p for p in module.network.parameters() if p.requires_grad])

        def step(task: PoseTask = task, module: TrainingModule = module, batch: dict = batch) -> None:
            task.loss(module.network, batch)["loss"].backward()

        parts = [
            cpu_ms(lambda s=samples: [s[n] for n in range(CROPS)]),
            cpu_ms(step, 3),
            cpu_ms(optimiser.step),
        ]
        size = sum(p.numel() for p in model.network.parameters()) / 1e6
        frozen = f"{freeze} stages" if freeze else "nothing"
        rows.append(
            [network, f"{size:.1f} M", str(side), frozen, *(f"{part / CROPS:.1f}" for part in parts[:2]),
             f"{parts[2]:.0f}"]
        )  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def ten_frames(data: Path, folder: Path, seed: int = 0) -> list[str]:
    """Learn ten frames; return error before and after on the others and the processor seconds it took."""
    from superanimal.keypoints import read_labels
    from superanimal.training.evaluate import evaluate
    from superanimal.training.finetuning import finetune
    from superanimal.zoo import load_pose_model

    labels = read_labels(data / "dlc-openfield")
    order = np.random.default_rng(seed).permutation(len(labels))
    learn, test = labels.subset(np.sort(order[:10])), labels.subset(np.sort(order[10:]))
    load_pose_model("mini_topviewmouse")  # imports are not counted
    import lightning.pytorch  # noqa: F401

    start = time.process_time()
    done = finetune(learn, out=folder / "ten", table=NAMES, held_out=0, seed=seed)
    spent = time.process_time() - start
    errors = [
        evaluate(model, test, keypoint_map=NAMES, samples=10)["mean_euclidean_px"]
        for model in ("mini_topviewmouse", done.model.folder)
    ]
    return [str(seed), f"{spent:.0f}", str(done.fit.steps), *(f"{error:.2f}" for error in errors)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = []
        if (options.data / "dlc-openfield").is_dir():
            rows = [ten_frames(options.data, folder / str(seed), seed) for seed in range(options.seeds)]
            print(rows, flush=True)
        costs = step_costs(folder)
    body = "**One step**, processor milliseconds of one thread, random weights, "
    body += f"batches of {CROPS}, augmentation as by default:\n\n" + table(
        ["network", "parameters", "crop px", "frozen", "sample ms", "forward + backward ms per crop",
         "optimiser ms per step"], costs,
    )  # fmt: skip
    if rows:
        body += (
            "\n\n**Ten labelled frames** of dlc-openfield (4 keypoints), memory replay with the defaults of "
            "`superanimal finetune`; mean error on the other 86 frames, whole pipeline; they chose "
            "nothing:\n\n"
        ) + table(["seed", "processor seconds", "steps", "before px", "after px"], rows)
    else:
        body += "\n\nTen frames: not measured, dlc-openfield is not there."
    print(body)
    if options.write:
        write_section("Training", body)


if __name__ == "__main__":
    main()
