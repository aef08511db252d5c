"""The store for fast training: ``NAME.labels.zarr``, zarr version 3.

Labels are arrays; pictures keep their encoded bytes and are not compressed twice::

    image_index (M,)  xy (M, K, 2)  visibility (M, K)  boxes (M, 4)  area (M,)   as in LabelledSet
    individuals, category (M,)  source, licence, split, video (I,) int32         places in attrs["words"]
    size (I, 2) int32                                                           width, height
    start, length (I,) int64                                                    place of a picture in its part
    images/000000, 000001, ... (B,) uint8                                       512 pictures, one chunk each

A part appears atomically, by a rename, so an interrupted run resumes at the first missing one; the labels are
written last. Reading a picture is one seek and one read in the part's only chunk, which holds the plain
bytes.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec

from superanimal.errors import FormatError, StorageError
from superanimal.files import storage_error
from superanimal.labels.images import ImageRef, picture_size, read_shown
from superanimal.labels.labelled_set import PER_ANIMAL, PER_IMAGE, LabelledSet
from superanimal.labels.packed import PART, part_name
from superanimal.labels.splits import image_key
from superanimal.labels.writing.job import Materialized, Target
from superanimal.poses import KeypointSpace, make_provenance
from superanimal.progress import Progress

SUFFIX = ".labels.zarr"
KIND = "superanimal-labels"

_WORDS = ("individuals", "category", *PER_IMAGE)


def write(target: Target, *, space: KeypointSpace | None, progress: Progress) -> Materialized:
    """Write a store; it is readable once complete."""
    labelled = target.labelled
    if target.path.name.removesuffix(SUFFIX) == target.path.name:
        raise StorageError(f"{target.path}: not a store name", f"a store ends with {SUFFIX}")
    target.open_folder()
    try:
        group = zarr.open_group(target.path, mode="a", zarr_format=3)
        pictures = group.require_group("images")
        progress.start(len(labelled), f"writing {target.path.name}", "images")
        tables = []
        for part in range(-(-len(labelled) // PART)):
            rows = range(part * PART, min((part + 1) * PART, len(labelled)))
            if not (target.path / "images" / part_name(part)).is_dir():
                _write_part(target.path, labelled, part, rows, progress)
            else:
                progress.advance(len(rows))
            tables.append(dict(pictures[part_name(part)].attrs))
        _write_labels(group, labelled, tables, space)
    except OSError as error:
        raise storage_error(target.path, error) from error
    target.checkpoint(len(labelled))
    progress.finish()
    return Materialized(target.path, (target.path,), ())


def _write_part(store: Path, labelled: LabelledSet, part: int, rows: range, progress: Progress) -> None:
    pictures: list[bytes] = []
    sizes = []
    for i in rows:
        progress.check()
        image = labelled.images[i]
        pictures.append(read_shown(image))
        sizes.append(picture_size(pictures[-1], image.label))
        progress.advance()
    data = np.frombuffer(b"".join(pictures), np.uint8)
    folder = store / "images" / part_name(part)
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    attributes: dict[str, Any] = {"length": [len(picture) for picture in pictures], "size": sizes}
    array = zarr.create_array(
        new,
        shape=data.shape,
        chunks=(max(len(data), 1),),
        dtype="uint8",
        compressors=None,
        filters=None,
        attributes=attributes,
    )
    array[:] = data
    with (new / "c" / "0").open("rb+") as file:
        os.fsync(file.fileno())
    new.rename(folder)


def _write_labels(
    group: zarr.Group, labelled: LabelledSet, tables: list[dict[str, Any]], space: KeypointSpace | None
) -> None:
    length = np.concatenate([np.asarray(table["length"], np.int64) for table in tables])
    start = np.concatenate([np.cumsum([0, *table["length"][:-1]]) for table in tables]).astype(np.int64)
    size = np.concatenate([np.asarray(table["size"], np.int32).reshape(-1, 2) for table in tables])
    words: dict[str, list[str]] = {}
    arrays: dict[str, NDArray[Any]] = {"image_index": labelled.image_index}
    arrays |= {"start": start, "length": length, "size": size}
    for key in (*PER_ANIMAL, *PER_IMAGE):
        column = getattr(labelled, key)
        if key in _WORDS:
            words[key] = list(dict.fromkeys(column.tolist()))
            place = {word: n for n, word in enumerate(words[key])}
            column = np.array([place[word] for word in column.tolist()], dtype=np.int32)
        arrays[key] = column
    names = [image_key(labelled, i).split("|", 1)[1] for i in range(len(labelled))]
    arrays["names"] = np.frombuffer(json.dumps(names).encode(), np.uint8)
    for key, values in arrays.items():
        group.create_array(
            key,
            data=values,
            chunks=values.shape if values.size else "auto",
            compressors=ZstdCodec(checksum=True),
            config={"write_empty_chunks": True},  # so that a file that is gone is no column of zeros
            overwrite=True,
        )
    group.attrs.update(
        {
            "kind": KIND,
            "version": 2,
            "name": labelled.name,
            "keypoints": list(labelled.keypoints),
            "space": space.name if space else "",
            "words": words,
            "edges": [list(edge) for edge in labelled.skeleton()],
            "notes": list(labelled.notes),
            "provenance": make_provenance("materialize", name=labelled.name),
            "complete": True,
        }
    )


def read_store(path: Path) -> LabelledSet:
    """Read a store.

    Raises
    ------
    FormatError
        When it is not a store, or not a finished one.
    """
    try:
        group = zarr.open_group(path, mode="r")
        attrs: dict[str, Any] = dict(group.attrs)
    except Exception as error:  # zarr raises many kinds of errors
        raise FormatError(f"{path}: not a zarr group ({error})") from error
    if not attrs.get("complete") or attrs.get("kind") != KIND:
        raise FormatError(
            f"{path}: not a finished store of labels",
            f"a store was written by this program and has kind {KIND!r}",
            "run the conversion again to resume it",
        )

    def column(key: str) -> NDArray[Any]:
        array = group[key]
        assert isinstance(array, zarr.Array)
        if attrs.get("version", 1) >= 2 and array.nchunks_initialized < array.nchunks:
            raise FormatError(
                f"{path}: the values of {key!r} are gone", "", "run the conversion again, or restore a copy"
            )
        return np.asarray(array[:])

    words = {key: np.array([*attrs["words"][key], ""], dtype=object)[column(key)] for key in _WORDS}
    names = json.loads(column("names").tobytes())
    size = column("size").tolist()
    columns: dict[str, Any] = {key: column(key) for key in PER_ANIMAL if key not in words}
    return LabelledSet(
        name=attrs["name"],
        keypoints=tuple(attrs["keypoints"]),
        images=[
            ImageRef(str(path), frame=i, inside="images", width=width, height=height, name=name)
            for i, ((width, height), name) in enumerate(zip(size, names, strict=True))
        ],
        image_index=column("image_index"),
        notes=tuple(attrs["notes"]),
        edges=tuple((a, b) for a, b in attrs.get("edges", ())),  # version 1 began without
        **{**columns, **words},
    )
