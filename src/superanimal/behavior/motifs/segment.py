"""From poses or features to motifs: what each frame is, bouts, transitions and example clips."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd
import xarray as xr

from superanimal.behavior.bouts import COLUMNS, bouts_of, frame_edges
from superanimal.behavior.motifs import clusters, hmm
from superanimal.behavior.motifs.posture import MOTION, posture_features
from superanimal.behavior.results.tables import time_budget, transitions
from superanimal.errors import InputError, unknown_name
from superanimal.poses import make_provenance, seconds
from superanimal.progress import Progress
from superanimal.reports.files import write_tables

Method = Literal["hmm", "arhmm", "cluster"]
Poses: TypeAlias = xr.Dataset | str | os.PathLike[str]
DIMS = 10
"""Maximum number of principal components."""
VARIANCE = 0.95
"""Share of the variance that the principal components keep."""
CHOOSING, PIECES = 6000, 8
"""Maximum number of frames on which the number of motifs is chosen."""
TRIED = (3, 4, 5, 6, 7, 8, 10, 12)
"""Numbers of motifs that are tried."""
STABLE = 0.05
"""By how much less than the best number, in adjusted Rand index, two halves of the data may agree on it."""
CLIPS = 6
"""Example clips of each motif."""
NONE = "none"
"""Label of frames in no cluster."""


@dataclass(frozen=True)
class Track:
    """Features of one animal of one recording."""

    file: str
    individual: str
    times: np.ndarray
    frames: np.ndarray
    features: pd.DataFrame
    seen: np.ndarray


@dataclass
class Motifs:
    """Motifs of one or several recordings, named ``motif 1``, ``motif 2``, ... from the most to the least
    used.

    Attributes
    ----------
    frames
        A row for each frame and animal: ``file, individual, frame, time_s, motif`` (empty where the animal is
        not seen) and the first two coordinates ``x, y`` of the embedding.
    bouts
        A bouts table with the column ``file``.
    summary
        ``motif, share, bouts, median_s``.
    transitions
        As :func:`superanimal.behavior.results.tables.transitions`, with the column ``file``.
    clips
        Examples, the most typical first: ``motif, file, individual, start_s, end_s``.
    facts
        Method and parameters.
    notes
        What limits the result, in sentences.
    """

    frames: pd.DataFrame
    bouts: pd.DataFrame
    summary: pd.DataFrame
    transitions: pd.DataFrame
    clips: pd.DataFrame
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``frames.csv, bouts.csv, summary.csv, transitions.csv, clips.csv``; return their paths.

        ``provenance.json`` says how they were made.
        """
        names = ("frames", "bouts", "summary", "transitions", "clips")
        files = [str(file) for file in self.frames["file"].unique()]
        record = make_provenance("behavior segment", files=files, **self.facts)
        return write_tables(Path(folder), {name: getattr(self, name) for name in names}, record)

    def report(self, path: str | os.PathLike[str]) -> Path:
        """Write one HTML page; return its path."""
        from superanimal.behavior.motifs.page import write_page

        return write_page(self, Path(path))


