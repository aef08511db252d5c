"""A pose model as a shuffle of a DeepLabCut 3 project, so that ``deeplabcut.analyze_videos`` runs it.

These files are written to ``dlc-models-pytorch/iteration-N/<Task><date>-trainset<fraction>shuffle<k>/``::

    train/pytorch_config.yaml   the network, using only keys known to DeepLabCut, which rejects others
    train/snapshot-<epoch>.pt   the weights
    train/snapshot-detector-<epoch>.pt   those of the detector, if DeepLabCut supports it
    test/pose_cfg.yaml

The shuffle gets the next free number, starting at 101: training sets created in DeepLabCut are numbered from
1 and would overwrite it. If there is such a training set, the shuffle shares it: its split and data are also
written under the number of the shuffle, and the shuffle is added to ``metadata.yaml``, so that
``evaluate_network`` and ``train_network`` accept it; training continues from the exported weights. The head
is reduced to the project's keypoints, in the project's order, because DeepLabCut 3.0 confuses the channels of
a model that has more (as after its own memory replay).
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from superanimal.errors import FormatError, InputError, ModelError, NotFoundError, by_caller
from superanimal.files import atomic_write
from superanimal.formats.deeplabcut_project import CONFIG
from superanimal.formats.text import decode
from superanimal.training.networks.heads import with_outputs
from superanimal.zoo.detector_model import DetectorModel
from superanimal.zoo.entry import ModelEntry
from superanimal.zoo.pose_model import PoseModel

EPOCH, DETECTOR_EPOCH = 200, 250
"""Epochs in the names of the snapshots: those at which DeepLabCut's own recipes end."""
FIRST_SHUFFLE = 101
NEW_DETECTOR = ("ssdlite", 0.6)
"""Architecture and minimum score of a detector that is not yet trained."""
LOCREF_WEIGHT, LOCREF_RADIUS = 0.05, 17
_RTMPOSE = {"rtmpose_s": (0.33, 0.5), "rtmpose_m": (0.67, 0.75), "rtmpose_x": (1.33, 1.25)}
_BACKBONES: dict[str, tuple[dict[str, Any], int]] = {
    "hrnet_w18": ({"type": "HRNet", "model_name": "hrnet_w18"}, 18),
    "hrnet_w32": ({"type": "HRNet", "model_name": "hrnet_w32"}, 32),
    "hrnet_w48": ({"type": "HRNet", "model_name": "hrnet_w48"}, 48),
    "resnet_50": ({"type": "ResNet", "model_name": "resnet50_gn"}, 2048),
    "resnet_101": ({"type": "ResNet", "model_name": "resnet101"}, 2048),
}
_FASTER_RCNN = ("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_resnet50_fpn_v2")
_METADATA_HEAD = "# List of shuffles, read by DeepLabCut\n# Written by napari-superanimal\n---\n"


@dataclass(frozen=True)
class DeepLabCutShuffle:
    """A written shuffle.

    Attributes
    ----------
    folder
        Of the shuffle.
    shuffle
        Its number, the ``shuffle`` argument of DeepLabCut functions.
    snapshot
        The weights.
    detector_snapshot
        Weights of the detector, or None: DeepLabCut then needs a detector trained there to analyse videos.
    trainable
        Whether ``evaluate_network`` and ``train_network`` can use the shuffle, that is, whether the project
        had a training set to share.
    note
        Note for the user.
    """

    folder: Path
    shuffle: int
    snapshot: Path
    detector_snapshot: Path | None = None
    trainable: bool = False
    note: str = ""


def known_to_deeplabcut(entry: ModelEntry) -> bool:
    """Whether DeepLabCut 3 has the architecture of a model."""
    if entry.kind == "detector":
        return entry.architecture in (*_FASTER_RCNN, "ssdlite")
    return entry.architecture in (*_BACKBONES, *_RTMPOSE)


