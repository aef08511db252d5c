"""The labels of one pose layer: bouts, behaviours, undo, and the file in which they are kept."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from napari_superanimal.docks.behavior import catalogue
from napari_superanimal.docks.behavior.catalogue import Catalogue
from napari_superanimal.parts.layers import is_video_layer
from napari_superanimal.pose_layer.layers import layer_to_poses, table_of
from napari_superanimal.pose_layer.save import is_own_file
from napari_superanimal.pose_layer.table import PoseTable
from superanimal.behavior import check_bouts, read_annotations, write_annotations
from superanimal.behavior.bouts import COLUMNS, frame_edges, labels_of, shifted
from superanimal.errors import FormatError, InputError, StorageError, SuperAnimalError
from superanimal.poses import frame_rate, seconds

if TYPE_CHECKING:
    import xarray as xr

    from superanimal.behavior.motifs import Motifs

SUFFIX = ".bouts.csv"
BEHAVIORS = "behaviors.csv"
NO_BOUTS = check_bouts(pd.DataFrame({"start_s": [], "end_s": [], "label": []}))


@dataclass(frozen=True)
class State:
    """What undo brings back."""

    behaviors: Catalogue = ()
    bouts: pd.DataFrame = field(default_factory=lambda: NO_BOUTS)


class BehaviorSession:
    """Bouts of behaviour of one pose layer, with undo; every change is written to a file.

    Parameters
    ----------
    poses
        The poses.
    fps
        Frames per second, if the poses do not state it.
    beside
        The video or pose file beside which the labels are kept; nowhere when None.

    Attributes
    ----------
    time
        (T,) seconds from frame 0 of each time of the poses.
    edges
        (T + 1,) when each frame is first shown, and when the last one ends.
    individuals
        Names of the animals.
    rater
        Who labels: written into new bouts.
    predicted
        Bouts that a classifier found; None before.
    motifs
        Motifs that were found; None before.
    problem
        Why labels cannot be kept in the file; None while they can.
    """

    def __init__(self, poses: xr.Dataset, fps: float | None, beside: Path | None) -> None:
        self.fps = fps
        self.time = seconds(poses, fps, "labels of behaviour")
        self.edges = frame_edges(self.time)
        self.individuals = [str(name) for name in poses["individual"].values]
        self.rater = ""
        self.predicted: pd.DataFrame | None = None
        self.motifs: Motifs | None = None
        self.problem: SuperAnimalError | None = None
        self.path = None if beside is None else beside.with_name(f"{beside.stem}{SUFFIX}")
        self._state = State()
        self._done: list[State] = []
        self._undone: list[State] = []
        self._stamp: tuple[int, int] | None = None
        self._listed: Catalogue = ()
        self._read()

    @property
    def bouts(self) -> pd.DataFrame:
        """All bouts, of all animals and raters."""
        return self._state.bouts

    @property
    def behaviors(self) -> Catalogue:
        """The behaviours that can be labelled."""
        return self._state.behaviors

    @property
    def colors(self) -> dict[str, str]:
        """Colour of each behaviour."""
        return {one.name: one.color for one in self.behaviors}

    @property
    def raters(self) -> list[str]:
        """Raters of whom there are bouts."""
        return sorted(set(self.bouts["rater"]))

    @property
    def can_undo(self) -> bool:
        """Whether something was changed."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether something was undone."""
        return bool(self._undone)

    @property
    def rate(self) -> float | None:
        """Frames per second; None for a single frame."""
        return frame_rate(self.time)

    def own(self, individual: str | None = None) -> pd.DataFrame:
        """Return the bouts of the rater, of one animal or all; the index is that of ``bouts``."""
        bouts = self.bouts[self.bouts["rater"] == self.rater]
        return bouts if individual is None else bouts[bouts["individual"].isin([individual, ""])]

    # ---------------------------------------------------------------- bouts

    def add(self, label: str, start_s: float, end_s: float, individual: str = "") -> None:
        """Add a bout; it is joined with bouts of the same behaviour that it overlaps.

        Parameters
        ----------
        label
            The behaviour; an unknown one is added to the list.
        start_s, end_s
            Seconds from frame 0; what lies outside of the recording is cut off.
        individual
            The animal; needed only where there are several.
        """
        start, end = sorted(np.clip([start_s, end_s], 0, self.edges[-1]))
        who = individual if len(self.individuals) > 1 else ""
        row = {"start_s": start, "end_s": end, "label": label, "individual": who, "rater": self.rater}
        new = pd.DataFrame([{name: row.get(name, "") for name in COLUMNS}])
        bouts = new if self.bouts.empty else pd.concat([self.bouts, new], ignore_index=True)
        self._do(State(catalogue.with_labels(self.behaviors, [label]), _joined(bouts)))

    def label_frames(self, label: str, first: int, last: int, individual: str = "") -> None:
        """Add a bout from one frame to another, both included and in any order."""
        first, last = sorted((first, last))
        self.add(label, float(self.edges[first]), float(self.edges[last + 1]), individual)

    def move_end(self, label: str, time: float, to: float, individual: str = "") -> None:
        """Move the start or end of a bout of the rater that lies at ``time`` to the nearest frame border."""
        own = self.own(individual)
        own = own[own["label"] == label]
        to = float(self.edges[np.argmin(np.abs(self.edges - to))])
        bouts = self.bouts.copy()
        for name, other, sign in (("start_s", "end_s", 1), ("end_s", "start_s", -1)):
            at = own.index[own[name] == time]
            if len(at):
                if sign * (bouts.loc[at[0], other] - to) > 0:
                    bouts.loc[at[0], name] = to
                    self._do(replace(self._state, bouts=_joined(bouts)))
                return

    def remove(self, label: str, start_s: float, end_s: float, individual: str = "") -> None:
        """Remove the bout of the rater with these times."""
        own = self.own(individual)
        gone = own.index[(own["label"] == label) & (own["start_s"] == start_s) & (own["end_s"] == end_s)]
        if len(gone):
            self._do(replace(self._state, bouts=self.bouts.drop(gone).reset_index(drop=True)))

    def label_as(self, rater: str) -> None:
        """Label as another rater; bouts of nobody become those of a new one."""
        own = self.bouts["rater"] == self.rater
        if not self.rater and rater not in self.raters and own.any():
            self._do(
                replace(self._state, bouts=self.bouts.assign(rater=self.bouts["rater"].mask(own, rater)))
            )
        self.rater = rater

    def shift(self, shift_s: float, rater: str | None = None) -> None:
        """Move all bouts of a rater, by default of the present one, in time."""
        own = self.bouts["rater"] == (self.rater if rater is None else rater)
        moved = pd.concat([self.bouts[~own], shifted(self.bouts[own], shift_s)], ignore_index=True)
        end = float(self.edges[-1])
        moved = moved.assign(start_s=moved["start_s"].clip(0, end), end_s=moved["end_s"].clip(0, end))
        self._do(replace(self._state, bouts=_joined(moved[moved["end_s"] > moved["start_s"]])))

    def take_in(self, path: Path, video: str | None = None) -> int:
        """Add the bouts in a file of annotations; return how many.

        Raises
        ------
        SuperAnimalError
            When the file cannot be read, see :func:`superanimal.behavior.read_annotations`.
        """
        new = read_annotations(path, fps=self.rate, video=video)
        if len(self.individuals) == 1:
            new = new.assign(individual="")
        unknown = sorted(set(new["individual"]) - {"", *self.individuals})
        if unknown:
            raise InputError(
                f"{path.name} has labels of {', '.join(unknown)}",
                f"the animals of the poses are {', '.join(self.individuals)}",
                "name them alike in the file or in the poses",
            )
        bouts = new if self.bouts.empty else pd.concat([self.bouts, new], ignore_index=True)
        self._do(State(catalogue.with_labels(self.behaviors, labels_of(new)), _joined(bouts)))
        if len(new) and self.rater not in set(new["rater"]):
            self.rater = str(new["rater"].iloc[0])
        return len(new)

    def export(self, path: Path) -> Path:
        """Write the bouts of all raters to a file; its suffix says the format."""
        return write_annotations(self.bouts, path)

    # ---------------------------------------------------------------- behaviours

    def add_behavior(self, name: str, color: str = "", key: str | None = None) -> None:
        """Add a behaviour; its colour and key are chosen when not given."""
        self._do(replace(self._state, behaviors=catalogue.with_behavior(self.behaviors, name, color, key)))

    def change_behavior(self, name: str, /, **fields: str) -> None:
        """Change ``name``, ``color`` or ``key`` of a behaviour; its bouts follow its name."""
        behaviors, bouts = catalogue.changed(self.behaviors, name, **fields), self.bouts
        if "name" in fields:
            bouts = bouts.assign(label=bouts["label"].replace(name, fields["name"]))
        self._do(State(behaviors, bouts))

    def remove_behavior(self, name: str) -> None:
        """Remove a behaviour and its bouts."""
        kept = self.bouts[self.bouts["label"] != name].reset_index(drop=True)
        self._do(State(tuple(one for one in self.behaviors if one.name != name), kept))

    # ---------------------------------------------------------------- undo and file

    def undo(self) -> None:
        """Take the latest change back."""
        if self._done:
            self._undone.append(self._state)
            self._set(self._done.pop())

    def redo(self) -> None:
        """Do the change again that was undone last."""
        if self._undone:
            self._done.append(self._state)
            self._set(self._undone.pop())

    def replace_file(self) -> None:
        """Write the labels although another program changed the file."""
        self._stamp, self.problem = _stamp(self.path), None
        self._save()

    def try_again(self) -> None:
        """Read or write the file again after the cause of a problem was mended."""
        self.problem = None
        if self._done:
            self._save()
        else:
            self._read()

    def _do(self, state: State) -> None:
        self._done.append(self._state)
        self._undone.clear()
        self._set(state)

    def _set(self, state: State) -> None:
        self._state = state
        self._save()

    def _read(self) -> None:
        if self.path is None:
            return
        try:
            self._listed = behaviors = catalogue.read_behaviors(self.path.with_name(BEHAVIORS))
            bouts, stamp = NO_BOUTS, _stamp(self.path)
            if stamp is not None:
                if list(pd.read_csv(self.path, nrows=0).columns) != list(COLUMNS):
                    raise FormatError(
                        f"{self.path} was not written here",
                        f"labels are kept in a table with the columns {', '.join(COLUMNS)}",
                        "move it elsewhere, and import it",
                    )
                bouts = read_annotations(self.path)
            self._state = State(catalogue.with_labels(behaviors, labels_of(bouts)), bouts)
            self._stamp = stamp
            if len(bouts):
                self.rater = str(bouts["rater"].iloc[-1])
        except (OSError, ValueError) as error:
            self.problem = FormatError(f"{self.path} cannot be read: {error}", remedy="move it elsewhere")
        except SuperAnimalError as error:
            self.problem = error

    def _save(self) -> None:
        if self.path is None or self.problem is not None:
            return
        try:
            if _stamp(self.path) != self._stamp:
                raise StorageError(
                    f"{self.path.name} was changed by another program",
                    "your labels are not written over what it holds",
                    "replace it, or export your labels to another file",
                )
            if len(self.bouts) or self.path.exists():
                write_annotations(self.bouts, self.path)
                self._stamp = _stamp(self.path)
            if self.behaviors != self._listed:
                path = self.path.with_name(BEHAVIORS)
                catalogue.read_behaviors(path)  # refuses a file that is not ours
                catalogue.write_behaviors(self.behaviors, path)
                self._listed = self.behaviors
        except SuperAnimalError as error:
            self.problem = error


