"""Train in a process of its own, so that a test can kill it: ``killed_run.py FOLDER``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from dots import dots_space, make_dots, tiny_model

from superanimal.progress import Progress
from superanimal.training.loop.fit import fit
from superanimal.training.loop.recipe import Recipe

RECIPE = Recipe(
    steps=24, batch=4, accumulate=2, lr=3e-3, warmup=4, ema=0.95, validate_every=6, freeze=1,
    device="cpu", source_weights={"dots": 1.0},
)  # fmt: skip


class Slow(Progress):
    """Says each step aloud and gives the test time to kill."""

    def advance(self, n: int = 1) -> None:
        super().advance(n)
        print("step", self.done, flush=True)
        time.sleep(0.05)


def train(folder: Path, progress: Progress | None = None) -> None:
    labelled = make_dots(folder / "images", 10)
    fit(
        tiny_model(),
        labelled.subset(range(7)),
        labelled.subset(range(7, 10)),
        dots_space(),
        RECIPE,
        folder / "run",
        progress=progress,
    )


if __name__ == "__main__":
    train(Path(sys.argv[1]), Slow())
