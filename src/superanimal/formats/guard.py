"""The net below every reader of foreign files: whatever breaks in it, people get one sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from superanimal.errors import FormatError, NotFoundError, SuperAnimalError

_OURS = (NameError, ImportError, NotImplementedError, AssertionError)
"""Faults of a program, never of a file."""


@contextmanager
def reading(path: str | os.PathLike[str], what: str, remedy: str = "") -> Iterator[None]:
    """Turn what a reader did not expect of a file into an error that names the file.

    Parameters
    ----------
    path
        The file or folder that is read inside the block.
    what
        What it is read as, such as ``"COCO keypoints"``.
    remedy
        What to do; by default to export the file again.

    Raises
    ------
    FormatError
        The reader raised anything but an error of ours; faults of the program itself pass.
    NotFoundError
        The file went away or may not be read.
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
            f"{path}: more memory is needed than there is ({error})",
            f"as {what} it claims to be very large, or it is damaged",
            remedy,
        ) from error
    except Exception as error:
        raise FormatError(
            f"{path}: damaged, or no {what} after all ({type(error).__name__}: {error})",
            f"it was read as {what}",
            remedy,
        ) from error
