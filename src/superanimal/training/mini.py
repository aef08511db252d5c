"""Train the embedded models from rendered mice: ``python -m superanimal.training.mini scenes|pose|...``.

No real image and no label is used. The order of work is, for each
``--model``, ``scenes`` (render the cache), ``pose`` and
``detector`` (train, resumable), ``export`` (float16 safetensors into the package).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from superanimal.files import atomic_write
from superanimal.inference.crops import CropWindows
from superanimal.inference.decode import decode
from superanimal.training.augment import FrameSamples, PoseSamples
from superanimal.training.confidence import calibrate
from superanimal.training.loop import Task, load_imagenet, normalise, train
from superanimal.training.scenes import open_shards, render_shard
from superanimal.training.subjects import MOUSE, SUBJECTS, Subject
from superanimal.zoo.architectures import mini_detector, pyramid_pose
from superanimal.zoo.entry import HeadSpec

CACHE = Path(".cache")
WEIGHTS = Path(__file__).parents[1] / "zoo" / "weights"
HEAD = HeadSpec("heatmap", stride=pyramid_pose.STRIDE, activation="softmax", pixel_shift=0.5)
FRAME_SIZES = ((192, 224), (224, 224), (192, 320), (256, 256), (224, 192), (256, 320))
"""(height, width) of detector frames; one is drawn for each batch."""


def pose_loss(
    outputs: dict[str, Tensor],
    batch: dict[str, Tensor],
    sigma: float = 0.8,
    absent: float = 0.08,
    seen: float = 0.3,
) -> Tensor:
    """Soft-max cross-entropy of each heatmap against a small Gaussian, and of the visibilities.

    A keypoint outside the crop is pushed, weakly, towards a uniform map, so that its confidence is low.

    Parameters
    ----------
    outputs
        ``heatmap`` (B, K, h, w) logits; ``visibility`` (B, K) logits, where the network has them.
    batch
        ``cells`` (B, K, 2), true positions in cells, NaN where there is none: such a keypoint adds nothing
        to the heatmaps' loss; ``visible`` (B, K), 1 where a keypoint can be seen.
    sigma
        Width of the target in cells.
    absent
        Weight of keypoints outside the crop.
    seen
        Weight of the visibilities.
    """
    logits = outputs["heatmap"].float()
    h, w = logits.shape[-2:]
    known = torch.isfinite(batch["cells"]).all(-1)
    cells = torch.nan_to_num(batch["cells"])
    inside = known & ((cells > -0.5) & (cells < torch.tensor([w - 0.5, h - 0.5]))).all(-1)
    far = known & ((cells < -1.5) | (cells > torch.tensor([w + 0.5, h + 0.5]))).any(-1)
    x = torch.exp(-((torch.arange(w) - cells[..., :1]) ** 2) / (2 * sigma**2))
    y = torch.exp(-((torch.arange(h) - cells[..., 1:]) ** 2) / (2 * sigma**2))
    target = (y[..., None] * x[..., None, :]).flatten(2)
    target = target / target.sum(-1, keepdim=True).clamp_min(1e-9)
    log_mass = functional.log_softmax(logits.flatten(2), -1)
    here = -(target * log_mass).sum(-1)
    spread = -log_mass.mean(-1) - float(np.log(h * w))
    loss = (here * inside + absent * spread * far).sum() / inside.sum().clamp_min(1)
    if "visibility" in outputs:
        visibility = outputs["visibility"].float()
        loss = loss + seen * functional.binary_cross_entropy_with_logits(visibility, batch["visible"])
    return loss


def detector_loss(outputs: dict[str, Tensor], batch: dict[str, Tensor]) -> Tensor:
    """Penalty-reduced focal loss of the centre map (Zhou et al. 2019, CenterNet) plus L1 of the extents."""
    logits = outputs["center"][:, 0].float()
    center, weight = batch["center"], batch["weight"]
    p = torch.sigmoid(logits)
    positive = (center >= 0.999).float()
    hit = -functional.logsigmoid(logits) * (1 - p) ** 2 * positive
    miss = -functional.logsigmoid(-logits) * p**2 * (1 - center) ** 4 * (1 - positive)
    count = (positive * weight).sum().clamp_min(1)
    focal = ((hit + miss) * weight).sum() / count
    owned = batch["owned"][:, None]
    extent = (
        functional.smooth_l1_loss(outputs["extent"].float(), batch["extent"], reduction="none", beta=0.1)
        * owned
    ).sum()
    return focal + extent / owned.sum().clamp_min(1)


def freeze_early(backbone: nn.Module, blocks: int) -> None:
    """Freeze the stem and the first blocks of a backbone."""
    for name, parameter in backbone.named_parameters():
        part = name.split(".")
        if part[0] in ("conv_stem", "bn1") or (part[0] == "blocks" and int(part[1]) < blocks):
            parameter.requires_grad_(False)


def set_train(network: nn.Module) -> None:
    """Training mode, but the backbone's batch-norm statistics stay those of ImageNet."""
    network.train()
    network.get_submodule("backbone").eval()


