"""DeepLabCut's half of the parity benchmark; runs in DeepLabCut's own environment, without our code."""

from __future__ import annotations

import argparse
import functools
import json
import time
from pathlib import Path

import torchvision.models.detection as detection

for _name in ("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn_v2"):
    # DeepLabCut leaves this at its default, which downloads a backbone that the checkpoint overwrites anyway
    setattr(detection, _name, functools.partial(getattr(detection, _name), weights_backbone=None))


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("clip", "superanimal", "pose", "detector", "pose-weights", "detector-weights", "out"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--animals", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()

    import deeplabcut
    import torch
    from deeplabcut.modelzoo.video_inference import video_inference_superanimal

    torch.set_num_threads(args.threads)
    start = time.perf_counter(), time.process_time()
    video_inference_superanimal(
        [args.clip],
        args.superanimal,
        model_name=args.pose,
        detector_name=args.detector,
        dest_folder=args.out,
        max_individuals=args.animals,
        batch_size=8,
        detector_batch_size=1,
        device="cpu",
        customized_pose_checkpoint=args.pose_weights,
        customized_detector_checkpoint=args.detector_weights,
        create_labeled_video=False,
    )
    seconds = time.perf_counter() - start[0]
    cpu = time.process_time() - start[1]
    record = {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "deeplabcut": deeplabcut.__version__,
        "torch": torch.__version__,
    }
    Path(args.out, "times.json").write_text(json.dumps(record))


if __name__ == "__main__":
    main()
