"""Facts about DeepLabCut, and weights made by the rule under which those facts were recorded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "deeplabcut"


def fixture(name: str) -> Any:
    """Return a JSON file of facts about DeepLabCut, or skip."""
    path = FIXTURES / name
    if not path.exists():
        pytest.skip(f"{name} is not here (../shared/fixtures)")
    return json.loads(path.read_text())


def seeded(word: str) -> np.random.Generator:
    """Return a generator seeded by a word."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little"))


def rule_tensor(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Return the tensor that the recipe of the golden outputs prescribes for a name."""
    generator = seeded(key)
    if key.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if key.endswith("running_var"):
        values = 0.8 + 0.4 * generator.random(shape)
    elif key.endswith(("running_mean", "bias")):
        values = 0.05 * generator.standard_normal(shape)
    elif key.endswith(("gamma", "beta")):
        values = 0.5 * generator.standard_normal(shape)
    elif len(shape) >= 2:
        values = generator.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    else:
        values = 1 + 0.1 * generator.standard_normal(shape)
    return torch.from_numpy(np.asarray(values)).float()


def rule_state(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a state dict filled by the rule for every tensor of a network."""
    return {key: rule_tensor(key, tuple(value.shape)) for key, value in network.state_dict().items()}


def synthetic_frames(count: int = 4) -> np.ndarray:
    """Return frames (count, 240, 320, 3) uint8 of coloured patches, the same on every machine."""
    patches = [seeded(f"frame {i}").integers(0, 256, (15, 20, 3), dtype=np.uint8) for i in range(count)]
    return np.stack([patch.repeat(16, axis=0).repeat(16, axis=1) for patch in patches])


def golden_weights(folder: Path, pose: str, detector: str) -> tuple[Path, Path]:
    """Write checkpoints made by the rule, scaled so that scores lie between 0 and 1; return their paths."""
    from superanimal.zoo import get_entry
    from superanimal.zoo.architectures import build_network

    paths = []
    for name in (pose, detector):
        entry = get_entry(name)
        state = rule_state(build_network(entry.architecture, entry.outputs, **entry.options))
        head = "heads.bodypart.heatmap_head.deconv_layers.0"
        if f"{head}.weight" in state:
            state[f"{head}.weight"] *= 2e-4
            state[f"{head}.bias"] += 0.3
        paths.append(folder / entry.filename)
        torch.save({"model": state, "metadata": {"epoch": 0, "metrics": {}, "losses": {}}}, paths[-1])
    return paths[0], paths[1]
