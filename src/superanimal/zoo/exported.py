"""Models as files of other formats: ONNX, OpenVINO and TorchScript.

A file comes from :func:`superanimal.inference.exports.export_network`; its metadata hold the model's entry.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from superanimal.errors import ModelError
from superanimal.zoo import centre_boxes
from superanimal.zoo.entry import HeadSpec, ModelEntry

BACKEND = "onnxruntime"
METADATA = "superanimal"
"""Where OpenVINO and TorchScript keep our metadata."""


class Runner(Protocol):
    """An exported network: :class:`Session`, :class:`ScriptSession`, or that of OpenVINO."""

    backend: str
    outputs: list[str]

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs by name for images (B, H, W, 3) uint8 RGB."""
        ...


class Session:
    """An ONNX file in onnxruntime, on the CPU.

    Threads do not spin while they wait, so that several processes can share the cores. As with torch,
    ``OMP_NUM_THREADS`` sets their number; all cores of the process by default.

    Raises
    ------
    ModelError
        When the file is damaged.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        import onnxruntime

        self.backend = BACKEND
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                os.fspath(file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ModelError(
                f"{os.fspath(file)} cannot be opened as ONNX ({str(error).splitlines()[0]})",
                remedy="export the model again",
            ) from error
        self.outputs = [output.name for output in self._session.get_outputs()]
        self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs by name for images (B, H, W, 3) uint8 RGB."""
        given = np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32)
        return dict(zip(self.outputs, self._session.run(self.outputs, {"image": given}), strict=True))


class ScriptSession:
    """A TorchScript file, on the CPU.

    It holds code, which torch's own interpreter runs: open files of people you trust.

    Raises
    ------
    ModelError
        When the file is damaged.
    """

    def __init__(self, file: str | os.PathLike[str]) -> None:
        import torch

        self.backend = "torch"
        said = {METADATA: ""}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # deprecated, and still what embedded programs write
                self._network = torch.jit.load(os.fspath(file), map_location="cpu", _extra_files=said)
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"{os.fspath(file)} cannot be opened as TorchScript ({str(error).splitlines()[0]})",
                remedy="export the model again",
            ) from error
        self.metadata = metadata_of(said[METADATA])
        self.outputs: list[str] = json.loads(self.metadata.get("outputs", "[]"))

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs by name for images (B, H, W, 3) uint8 RGB."""
        import torch

        with torch.inference_mode():
            found = self._network(torch.from_numpy(images).permute(0, 3, 1, 2).float())
        return {name: value.numpy() for name, value in zip(self.outputs, found, strict=True)}


def metadata_of(text: str | bytes) -> dict[str, str]:
    """Return our metadata of one JSON text as those of ONNX are, a text by name; none where it holds none."""
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in said.items()}


class _Exported:
    """What exported models of both kinds have in common."""

    def __init__(self, entry: ModelEntry, session: Runner, sha256: str) -> None:
        self.entry, self.sha256, self.session = entry, sha256, session

    @property
    def backend(self) -> str:
        """What runs it."""
        return self.session.backend

    def digest(self) -> str:
        """Return the SHA-256 of the weight file from which the model was exported."""
        return self.sha256


class ExportedPose(_Exported):
    """An exported pose network, used like :class:`superanimal.zoo.PoseModel` by an analysis."""

    @property
    def keypoints(self) -> tuple[str, ...]:
        """K keypoint names in channel order."""
        return self.entry.keypoints

    @property
    def head(self) -> HeadSpec:
        """How the raw heads are decoded."""
        return self.entry.head

    def heads(self, crops: np.ndarray, precision: str = "fp32") -> dict[str, np.ndarray]:
        """Return the raw heads of crops (B, H, W, 3) uint8 RGB, in the precision of the backend."""
        return self.session(crops)


class ExportedDetector(_Exported):
    """An exported detector without classes, used like :class:`superanimal.zoo.DetectorModel`."""

    def detect(
        self, frames: Sequence[np.ndarray], long_side: int | None = None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Find animals in frames; see :meth:`superanimal.zoo.DetectorModel.detect`."""
        side, prior = long_side or self._long_side, self.entry.options.get("size_prior", 0.0)
        return centre_boxes.detect(self.session, list(frames), side, prior)

    def seen_size(self, size: tuple[int, int]) -> int:
        """Return the long side in pixels at which the network sees a frame (height, width)."""
        return self._long_side

    @property
    def _long_side(self) -> int:
        return int(self.entry.options.get("long_side", centre_boxes.LONG_SIDE))


def threads() -> int:
    """Return the number of threads of a network on the CPU."""
    try:
        return max(1, int(os.environ["OMP_NUM_THREADS"]))
    except (KeyError, ValueError):
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
