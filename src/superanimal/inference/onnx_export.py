"""Exporting a model to ONNX, checked against the original network.

The normalisation is part of the graph: the input ``image`` is (batch, 3, height, width) float32 with RGB
values 0..255, the outputs are the raw heads by name (``heatmap``, ``locref``, ``simcc_x``, ...). The file's
metadata describe this and the meaning of the outputs: see :func:`metadata`. ``docs/onnx.md`` shows a
self-contained program.

Convolutions that fit their padding to each picture ("same" padding, as in the backbones of the embedded
models) become convolutions with a fixed one: on canvases whose sides are multiples of 32 both are equal to
the last bit, and onnxruntime can fuse the fixed one.
"""

from __future__ import annotations

import copy
import json
import os
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from superanimal.errors import InputError, ModelError
from superanimal.files import atomic_write, sha256_of
from superanimal.poses import make_provenance
from superanimal.zoo.detector_model import DetectorModel
from superanimal.zoo.exported import Runner, Session
from superanimal.zoo.folder import entry_fields
from superanimal.zoo.pose_model import PoseModel

TOLERANCE = 1e-3
"""Maximum difference between the outputs of torch and onnxruntime, in standard deviations of the output."""
PIXEL_TOLERANCE = 0.05
"""Maximum difference between decoded keypoints, in crop pixels, if both are confident (> 0.1)."""
OPSET = 18
CANVAS = (256, 320)
"""Height and width in pixels of the pictures a detector is exported and compared with."""
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
class Exported:
    """A written file and its deviation from the network.

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


class Deployed(nn.Module):
    """A network with its normalisation in front and its heads in a fixed order."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: PoseModel | DetectorModel) -> None:
        super().__init__()
        self.network = copy.deepcopy(model.network).float().cpu()
        half = (0.5, 0.5, 0.5)
        mean, std = (model.entry.mean, model.entry.std) if isinstance(model, PoseModel) else (half, half)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the raw heads of images (B, 3, H, W), RGB values 0..255."""
        heads: dict[str, Tensor] = self.network((image - self.mean) / self.std)
        return tuple(heads.values())


def exportable(model: PoseModel | DetectorModel) -> bool:
    """Return whether a model can be exported: pose models, and detectors without classes."""
    return isinstance(model, PoseModel) or not model.entry.num_classes


def export_onnx(model: PoseModel | DetectorModel, file: str | os.PathLike[str], *, seed: int = 0) -> Exported:
    """Write a model as ONNX with a dynamic batch, and compare it with torch.

    Parameters
    ----------
    model
        Pose model, or detector without classes (whose pictures may have any sides that are multiples of 32);
        it is exported in float32 from the CPU.
    file
        ``.onnx`` file to write.
    seed
        Random seed of the test pictures.

    Raises
    ------
    InputError
        When the file name does not end with .onnx, or the detector is of another kind.
    ModelError
        When torch cannot export the network, or the outputs differ by more than :data:`TOLERANCE` or
        :data:`PIXEL_TOLERANCE`; nothing is written.
    """
    target = Path(file)
    if target.suffix != ".onnx":
        raise InputError(f"{target}: not an .onnx file name", "the name of an ONNX file must end with .onnx")
    if not exportable(model):
        raise InputError(
            f"{model.entry.name} is a detector of the architecture {model.entry.architecture}",
            "pose models and detectors without classes can be exported to ONNX",
        )
    images = pictures_for(model, seed=seed)
    with atomic_write(target) as temporary:
        write_onnx(model, images[:2], temporary)
        deviation = checked(model, Session(temporary), images, target.name)
    return Exported(target, sha256_of(target), *deviation)


def checked(
    model: PoseModel | DetectorModel, session: Runner, images: np.ndarray, name: str
) -> tuple[dict[str, float], float]:
    """Return what :func:`compare` does; raise ModelError when it is more than is accepted."""
    differences, pixels = compare(model, session, images)
    worst = max(differences.values())
    if worst > TOLERANCE or pixels > PIXEL_TOLERANCE:
        raise ModelError(
            f"{name}: outputs differ from torch by {worst:.2g} standard deviations and {pixels:.2g} "
            "crop pixels",
            f"at most {TOLERANCE:g} and {PIXEL_TOLERANCE:g} are accepted",
            f"nothing was written; try another version of torch or {session.backend}",
        )
    return differences, pixels


def compare(
    model: PoseModel | DetectorModel, session: Runner, images: np.ndarray
) -> tuple[dict[str, float], float]:
    """Run torch and an exported model on the same pictures, one at a time and as a batch.

    Parameters
    ----------
    session
        The exported model.
    images
        (B, H, W, 3) uint8.

    Returns
    -------
    differences, pixels
        As in :class:`Exported`.
    """
    from superanimal.inference.crops import CropWindows
    from superanimal.inference.decode import decode

    network = Deployed(model).eval()
    differences, pixels = dict.fromkeys(session.outputs, 0.0), 0.0
    for part in (images, images[:1]):
        with torch.inference_mode():
            given = torch.from_numpy(part).permute(0, 3, 1, 2).float()
            expected = {n: v.numpy() for n, v in zip(session.outputs, network(given), strict=True)}
        found = session(part)
        for name, theirs in found.items():
            spread = float(expected[name].std()) or 1.0
            worst = float(np.abs(expected[name] - theirs).max()) / spread
            differences[name] = max(differences[name], worst)
        if not isinstance(model, PoseModel):
            continue
        count, size = len(part), model.entry.input_size
        windows = CropWindows(np.zeros((count, 2), np.int64), np.tile(size, (count, 1)), size)
        (a, sure), (b, _) = (decode(heads, model.head, windows, subpixel=True) for heads in (expected, found))
        if (sure > 0.1).any():
            pixels = max(pixels, float(np.abs(a - b)[sure > 0.1].max()))
    return differences, pixels


def write_onnx(model: PoseModel | DetectorModel, images: np.ndarray, file: Path) -> None:
    """Write a model as ONNX, with its metadata; ``images`` (B, H, W, 3) uint8 are looked at on the way."""
    import onnx

    deployed = Deployed(model).eval()
    example = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        names = list(deployed.network((example - deployed.mean) / deployed.std))
    _fix_padding(deployed, example)
    axes = {0: "batch"} if isinstance(model, PoseModel) else {0: "batch", 2: "height", 3: "width"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about internals of the exporter
            torch.onnx.export(
                deployed,
                (example,),
                str(file),
                input_names=["image"],
                output_names=names,
                dynamic_axes={"image": axes, **{name: {0: "batch"} for name in names}},
                opset_version=OPSET,
                dynamo=False,  # the other exporter takes 17 s of a core where this one takes 2
            )
    except Exception as error:
        raise ModelError(
            f"{model.entry.name} cannot be exported: {str(error).splitlines()[0]}",
            "torch exports networks to ONNX whose operations ONNX knows",
            "use the model as it is",
        ) from error
    written = onnx.load(str(file))
    for key, value in metadata(model).items():
        written.metadata_props.add(key=key, value=value if isinstance(value, str) else json.dumps(value))
    onnx.save(written, str(file))


@torch.no_grad()
def _fix_padding(network: nn.Module, example: Tensor) -> None:
    """Replace convolutions that fit their padding to the picture by ones that have the padding of it."""
    from timm.layers import Conv2dSame

    same = {name: module for name, module in network.named_modules() if isinstance(module, Conv2dSame)}
    sizes: dict[str, tuple[int, int]] = {}

    def note(name: str) -> Any:
        return lambda _, inputs: sizes.__setitem__(name, tuple(inputs[0].shape[-2:]))

    hooks = [module.register_forward_pre_hook(note(name)) for name, module in same.items()]
    network(example)
    for hook in hooks:
        hook.remove()
    for name, module in same.items():
        if name not in sizes:
            continue
        padding: list[int] = []
        for axis in (1, 0):  # of width, then of height, as ZeroPad2d wants it
            kernel, stride = module.kernel_size[axis], module.stride[axis]
            reach, side = module.dilation[axis] * (kernel - 1) + 1, sizes[name][axis]
            total = max((-(-side // stride) - 1) * stride + reach - side, 0)
            padding += [total // 2, total - total // 2]
        plain = nn.Conv2d(
            module.in_channels,
            module.out_channels,
            module.kernel_size,  # type: ignore[arg-type]
            module.stride,  # type: ignore[arg-type]
            0,
            module.dilation,  # type: ignore[arg-type]
            module.groups,
            module.bias is not None,
        )
        plain.load_state_dict(module.state_dict())
        owner = network.get_submodule(name.rpartition(".")[0])
        setattr(owner, name.rpartition(".")[2], nn.Sequential(nn.ZeroPad2d(tuple(padding)), plain))  # type: ignore[arg-type]


def metadata(model: PoseModel | DetectorModel) -> dict[str, Any]:
    """Return the metadata that users of the ONNX file need, as texts or JSON values.

    ``input`` (layout, type, channel order, value range, size), ``normalisation`` (mean and standard deviation
    of the scale 0..1, applied inside), ``crop`` (margin, rule, resizing), ``keypoints`` in channel order,
    ``head`` (see :class:`~superanimal.zoo.HeadSpec`), ``second_look`` (whether the analysis crops a second
    time around the keypoints found), licence, provenance and ``entry``, the model's entry in the catalogue.
    """
    entry = model.entry
    return {
        "name": entry.name,
        "title": entry.title,
        "entry": entry_fields(entry),
        "keypoints": list(entry.keypoints),
        "head": asdict(entry.head),
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
        "provenance": make_provenance("export onnx", model=entry.name, weights=model.digest(), opset=OPSET),
    }


def pictures_for(model: PoseModel | DetectorModel, count: int = 3, seed: int = 0) -> np.ndarray:
    """Return smooth coloured pictures (count, height, width, 3) uint8, more like crops than noise is."""
    import cv2

    width, height = model.entry.input_size if isinstance(model, PoseModel) else CANVAS[::-1]
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return np.stack([cv2.resize(each, (width, height), interpolation=cv2.INTER_CUBIC) for each in coarse])
