"""Syllables of keypoint-moseq: its results (``results.h5``, or a csv for each recording) in and out.

Facts of the format: the HDF5 file has a group for each recording with ``syllable`` (T,), ``latent_state`` (T,
Q), ``centroid`` (T, D) and ``heading`` (T,); a csv has the columns ``syllable, centroid x, centroid y,
heading`` and ``latent_state 0, ...``.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from superanimal.behavior.bouts import bouts_of
from superanimal.behavior.motifs.segment import Motifs
from superanimal.errors import FormatError, NotFoundError
from superanimal.files import atomic_write
from superanimal.formats.guard import reading

SYLLABLE = "syllable"


def read_moseq(path: str | os.PathLike[str], fps: float) -> dict[str, pd.DataFrame]:
    """Read syllables.

    Parameters
    ----------
    path
        ``results.h5`` or the csv of one recording.
    fps
        Frames per second.

    Returns
    -------
    dict of str to pandas.DataFrame
        Recording to bouts table, labelled ``syllable 0``, ``syllable 1``, ...

    Raises
    ------
    NotFoundError, FormatError
        No such file; no syllables in it.
    """
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(f"{path}: no such file of syllables")
    with reading(path, "results of keypoint-moseq"):
        if path.suffix.lower() == ".csv":
            table = pd.read_csv(path)
            if SYLLABLE not in table.columns:
                raise FormatError(
                    f"{path}: the columns are {', '.join(map(str, table.columns[:6]))}", "one is syllable"
                )
            found = {path.stem: table[SYLLABLE].to_numpy(int)}
        else:
            with h5py.File(path) as file:
                found = {
                    str(name): np.asarray(group[SYLLABLE], dtype=int)
                    for name, group in file.items()
                    if isinstance(group, h5py.Group) and SYLLABLE in group
                }
    if not found:
        raise FormatError(f"{path}: no recording with syllables", "results.h5 has a group for each recording")
    out = {}
    for name, values in found.items():
        used = sorted({int(value) for value in values})
        labels = [f"{SYLLABLE} {value}" for value in used]
        out[name] = bouts_of(values[:, None] == np.array(used), np.arange(len(values)) / fps, labels)
    return out


def write_moseq(motifs: Motifs, path: str | os.PathLike[str]) -> Path:
    """Write motifs as ``results.h5``: syllables from 0 for the most used motif, -1 for none.

    ``latent_state`` holds the embedding; centroid and heading are not known here and are left out.
    """
    numbers = {name: k for k, name in enumerate(motifs.summary["motif"])}
    names = motifs.frames.groupby(["file", "individual"], sort=False)
    alone = motifs.frames.groupby("file")["individual"].nunique()
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as file:
        for (recording, individual), own in names:
            name = Path(str(recording)).stem + (f"_{individual}" if alone.loc[str(recording)] > 1 else "")
            group = file.create_group(name)
            group[SYLLABLE] = np.array([numbers.get(each, -1) for each in own["motif"]], dtype=int)
            group["latent_state"] = own[["x", "y"]].to_numpy(float)
    return Path(path)
