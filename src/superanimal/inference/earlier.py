"""Handling an existing run: resume, relink, clear or refuse it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from superanimal.errors import FormatError, InputError, option
from superanimal.inference.linking import CHOICES
from superanimal.inference.naming import set_aside
from superanimal.poses.run_store import RunStore
from superanimal.progress import Progress

SAID = {"calibration": "offsets"}
"""Names in messages for identity keys that have an outdated name."""


def go_on(
    where: Path,
    video: Path,
    frames: range,
    identity: Callable[[range], dict[str, Any]],
    made: dict[str, Any],
    pairs: int,
    progress: Progress,
) -> tuple[RunStore, xr.Dataset | None]:
    """Open the existing run of a video in ``where``.

    It is extended when it has only the first ``frames``; its results are dropped when they are to be relinked
    with other choices.

    Parameters
    ----------
    identity
        Function that returns the identity of a run over given frames.
    made
        Provenance of a run of all ``frames``.
    pairs
        Number of pairs of look-alike keypoints in the raw estimates.

    Returns
    -------
    RunStore, xarray.Dataset or None
        The store, and its poses before it was changed.

    Raises
    ------
    InputError
        When it is the run of another video, or used other options.
    FormatError
        When it is damaged.
    StorageError
        When it must be changed while another process is writing to it.
    """
    store, now = RunStore.open(where), identity(frames)
    _check_video(store, video, now)
    first = _first_frames(store, frames)
    same = identity(first) if first is not None else now
    different = _different(store, same)
    if different and not _only_linked(different):
        raise _other_choices(store, same, different, "results of different options are never mixed")
    if not different and first is None:
        return store, None
    before = store.to_poses()
    provenance = store.attrs["provenance"] | made
    if different:
        _check_raw(store, same, different, pairs)
        _check_corrections(store, same, different, before)
    with store.exclusive():
        if different:
            progress.message(
                f"{where.name}: relinked from stored estimates ({_said(store, same, different)})"
            )
            store.unlink_results({"identity": same, "provenance": provenance})
        if first is not None:
            store.extend(np.asarray(frames), {"identity": now, "provenance": provenance})
    return store, before


def _only_linked(different: list[str]) -> bool:
    """Return whether a run with these differences can be relinked; other legs mean another model."""
    return set(different) <= set(CHOICES) and ("limbs" not in different or "settings.track" in different)


def _check_raw(store: RunStore, identity: dict[str, Any], different: list[str], pairs: int) -> None:
    """Refuse to relink a store that lacks raw estimates for some results."""
    lacking = [chunk for chunk in store.finished_chunks() if store.read_raw(chunk, pairs) is None]
    if lacking:
        raise _other_choices(
            store,
            identity,
            different,
            f"relinking needs raw estimates, which are missing from {len(lacking)} of its chunks: they are "
            "damaged or were written by an earlier version",
        )


def _check_corrections(
    store: RunStore, identity: dict[str, Any], different: list[str], poses: xr.Dataset
) -> None:
    """Refuse to change identities of animals with corrected points."""
    if "edited" in poses and "settings.track" in different:
        raise _other_choices(
            store,
            identity,
            different,
            f"{int(poses['edited'].sum())} corrected points belong to its current identities",
        )


def _first_frames(store: RunStore, frames: range) -> range | None:
    """Return the frames of an earlier run if ``frames`` begin with them and go on."""
    earlier = range(*store.attrs["identity"].get("frames", (0, 0, 1)))
    return earlier if 0 < len(earlier) < len(frames) and frames[: len(earlier)] == earlier else None


def clear(where: Path, video: Path, identity: dict[str, Any], progress: Progress) -> xr.Dataset | None:
    """Clear the place for a new run and return the poses of the earlier one; None if it was damaged.

    A damaged store, or one with foreign files, is kept under a dated name.

    Raises
    ------
    InputError
        When it is the run of another video.
    StorageError
        When another process is writing to it.
    """
    try:
        store = RunStore.open(where)
        _check_video(store, video, identity)
        poses = store.to_poses()
    except FormatError as error:
        progress.message(f"{error.problem}: kept as {set_aside(where).name}")
        return None
    with store.exclusive():  # refuses a store in use
        more = store.additions()
    if more:
        progress.message(f"{where.name} also holds {', '.join(more)} and is kept as {set_aside(where).name}")
    else:
        store.delete()
    return poses


def _check_video(store: RunStore, video: Path, identity: dict[str, Any]) -> None:
    """Refuse the store of another video of the same name, even to start over."""
    made_of, same = store.attrs["video_path"], store.attrs["identity"].get("video") == identity["video"]
    if made_of and not same and Path(made_of) != video.resolve():
        raise InputError(
            f"{store.path} holds the run of another video of the same name, {made_of}",
            f"the results of {video} need a separate place",
            f"choose another output folder{option('out')}, or rename one of the videos",
        )


def _different(store: RunStore, identity: dict[str, Any]) -> list[str]:
    """Return the names of the options that differ from those of a store."""
    before, now = _flat(store.attrs["identity"]), _flat(identity)
    return [name for name in sorted(before | now) if before.get(name) != now.get(name)]


def _said(store: RunStore, identity: dict[str, Any], different: list[str]) -> str:
    """Describe the differences."""
    before, now = _flat(store.attrs["identity"]), _flat(identity)
    return ", ".join(
        "the content of the video has changed"
        if name == "video"
        else f"{SAID.get(name, name)} was {before.get(name)!r} and is {now.get(name)!r}"
        for name in different
    )


def _other_choices(store: RunStore, identity: dict[str, Any], different: list[str], rule: str) -> InputError:
    """Return the error for a store created with other options."""
    return InputError(
        f"{store.path} holds a run with other options: {_said(store, identity, different)}",
        rule,
        "use the same options to resume, "
        f"start over{option('resume', 'False', '--overwrite')}, "
        f"or choose another output folder{option('out')}",
    )


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Return a nested record with one level of keys."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        flat |= {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    return flat
