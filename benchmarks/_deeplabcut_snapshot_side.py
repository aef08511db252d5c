"""DeepLabCut's half of ``deeplabcut_snapshot.py``; runs in DeepLabCut's own environment, without our code."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import torchvision.models.detection as detection

for _name in ("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn_v2"):
    # DeepLabCut leaves this at its default, which downloads a backbone that the snapshot overwrites anyway
    setattr(detection, _name, functools.partial(getattr(detection, _name), weights_backbone=None))


def main() -> None:
    config, shuffle, clip, out = sys.argv[1:]

    import deeplabcut
    import pandas as pd
    import torch
    from deeplabcut.utils import auxiliaryfunctions

    torch.set_num_threads(1)
    root = Path(config).parent
    project = auxiliaryfunctions.read_config(config)
    labels = pd.read_hdf(next(root.glob("labeled-data/*/CollectedData_*.h5")))
    deeplabcut.create_training_dataset(
        config, Shuffles=[1], net_type="top_down_hrnet_w32", userfeedback=False
    )
    made = any(root.glob("dlc-models-pytorch/iteration-0/*shuffle1/train/pytorch_config.yaml"))
    record = {
        "deeplabcut": deeplabcut.__version__,
        "torch": torch.__version__,
        "task": project["Task"],
        "labels": f"{labels.shape[0]} x {labels.shape[1]}",
        "training_set": "yes" if made else "no",
    }
    if int(shuffle):
        results = root / "results"
        results.mkdir()
        deeplabcut.analyze_videos(
            config, [clip], shuffle=int(shuffle), destfolder=str(results), device="cpu", batch_size=8
        )
        frame = pd.read_hdf(next(results.glob("*.h5")))
        names = list(dict.fromkeys(frame.columns.get_level_values("bodyparts")))
        values = frame.to_numpy().reshape(len(frame), len(names), 3)
        values[(values[..., :2] < 0).all(-1)] = float("nan")
        poses = [[[None if v != v else float(v) for v in p] for p in row] for row in values]
        record |= {"keypoints": names, "poses": poses}
    Path(out).write_text(json.dumps(record))


if __name__ == "__main__":
    main()