def export_deeplabcut(
    model: PoseModel,
    project: str | os.PathLike[str],
    *,
    keypoint_map: Mapping[str, str] | None = None,
    detector: DetectorModel | None = None,
) -> DeepLabCutShuffle:
    """Add a model to a DeepLabCut project as a new shuffle.

    Parameters
    ----------
    model
        A pose model with an architecture supported by DeepLabCut.
    project
        Folder with ``config.yaml``, or that file.
    keypoint_map
        Model keypoint by project keypoint, if the names differ.
    detector
        Detector to export as well, with an architecture supported by DeepLabCut.

    Raises
    ------
    NotFoundError
        When there is no project.
    ModelError
        When DeepLabCut does not support the architecture, or crops differently.
    InputError
        When the model lacks a keypoint of the project.
    """
    for entry in (model.entry, *([detector.entry] if detector else [])):
        if not known_to_deeplabcut(entry):
            raise ModelError(
                f"{entry.name} has the architecture {entry.architecture}, which DeepLabCut 3 does not have",
                f"it has {', '.join((*_BACKBONES, *_RTMPOSE, *_FASTER_RCNN, 'ssdlite'))}",
                "export it to ONNX, or fine-tune a model of one of these architectures",
            )
    if other := _other_conventions(model.entry):
        raise ModelError(
            f"{model.entry.name} {other}",
            "DeepLabCut has no setting for that",
            "export it to ONNX, or fine-tune a model that came from DeepLabCut",
        )
    root = Path(project)
    root = root.parent if root.name == CONFIG else root
    config = _read_project(root / CONFIG)
    own = _project_keypoints(config)
    note = ""
    if model.head.kind == "simcc" and len(own) < len(model.keypoints):
        note = (
            f"the project has {len(own)} of the model's {len(model.keypoints)} keypoints; in RTMPose they "
            "attend to each other, so the predictions change: fine-tune on the project's labels first"
        )
    model = _with_keypoints(model, own, dict(keypoint_map or {}), root)
    fraction = float((config.get("TrainingFraction") or [0.95])[0])
    models = root / "dlc-models-pytorch" / f"iteration-{config.get('iteration', 0)}"
    stem = f"{config['Task']}{config['date']}-trainset{int(100 * fraction)}shuffle"
    shuffle = _next_number(models, stem)
    folder = models / f"{stem}{shuffle}"
    settings = pytorch_config(model.entry, own, _individuals(config), root, folder, detector)
    snapshot = _save(model.network, folder / "train" / f"snapshot-{EPOCH:03d}.pt", EPOCH)
    found = None
    if detector is not None:
        name = f"snapshot-detector-{DETECTOR_EPOCH:03d}.pt"
        found = _save(detector.network, folder / "train" / name, DETECTOR_EPOCH)
    _write_yaml(folder / "test" / "pose_cfg.yaml", _test_config(model.entry, own, root))
    trainable = _share_training_set(root, config, fraction, shuffle, folder.name)
    settings["resume_training_from"] = str(snapshot.absolute())
    if found is not None:
        settings["detector"]["resume_training_from"] = str(found.absolute())
    _write_yaml(folder / "train" / "pytorch_config.yaml", settings)
    return DeepLabCutShuffle(folder, shuffle, snapshot, found, trainable, note)


def _other_conventions(entry: ModelEntry) -> str:
    """Describe differences from DeepLabCut in crops and heads; empty if there are none."""
    head = entry.head
    if entry.crop_margin != 1:
        return f"enlarges boxes {entry.crop_margin:g} times before cropping"
    if head.pixel_shift != 0:
        return f"counts pixels from {-head.pixel_shift:g}"
    if head.kind == "heatmap" and head.activation == "softmax":
        return "has heatmaps that are soft-max distributions"
    return ""