def segment(
    poses: Poses | Sequence[Poses],
    *,
    method: Method = "hmm",
    motifs: int | None = None,
    typical_s: float = 0.5,
    embedding: clusters.Embedding = "pca",
    fps: float | None = None,
    features: Sequence[pd.DataFrame] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Motifs:
    """Find recurring motifs in the movements of animals.

    Parameters
    ----------
    poses
        A pose data set or file, or several; motifs are shared by all of them.
    method
        ``"hmm"``: a sticky hidden Markov model of posture and motion; ``"arhmm"``: one whose states are laws
        by which a frame follows from the one before; ``"cluster"``: density clusters of an embedding.
    motifs
        Number of motifs (hidden Markov models); the largest that two halves of the data agree on by default.
    typical_s
        Duration that motifs are expected to have, seconds; also the window of ``"cluster"``.
    embedding
        ``"pca"``, or ``"umap"`` or ``"cebra"`` (extras), for ``"cluster"`` and the coordinates in the result.
    fps
        Frames per second, if the poses do not state it.
    features
        For each recording and animal, in order, a table with a row for each frame that is used instead of
        posture and motion.
    seed
        Of everything random.
    progress
        Counts the steps, and may cancel between them.

    Returns
    -------
    Motifs
        Tables; ``result.save(folder)`` and ``result.report(path)`` write them.

    Raises
    ------
    InputError
        When too little is seen, no frame rate is known, or a parameter makes no sense.
    """
    if method not in get_args(Method):
        raise unknown_name("method", str(method), get_args(Method))
    if embedding not in get_args(clusters.Embedding):
        raise unknown_name("embedding", str(embedding), get_args(clusters.Embedding))
    if not typical_s > 0:
        raise InputError(f"a typical duration of {typical_s} s", "it must be positive")
    if motifs is not None and not 2 <= motifs <= 200:
        raise InputError(f"{motifs} motifs", "give a number from 2 to 200")
    progress = progress or Progress()
    progress.start(4, "motifs", "steps")
    notes = list[str]()
    if embedding == "cebra":
        notes.append(
            "CEBRA draws random numbers of its own: another run gives a slightly different embedding."
        )
    sequences = _sequences(poses, fps, features, notes)
    progress.advance()
    rows, step = (
        _components([each.features.to_numpy(float) for each in sequences], seed, 0 if features else MOTION),
        _step(sequences),
    )
    progress.check()
    if method == "cluster":
        wide = clusters.windows(rows, max(1, round(typical_s / step)))
        places = clusters.embed(np.concatenate(wide), embedding, 5 if embedding == "pca" else 2, seed)
        progress.advance()
        found = clusters.clusters(places, seed)
        states = np.split(found, np.cumsum([len(each) for each in rows])[:-1])
    else:
        stay = max(0.0, 1 - step / typical_s)
        order = 1 if method == "arhmm" else 0
        count = motifs or _choose(rows, stay, order, seed, progress)
        progress.advance()
        model, _ = hmm.fit(rows, count, stay, order=order, seed=seed, progress=progress)
        states = [hmm.decode(model, each) for each in rows]
        places = (
            np.concatenate(rows)
            if embedding == "pca"
            else clusters.embed(np.concatenate(rows), embedding, 2, seed)
        )
    progress.advance()
    result = _tabulate(sequences, rows, states, places, typical_s, notes)
    result.facts |= {"method": method, "typical_s": typical_s, "embedding": embedding, "seed": seed}
    progress.advance()
    return result


def _sequences(
    poses: Poses | Sequence[Poses],
    fps: float | None,
    features: Sequence[pd.DataFrame] | None,
    notes: list[str],
) -> list[Track]:
    from superanimal.formats import load_poses

    several = isinstance(poses, Sequence) and not isinstance(poses, str)
    given = iter(features) if features is not None else None
    out = []
    for number, source in enumerate(poses if several else [poses]):  # type: ignore[arg-type]
        data = source if isinstance(source, xr.Dataset) else load_poses(source)  # type: ignore[arg-type]
        name = str(data.attrs.get("source_file", "")) if isinstance(source, xr.Dataset) else str(source)
        name = name or f"recording{number + 1}"
        times = seconds(data, fps, "finding motifs")
        for individual in map(str, data["individual"].values):
            if given is not None:
                table = next(given, None)
                if table is None or len(table) != len(times):
                    raise InputError(
                        f"{name}, {individual}: features with {0 if table is None else len(table)} rows",
                        f"there are {len(times)} frames",
                    )
                numbers = table.select_dtypes("number")
                seen = np.isfinite(numbers.to_numpy(float)).all(axis=1)
                filled = numbers.interpolate(limit_direction="both").fillna(0.0)
                out.append(Track(name, individual, times, data["frame"].values, filled, seen))
                continue
            try:
                own, seen = posture_features(data, individual, times)
            except InputError as fault:
                notes.append(f"{Path(name).name}, {fault}.")
                continue
            out.append(Track(name, individual, times, data["frame"].values, own, seen))
    if not out:
        raise InputError(
            "no animal is seen well enough", "motifs need two keypoints in 50 frames", " ".join(notes[:3])
        )
    names = [list(each.features.columns) for each in out]
    shared = [name for name in names[0] if all(name in other for other in names)]
    if len(shared) < 2:
        raise InputError("the recordings have no keypoints in common", "motifs are shared by all of them")
    if dropped := sorted({name for each in names for name in each} - set(shared)):
        notes.append(f"Not used, because not in all recordings: {', '.join(dropped[:6])}.")
    return [
        Track(each.file, each.individual, each.times, each.frames, each.features[shared], each.seen)
        for each in out
    ]


def _components(tables: Sequence[np.ndarray], seed: int, motion: int) -> list[np.ndarray]:
    """Return principal components of features.

    Features are standardised; coordinates of posture, all but the last ``motion`` features, only as a whole,
    so that noise of points that hardly move is not blown up, and so that they weigh as much as the motion.
    """
    from sklearn.decomposition import PCA

    every = np.concatenate(tables)
    spread = np.maximum(every.std(axis=0), 1e-9)
    if motion:
        spread[:-motion] = np.sqrt((spread[:-motion] ** 2).sum() / motion)
    scaled = np.clip((every - every.mean(axis=0)) / spread, -6, 6)
    pca = PCA(min(DIMS, *scaled.shape), random_state=seed).fit(scaled)
    kept = int(np.searchsorted(np.cumsum(pca.explained_variance_ratio_), VARIANCE)) + 1
    places = pca.transform(scaled)[:, :kept]
    return np.split(places / places[:, 0].std(), np.cumsum([len(table) for table in tables])[:-1])


def _step(sequences: Sequence[Track]) -> float:
    return float(np.median([np.median(np.diff(each.times)) for each in sequences]))


def _choose(rows: Sequence[np.ndarray], stay: float, order: int, seed: int, progress: Progress) -> int:
    """Return the largest number of motifs that two halves of the data agree on, none of them a passage.

    A passage from one motif to another lasts less than half of what motifs are expected to last.
    """
    from sklearn.metrics import adjusted_rand_score

    share = CHOOSING / max(sum(len(each) for each in rows), CHOOSING)
    used = [
        piece[: max(2, round(share * len(piece)))] for each in rows for piece in np.array_split(each, PIECES)
    ]
    every, agreed = np.concatenate(used), dict[int, float]()
    for count in TRIED:
        progress.check()
        halves = [
            hmm.fit(used[half::2], count, stay, order=order, rounds=15, seed=seed, progress=progress)[0]
            for half in (0, 1)
        ]
        one, other = (hmm.decode(model, every) for model in halves)
        if count == TRIED[0] or _briefest(one) >= 0.5 / max(1 - stay, 1e-6):
            agreed[count] = float(adjusted_rand_score(one, other))
    return max(count for count, alike in agreed.items() if alike >= max(agreed.values()) - STABLE)


def _briefest(states: np.ndarray) -> float:
    """Return the median length in frames of the bouts of the state with the shortest ones."""
    borders = np.flatnonzero(np.append(True, states[1:] != states[:-1]))
    length = np.diff(np.append(borders, len(states)))
    return min(float(np.median(length[states[borders] == state])) for state in np.unique(states))


def _tabulate(
    sequences: Sequence[Track], rows: Sequence[np.ndarray], states: Sequence[np.ndarray], places: np.ndarray,
    typical_s: float, notes: list[str],
) -> Motifs:  # fmt: skip
    seen = np.concatenate([each.seen for each in sequences])
    every = np.concatenate(states)
    used, counts = np.unique(every[(every >= 0) & seen], return_counts=True)
    names = {int(state): f"motif {k + 1}" for k, state in enumerate(used[np.argsort(-counts, kind="stable")])}
    labels = list(names.values())
    frames, bouts, budgets, clips, at = [], [], [], [], 0
    for each, own, row in zip(sequences, states, rows, strict=True):
        span = slice(at, at + len(own))
        at += len(own)
        words = np.array([names.get(int(state), NONE) for state in own], dtype=object)
        words[~each.seen] = ""
        frames.append(
            pd.DataFrame(
                {
                    "file": each.file,
                    "individual": each.individual,
                    "frame": each.frames,
                    "time_s": each.times,
                    "motif": words,
                    "x": places[span, 0],
                    "y": places[span, min(1, places.shape[1] - 1)],
                }
            )
        )
        table = bouts_of(
            words[:, None] == np.array(labels, dtype=object), each.times, labels, individual=each.individual
        )
        bouts.append(table.assign(file=each.file))
        budgets.append(time_budget(table, float(frame_edges(each.times)[-1]), [each.individual], labels))
        clips += _clips(each, words, row, labels, typical_s)
    budget, together = pd.concat(budgets), pd.concat(bouts, ignore_index=True)
    length = (together["end_s"] - together["start_s"]).groupby(together["label"]).median()
    share = budget.groupby("label")["share"].mean()
    summary = pd.DataFrame(
        {
            "motif": labels,
            "share": [float(share[name]) for name in labels],
            "bouts": [int((together["label"] == name).sum()) for name in labels],
            "median_s": [float(length.get(name, np.nan)) for name in labels],
        }
    )
    steps = [
        transitions(table[list(COLUMNS)]).assign(file=table["file"].iloc[0]) for table in bouts if len(table)
    ]
    best = pd.DataFrame(clips, columns=["motif", "file", "individual", "start_s", "end_s", "unlike"])
    best = (
        best.sort_values(["motif", "unlike"]).groupby("motif", sort=False).head(CLIPS).drop(columns="unlike")
    )
    if (lost := float((every[seen] < 0).mean()) if seen.any() else 0.0) > 0:
        notes.append(f"{100 * lost:.0f} % of the frames belong to no cluster.")
    return Motifs(
        pd.concat(frames, ignore_index=True), together[["file", *COLUMNS]], summary,
        pd.concat(steps, ignore_index=True) if steps else transitions(together[list(COLUMNS)]),
        best.reset_index(drop=True), {"motifs": len(labels)}, notes,
    )  # fmt: skip


def _clips(
    each: Track, words: np.ndarray, row: np.ndarray, labels: Sequence[str], typical_s: float
) -> list[tuple[object, ...]]:
    """Return bouts that are typical of their motif: near its mean in features, and not short."""
    edges, out = frame_edges(each.times), list[tuple[object, ...]]()
    borders = np.flatnonzero(np.append(True, words[1:] != words[:-1]))
    ends = np.append(borders[1:], len(words))
    centres = {name: row[words == name].mean(axis=0) for name in labels if (words == name).any()}
    for first, last in zip(borders, ends, strict=True):
        name = words[first]
        if name in centres:
            unlike = float(np.linalg.norm(row[first:last].mean(axis=0) - centres[name]))
            length = float(edges[last] - edges[first])
            out.append((name, each.file, each.individual, float(edges[first]), float(edges[last]),
                        unlike + max(0.0, 1 - length / typical_s)))  # fmt: skip
    return out
