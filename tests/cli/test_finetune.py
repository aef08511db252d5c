from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from dots import NAMES, dots_space, make_dots, tiny_model

from superanimal.labels import materialize
from superanimal.training.model_folder import release
from superanimal.zoo import PoseModel

Run = Callable[..., object]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder, a DeepLabCut project labelled in its keypoints, and a clip."""
    root = tmp_path_factory.mktemp("finetune")
    torch.manual_seed(0)
    release(
        PoseModel(tiny_model().entry, tiny_model(seed=1).network),
        root / "tiny",
        dots_space(),
        title="tiny",
        facts={},
        about={},
    )
    labelled = make_dots(root / "images", 12, source="lab")
    materialize(labelled.with_columns(video=np.array(["clip"] * 12, object)), root / "project", "deeplabcut")
    writer = cv2.VideoWriter(str(root / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 64))
    for image in labelled.images[:3]:
        writer.write(cv2.imread(image.path))
    writer.release()
    (root / "recipe.yaml").write_text("validate_every: 4\nbatch: 4\naugmentation: {rotation: 10}\n")
    return root


def test_from_a_project_to_poses(folder: Path, superanimal: Run) -> None:
    out = folder / "mine"
    said = superanimal(
        "finetune", folder / "project", "--model", folder / "tiny", "--out", out, "--steps", 60,
        "--recipe", folder / "recipe.yaml", "--threshold", 0, "--device", "cpu",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "mean error" in said.out and str(out) in said.out
    assert (
        "No verdict" in said.out and "at least 8 distinct held-out images, 6 more" in said.out
    )  # two were held out
    report = json.loads((out / "report.json").read_text())
    assert report["training"]["steps"] == 60 and report["data"]["held_out_images"] == 2
    assert json.loads((out / "training.json").read_text())["recipe"]["augmentation"]["rotation"] == 10
    assert "tiny after memory replay" in superanimal("models", "info", out).out
    done = superanimal(
        "analyze", folder / "clip.avi", "--model", out, "--whole-frame", "--device", "cpu", "--format", "csv"
    )
    assert done.code == 0, done.err
    table = next(folder.glob("clip_mine*.csv")).read_text()
    assert all(name in table for name in NAMES)


def test_wrong_words_are_told(folder: Path, superanimal: Run) -> None:
    said = superanimal("finetune", folder / "project", "--model", folder / "tiny", "--method", "magic")
    assert said.code == 3 and "memory-replay" in said.err
    said = superanimal("export-model", folder / "tiny", folder / "project", "--to", "keras")
    assert said.code == 2 and "onnx" in said.err
    said = superanimal("finetune", folder / "project", "--model", folder / "tiny", "--held-out", "0.99")
    assert said.code == 2 and "hold out 90% of them" in said.err


def test_export_to_deeplabcut_says_what_it_does_not_have(folder: Path, superanimal: Run) -> None:
    said = superanimal("export-model", folder / "tiny", folder / "project")
    assert said.code == 6 and "pyramid_pose" in said.err and "ONNX" in said.err


def test_export_to_onnx(folder: Path, superanimal: Run) -> None:
    said = superanimal("export-model", folder / "tiny", folder / "tiny.onnx")
    assert said.code == 0 and (folder / "tiny.onnx").is_file() and "matches torch" in said.out
