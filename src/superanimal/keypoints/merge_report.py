"""Report on a merged data set and its possible problems, as JSON, text and HTML."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from superanimal.labels.labelled_set import LabelledSet
from superanimal.labels.splits import Leak
from superanimal.poses import KeypointSpace
from superanimal.reports.files import write_text
from superanimal.reports.page import Cell, Page, bullets, table

_LISTED = 20
"""Number of duplicates or leaks listed in text; JSON holds all of them."""


@dataclass(frozen=True)
class SourceReport:
    """Figures of one source, or of all sources together.

    Attributes
    ----------
    labelled
        Number of labelled points by keypoint.
    undefined, absent
        Fraction (0..1) of (animal, keypoint) slots that the source does not define, or defines but leaves
        empty.
    box_px
        5th, 50th and 95th percentiles of the square root of the box area in pixels; empty without boxes.
    """

    name: str
    images: int
    individuals: int
    labelled: dict[str, int]
    undefined: float
    absent: float
    box_px: tuple[float, ...]
    splits: dict[str, int]
    licences: tuple[str, ...]


@dataclass(frozen=True)
class MergeReport:
    """Report on a merge."""

    space: str
    keypoints: tuple[str, ...]
    sources: tuple[SourceReport, ...]
    total: SourceReport
    duplicates: tuple[tuple[str, ...], ...]
    dropped: bool
    leaks: tuple[Leak, ...]
    warnings: tuple[str, ...]

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(asdict(self), indent=1)

    def to_text(self) -> str:
        """Return the report as plain text."""
        lines = [f"Keypoint space {self.space}: {len(self.keypoints)} keypoints", "", _row(_HEAD)]
        lines += [_row(_figures(source)) for source in (*self.sources, self.total)]
        lines += ["", "labelled points by keypoint:"]
        width = max(map(len, self.keypoints))
        for keypoint in self.keypoints:
            counts = ", ".join(
                f"{s.name} {s.labelled[keypoint]}" for s in self.sources if s.labelled[keypoint]
            )
            lines.append(f"  {keypoint:<{width}} {self.total.labelled[keypoint]:>8}  {counts}")
        for title, items in self._findings():
            lines += ["", f"{title}: {len(items) or 'none'}"]
            lines += [f"  {item}" for item in items[:_LISTED]]
            lines += [f"  ... and {len(items) - _LISTED} more"] if len(items) > _LISTED else []
        return "\n".join(lines) + "\n"

    def to_html(self) -> str:
        """Return the report as one self-contained HTML page."""
        everyone = (*self.sources, self.total)
        page = Page(f"Merged data set in space {self.space}", f"{len(self.keypoints)} keypoints")
        page.warnings += self.warnings
        page.add("Sources", table(_HEAD, map(_figures, everyone)))
        counts = [
            [keypoint, *(_count_cell(source, keypoint) for source in everyone)] for keypoint in self.keypoints
        ]
        head = ["keypoint", *(source.name for source in everyone)]
        page.add("Labelled points", table(head, counts), note="Shade: fraction of the animals.")
        for title, items in self._findings()[1:]:
            page.add(f"{title}: {len(items) or 'none'}", bullets(items[: 10 * _LISTED]))
        return page.render()

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``merge-report.json``, ``.txt`` and ``.html`` into a folder."""
        texts = {"json": self.to_json(), "txt": self.to_text(), "html": self.to_html()}
        return [write_text(Path(folder) / f"merge-report.{suffix}", text) for suffix, text in texts.items()]

    def _findings(self) -> list[tuple[str, list[str]]]:
        same = [" = ".join(group) for group in self.duplicates]
        what = "Duplicate pictures" + (" (first one kept)" if self.dropped else "")
        return [
            ("Warnings", list(self.warnings)),
            (what, same),
            ("Leaks between splits", [str(leak) for leak in self.leaks]),
        ]


def make_report(
    labelled: LabelledSet,
    space: KeypointSpace,
    *,
    duplicates: Sequence[Sequence[str]] = (),
    dropped: bool = False,
    leaks: Sequence[Leak] = (),
) -> MergeReport:
    """Describe a merged data set without reading its images."""
    names = list(dict.fromkeys(labelled.source.tolist()))
    owner = labelled.source[labelled.image_index]
    sources = tuple(
        _describe(labelled, name, np.flatnonzero(labelled.source == name), np.flatnonzero(owner == name))
        for name in names
    )
    total = _describe(labelled, "all", np.arange(len(labelled)), np.arange(labelled.n_individuals))
    return MergeReport(
        space=space.name,
        keypoints=labelled.keypoints,
        sources=sources,
        total=total,
        duplicates=tuple(tuple(group) for group in duplicates),
        dropped=dropped,
        leaks=tuple(leaks),
        warnings=tuple(find_warnings(labelled, space)),
    )


def _describe(labelled: LabelledSet, name: str, images: np.ndarray, animals: np.ndarray) -> SourceReport:
    visibility = labelled.visibility[animals]
    boxes = labelled.boxes_or_extent()[animals] if len(animals) else np.empty((0, 4))
    sizes = np.sqrt(np.maximum(boxes[:, 2] * boxes[:, 3], 0))
    sizes = sizes[np.isfinite(sizes)]
    splits, counts = np.unique(labelled.split[images].astype(str), return_counts=True)
    points = (visibility > 0).sum(0).tolist()
    return SourceReport(
        name=name,
        images=len(images),
        individuals=len(animals),
        labelled=dict(zip(labelled.keypoints, points, strict=True)),
        undefined=float((visibility == -1).mean()) if visibility.size else 0.0,
        absent=float((visibility == 0).mean()) if visibility.size else 0.0,
        box_px=tuple(round(float(q), 1) for q in np.quantile(sizes, (0.05, 0.5, 0.95))) if len(sizes) else (),
        splits={str(s) or "(none)": int(c) for s, c in zip(splits, counts, strict=True)},
        licences=tuple(sorted({str(text) for text in labelled.licence[images] if text})),
    )


