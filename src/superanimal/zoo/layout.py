"""Identifying the network of a weight file from the names of its tensors.

Reads what DeepLabCut 3 writes when a user trains a top-down model: the snapshot, and ``pytorch_config.yaml``
beside it for the names of the keypoints and the strides, when it is there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from superanimal.errors import ModelError

CONFIG_FILE = "pytorch_config.yaml"
_HEAD = "heads.bodypart."
_LOCREF_STD = 7.2801
_RESNET_DEPTH = {6: 50, 23: 101, 36: 152}
_CSPNEXT_SIZE = {0.5: "s", 0.75: "m", 1.25: "x"}
_SUPPORTED = "top-down HRNet, ResNet, CSPNeXt and RTMPose models and the torchvision detectors are supported"


def read_config(weights: Path) -> dict[str, Any]:
    """Return the DeepLabCut configuration beside a weight file; empty when there is none."""
    path = weights.parent / CONFIG_FILE
    if not path.is_file():
        return {}
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} is not a YAML file ({error})", remedy="correct it or move it away"
        ) from error
    return content if isinstance(content, dict) else {}


def keypoint_count(state: Mapping[str, Tensor]) -> int | None:
    """Return the number of keypoints of a pose network's tensors; None if unknown."""
    for name in ("final_layer", "heatmap_head.final_conv"):
        if f"{_HEAD}{name}.bias" in state:
            return len(state[f"{_HEAD}{name}.bias"])
    layers = _indices(state, f"{_HEAD}heatmap_head.deconv_layers.")
    return len(state[f"{_HEAD}heatmap_head.deconv_layers.{layers[-1]}.bias"]) if layers else None


