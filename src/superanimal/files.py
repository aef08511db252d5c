"""Atomic writing of files."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from superanimal.errors import StorageError


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and put it in place when the block succeeds.

    The temporary file keeps the suffix of ``path``, is flushed to disk and renamed over the target,
    so a reader sees either the old file or the complete new one. If the block fails, nothing changes.

    Raises
    ------
    StorageError
        When the disk is full or the folder cannot be written.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.stem[:40]}-{secrets.token_hex(4)}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except OSError as error:
        raise storage_error(target, error) from error
    finally:
        with suppress(OSError):  # the error above is more informative
            temporary.unlink(missing_ok=True)


def storage_error(path: Path, error: OSError) -> StorageError:
    """Translate an operating-system error raised while writing ``path``."""
    if error.errno == errno.ENOSPC:
        return StorageError(
            f"{path}: the disk is full",
            remedy="free some disk space or choose another folder, then run again",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(f"{path}: not allowed to write here", remedy="choose another output folder")
    return StorageError(f"{path}: cannot be written ({error.strerror or error})")


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
