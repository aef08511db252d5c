"""Train on two CPU processes: ``two_processes.py FOLDER DEVICES``; lightning starts it a second time."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from dots import dots_space, make_dots, tiny_model

from superanimal.training.loop.fit import fit
from superanimal.training.loop.recipe import Recipe

RECIPE = Recipe(
    steps=8, batch=4, lr=3e-3, warmup=0, ema=0.0, validate_every=4, device="cpu", weight_decay=0.0
)  # fmt: skip

if __name__ == "__main__":
    folder, devices = Path(sys.argv[1]), int(sys.argv[2])
    labelled = make_dots(folder / "images", 10)
    recipe = replace(RECIPE, devices=devices, batch=RECIPE.batch // devices)
    result = fit(
        tiny_model(), labelled.subset(range(7)), labelled.subset([7, 8]), dots_space(), recipe, folder / "run"
    )
    print("finished", result.stopped_because, result.best["held_out_loss"])
