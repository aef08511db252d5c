"""The run that is in the place of a new one: go on with it, clear it away, or leave it alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from superanimal.errors import FormatError, InputError, option
from superanimal.inference.naming import set_aside
from superanimal.poses.run_store import RunStore
from superanimal.progress import Progress

SAID = {"calibration": "offsets"}
"""What messages call the keys of a run's identity that have an old name."""


def go_on(
    where: Path,
    video: Path,
    frames: range,
    identity: Callable[[range], dict[str, Any]],
    made: dict[str, Any],
) -> tuple[RunStore, xr.Dataset | None]:
    """Open the run of a video that lies in ``where``, and extend it when it has only the first ``frames``.

    Parameters
    ----------
    identity
        Gives what decides the results of a run of some frames.
    made
        Provenance of a run of all ``frames``.

    Returns
    -------
    RunStore, xarray.Dataset or None
        The store, and its poses before it was extended.

    Raises
    ------
    InputError
        When it is the run of another video, or was made with other choices.
    FormatError
        When it is damaged.
    StorageError
        When it has to be extended and another process is writing to it.
    """
    store, now = RunStore.open(where), identity(frames)
    _check_video(store, video, now)
    first = _first_frames(store, frames)
    if first is None:
        _check_same(store, now)
        return store, None
    _check_same(store, identity(first))
    before = store.to_poses()
    with store.exclusive():
        store.extend(np.asarray(frames), {"identity": now, "provenance": store.attrs["provenance"] | made})
    return store, before


def _first_frames(store: RunStore, frames: range) -> range | None:
    """Return the frames of an earlier run if ``frames`` begin with them and go on."""
    earlier = range(*store.attrs["identity"].get("frames", (0, 0, 1)))
    return earlier if 0 < len(earlier) < len(frames) and frames[: len(earlier)] == earlier else None


def clear(where: Path, video: Path, identity: dict[str, Any], progress: Progress) -> xr.Dataset | None:
    """Make room for a new run and return the poses of the earlier one; None when it was damaged.

    A damaged store, and one that holds more than a run, is kept under a dated name.

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
        progress.message(f"{where.name} holds {', '.join(more)}, too, and is kept as {set_aside(where).name}")
    else:
        store.delete()
    return poses


def _check_video(store: RunStore, video: Path, identity: dict[str, Any]) -> None:
    """Refuse the store of another video of the same name, also to start over."""
    made_of, same = store.attrs["video_path"], store.attrs["identity"].get("video") == identity["video"]
    if made_of and not same and Path(made_of) != video.resolve():
        raise InputError(
            f"{store.path} holds the run of another video of the same name, {made_of}",
            f"the results of {video} need a place of their own",
            f"choose another output folder{option('out')}, or rename one of the videos",
        )


def _check_same(store: RunStore, identity: dict[str, Any]) -> None:
    """Refuse to go on with a store that was made with other choices."""
    before, now = _flat(store.attrs["identity"]), _flat(identity)
    different = [name for name in sorted(before | now) if before.get(name) != now.get(name)]
    if not different:
        return
    said = [f"{SAID.get(name, name)} was {before.get(name)!r} and is {now.get(name)!r}" for name in different]
    if "video" in different:
        said[different.index("video")] = "the content of the video was changed since"
    raise InputError(
        f"{store.path} holds a run with other choices: {', '.join(said)}",
        rule="results of different choices are never mixed",
        remedy="ask for the same choices to go on, "
        f"start over{option('resume', 'False', '--overwrite')}, "
        f"or choose another output folder{option('out')}",
    )


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Return a nested record with one level of keys."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        flat |= {f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value}
    return flat
