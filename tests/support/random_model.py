"""Write a pose model of random weights: ``python random_model.py FOLDER``.

A program of its own, because torch must not be loaded beside a viewer that draws in software: Mesa and triton
each bring an LLVM, and the second one crashes the process.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file

ENTRY = {
    "file": "weights.safetensors",
    "kind": "pose",
    "title": "Random weights",
    "architecture": "pyramid_pose",
    "licence": "own",
    "space": "topviewmouse",
    "num_keypoints": 27,
    "input_size": [128, 128],
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "head": {"kind": "heatmap", "stride": 4, "activation": "softmax", "pixel_shift": 0.5},
}


def main(folder: Path) -> None:
    torch.manual_seed(0)
    network = import_module("superanimal.zoo.architectures.pyramid_pose").build(27)
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")
    (folder / "entry.yaml").write_text(yaml.safe_dump(ENTRY), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
