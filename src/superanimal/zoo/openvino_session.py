"""Models as ONNX files, run by OpenVINO (an extra): in half the time where the processor has bfloat16."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from superanimal.errors import ModelError
from superanimal.extras import require
from superanimal.zoo.exported import METADATA, metadata_of, threads

OPENVINO = "openvino"
REDUCED = "openvino-bf16"


class OpenvinoSession:
    """An ONNX file, or one of its own, in OpenVINO on the CPU; see :class:`superanimal.zoo.exported.Session`.

    Parameters
    ----------
    file
        ``.onnx``, or ``.xml`` with a ``.bin`` beside it.
    backend
        :data:`OPENVINO`, or :data:`REDUCED`, which computes in bfloat16.
    compiled
        Folder for what is compiled for this processor, so that the next start is sooner; None keeps nothing.

    Raises
    ------
    InputError
        When OpenVINO is not installed.
    ModelError
        When the file, or the .bin beside a .xml, is missing or damaged.
    RuntimeError
        When it cannot run the model.
    """

    def __init__(
        self, file: str | os.PathLike[str], backend: str = OPENVINO, compiled: Path | None = None
    ) -> None:
        check_installed(backend)
        import openvino

        self.backend = backend
        core, model = openvino.Core(), os.fspath(file)
        self.metadata: dict[str, str] = {}
        if compiled is None:  # ours are compiled before they are read, which is sooner
            try:
                model = core.read_model(model)
            except RuntimeError as error:
                raise ModelError(
                    f"{model} cannot be opened by OpenVINO", remedy="export the model again"
                ) from error
            if METADATA in model.rt_info:
                self.metadata = metadata_of(model.get_rt_info(METADATA).value)
        self._model = core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16" if backend == REDUCED else "f32",
                "INFERENCE_NUM_THREADS": threads(),
                "NUM_STREAMS": 1,
                "CACHE_DIR": "" if compiled is None else str(compiled),
            },
        )
        self.outputs = [output.get_any_name() for output in self._model.outputs]

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the outputs by name for images (B, H, W, 3) uint8 RGB."""
        given = np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32)
        found = self._model([given])
        return {name: np.array(found[k]) for k, name in enumerate(self.outputs)}


def check_installed(backend: str) -> None:
    """Raise :class:`InputError`, naming the command that installs it, when OpenVINO is missing."""
    require("openvino", ("openvino",), f"the backend {backend}")


@cache
def usable() -> tuple[str, ...]:
    """Return what of :data:`OPENVINO` and :data:`REDUCED` runs on this computer; none without the extra."""
    if find_spec("openvino") is None:
        return ()
    import openvino

    natively = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return (OPENVINO, REDUCED) if "BF16" in natively else (OPENVINO,)
