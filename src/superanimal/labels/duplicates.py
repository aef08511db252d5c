"""Finding duplicate pictures by image hash, not by name."""

from __future__ import annotations

import hashlib
from collections import defaultdict

import numpy as np

from superanimal.errors import InputError
from superanimal.labels.images import decode, read_bytes
from superanimal.labels.labelled_set import LabelledSet
from superanimal.progress import Progress

HASHES = ("file", "pixels")


def image_hashes(labelled: LabelledSet, kind: str = "file", progress: Progress | None = None) -> list[str]:
    """Return a hash of every image, reading one at a time.

    Parameters
    ----------
    kind
        ``file`` hashes the encoded bytes (fast; frames of videos are decoded); ``pixels`` the decoded
        picture, which also finds losslessly re-encoded copies.

    Raises
    ------
    NotFoundError
        When an image is missing.
    """
    if kind not in HASHES:
        raise InputError(f"hash {kind!r}", f"it is one of {', '.join(HASHES)}")
    progress = progress or Progress()
    progress.start(len(labelled), "looking for duplicates", "images")
    found = []
    for image in labelled.images:
        progress.check()
        data = read_bytes(image)
        if kind == "pixels":
            pixels = decode(data, image.label)
            data = repr((pixels.shape, pixels.dtype)).encode() + np.ascontiguousarray(pixels).tobytes()
        found.append(hashlib.blake2b(data, digest_size=16).hexdigest())
        progress.advance()
    progress.finish()
    return found


def duplicate_groups(hashes: list[str]) -> list[list[int]]:
    """Return the groups of two or more images that share a hash, each in order."""
    groups: dict[str, list[int]] = defaultdict(list)
    for i, value in enumerate(hashes):
        groups[value].append(i)
    return [group for group in groups.values() if len(group) > 1]