def pytorch_config(
    entry: ModelEntry,
    keypoints: tuple[str, ...],
    individuals: list[str],
    project: Path,
    folder: Path,
    detector: DetectorModel | None = None,
) -> dict[str, Any]:
    """Return the content of ``pytorch_config.yaml`` for a model with these keypoints.

    Without a detector it describes an untrained one: DeepLabCut cannot train a top-down shuffle without.
    """
    width, height = entry.input_size
    crop = {"top_down_crop": {"width": width, "height": height}}
    affine = {"p": 0.5, "rotation": 30, "scaling": [1.0, 1.0], "translation": 0}
    settings: dict[str, Any] = {
        "net_type": entry.architecture,
        "method": "td",
        "device": "auto",
        "metadata": {
            "project_path": str(project.absolute()),
            "pose_config_path": str((folder / "train" / "pytorch_config.yaml").absolute()),
            "bodyparts": list(keypoints),
            "unique_bodyparts": [],
            "individuals": individuals,
            "with_identity": False,
        },
        "data": {
            "bbox_margin": 20,
            "colormode": "RGB",
            "inference": {"normalize_images": True, **crop},
            "train": {"affine": affine, "gaussian_noise": 12.75, "normalize_images": True, **crop},
        },
        "model": _model(entry, len(keypoints)),
        "runner": _runner("PoseTrainingRunner", "test.mAP", [160, 190]),
        "train_settings": _train_settings(EPOCH, 8),
    }
    kind = NEW_DETECTOR
    if detector is not None:
        kind = detector.entry.architecture, detector.entry.compatible_threshold
    settings["detector"] = _detector(*kind)
    return settings


def _model(entry: ModelEntry, keypoints: int) -> dict[str, Any]:
    frozen = {"freeze_bn_stats": entry.architecture.startswith("hrnet"), "freeze_bn_weights": False}
    if entry.architecture in _RTMPOSE:
        deepen, widen = _RTMPOSE[entry.architecture]
        channels = int(1024 * widen)
        backbone = {
            "type": "CSPNeXt",
            "model_name": entry.architecture.replace("rtmpose", "cspnext"),
            "deepen_factor": deepen,
            "widen_factor": widen,
            **frozen,
        }
        head = _simcc_head(entry, keypoints, channels)
    else:
        known, channels = _BACKBONES[entry.architecture]
        backbone = {**known, **frozen}
        if entry.architecture.startswith("hrnet"):
            backbone |= {"interpolate_branches": False, "increased_channel_count": False}
        else:
            backbone |= {"output_stride": int(entry.options.get("output_stride", 16))}
            backbone["model_name"] = entry.options.get("backbone", backbone["model_name"])
        head = _heatmap_head(entry, keypoints, channels)
    return {"backbone": backbone, "backbone_output_channels": channels, "heads": {"bodypart": head}}


def _heatmap_head(entry: ModelEntry, keypoints: int, channels: int) -> dict[str, Any]:
    released = {"hrnet": ([[1, 1, 0]], False), "resne": ([[3, 2, 0]], True)}[entry.architecture[:5]]
    deconv = [list(layer) for layer in entry.options.get("deconv", released[0])]
    final = bool(entry.options.get("final_conv", False))
    locref = bool(entry.options.get("locref", released[1]))

    def maps(outputs: int) -> dict[str, Any]:
        found: dict[str, Any] = {
            "channels": [channels, *(width or outputs for _, _, width in deconv)],
            "kernel_size": [kernel for kernel, _, _ in deconv],
            "strides": [stride for _, stride, _ in deconv],
        }
        return found | ({"final_conv": {"out_channels": outputs, "kernel_size": 1}} if final else {})

    std = entry.head.locref_std or 7.2801
    head: dict[str, Any] = {
        "type": "HeatmapHead",
        "weight_init": "normal",
        "predictor": {
            "type": "HeatmapPredictor",
            "apply_sigmoid": entry.head.activation == "sigmoid",
            "clip_scores": True,
            "location_refinement": entry.head.locref_std is not None,
            "locref_std": std,
        },
        "target_generator": {
            "type": "HeatmapGaussianGenerator",
            "num_heatmaps": keypoints,
            "pos_dist_thresh": LOCREF_RADIUS,
            "heatmap_mode": "KEYPOINT",
            "generate_locref": locref,
            "locref_std": std,
        },
        "criterion": {"heatmap": {"type": "WeightedMSECriterion", "weight": 1.0}},
        "heatmap_config": maps(keypoints),
    }
    if locref:
        head["criterion"]["locref"] = {"type": "WeightedHuberCriterion", "weight": LOCREF_WEIGHT}
        head["locref_config"] = maps(2 * keypoints)
    return head