def find_warnings(labelled: LabelledSet, space: KeypointSpace) -> list[str]:
    """Return warnings: keypoints without a source, mirrored sources, points outside the image, ..."""
    warnings = list(dict.fromkeys(labelled.notes))
    defined: list[bool] = np.any(labelled.visibility != -1, axis=0).tolist()
    marked: list[bool] = np.any(labelled.labelled, axis=0).tolist()
    both = list(zip(labelled.keypoints, defined, marked, strict=True))
    if unknown := [name for name, known, _ in both if not known]:
        warnings.append(f"no source defines {', '.join(unknown)}")
    if empty := [name for name, known, found in both if known and not found]:
        warnings.append(f"defined but never labelled: {', '.join(empty)}")
    owner = labelled.source[labelled.image_index]
    warnings += _mirrored(labelled, space, owner)
    warnings += _off_image(labelled, owner)
    sources = list(dict.fromkeys(labelled.source.tolist()))
    if none := [s for s in sources if not set(labelled.licence[labelled.source == s].tolist()) - {""}]:
        warnings.append(f"no licence is known for {', '.join(none)}")
    empty_images = len(labelled) - len(np.unique(labelled.image_index))
    if empty_images:
        warnings.append(f"{empty_images} images have no labelled animal")
    return warnings


def _mirrored(labelled: LabelledSet, space: KeypointSpace, owner: np.ndarray) -> list[str]:
    """Compare, source by source, the side of the tail base - nose axis on which the left points lie."""
    if not {"nose", "tail_base"} <= set(labelled.keypoints):
        return []
    nose, tail = (labelled.xy[:, labelled.keypoints.index(k)] for k in ("nose", "tail_base"))
    axis = (nose - tail).astype(np.float64)
    votes = np.zeros(labelled.n_individuals)
    for left, right in space.pairs:
        across = labelled.xy[:, space.index(left)] - labelled.xy[:, space.index(right)]
        turn = axis[:, 0] * across[:, 1] - axis[:, 1] * across[:, 0]
        votes += np.sign(np.nan_to_num(turn))
    warnings, consistent = [], {}
    for source in dict.fromkeys(owner.tolist()):
        signs = np.sign(votes[(owner == source) & (votes != 0)])
        if len(signs) >= 5 and max((signs > 0).mean(), (signs < 0).mean()) > 0.8:
            consistent[source] = int(np.sign(signs.sum()))
            odd = int((signs != consistent[source]).sum())
            if odd:
                warnings.append(f"{source}: left and right seem swapped in {odd} of {len(signs)} animals")
    for sign in (1, -1):
        agreeing = [source for source, value in consistent.items() if value == sign]
        others = [source for source, value in consistent.items() if value == -sign]
        if agreeing and others and sign == 1:
            warnings.append(
                f"left/right disagreement: {', '.join(agreeing)} against {', '.join(others)} "
                "(left and right swapped, or images mirrored)"
            )
    return warnings


def _off_image(labelled: LabelledSet, owner: np.ndarray) -> list[str]:
    size = np.array([(image.width, image.height) for image in labelled.images], dtype=np.float32)
    size = size[labelled.image_index] if len(size) else np.zeros((0, 2), dtype=np.float32)
    known = (size > 0).all(1)
    beyond = (labelled.xy < -0.5) | (labelled.xy > size[:, None] - 0.5)
    outside = (beyond.any(-1) & labelled.labelled)[known]
    count = {s: int(outside[owner[known] == s].sum()) for s in dict.fromkeys(owner[known].tolist())}
    return [f"{source}: {n} labelled points are outside their image" for source, n in count.items() if n]


_HEAD = (
    "source",
    "images",
    "animals",
    "points",
    "undefined",
    "absent",
    "box px 5/50/95 %",
    "splits",
    "licence",
)


def _count_cell(source: SourceReport, keypoint: str) -> Cell:
    count = source.labelled[keypoint]
    return Cell(count or "", shade=min(count / max(source.individuals, 1), 1))


def _figures(source: SourceReport) -> tuple[str, ...]:
    return (
        source.name,
        str(source.images),
        str(source.individuals),
        str(sum(source.labelled.values())),
        f"{100 * source.undefined:.1f} %",
        f"{100 * source.absent:.1f} %",
        " / ".join(f"{size:.0f}" for size in source.box_px) or "-",
        ", ".join(f"{name} {count}" for name, count in source.splits.items()),
        ", ".join(source.licences) or "-",
    )


def _row(cells: Sequence[Any]) -> str:
    widths = (24, 8, 8, 9, 10, 8, 20, 26)
    padded = [
        str(cell).ljust(width) if n in (0, 7) else str(cell).rjust(width)
        for n, (cell, width) in enumerate(zip(cells, widths, strict=False))
    ]
    return "  ".join([*padded, *map(str, cells[len(widths) :])]).rstrip()
