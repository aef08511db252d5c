"""Exporting a pose model to ONNX, checked against the original network.

The normalisation is part of the graph: the input ``image`` is (batch, 3, height, width) float32 with RGB
values 0..255, the outputs are the raw heads by name (``heatmap``, ``locref``, ``simcc_x``, ...). The file's
metadata describe this and the meaning of the outputs: see :func:`metadata`. ``docs/onnx.md`` shows a
self-contained program.

Needs the extra ``onnx`` (onnx, onnxscript, onnxruntime).
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from superanimal.errors import InputError, ModelError
from superanimal.extras import require
from superanimal.files import atomic_write, sha256_of
from superanimal.poses import make_provenance
from superanimal.zoo.pose_model import PoseModel

TOLERANCE = 1e-3
"""Maximum difference between the outputs of torch and onnxruntime, in standard deviations of the output."""
PIXEL_TOLERANCE = 0.05
"""Maximum difference between decoded keypoints, in crop pixels, if both are confident (> 0.1)."""
OPSET = 18
CROP_RULE = (
    "Box as x, y, width, height in pixels, pixel centres at integers. Multiply width and height by the "
    "margin about the centre; lengthen the shorter side until the box has the aspect ratio of the input; "
    "round its corners to whole pixels, half to even; what lies outside the image is black (0)."
)
RESIZING = (
    "Mean over areas when the crop is wider and higher than the input, else bilinear without antialiasing; "
    "pixel corners are aligned, values are rounded to whole numbers."
)
"""Description of the crop, see :mod:`superanimal.inference.crops`."""


@dataclass(frozen=True)
class OnnxExport:
    """A written ONNX file and its deviation from the network.

    Attributes
    ----------
    file, sha256
        The file and its digest.
    differences
        Maximum difference of each output, in standard deviations of that output.
    pixels
        Maximum difference of a decoded keypoint in crop pixels.
    """

    file: Path
    sha256: str
    differences: dict[str, float]
    pixels: float


class _Deployed(nn.Module):
    """A network with its normalisation in front and its heads in a fixed order."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: PoseModel) -> None:
        super().__init__()
        self.network = model.network
        entry = model.entry
        self.register_buffer("mean", torch.tensor(entry.mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(entry.std).view(1, 3, 1, 1) * 255)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        heads: dict[str, Tensor] = self.network((image - self.mean) / self.std)
        return tuple(heads.values())


def export_onnx(model: PoseModel, file: str | os.PathLike[str], *, seed: int = 0) -> OnnxExport:
    """Write a pose model as ONNX with a dynamic batch, and compare it with torch.

    Parameters
    ----------
    model
        Pose model; it is exported in float32 from the CPU.
    file
        ``.onnx`` file to write.
    seed
        Random seed of the test pictures.

    Raises
    ------
    InputError
        When the extra is not installed, or the file name does not end with .onnx.
    ModelError
        When the outputs differ by more than :data:`TOLERANCE` or :data:`PIXEL_TOLERANCE`; nothing is written.
    """
    target = Path(file)
    if target.suffix != ".onnx":
        raise InputError(f"{target}: not an .onnx file name", "the name of an ONNX file must end with .onnx")
    require("onnx", ("onnx", "onnxscript", "onnxruntime"), "exporting to ONNX")
    model = PoseModel(model.entry, model.network, model.sha256).to("cpu", torch.float32).exact()
    width, height = model.entry.input_size
    images = _pictures(np.random.default_rng(seed), 3, width, height)
    names = list(model.forward(model.preprocess(images[:1])))
    with atomic_write(target) as temporary:
        _write(model, images[:2], names, temporary)
        differences, pixels = compare(model, temporary, images)
        worst = max(differences.values())
        if worst > TOLERANCE or pixels > PIXEL_TOLERANCE:
            raise ModelError(
                f"{target.name}: outputs differ from torch by {worst:.2g} standard deviations and "
                f"{pixels:.2g} crop pixels",
                f"at most {TOLERANCE:g} and {PIXEL_TOLERANCE:g} are accepted",
                "nothing was written; try another version of torch or onnxruntime",
            )
    return OnnxExport(target, sha256_of(target), differences, pixels)


def compare(model: PoseModel, file: Path, images: Tensor) -> tuple[dict[str, float], float]:
    """Run torch and onnxruntime on the same pictures, one at a time and as a batch.

    Parameters
    ----------
    images
        (B, H, W, 3) uint8.

    Returns
    -------
    differences, pixels
        As in :class:`OnnxExport`.
    """
    import onnxruntime

    from superanimal.inference.crops import CropWindows
    from superanimal.inference.decode import decode

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    differences, pixels = dict.fromkeys(names, 0.0), 0.0
    for part in (images, images[:1]):
        expected = model.forward(model.preprocess(part))
        given = part.permute(0, 3, 1, 2).float().numpy()
        found = dict(zip(names, session.run(None, {"image": given}), strict=True))
        for name, theirs in found.items():
            ours = expected[name].numpy()
            spread = float(ours.std()) or 1.0
            differences[name] = max(differences[name], float(np.abs(ours - theirs).max()) / spread)
        count, size = len(part), model.entry.input_size
        windows = CropWindows(np.zeros((count, 2), np.int64), np.tile(size, (count, 1)), size)
        (a, sure), (b, _) = (
            decode(heads, model.head, windows, subpixel=True)
            for heads in (expected, {name: torch.from_numpy(value) for name, value in found.items()})
        )
        if (sure > 0.1).any():
            pixels = max(pixels, float(np.abs(a - b)[sure > 0.1].max()))
    return differences, pixels


def _write(model: PoseModel, images: Tensor, names: list[str], file: Path) -> None:
    import onnx

    deployed = _Deployed(model).eval()
    example = images.permute(0, 3, 1, 2).float()
    noisy = logging.getLogger("torch.onnx")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about internals of the exporter
            torch.onnx.export(
                deployed,
                (example,),
                str(file),
                input_names=["image"],
                output_names=names,
                dynamic_shapes={"image": {0: torch.export.Dim("batch", min=1, max=4096)}},
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    finally:
        noisy.setLevel(level)
    written = onnx.load(str(file))
    for key, value in metadata(model).items():
        written.metadata_props.add(key=key, value=value if isinstance(value, str) else json.dumps(value))
    onnx.save(written, str(file))


def metadata(model: PoseModel) -> dict[str, Any]:
    """Return the metadata that users of the ONNX file need, as texts or JSON values.

    ``input`` (layout, type, channel order, value range, size), ``normalisation`` (mean and standard deviation
    of the scale 0..1, applied inside), ``crop`` (margin, rule, resizing), ``keypoints`` in channel order,
    ``head`` (see :class:`~superanimal.zoo.HeadSpec`), ``second_look`` (whether the analysis crops a second
    time around the keypoints found), licence and provenance.
    """
    from superanimal.inference.analyzer import weights_hash

    entry = model.entry
    return {
        "name": entry.name,
        "title": entry.title,
        "keypoints": list(model.keypoints),
        "head": asdict(model.head),
        "input": {
            "name": "image",
            "layout": "batch, channel, height, width",
            "type": "float32",
            "channels": "RGB",
            "range": [0, 255],
            "size": {"width": entry.input_size[0], "height": entry.input_size[1]},
        },
        "normalisation": {
            "mean": list(entry.mean),
            "std": list(entry.std),
            "of_range": [0, 1],
            "inside": True,
        },
        "crop": {"margin": entry.crop_margin, "rule": CROP_RULE, "resizing": RESIZING},
        "second_look": entry.refine,
        "licence": entry.licence.title,
        "provenance": make_provenance(
            "export onnx", model=entry.name, weights=weights_hash(model), opset=OPSET
        ),
    }


def _pictures(rng: np.random.Generator, count: int, width: int, height: int) -> Tensor:
    """Return smooth coloured pictures (count, height, width, 3) uint8, more like crops than noise is."""
    import cv2

    coarse = rng.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    fine = [cv2.resize(each, (width, height), interpolation=cv2.INTER_CUBIC) for each in coarse]
    return torch.from_numpy(np.stack(fine))
