"""Exporting a model as OpenVINO or TorchScript; ONNX is :mod:`superanimal.inference.onnx_export`.

All have the same inputs, outputs and metadata, and are checked against torch on the same pictures before they
appear. An analysis takes each of them by its file name.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

from superanimal.errors import InputError
from superanimal.extras import require
from superanimal.files import atomic_write, sha256_of, storage_error
from superanimal.inference.onnx_export import (
    Deployed,
    Exported,
    checked,
    export_onnx,
    exportable,
    metadata,
    pictures_for,
    write_onnx,
)
from superanimal.zoo.detector_model import DetectorModel
from superanimal.zoo.exported import METADATA, ScriptSession
from superanimal.zoo.exported_files import weights_in
from superanimal.zoo.openvino_session import OpenvinoSession
from superanimal.zoo.pose_model import PoseModel

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".ts"}
"""Formats, and how the names of their files end."""


def export_network(
    model: PoseModel | DetectorModel, file: str | os.PathLike[str], to: str = "", *, seed: int = 0
) -> Exported:
    """Write a model in the format that the name of the file says, and compare it with torch.

    Parameters
    ----------
    model
        Pose model, or detector without classes.
    file
        File to write, ``.onnx``, ``.xml`` (OpenVINO; a file ``.bin`` is written beside it) or ``.ts``
        (TorchScript).
    to
        The format, if the name is to be checked against it: ``"onnx"``, ``"openvino"`` or ``"torchscript"``.
    seed
        Random seed of the test pictures.

    Raises
    ------
    InputError
        When the name does not fit the format, the detector is of another kind, or OpenVINO is not installed.
    ModelError
        When the network cannot be exported, or its outputs differ from torch's; nothing is written.
    StorageError
        When the folder cannot be written.
    """
    target = Path(file)
    to = to or {suffix: name for name, suffix in SUFFIXES.items()}.get(target.suffix, "")
    if to not in SUFFIXES or target.suffix != SUFFIXES[to]:
        said = ", ".join(f"{name} {suffix}" for name, suffix in SUFFIXES.items())
        raise InputError(
            f"{target}: not the name of a file of {to or 'a known format'}", f"names end with: {said}"
        )
    if to == "onnx":
        return export_onnx(model, target, seed=seed)
    if not exportable(model):
        raise InputError(
            f"{model.entry.name} is a detector of the architecture {model.entry.architecture}",
            "pose models and detectors without classes can be exported",
        )
    writers: dict[str, Callable[..., Exported]] = {"openvino": _openvino, "torchscript": _torchscript}
    return writers[to](model, target, seed)


def _openvino(model: PoseModel | DetectorModel, target: Path, seed: int) -> Exported:
    require("openvino", ("openvino",), "exporting to OpenVINO")
    import openvino

    images = pictures_for(model, seed=seed)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            graph = Path(scratch) / "model.xml"
            write_onnx(model, images[:2], graph.with_suffix(".onnx"))
            converted = openvino.convert_model(graph.with_suffix(".onnx"))
            converted.set_rt_info(json.dumps(metadata(model)), METADATA)
            openvino.save_model(converted, graph, compress_to_fp16=False)
            deviation = checked(model, OpenvinoSession(graph), images, target.name)
            weights_in(graph).replace(weights_in(target))  # first: a graph without numbers is no model
            graph.replace(target)
    except OSError as error:
        raise storage_error(target, error) from error
    return Exported(target, sha256_of(weights_in(target)), *deviation)


def _torchscript(model: PoseModel | DetectorModel, target: Path, seed: int) -> Exported:
    images = pictures_for(model, seed=seed)
    example = torch.from_numpy(images[:2]).permute(0, 3, 1, 2).float()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # deprecated, and still what embedded programs read
        network = Deployed(model).eval()
        names = list(network.network((example - network.mean) / network.std))
        traced = torch.jit.freeze(torch.jit.trace(network, (example,)))
        said = json.dumps({**metadata(model), "outputs": names})
        with atomic_write(target) as temporary:
            torch.jit.save(traced, str(temporary), _extra_files={METADATA: said})
            deviation = checked(model, ScriptSession(temporary), images, target.name)
    return Exported(target, sha256_of(target), *deviation)
