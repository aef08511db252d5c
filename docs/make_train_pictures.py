"""Draw docs/images/augmented.jpg: augmented samples of rendered mice, as the network sees them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from superanimal.labels import synthetic_labels
from superanimal.poses import load_space
from superanimal.training.data.contact_sheet import contact_sheet
from superanimal.training.data.samples import PoseSamples
from superanimal.training.loop.recipe import Recipe
from superanimal.zoo import get_entry

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        mice = synthetic_labels(folder, 12, size=(240, 320), seed=11)
        entry = get_entry("mini_topviewmouse")
        samples = PoseSamples(mice, load_space("topviewmouse"), entry, Recipe(steps=1))
        target = Path(__file__).parent / "images" / "augmented.jpg"
        print(contact_sheet(samples, target, count=18, columns=6, tile=160))