def _simcc_head(entry: ModelEntry, keypoints: int, channels: int) -> dict[str, Any]:
    width, height = entry.input_size
    beta = 150.0
    sigma = [value / beta for value in entry.head.simcc_temperature]
    split = entry.head.simcc_split
    loss = {"type": "KLDiscreteLoss", "use_target_weight": True, "beta": 10.0, "label_softmax": True}
    return {
        "type": "RTMCCHead",
        "weight_init": "RTMPose",
        "target_generator": {
            "type": "SimCCGenerator",
            "input_size": [width, height],
            "smoothing_type": "gaussian",
            "sigma": sigma,
            "simcc_split_ratio": split,
            "label_smooth_weight": 0.0,
            "normalize": False,
        },
        "criterion": {"x": loss, "y": dict(loss)},
        "predictor": {
            "type": "SimCCPredictor",
            "simcc_split_ratio": split,
            "sigma": sigma,
            "decode_beta": beta,
        },
        "input_size": [width, height],
        "in_channels": channels,
        "out_channels": keypoints,
        "in_featuremap_size": [width // 32, height // 32],
        "simcc_split_ratio": split,
        "final_layer_kernel_size": 7,
        "gau_cfg": {
            "hidden_dims": 256,
            "s": 128,
            "expansion_factor": 2,
            "dropout_rate": 0,
            "drop_path": 0.0,
            "act_fn": "SiLU",
            "use_rel_bias": False,
            "pos_enc": False,
        },
    }


def _detector(architecture: str, threshold: float) -> dict[str, Any]:
    faster = architecture in _FASTER_RCNN
    kind = {"type": "FasterRCNN", "variant": architecture} if faster else {"type": "SSDLite"}
    affine = {"p": 0.5, "rotation": 30, "scaling": [1.0, 1.0], "translation": 40}
    return {
        "model": {
            **kind,
            "box_score_thresh": threshold,
            "freeze_bn_stats": True,
            "freeze_bn_weights": False,
        },
        "device": "auto",
        "data": {
            "colormode": "RGB",
            "inference": {"normalize_images": True},
            "train": {"affine": affine, "hflip": True, "normalize_images": True},
        },
        "runner": _runner("DetectorTrainingRunner", "test.mAP@50:95", [90]),
        "train_settings": _train_settings(DETECTOR_EPOCH, 8),
    }


def _runner(kind: str, metric: str, milestones: list[int]) -> dict[str, Any]:
    rates = [[10.0 ** -(6 + i)] for i in range(len(milestones))]
    return {
        "type": kind,
        "key_metric": metric,
        "key_metric_asc": True,
        "eval_interval": 10,
        "optimizer": {"type": "AdamW", "params": {"lr": 1e-5}},
        "scheduler": {"type": "LRListScheduler", "params": {"lr_list": rates, "milestones": milestones}},
        "snapshots": {"max_snapshots": 5, "save_epochs": 25, "save_optimizer_state": False},
    }


def _train_settings(epochs: int, batch: int) -> dict[str, Any]:
    return {
        "batch_size": batch,
        "dataloader_workers": 0,
        "dataloader_pin_memory": False,
        "display_iters": 500,
        "epochs": epochs,
        "seed": 42,
    }


def _read_project(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise NotFoundError(
            f"{file.parent}: no DeepLabCut project",
            f"a project has a {CONFIG}",
            "create one from labels"
            + by_caller(
                ": superanimal.convert(labels, project, to='deeplabcut')",
                ": superanimal convert LABELS PROJECT --to deeplabcut",
            ),
        )
    try:
        config = yaml.safe_load(decode(file.read_bytes())[0])
        config["Task"], config["date"]
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise FormatError(f"{file}: not the configuration of a DeepLabCut project ({error})") from error
    return dict(config)


def _project_keypoints(config: Mapping[str, Any]) -> tuple[str, ...]:
    names = config.get("bodyparts")
    names = config.get("multianimalbodyparts") if names == "MULTI!" else names
    return tuple(map(str, names or ()))


def _individuals(config: Mapping[str, Any]) -> list[str]:
    names = config.get("individuals") if config.get("multianimalproject") else None
    return [str(name) for name in names] if names else ["individual_1"]


def _with_keypoints(
    model: PoseModel, own: tuple[str, ...], keypoint_map: dict[str, str], project: Path
) -> PoseModel:
    wanted = [keypoint_map.get(name, name) for name in own]
    missing = [name for name in wanted if name not in model.keypoints]
    if missing or not own:
        raise InputError(
            f"{model.entry.name} does not have the keypoints {', '.join(missing)} of {project.name}",
            "every keypoint of the project must be one of the model",
            "map it with a keypoint map, or fine-tune the model on the project's labels",
        )
    return with_outputs(model, own, [model.keypoints.index(name) for name in wanted])


def _next_number(models: Path, stem: str) -> int:
    taken = [re.fullmatch(re.escape(stem) + r"(\d+)", path.name) for path in models.glob(f"{stem}*")]
    return max([FIRST_SHUFFLE - 1, *(int(match[1]) for match in taken if match)]) + 1


def _save(network: nn.Module, file: Path, epoch: int) -> Path:
    state: dict[str, Tensor] = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    content = {"model": state, "metadata": {"epoch": epoch, "metrics": {}, "losses": {}}}
    with atomic_write(file) as temporary:
        torch.save(content, temporary)
    return file


def _test_config(entry: ModelEntry, keypoints: tuple[str, ...], root: Path) -> dict[str, Any]:
    return {
        "dataset": str(root.absolute()),
        "num_joints": len(keypoints),
        "all_joints": [[i] for i in range(len(keypoints))],
        "all_joints_names": list(keypoints),
        "net_type": entry.architecture,
        "dataset_type": "multi-animal-imgaug",
        "global_scale": 1.0,
        "scoremap_dir": "test",
    }


def _share_training_set(
    root: Path, config: Mapping[str, Any], fraction: float, shuffle: int, name: str
) -> bool:
    """Copy the split and data of an earlier shuffle, if any; return whether there was one.

    DeepLabCut rejects a list of shuffles (``metadata.yaml``) that includes one without a split.
    """
    task, percent = config["Task"], int(100 * fraction)
    iteration = f"iteration-{config.get('iteration', 0)}"
    folder = root / "training-datasets" / iteration / f"UnaugmentedDataSet_{task}{config['date']}"
    split = f"Documentation_data-{task}_{percent}shuffle{{}}.pickle"
    data = f"{task}_{config.get('scorer', '')}{percent}shuffle{{}}"
    data += ".pickle" if config.get("multianimalproject") else ".mat"
    file = folder / "metadata.yaml"
    known = yaml.safe_load(file.read_text("utf-8")) if file.is_file() else None
    shuffles = dict((known or {}).get("shuffles") or {})
    for each in shuffles.values():
        if each.get("train_fraction") != fraction:
            continue
        if not all((folder / pattern.format(each["index"])).is_file() for pattern in (split, data)):
            continue
        for pattern in (split, data):
            with atomic_write(folder / pattern.format(shuffle)) as temporary:
                shutil.copyfile(folder / pattern.format(each["index"]), temporary)
        new = {**each, "index": shuffle, "engine": "pytorch"}
        _write_yaml(file, {"shuffles": {**shuffles, name: new}}, _METADATA_HEAD)
        return True
    return False


def _write_yaml(file: Path, content: dict[str, Any], head: str = "") -> None:
    plain = json.loads(json.dumps(content))  # lists must not be shared: YAML would write references
    with atomic_write(file) as temporary:
        temporary.write_text(head + yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), "utf-8")