SESSIONS: WeakKeyDictionary[PoseTable, BehaviorSession] = WeakKeyDictionary()
"""The labels of each pose layer: they outlive the dock, as long as the layer is there."""


def session_of(viewer: Any, layer: Any, fps: float | None = None) -> BehaviorSession:
    """Return the labels of a pose layer, read from beside its video the first time.

    Raises
    ------
    InputError
        When no frame rate is known.
    """
    table = table_of(layer)
    if table not in SESSIONS:
        SESSIONS[table] = BehaviorSession(layer_to_poses(layer), fps, _source_of(viewer, layer))
    return SESSIONS[table]


def _source_of(viewer: Any, layer: Any) -> Path | None:
    """Return the video of a pose layer, or its file when the video is not known."""
    videos = [other for other in viewer.layers if is_video_layer(other)]
    shown = [other.metadata.get("path") or other.source.path for other in videos] if len(videos) == 1 else []
    attrs = table_of(layer).template.attrs
    for path in (*shown, attrs.get("video_path"), attrs.get("source_file"), layer.source.path):
        if path and is_own_file(Path(path)):
            return Path(path)
    return None


def _joined(bouts: pd.DataFrame) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that overlapping bouts are joined is what is wanted
        return check_bouts(bouts)


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """Return when a file was changed and how long it is; None without one."""
    if path is None or not path.exists():
        return None
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size
