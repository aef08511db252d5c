"""Reading weight files without executing code in them.

DeepLabCut 3 writes ``torch.save({"model": state dict, "metadata": {...}, ...})``; bare state dicts, files
with ``state_dict`` and safetensors are read too. A pickle that refers to anything but tensors and plain
values is refused; there is no unsafe fallback.
"""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from superanimal.errors import ModelError, NotFoundError, by_caller
from superanimal.files import atomic_write

COUNTER = "num_batches_tracked"
_CONTAINERS = ("model", "state_dict")
_WRAPPER = "module."
_FORBIDDEN = re.compile(r"\b(?:GLOBAL|class) ([\w.]+\.\w+)")


@dataclass(frozen=True)
class Checkpoint:
    """The content of a weight file.

    Attributes
    ----------
    path
        The file.
    state
        Tensors by name, on the CPU.
    metadata
        Other content of the file (epoch, metrics, keypoints), plain values.
    """

    path: Path
    state: dict[str, Tensor]
    metadata: dict[str, Any] = field(default_factory=dict)


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a weight file.

    Raises
    ------
    NotFoundError
        When there is no such file.
    ModelError
        When the file is damaged, holds no state dict, or would run code.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(f"{path}: no such weight file")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    content = _load(path)
    if not isinstance(content, Mapping):
        raise _no_state(path, f"a {type(content).__name__}")
    state = next((content[key] for key in _CONTAINERS if isinstance(content.get(key), Mapping)), content)
    tensors = {str(key): value for key, value in state.items() if isinstance(value, Tensor)}
    if not tensors or len(tensors) < len(state):
        raise _no_state(path, f"a mapping with the keys {', '.join(map(str, list(content)[:5]))}")
    if all(key.startswith(_WRAPPER) for key in tensors):
        tensors = {key.removeprefix(_WRAPPER): value for key, value in tensors.items()}
    metadata = content.get("metadata")
    return Checkpoint(path, tensors, dict(metadata) if isinstance(metadata, Mapping) else {})


@dataclass(frozen=True)
class Fit:
    """Result of comparing the tensors of a file with a network."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshaped: tuple[str, ...]

    def __bool__(self) -> bool:
        return not (self.missing or self.unexpected or self.misshaped)

    def describe(self, most: int = 8) -> str:
        """Describe the tensors that do not fit, at most ``most`` of each kind."""
        parts = []
        for title, names in (
            ("missing from the file", self.missing),
            ("unknown to the network", self.unexpected),
            ("of another shape", self.misshaped),
        ):
            if names:
                more = f" and {len(names) - most} more" if len(names) > most else ""
                parts.append(f"{len(names)} {title}: {', '.join(names[:most])}{more}")
        return "; ".join(parts) or "all tensors fit"


def compare(network: nn.Module, state: Mapping[str, Tensor]) -> Fit:
    """Compare the tensors of a file with those a network needs.

    The counters of batch normalisation (``num_batches_tracked``) may be missing: files written from networks
    with frozen normalisation have none, and they do not matter for inference.
    """
    needed = network.state_dict()
    missing = (key for key in needed if key not in state and not key.endswith(COUNTER))
    unexpected = (key for key in state if key not in needed)
    misshaped = (
        f"{key} (file {tuple(state[key].shape)}, network {tuple(needed[key].shape)})"
        for key in needed
        if key in state and state[key].shape != needed[key].shape
    )
    return Fit(tuple(missing), tuple(unexpected), tuple(misshaped))


def fill(network: nn.Module, checkpoint: Checkpoint, owner: str) -> None:
    """Copy the weights of a file into a network.

    Parameters
    ----------
    network
        Filled in place; it may live on the meta device.
    checkpoint
        The content of the file.
    owner
        Name of the model, for the message.

    Raises
    ------
    ModelError
        When any tensor is missing, unexpected or of another shape (the message lists them), or holds values
        that are infinite or not numbers.
    """
    fit = compare(network, checkpoint.state)
    if not fit:
        raise ModelError(
            f"{checkpoint.path} does not fit {owner}: {fit.describe()}",
            "all tensors must fit",
            "check that the file belongs to this model"
            + by_caller("", " (superanimal models import FILE identifies it)"),
        )
    _check_finite(checkpoint.state, checkpoint.path, "get the file again, or train the model again")
    state = {
        key: value.float() if value.is_floating_point() else value for key, value in checkpoint.state.items()
    }
    for key, needed in network.state_dict().items():
        if key not in state:
            state[key] = torch.zeros(needed.shape, dtype=needed.dtype)
    network.load_state_dict(state, assign=True)


def write_weights(network: nn.Module, path: Path, metadata: Mapping[str, str], *, half: bool = False) -> int:
    """Write the weights of a network as safetensors, without the counters of batch normalisation.

    Parameters
    ----------
    network
        Its tensors are written as they are.
    path
        The file.
    metadata
        Texts to keep with them.
    half
        Write filters and matrices as float16. Biases and statistics keep their precision: the variance of a
        channel can be larger than float16 can hold.

    Returns
    -------
    int
        Number of tensors.

    Raises
    ------
    ModelError
        When a value is infinite or not a number; nothing is written.
    """
    state = {
        name: (value.half() if half and value.ndim > 1 else value).detach().cpu().contiguous().clone()
        for name, value in network.state_dict().items()
        if not name.endswith(COUNTER)
    }
    _check_finite(state, path, "nothing was written; train with a smaller learning rate, or in float32")
    with atomic_write(path) as temporary:
        temporary.write_bytes(save(state, dict(metadata)))  # save_file() would keep others from reading it
    return len(state)


def _check_finite(state: Mapping[str, Tensor], path: Path, remedy: str) -> None:
    """Refuse tensors that a network would turn into poses of no meaning without a word."""
    broken = [key for key, value in state.items() if not torch.isfinite(value).all()]
    if broken:
        raise ModelError(
            f"{path}: {len(broken)} of {len(state)} tensors hold values that are not finite, {broken[0]}",
            "all weights must be finite numbers",
            remedy,
        )


def _read_safetensors(path: Path) -> Checkpoint:
    try:
        with safe_open(path, framework="pt") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return Checkpoint(path, state, dict(file.metadata() or {}))
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error


def _load(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals(_harmless()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = _FORBIDDEN.search(str(error))
        if wanted is None:
            more = "it holds more than tensors and plain values, or is not a checkpoint"
            raise _damaged(path, ValueError(more)) from error
        raise ModelError(
            f"{path} is refused: besides tensors it makes Python run or build {wanted[1]!r}",
            "a weight file may hold only tensors and plain values, because anything else can run code",
            "get the file from its author as a state dict or as safetensors",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from error


def _harmless() -> list[Any]:
    """Return the types of numpy numbers, which older snapshots hold in their metrics."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = (np.float64, np.float32, np.int64, np.int32, np.bool_)
    return [
        np.dtype,
        *(type(np.dtype(kind)) for kind in kinds),
        (scalar, "numpy._core.multiarray.scalar"),
        (scalar, "numpy.core.multiarray.scalar"),
    ]


def _damaged(path: Path, error: Exception) -> ModelError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return ModelError(
        f"{path} ({path.stat().st_size} bytes) cannot be read as weights: {first}",
        "a weight file is a torch checkpoint (.pt, .pth) or safetensors",
        "it may be truncated or not a weight file: download it again",
    )


def _no_state(path: Path, found: str) -> ModelError:
    return ModelError(
        f"{path} holds {found} and no state dict",
        "a state dict maps names to tensors, alone or under 'model' or 'state_dict'",
    )