def describe(state: Mapping[str, Tensor], config: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the catalogue fields (architecture, options, head, ...) that a file's tensors imply.

    Parameters
    ----------
    state
        Tensors by name.
    config
        Content of ``pytorch_config.yaml``; may be empty.
    source
        Name of the file, for messages.

    Raises
    ------
    ModelError
        When the network is of a kind that is not supported.
    """
    if any(".roi_heads." in f".{key}" or "head.classification_head." in key for key in state):
        return _detector(state, source)
    method = str(config.get("method", "td")).lower()
    if method != "td":
        raise _unsupported(source, f"a model of method {method!r} (bottom-up or conditional top-down)")
    heads = {key.split(".")[1] for key in state if key.startswith("heads.")}
    if not heads:
        raise _unsupported(source, "no tensors of a pose head or a detector")
    if heads != {"bodypart"}:
        raise _unsupported(source, f"the heads {', '.join(sorted(heads))}")
    parts = {key.removeprefix(_HEAD).split(".")[0] for key in state if key.startswith(_HEAD)}
    if "cls_x" in parts:
        fields = _rtmpose(state, config, source)
    elif parts <= {"heatmap_head", "locref_head"} and "heatmap_head" in parts:
        fields = _heatmap(state, config, source)
    else:
        raise _unsupported(source, f"a head with the parts {', '.join(sorted(parts))}")
    count = keypoint_count(state)
    names = _at(config, "metadata", "bodyparts") or []
    if names and len(names) != count:
        raise ModelError(
            f"{source} holds {count} keypoints, but {CONFIG_FILE} beside it names {len(names)}",
            remedy="put the configuration that belongs to the snapshot beside it",
        )
    return {"kind": "pose", "num_keypoints": count, "keypoint_names": list(map(str, names)), **fields}


def _heatmap(state: Mapping[str, Tensor], config: Mapping[str, Any], source: str) -> dict[str, Any]:
    architecture, options, stride = _backbone(state, config, source)
    predictor = _at(config, "model", "heads", "bodypart", "predictor") or {}
    locref = any(key.startswith(f"{_HEAD}locref_head.") for key in state)
    deconv = _deconv(state, config)
    options |= {
        "deconv": deconv,
        "final_conv": f"{_HEAD}heatmap_head.final_conv.weight" in state,
        "locref": locref,
    }
    used = locref and predictor.get("location_refinement", True)
    head = {
        "kind": "heatmap",
        "stride": stride / math.prod(step for _, step, _ in deconv),
        "activation": "sigmoid" if predictor.get("apply_sigmoid", False) else "none",
        "locref_std": float(predictor.get("locref_std", _LOCREF_STD)) if used else None,
    }
    return {
        "architecture": architecture,
        "options": options,
        "head": head,
        "input_size": _crop_size(config),
    }


def _deconv(state: Mapping[str, Tensor], config: Mapping[str, Any]) -> list[list[int]]:
    """Return (kernel, stride, width) of each transposed convolution; width 0 for the one giving the maps."""
    prefix = f"{_HEAD}heatmap_head.deconv_layers."
    weights = [state[f"{prefix}{i}.weight"] for i in _indices(state, prefix)]
    strides = _at(config, "model", "heads", "bodypart", "heatmap_config", "strides")
    if not strides or len(strides) != len(weights):
        strides = [1 if weight.shape[-1] == 1 else 2 for weight in weights]
    widths = [int(weight.shape[1]) for weight in weights]
    if widths and f"{_HEAD}heatmap_head.final_conv.weight" not in state:
        widths[-1] = 0
    kernels = [int(weight.shape[-1]) for weight in weights]
    return [[k, int(s), w] for k, s, w in zip(kernels, strides, widths, strict=True)]


def _backbone(
    state: Mapping[str, Tensor], config: Mapping[str, Any], source: str
) -> tuple[str, dict[str, Any], int]:
    """Return architecture, options and stride of the backbone."""
    if "backbone.model.transition1.0.0.weight" in state:
        if any("incre_modules" in key for key in state):
            raise _unsupported(source, "an HRNet with increased channel count")
        return f"hrnet_w{len(state['backbone.model.transition1.0.0.weight'])}", {}, 4
    if "backbone.stem.0.conv.weight" in state:
        return f"cspnext_{_cspnext_size(state, source)}", {}, 32
    blocks = len(_indices(state, "backbone.model.layer3."))
    if "backbone.model.conv1.weight" in state and blocks in _RESNET_DEPTH:
        depth = _RESNET_DEPTH[blocks]
        grouped = "" if "backbone.model.bn1.running_mean" in state else "_gn"
        stride = int(_at(config, "model", "backbone", "output_stride") or 16)
        name = "resnet_101" if depth == 101 else "resnet_50"
        return name, {"backbone": f"resnet{depth}{grouped}", "output_stride": stride}, stride
    raise _unsupported(source, "an unknown backbone")


def _rtmpose(state: Mapping[str, Tensor], config: Mapping[str, Any], source: str) -> dict[str, Any]:
    predictor = _at(config, "model", "heads", "bodypart", "predictor") or {}
    split = float(predictor.get("simcc_split_ratio", 2.0))
    size = [int(len(state[f"{_HEAD}cls_{axis}.weight"]) / split) for axis in "xy"]
    sigma = predictor.get("sigma", [5.66, 5.66] if size[0] == size[1] else [6.0, 6.93])
    beta = float(predictor.get("decode_beta", 150.0))
    head = {
        "kind": "simcc",
        "stride": 1.0,
        "activation": "softmax",
        "simcc_split": split,
        "simcc_temperature": [float(value) * beta for value in sigma],
    }
    return {
        "architecture": f"rtmpose_{_cspnext_size(state, source)}",
        "options": {"input_size": size, "split": split},
        "head": head,
        "input_size": size,
    }


def _detector(state: Mapping[str, Tensor], source: str) -> dict[str, Any]:
    names = {key.removeprefix("model.") for key in state}
    if any(name.startswith("head.classification_head.") for name in names):
        architecture, classes = "ssdlite", 2
    elif "backbone.body.0.0.weight" in names:
        architecture, classes = "fasterrcnn_mobilenet_v3_large_fpn", 0
    elif "backbone.body.layer1.0.conv1.weight" in names:
        v2 = "backbone.fpn.inner_blocks.0.1.weight" in names
        architecture, classes = f"fasterrcnn_resnet50_fpn{'_v2' if v2 else ''}", 0
    else:
        raise _unsupported(source, "an unknown detector")
    if not classes:
        key = "roi_heads.box_predictor.cls_score.bias"
        classes = len(state[key] if key in state else state[f"model.{key}"])
    threshold = {"threshold": 0.4, "compatible_threshold": 0.001} if architecture == "ssdlite" else {}
    return {"kind": "detector", "architecture": architecture, "num_classes": classes, **threshold}


def _cspnext_size(state: Mapping[str, Tensor], source: str) -> str:
    widen = len(state["backbone.stem.2.conv.weight"]) / 64
    if widen not in _CSPNEXT_SIZE:
        raise _unsupported(source, f"a CSPNeXt of width {widen}")
    return _CSPNEXT_SIZE[widen]


def _crop_size(config: Mapping[str, Any]) -> list[int]:
    crop = _at(config, "data", "inference", "top_down_crop") or {}
    return [int(crop.get("width", 256)), int(crop.get("height", 256))]


def _indices(state: Mapping[str, Tensor], prefix: str) -> list[int]:
    """Return the sorted numbers that follow a prefix in the names."""
    pattern = re.compile(re.escape(prefix) + r"(\d+)\.")
    return sorted({int(found[1]) for found in map(pattern.match, state) if found})


def _at(config: Mapping[str, Any], *path: str) -> Any:
    """Walk down nested mappings; None when a step is missing."""
    value: Any = config
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _unsupported(source: str, found: str) -> ModelError:
    return ModelError(f"{source} holds {found}, which cannot be used", _SUPPORTED)
