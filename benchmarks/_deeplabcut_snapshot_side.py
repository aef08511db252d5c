"""DeepLabCut's half of ``deeplabcut_snapshot.py``; runs in DeepLabCut's own environment, without our code.

    python _deeplabcut_snapshot_side.py CONFIG OUT STEP [ARGUMENT ...]

Steps: ``training_set``, ``analyse SHUFFLE CLIP``, ``evaluate SHUFFLE``, ``train SHUFFLE``. The answer is
written to OUT as JSON.
"""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import torchvision.models.detection as detection

for _name in ("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn_v2"):
    # DeepLabCut leaves this at its default, which downloads a backbone that the snapshot overwrites anyway
    setattr(detection, _name, functools.partial(getattr(detection, _name), weights_backbone=None))

import deeplabcut  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402


def training_set(config: str) -> dict:
    """Read the project's labels and make a training set (shuffle 1) of them."""
    from deeplabcut.utils import auxiliaryfunctions

    root = Path(config).parent
    project = auxiliaryfunctions.read_config(config)
    labels = pd.read_hdf(next(root.glob("labeled-data/*/CollectedData_*.h5")))
    deeplabcut.create_training_dataset(
        config, Shuffles=[1], net_type="top_down_hrnet_w32", userfeedback=False
    )
    made = any(root.glob("dlc-models-pytorch/iteration-0/*shuffle1/train/pytorch_config.yaml"))
    return {
        "deeplabcut": deeplabcut.__version__,
        "torch": torch.__version__,
        "task": project["Task"],
        "labels": f"{labels.shape[0]} x {labels.shape[1]}",
        "training_set": "yes" if made else "no",
    }


def analyse(config: str, shuffle: str, clip: str) -> dict:
    """Analyse a clip with a shuffle; return the keypoints and (T, K, 3) poses, None where there are none."""
    results = Path(config).parent / "results"
    results.mkdir()
    deeplabcut.analyze_videos(
        config, [clip], shuffle=int(shuffle), destfolder=str(results), device="cpu", batch_size=8
    )
    frame = pd.read_hdf(next(results.glob("*.h5")))
    names = list(dict.fromkeys(frame.columns.get_level_values("bodyparts")))
    values = frame.to_numpy().reshape(len(frame), len(names), 3)
    values[(values[..., :2] < 0).all(-1)] = float("nan")
    poses = [[[None if v != v else float(v) for v in p] for p in row] for row in values]
    return {"keypoints": names, "poses": poses}


def evaluate(config: str, shuffle: str) -> dict:
    """Evaluate a shuffle; return the RMSE in pixels on the training and the test images."""
    deeplabcut.evaluate_network(config, [int(shuffle)], device="cpu")
    folder = next(Path(config).parent.glob(f"evaluation-results-pytorch/iteration-0/*shuffle{shuffle}"))
    row = pd.read_csv(next(folder.glob("*-results.csv"))).iloc[-1]
    return {name: float(row[name]) for name in ("train rmse", "test rmse")}


def train(config: str, shuffle: str) -> dict:
    """Train a shuffle for an epoch, from the exported weights; return how far these moved, relatively.

    A detector without a snapshot would begin with COCO weights; here, offline, with random ones.
    """
    from deeplabcut.pose_estimation_pytorch.apis import training

    build = training.DETECTORS.build
    training.DETECTORS.build = lambda *given, **options: build(*given, **{**options, "pretrained": False})
    folder = next(Path(config).parent.glob(f"dlc-models-pytorch/iteration-0/*shuffle{shuffle}/train"))
    start = folder / "snapshot-200.pt"
    found = sorted(folder.glob("snapshot-detector-*.pt"))
    before = torch.load(start, map_location="cpu", weights_only=True)["model"]
    deeplabcut.train_network(
        config, shuffle=int(shuffle), device="cpu", epochs=1, save_epochs=1, detector_epochs=1,
        detector_save_epochs=1, batch_size=4, detector_batch_size=2, snapshot_path=str(start),
        detector_path=str(found[-1]) if found else None,
    )  # fmt: skip
    after = torch.load(folder / "snapshot-201.pt", map_location="cpu", weights_only=False)["model"]
    names = [n for n, tensor in before.items() if tensor.is_floating_point() and "running_" not in n]
    moved = sum(float((after[name] - before[name]).double().square().sum()) for name in names)
    size = sum(float(before[name].double().square().sum()) for name in names)
    return {
        "moved": (moved / size) ** 0.5,
        "snapshots": sorted(path.name for path in folder.glob("snapshot-*.pt")),
    }


def main() -> None:
    config, out, step, *arguments = sys.argv[1:]
    torch.set_num_threads(1)
    steps = {"training_set": training_set, "analyse": analyse, "evaluate": evaluate, "train": train}
    Path(out).write_text(json.dumps(steps[step](config, *arguments)))


if __name__ == "__main__":
    main()
