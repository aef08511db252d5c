from __future__ import annotations

import errno
import hashlib

import pytest

from superanimal.errors import StorageError
from superanimal.files import atomic_write, sha256_of


def test_writes_and_replaces(tmp_path):
    target = tmp_path / "new folder" / "a.txt"
    for text in ("first", "second"):
        with atomic_write(target) as temporary:
            assert temporary.suffix == ".txt"
            temporary.write_text(text)
        assert target.read_text() == text
    assert [p.name for p in target.parent.iterdir()] == ["a.txt"]


def test_a_failure_keeps_the_old_file_and_leaves_no_litter(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("precious")
    with pytest.raises(RuntimeError), atomic_write(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "precious"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_disk_full_is_explained(tmp_path):
    with (
        pytest.raises(StorageError, match=r"disk is full.*free some disk space"),
        atomic_write(tmp_path / "a.txt"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_keeps_permissions(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("x")
    target.chmod(0o640)
    with atomic_write(target) as temporary:
        temporary.write_text("y")
    assert target.stat().st_mode & 0o777 == 0o640


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
