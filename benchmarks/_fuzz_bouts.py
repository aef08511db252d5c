"""Damaged annotations of behaviour: an undamaged file of every format, and what must not happen to it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _fuzz_mutants import Damage
from _fuzz_samples import Sample
from _fuzz_verbs import limited, plain

from superanimal.behavior import read_annotations, write_annotations
from superanimal.behavior.bouts import LATEST, check_bouts

VERB = "read_annotations"
FPS = 10.0
BOUTS = [(0.5, 1.5, "rear", "ada"), (2.0, 3.5, "groom", "bo"), (4.0, 4.7, "rear", "bo"),
         (5.1, 6.2, "walk", "ada"), (7.3, 9.0, "groom", "ada")]  # fmt: skip
"""Start, end, label and individual; no two bouts share a time."""


def make_bouts(root: Path) -> list[Sample]:
    """Write a file of every format of annotations, each into its own folder below ``root``."""
    found = []
    table = check_bouts(pd.DataFrame(BOUTS, columns=["start_s", "end_s", "label", "individual"]))

    def place(name: str, file: str, kind: str) -> Path:
        path = root / f"bouts_{file.replace('.', '_')}" / file
        path.parent.mkdir(parents=True)
        found.append(Sample(name, path, kind))
        return path

    for name, file, kind in (("boris project", "p.boris", "json"), ("boris aggregated", "a.tsv", "text"),
                             ("bouts csv", "b.csv", "text"), ("bouts nwb", "b.nwb", "hdf5")):  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write_annotations(table, place(name, file, kind), video="clip.avi", fps=FPS)
    for name, file, kind, text in _texts():
        place(name, file, kind).write_text(text)
    return found


def _texts() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, file, kind and text of the formats that are read only."""
    rows = [f"o;0;{who};{label};{kind};{time};clip.avi" for start, end, label, who in BOUTS
            for kind, time in (("START", start), ("STOP", end))]  # fmt: skip
    head = "Observation id;Time offset (s);Subject;Behavior;Behavior type;Time;Media file name"
    yield "boris tabular", "t.csv", "text", "\n".join([head, *rows, ""])
    frames = [(round(start * FPS), round(end * FPS) - 1, label, who) for start, end, label, who in BOUTS]
    stream = "S1:\tstart\tend\ttype\n-----------------\n"
    lines = "\n".join(f"{first + 1}\t{last + 1}\t{label}" for first, last, label, _ in frames)
    yield "caltech", "c.txt", "text", f"Caltech Behavior Annotator - Annotation File\n\n{stream}{lines}\n"
    bento = "Bento annotation file\nAnnotation framerate: 10\n\nCh1----------\n"
    kinds = "".join(
        f">{name}\nStart\tStop\tDuration\n"
        + "".join(f"{start}\t{end}\t{end - start:.1f}\n" for start, end, label, _ in BOUTS if label == name)
        for name in ("rear", "groom", "walk")
    )
    yield "bento", "b.annot", "text", bento + kinds
    blocks: dict[str, dict[str, list[Any]]] = {}
    for first, last, label, who in frames:
        block = {"start": first, "end": last, "present": True}
        blocks.setdefault(who, {}).setdefault(label, []).append(block)
    yield "jabs", "j.json", "json", json.dumps({"file": "clip.avi", "num_frames": 100, "labels": blocks})
    segments = {f"1_{k}": {"vid": "1", "z": [start, end], "xy": [], "av": {"1": label}}
                for k, (start, end, label, _) in enumerate(BOUTS)}  # fmt: skip
    project = {"attribute": {"1": {"aname": "what", "type": 1}}, "file": {"1": {"fname": "clip.avi"}},
               "view": {"1": {"fid_list": ["1"]}}, "metadata": segments}  # fmt: skip
    yield "via", "v.json", "json", json.dumps(project)
    label_of = np.full(100, "", dtype=object)
    for first, last, label, _ in frames:
        label_of[first : last + 1] = label
    yield (
        "frame table",
        "f.csv",
        "text",
        "frame,label\n" + "".join(f"{k},{v}\n" for k, v in enumerate(label_of)),
    )


def read_bouts(path: Path) -> tuple[pd.DataFrame, set[str]]:
    """Return the bouts of a file, and what was said."""
    with warnings.catch_warnings(record=True) as caught, limited():
        warnings.simplefilter("always")
        table = read_annotations(path, fps=FPS)
    return table, {plain(str(each.message), path) for each in caught}


def changed_bouts(table: pd.DataFrame, known: pd.DataFrame, done: Damage) -> tuple[str, bool]:
    """Return what is wrong with bouts read without a word (empty: nothing), and whether that is the damage.

    Times lie in the recording, and a bout, known by its times, keeps its label and animal, unless both are
    new names.
    """
    times = table[["start_s", "end_s"]].to_numpy(float)
    if not ((times >= 0) & (times <= LATEST)).all() or (times[:, 0] > times[:, 1]).any():
        return f"times {times.tolist()[:3]}", False
    names = ["label", "individual"]
    by_time = {(row.start_s, row.end_s): row for row in known.itertuples()}
    moved = []
    for row in table.itertuples():
        before = by_time.get((row.start_s, row.end_s))
        for name in names if before is not None else ():
            now, then = getattr(row, name), getattr(before, name)
            if now != then and now in set(known[name]):
                moved.append(f"{then} is {now} at {row.start_s:g} s")
    return "; ".join(moved[:3]), done.named or len(moved) <= done.edits
