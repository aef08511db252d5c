"""What a training step costs.

    OMP_NUM_THREADS=1 python benchmarks/training.py [--write]

Times are processor seconds of one thread: on an idle core the clock says the same. What a whole training
brings and costs: ``ten_frames.py``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from _report import table, write_section

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
    from superanimal.labels import synthetic_labels
    from superanimal.poses import load_space
    from superanimal.training.data.samples import PoseSamples
    from superanimal.training.loop.lightning_module import TrainingModule
    from superanimal.training.loop.recipe import Recipe
    from superanimal.training.loop.task import PoseTask
    from superanimal.training.networks.new_model import new_model

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        costs = step_costs(Path(name))
    body = "**One step**, processor milliseconds of one thread, random weights, "
    body += f"batches of {CROPS}, augmentation as by default:\n\n" + table(
        ["network", "parameters", "crop px", "frozen", "sample ms", "forward + backward ms per crop",
         "optimiser ms per step"], costs,
    )  # fmt: skip
    print(body)
    if options.write:
        write_section("Training", body)


if __name__ == "__main__":
    main()