def measure_pose(network: nn.Module, samples: PoseSamples, count: int = 256) -> dict[str, float]:
    """Error on rendered validation crops: crop pixels, and the share within 10 % of the body length."""
    subject, size = samples.subject, samples.subject.crop
    nose, tail_base = (subject.keypoints.index(name) for name in subject.ends)
    network.eval()
    rng = np.random.default_rng(5)
    errors, lengths, sure = [], [], []
    windows = CropWindows(np.zeros((16, 2), np.int64), np.full((16, 2), size), (size, size))
    for _ in range(count // 16):
        batch = samples.batch(rng, 16, size)
        with torch.inference_mode():
            outputs = network(normalise(batch["image"]))
        points, confidence = decode(outputs, HEAD, windows, subpixel=True)
        truth = (batch["cells"] + 0.5) * HEAD.stride - HEAD.pixel_shift
        inside = ((truth > -0.5) & (truth < size - 0.5)).all(-1)
        errors.append(np.where(inside, np.linalg.norm(points - truth, axis=-1), np.nan))
        lengths.append(np.maximum(np.linalg.norm(truth[:, nose] - truth[:, tail_base], axis=-1), 25))
        sure.append(np.where(inside, confidence, np.nan))
    e, c = np.concatenate(errors), np.concatenate(sure)
    near = np.where(np.isnan(e), np.nan, e < 0.1 * np.concatenate(lengths)[:, None])
    body = [k for k, name in enumerate(subject.keypoints) if name not in subject.loose]
    return {
        "median_px": round(float(np.nanmedian(e)), 2),
        "mean_px": round(float(np.nanmean(e)), 2),
        "body_mean_px": round(float(np.nanmean(e[:, body])), 2),
        "within_10pct": round(float(np.nanmean(near)), 4),
        "confidence": round(float(np.nanmean(c)), 3),
    }


def measure_detector(network: nn.Module, samples: FrameSamples, count: int = 200) -> dict[str, float]:
    """Recall and precision (score 0.3, IoU 0.5) on rendered frames, and the mean IoU of the hits."""
    from torchvision.ops import box_iou

    network.eval()
    rng = np.random.default_rng(5)
    truth = found = hits = 0
    overlaps: list[float] = []
    for _ in range(count):
        image, boxes, ignore = samples.draw(rng, (256, 320))
        with torch.inference_mode():
            predicted, scores = mini_detector.decode(network(normalise(image[None])), 1.0, (256, 320))[0]
        predicted = predicted[scores > 0.3]
        real = boxes[~np.isnan(boxes[:, 0])]
        ignored = ignore[~np.isnan(boxes[:, 0])]
        truth += int((~ignored).sum())
        if len(real) == 0 or len(predicted) == 0:
            found += len(predicted)
            continue
        iou = box_iou(torch.from_numpy(real), torch.from_numpy(predicted)).numpy()
        hits += int(((iou.max(1) > 0.5) & ~ignored).sum())
        overlaps += [float(v) for v in iou.max(1)[(iou.max(1) > 0.5) & ~ignored]]
        found += int((~((iou.max(0) > 0.3) & ignored[iou.argmax(0)])).sum())
    mean_iou = float(np.mean(overlaps)) if overlaps else 0.0
    return {
        "recall": round(hits / max(truth, 1), 4),
        "precision": round(hits / max(found, 1), 4),
        "iou": round(mean_iou, 3),
    }


def pose_task(
    cache: Path,
    subject: Subject = MOUSE,
    start: Path | None = None,
    batch: int = 16,
) -> Task:
    """The pose model's training task; the first half sees crops that are smaller by 32 px.

    Parameters
    ----------
    cache
        Folder of the scenes.
    subject
        The animals.
    start
        Weights to start from; from ImageNet without.
    batch
        Crops a step.
    """
    network = pyramid_pose.build(len(subject.keypoints), visibility=True)
    if start is None:
        load_imagenet(network.backbone)
    else:
        network.load_state_dict(load_file(start), strict=False)
    freeze_early(network.backbone, 2)
    name = f"{subject.scenes}pose"
    samples = PoseSamples(open_shards(cache / "scenes", name), subject=subject)
    validation = PoseSamples(open_shards(cache / "scenes", f"{name}-validation"), False, subject)

    def draw(rng: np.random.Generator, progress: float) -> dict[str, np.ndarray]:
        return samples.batch(rng, batch, subject.crop - (32 if progress <= 0.5 else 0))

    return Task(network, draw, pose_loss, lambda net: measure_pose(net, validation), set_train)


def detector_task(cache: Path, subject: Subject = MOUSE, batch: int = 8) -> Task:
    """The detector's training task."""
    network = mini_detector.build()
    load_imagenet(network.backbone)
    freeze_early(network.backbone, 3)
    name = f"{subject.scenes}detector"
    samples = FrameSamples(open_shards(cache / "scenes", name), subject=subject)
    validation = FrameSamples(open_shards(cache / "scenes", f"{name}-validation"), False, subject)

    def draw(rng: np.random.Generator, progress: float) -> dict[str, np.ndarray]:
        return samples.batch(rng, batch, FRAME_SIZES[int(rng.integers(len(FRAME_SIZES)))])

    return Task(network, draw, detector_loss, lambda net: measure_detector(net, validation), set_train)


def export(network: nn.Module, path: Path, metadata: dict[str, str]) -> None:
    """Write a network as float16 safetensors; counters of batch-norm are left out."""
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    with atomic_write(path) as temporary:
        save_file(state, temporary, metadata=metadata)


def main(arguments: list[str] | None = None) -> None:
    """Command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["scenes", "pose", "detector", "export"])
    parser.add_argument("--model", choices=sorted(SUBJECTS), default=MOUSE.model)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for scenes and checkpoints")
    kinds = ["pose", "pose-validation", "detector", "detector-validation"]
    parser.add_argument("--kind", choices=kinds, default="pose", help="scenes: which kind")
    parser.add_argument("--shards", default="0:48", help="scenes: range of shards, start:stop[:step]")
    parser.add_argument("--minutes", type=float, default=45.0, help="budget of wall-clock time")
    parser.add_argument("--steps", type=int, help="budget of steps instead (the same on every machine)")
    parser.add_argument("--start", type=Path, help="pose: weights to start from (default: ImageNet)")
    parser.add_argument("--rate", type=float, default=1.0, help="factor of the learning rates")
    parser.add_argument("--run", default="", help="name of the run (default: the model)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--commit", default="", help="export: git commit that trained it")
    options = parser.parse_args(arguments)
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    subject = SUBJECTS[options.model]
    run = options.run or f"{subject.scenes}{options.what}"
    checkpoint = options.cache / "runs" / f"{run}.pt"
    log_path = options.cache / "runs" / f"{run}.log"

    def log(line: str) -> None:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with log_path.open("a") as file:
            file.write(f"{time.strftime('%H:%M:%S')} {line}\n")
        print(line, flush=True)

    if options.what == "scenes":
        start, stop, step = ([int(v) for v in options.shards.split(":")] + [1])[:3]
        for index in range(start, stop, step):
            log(str(render_shard(options.cache / "scenes", subject.scenes + options.kind, index)))
        return
    if options.what == "export":
        for name, network, measure in _exports(options.cache, subject):
            path = options.cache / "runs" / f"{subject.scenes}{name}.pt"
            state = torch.load(path, map_location="cpu", weights_only=True)
            network.load_state_dict(state["average"])
            figures = measure(network.eval())
            metadata = {"commit": options.commit, "seed": str(options.seed), "steps": str(state["step"])}
            metadata |= {"minutes": f"{state['spent'] / 60:.1f}", "rendered_validation": json.dumps(figures)}
            if name == "pose":  # the three numbers belong into the head of the catalogue's entry
                shards = open_shards(options.cache / "scenes", f"{subject.scenes}pose-validation")
                numbers, quality = calibrate(network, PoseSamples(shards, subject=subject), HEAD)
                metadata |= {"calibration": json.dumps({"numbers": numbers, **quality})}
            target = WEIGHTS / f"{subject.model}{'_detector' if name == 'detector' else ''}.safetensors"
            export(network, target, metadata)
            print(target, target.stat().st_size, metadata)
        return
    pose = options.what == "pose"
    task = pose_task(options.cache, subject, options.start) if pose else detector_task(options.cache, subject)
    train(
        task,
        checkpoint,
        minutes=options.minutes,
        steps=options.steps,
        seed=options.seed,
        rate=2e-3 * options.rate,
        backbone_rate=6e-4 * options.rate,
        log=log,
    )


def _exports(
    cache: Path, subject: Subject
) -> Iterator[tuple[str, nn.Module, Callable[[nn.Module], dict[str, float]]]]:
    runs, scenes = cache / "runs", cache / "scenes"
    if (runs / f"{subject.scenes}pose.pt").exists():
        samples = PoseSamples(open_shards(scenes, f"{subject.scenes}pose-validation"), False, subject)
        network = pyramid_pose.build(len(subject.keypoints), visibility=True)
        yield "pose", network, lambda net: measure_pose(net, samples)
    if (runs / f"{subject.scenes}detector.pt").exists():
        frames = FrameSamples(open_shards(scenes, f"{subject.scenes}detector-validation"), False, subject)
        yield "detector", mini_detector.build(), lambda net: measure_detector(net, frames)


if __name__ == "__main__":
    main()
