"""The safety net under every reader of foreign files: any failure becomes one clear message."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from superanimal.errors import FormatError, NotFoundError, SuperAnimalError

_OURS = (NameError, ImportError, NotImplementedError, AssertionError)
"""Errors of the program, never of a file."""


@contextmanager
def reading(path: str | os.PathLike[str], what: str, remedy: str = "") -> Iterator[None]:
    """Turn unexpected failures of a reader into an error that names the file.

    Parameters
    ----------
    path
        The file or folder read inside the block.
    what
        What it is read as, for example ``"COCO keypoints"``.
    remedy
        What to do; by default to export the file again.

    Raises
    ------
    FormatError
        The reader raised any error other than our own; errors of the program itself pass through.
    NotFoundError
        The file has disappeared or is not readable.
    """
    remedy = remedy or "write or export the file again"
    try:
        yield
    except (SuperAnimalError, *_OURS):
        raise
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise NotFoundError(
            f"{error.filename or path}: cannot be read ({error.strerror or error})"
        ) from error
    except MemoryError as error:
        raise FormatError(
            f"{path}: not enough memory ({error})",
            f"read as {what}, it is very large or damaged",
            remedy,
        ) from error
    except Exception as error:
        raise FormatError(
            f"{path}: damaged, or not {what} ({type(error).__name__}: {error})",
            f"it was read as {what}",
            remedy,
        ) from error
