"""Features of a recording as a table, or streamed into a file."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from superanimal.behavior.descriptors.blocks import ROWS, Block, make_block
from superanimal.behavior.descriptors.paper import lacking
from superanimal.behavior.descriptors.presets import Preset, get_preset
from superanimal.behavior.descriptors.recording import Recording, load_recording
from superanimal.behavior.measures.regions import Regions
from superanimal.errors import FormatError, InputError, unknown_name
from superanimal.files import atomic_write, storage_error
from superanimal.progress import Progress

THREADS = 2
"""Blocks that are computed at once; each takes about 100 MB."""


def features(
    poses: xr.Dataset | str | os.PathLike[str],
    preset: str | Preset = "default",
    *,
    fps: float | None = None,
    individual: str | None = None,
    regions: Regions | str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Compute the features of each frame.

    Parameters
    ----------
    poses
        Pose data set or file, of two or three coordinates.
    preset
        ``"default"`` or ``"paper"``.
    fps
        Frames per second, if the poses do not state it.
    individual
        Whose features, with those towards the animal that is nearest at the time; with several animals and
        no name, the lowest and highest value among them.
    regions
        Arena and regions in the unit of the poses, or a file of them: distances to them are features too.

    Returns
    -------
    pandas.DataFrame
        ``frame``, ``time_s``, then a float32 column for each feature; ``attrs["units"]`` holds their units
        by name and ``attrs["notes"]`` what could not be computed.

    Examples
    --------
    >>> from superanimal.samples import sample_path
    >>> table = features(sample_path("topview_mouse_truth.h5"), fps=30)
    >>> len(table), table.attrs["units"]["speed.nose"]
    (300, 'body lengths/s')
    """
    recording = load_recording(poses, fps, regions)
    chosen, actor = get_preset(preset), _actor(recording, individual)
    parts = list(_blocks(recording, chosen, actor, progress or Progress()))
    table = pd.DataFrame(
        np.concatenate([block.values for block in parts], axis=1).T, columns=list(parts[0].names)
    )
    table.insert(0, "frame", recording.frame)
    table.insert(1, "time_s", recording.time)
    table.attrs["units"] = dict(zip(parts[0].names, parts[0].units, strict=True))
    table.attrs["notes"] = notes_of(recording, chosen)
    return table


def write_features(
    poses: xr.Dataset | str | os.PathLike[str],
    out: str | os.PathLike[str],
    preset: str | Preset = "default",
    *,
    fps: float | None = None,
    individual: str | None = None,
    regions: Regions | str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Compute the features of each frame and write them block by block, however long the recording is.

    Parameters
    ----------
    out
        File ``.parquet`` or ``.csv`` with the columns of :func:`features`, or folder ``.zarr`` with the
        arrays ``values`` (frames, features), ``frame`` and ``time_s``, and the names and units as attributes.

    Returns
    -------
    list of str
        What could not be computed.

    Raises
    ------
    FormatError
        When the name ends otherwise.
    """
    path = Path(out)
    writers = {".parquet": _write_parquet, ".csv": _write_csv, ".zarr": _write_zarr}
    if path.suffix not in writers:
        raise FormatError(f"{path}: ending {path.suffix!r}", f"features are written to {', '.join(writers)}")
    recording = load_recording(poses, fps, regions)
    chosen, actor = get_preset(preset), _actor(recording, individual)
    writers[path.suffix](path, recording, _blocks(recording, chosen, actor, progress or Progress()))
    return notes_of(recording, chosen)


def notes_of(recording: Recording, preset: Preset) -> list[str]:
    """Return what could not be computed, in sentences."""
    notes = list(recording.notes)
    if preset.name == "paper":
        if recording.regions is None or recording.regions.arena is None:
            notes.append("nose and head in the arena: left out, no arena is given.")
        if absent := lacking(recording.keypoints):
            notes.append(f"{len(absent)} of the paper's features lack a keypoint: {', '.join(absent)}.")
    return notes


def _actor(recording: Recording, individual: str | None) -> int | None:
    if individual is None:
        return None
    if individual not in recording.individuals:
        raise unknown_name("individual", individual, recording.individuals)
    at = recording.individuals.index(individual)
    if recording.bodies[at] is None:
        raise InputError(f"{individual} is never seen", "features need visible animals")
    return at


def _blocks(recording: Recording, preset: Preset, actor: int | None, progress: Progress) -> Iterator[Block]:
    """Yield the blocks in order, two of which are computed at once."""
    n = len(recording.time)
    progress.start(n, "features")
    waiting: list[Future[Block]] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, n, ROWS):
            waiting.append(pool.submit(make_block, recording, preset, actor, start))
            if len(waiting) > THREADS:
                yield _done(waiting.pop(0), progress)
        for each in waiting:
            yield _done(each, progress)


def _done(waiting: Future[Block], progress: Progress) -> Block:
    progress.check()
    block = waiting.result()
    progress.advance(block.stop - block.start)
    return block


def _write_parquet(path: Path, recording: Recording, blocks: Iterator[Block]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with atomic_write(path) as temporary:
        writer: Any = None
        try:
            for block in blocks:
                if writer is None:
                    fields = [("frame", pa.int64(), ""), ("time_s", pa.float64(), "s")]
                    fields += [(n, pa.float32(), u) for n, u in zip(block.names, block.units, strict=True)]
                    schema = pa.schema(
                        [pa.field(name, kind, False, {"unit": unit}) for name, kind, unit in fields]
                    )
                    writer = pq.ParquetWriter(
                        temporary, schema, compression="none", use_dictionary=False, write_statistics=False
                    )
                columns = [
                    pa.Array.from_buffers(kind, len(column), [None, pa.py_buffer(column)])  # without a copy
                    for column, kind in zip(
                        [*_keys(recording, block), *block.values], schema.types, strict=True
                    )
                ]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))
        finally:
            if writer is not None:
                writer.close()


def _write_csv(path: Path, recording: Recording, blocks: Iterator[Block]) -> None:
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        for block in blocks:
            table = pd.DataFrame(block.values.T, columns=list(block.names))
            frame, time = _keys(recording, block)
            table.insert(0, "frame", frame)
            table.insert(1, "time_s", time)
            table.to_csv(file, index=False, header=block.start == 0, float_format="%.6g")


def _write_zarr(path: Path, recording: Recording, blocks: Iterator[Block]) -> None:
    import zarr
    from zarr.codecs import TransposeCodec

    if path.exists():
        raise InputError(f"{path} is already there", "a folder is not written over", "choose another name")
    temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}.zarr")
    try:
        group = zarr.open_group(temporary, mode="w")
        values: Any = None
        for block in blocks:
            if values is None:
                shape = (len(recording.time), len(block.names))
                values = group.create_array(
                    "values", shape=shape, chunks=(ROWS, shape[1]), dtype="float32", compressors=None,
                    filters=[TransposeCodec(order=(1, 0))],  # stored as computed, feature by feature
                )  # fmt: skip
                group.attrs.update({"names": list(block.names), "units": list(block.units)})
            values[block.start : block.stop] = block.values.T
        for name in ("frame", "time"):
            array = getattr(recording, name)
            group.create_array("time_s" if name == "time" else name, data=array)
        temporary.rename(path)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _keys(recording: Recording, block: Block) -> tuple[np.ndarray, np.ndarray]:
    rows = slice(block.start, block.stop)
    return recording.frame[rows].astype(np.int64), recording.time[rows].astype(np.float64)
