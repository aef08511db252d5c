"""Shared by all targets: a folder with a journal of written files, file names, placing of images."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from superanimal.errors import StorageError, option
from superanimal.files import atomic_write, storage_error
from superanimal.labels.images import ImageRef, picture_size, read_bytes
from superanimal.labels.labelled_set import PER_ANIMAL, PER_IMAGE, LabelledSet
from superanimal.progress import Progress

IMAGE_MODES = ("link", "copy")
CHECKPOINT = 1024
"""Number of images between two journal entries."""

_JOURNAL = ".superanimal/materialize.json"


@dataclass(frozen=True)
class Materialized:
    """The result of writing a labelled data set.

    Attributes
    ----------
    path
        Folder or file.
    files
        The label files.
    lost
        What the format cannot hold of this data set; empty if nothing is lost.
    notes
        Further notes on the result.
    """

    path: Path
    files: tuple[Path, ...]
    lost: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """Destination and options for writing a labelled data set."""

    path: Path
    labelled: LabelledSet
    to: str
    images: str
    overwrite: bool

    def fingerprint(self) -> str:
        """Return a hash of everything that determines the result."""
        labelled = self.labelled
        digest = hashlib.blake2b(repr((self.to, self.images, labelled.name, labelled.keypoints)).encode())
        digest.update(labelled.image_index.tobytes())
        for key in (*PER_ANIMAL, *PER_IMAGE):
            column = getattr(labelled, key)
            digest.update(column.tobytes() if column.dtype != object else "\0".join(column.tolist()).encode())
        for image in labelled.images:
            digest.update(f"{image.path}\0{image.frame}\0{image.inside}\0{image.name}\0".encode())
        return digest.hexdigest()

    def open_folder(self) -> int:
        """Create or reopen the folder and return how many images are already in place.

        Raises
        ------
        StorageError
            When the folder holds something else.
        """
        fingerprint = self.fingerprint()
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            found = self._journal()
            if found is None:
                raise StorageError(
                    f"{self.path} exists and was not written by this program",
                    "it is not written to",
                    "choose a new folder",
                )
            if found.get("fingerprint") == fingerprint:
                return int(str(found.get("images", 0)))
            if not self.overwrite:
                raise StorageError(
                    f"{self.path} holds another data set, or the same with other options",
                    "a finished data set is not changed",
                    f"choose a new folder, or replace it{option('overwrite', 'True')}",
                )
            shutil.rmtree(self.path)
        self.checkpoint(0, fingerprint)
        return 0

    def checkpoint(self, images: int, fingerprint: str | None = None) -> None:
        """Record in the journal how many images are in place on disk."""
        if images and hasattr(os, "sync"):
            os.sync()
        found = {"fingerprint": fingerprint or (self._journal() or {}).get("fingerprint"), "images": images}
        with atomic_write(self.path / _JOURNAL) as temporary:
            temporary.write_text(json.dumps(found))

    def _journal(self) -> dict[str, object] | None:
        try:
            found = json.loads((self.path / _JOURNAL).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def place_images(self, names: list[str], progress: Progress) -> None:
        """Place every image under its name in the folder, resuming where an earlier run stopped.

        Parameters
        ----------
        names
            I relative file names.
        """
        done = self.open_folder()
        progress.start(len(names), f"writing {self.path.name}", "images")
        progress.advance(done)
        made: set[Path] = set()
        try:
            for i in range(done, len(names)):
                progress.check()
                file = self.path / names[i]
                if file.parent not in made:
                    file.parent.mkdir(parents=True, exist_ok=True)
                    made.add(file.parent)
                place(self.labelled.images[i], file, self.images)
                if (i + 1) % CHECKPOINT == 0:
                    self.checkpoint(i + 1)
                progress.advance()
        except OSError as error:
            raise storage_error(self.path, error) from error
        self.checkpoint(len(names))
        progress.finish()


def place(image: ImageRef, file: Path, mode: str) -> None:
    """Link or copy one image file, or write a frame as an image file, atomically."""
    temporary = file.with_name(f".{file.name}.new")
    temporary.unlink(missing_ok=True)
    if mode == "link" and is_file(image):
        source = Path(image.path).absolute()
        if not source.is_file():
            read_bytes(image)  # raises the appropriate error
        try:
            temporary.symlink_to(source)
        except OSError:  # Windows without the privilege
            os.link(source, temporary)
    else:
        temporary.write_bytes(read_bytes(image))
    temporary.replace(file)


def is_file(image: ImageRef) -> bool:
    """Whether the image is a separate file."""
    return image.frame is None and not image.inside


def file_names(labelled: LabelledSet, *, nested: bool = True) -> list[tuple[str, str]]:
    """Return (folder, file name) of every image: readable, safe on every system and unique.

    Parameters
    ----------
    nested
        Folders ``source/video``; else ``source_video`` in one level, or just one of them if it suffices.
    """
    sources = len(set(labelled.source.tolist()))
    used: set[tuple[str, str]] = set()
    names = []
    for i, image in enumerate(labelled.images):
        parts = [labelled.source[i], labelled.video[i]] if sources > 1 or nested else [labelled.video[i]]
        folder = ("/" if nested else "_").join(_safe(part) for part in parts if part) or "images"
        stem, suffix = _stem(image, i)
        name = f"{stem}{suffix}"
        if (folder.lower(), name.lower()) in used:
            name = f"{i}_{stem}{suffix}"  # the number at the end of the name stays the frame number
        used.add((folder.lower(), name.lower()))
        names.append((folder, name))
    return names


def _stem(image: ImageRef, i: int) -> tuple[str, str]:
    if is_file(image) or image.name:
        path = PurePath((image.name or image.path).replace("\\", "/").split("#")[0])
        if path.suffix.lower() in _SUFFIXES:
            return _safe(path.stem), path.suffix.lower()
    data = b"" if not image.inside else read_bytes(image)[:4]
    return f"img{i if image.frame is None else image.frame:06d}", ".jpg" if data[
        :2
    ] == b"\xff\xd8" else ".png"


_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")


def _safe(name: str) -> str:
    """Return a name that is one path component on every system."""
    plain = re.sub(r"[^\w.+-]", "_", PurePath(name.replace("\\", "/")).as_posix().replace("/", "_")).strip(
        "._ "
    )
    return (plain or "x")[:100]


def size_of(image: ImageRef) -> tuple[int, int]:
    """Return (width, height) of an image, reading its header only if the data set lacks the size."""
    if image.width and image.height:
        return image.width, image.height
    there = is_file(image) and Path(image.path).is_file()
    return picture_size(Path(image.path) if there else read_bytes(image), image.label)


def numbers(values: np.ndarray) -> list[float]:
    """Return float32 values as the shortest decimals that round-trip."""
    return [float(f"{value:.9g}") for value in values.tolist()]


def what_is_lost(labelled: LabelledSet, keeps: Iterator[str] | set[str]) -> tuple[str, ...]:
    """Return what a data set contains that a format which keeps only ``keeps`` cannot hold."""
    names = set(labelled.individuals.tolist())
    knows = {
        "which keypoints a source does not define (they become 'not labelled')": (
            "undefined",
            bool((labelled.visibility == -1).any()),
        ),
        "which labelled points are hidden": ("hidden", bool((labelled.visibility == 1).any())),
        "boxes": ("boxes", bool(np.isfinite(labelled.boxes).any())),
        "areas": ("area", bool(np.isfinite(labelled.area).any())),
        "kinds of animals": ("category", len(set(labelled.category.tolist())) > 1),
        "names of individuals": ("individuals", len(names) > 1 or not names <= {"animal0"}),
        "licences": ("licence", any(labelled.licence.tolist())),
        "sources": ("source", len(set(labelled.source.tolist())) > 1),
        "splits": ("split", any(labelled.split.tolist())),
    }
    kept = set(keeps)
    return tuple(text for text, (key, known) in knows.items() if known and key not in kept)
