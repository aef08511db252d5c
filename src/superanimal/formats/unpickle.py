"""Reading pickles without running them.

A pickle is a program. DeepLabCut stores results as pickles, and pandas hides small ones in the attributes
of its HDF5 files. Only plain containers, numpy arrays and pandas indexes (as plain lists) are loaded;
DeepLabCut's own classes become inert :class:`Stub` objects; any other class or function is refused.
"""

from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from superanimal.errors import FormatError


class Stub:
    """Placeholder for an object whose class is not loaded; keeps the state stored in the pickle."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.arguments}>"


class _PandasIndex:
    """Marker class that replaces every pandas index class."""


def loads(data: bytes, source: str | os.PathLike[str] = "pickle") -> Any:
    """Return the object in a pickle that contains only data.

    Parameters
    ----------
    data
        The bytes of the pickle.
    source
        Name for error messages.

    Raises
    ------
    FormatError
        When the pickle is damaged or refers to anything but data.
    """
    try:
        return _Unpickler(io.BytesIO(data), source).load()
    except FormatError:
        raise
    except Exception as error:  # a damaged pickle can fail in any way
        raise FormatError(
            f"{source}: damaged pickle ({type(error).__name__}: {error})",
            remedy="write the file again with the program that created it",
        ) from error


def load(path: str | os.PathLike[str]) -> Any:
    """Return the object in a pickle file, see :func:`loads`."""
    return loads(Path(path).read_bytes(), path)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, source: str | os.PathLike[str]) -> None:
        super().__init__(file, encoding="latin1")
        self._source = source

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy._core", "numpy.core").replace("__builtin__", "builtins")
        if (module, name) in _HARMLESS:
            return _HARMLESS[module, name]
        if module.split(".")[0] == "pandas":
            return _new_index if name == "_new_Index" else _PandasIndex
        if module.split(".")[0] == "deeplabcut":
            return type(name, (Stub,), {"__module__": "stub"})
        raise FormatError(
            f"{self._source}: the pickle asks for {module}.{name}",
            "only data are read from pickles: containers, numbers, text, numpy arrays and pandas indexes",
            "do not open it with other tools unless you trust its source",
        )


def _new_index(_: type, state: dict[str, Any]) -> list[Any] | range:
    """Rebuild a pandas index from its pickled state as a plain list (of tuples for a MultiIndex)."""
    if "levels" in state:
        codes = state.get("codes", state.get("labels"))
        assert codes is not None
        columns = [[list(level)[i] for i in code] for level, code in zip(state["levels"], codes, strict=True)]
        return list(zip(*columns, strict=True))
    if "start" in state:
        return range(state["start"], state["stop"], state["step"])
    return list(state["data"])


def _reconstruct(cls: type, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    if cls is not np.ndarray:
        raise ValueError(f"array of class {cls!r}")
    return np.ndarray.__new__(np.ndarray, shape, dtype)


def _frombuffer(buffer: bytes, dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    return np.frombuffer(buffer, dtype).reshape(shape, order="F" if order == "F" else "C")


def _scalar(dtype: np.dtype, data: bytes | str = b"") -> Any:
    raw = data.encode("latin1") if isinstance(data, str) else data
    if dtype.hasobject:
        raise ValueError("object scalar")
    return np.frombuffer(raw, dtype)[0]


def _encode(text: str, encoding: str) -> bytes:
    return text.encode(encoding)


_HARMLESS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _frombuffer,
    ("collections", "OrderedDict"): OrderedDict,
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("builtins", "slice"): slice,
    ("builtins", "range"): range,
    ("builtins", "complex"): complex,
    ("_codecs", "encode"): _encode,
    ("pathlib", "PosixPath"): PurePosixPath,
    ("pathlib", "PurePosixPath"): PurePosixPath,
    ("pathlib", "WindowsPath"): PureWindowsPath,
    ("pathlib", "PureWindowsPath"): PureWindowsPath,
}
