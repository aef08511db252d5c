"""``superanimal merge``: many data sets into one training set, with a split, a report and a contact sheet."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from superanimal.cli.convert import (
    Copy,
    Images,
    MinConfidence,
    Overwrite,
    Paths,
    Recording,
    Scorer,
    Space,
    Tables,
    To,
    convert_labels,
    reading_options,
    show,
    split_paths,
)


def merge(
    paths: Paths,
    to: To = "store",
    space: Space = None,
    table: Tables = None,
    duplicates: Annotated[
        str, typer.Option(help="What to do with duplicate images: drop, keep, error or ignore.")
    ] = "drop",
    split_by: Annotated[
        str,
        typer.Option(help="Unit of the split: image, video, animal or source; none keeps existing splits."),
    ] = "video",
    stratify: Annotated[str, typer.Option(help="Stratify the split by source, category or none.")] = "source",
    test: Annotated[float, typer.Option(help="Fraction of the images used for testing.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Random seed of the split.")] = 0,
    images: Images = None,
    scorer: Scorer = None,
    min_confidence: MinConfidence = None,
    recording: Recording = None,
    copy: Copy = False,
    overwrite: Overwrite = False,
    sheet: Annotated[int, typer.Option(help="Number of animals on the contact sheet; 0 for no sheet.")] = 36,
) -> None:
    """Merge labelled data sets into one keypoint space.

    Also writes the folder DEST-report: a report (JSON, text, HTML), the train/test split (drawn only once)
    and a contact sheet for visual inspection.
    """
    from superanimal.keypoints.merge import Split
    from superanimal.labels.sheet import contact_sheet

    sources, dest = split_paths(paths)
    folder = dest.with_name(f"{dest.name}-report")
    fractions = {"train": 1 - test, "test": test}
    split = Split(folder / "split.json", fractions, split_by, stratify, seed) if split_by != "none" else None
    reading = reading_options(
        images=images, scorer=scorer, min_confidence=min_confidence, recording=recording
    )
    done = convert_labels(
        sources, dest, to, space, table,
        copy=copy, duplicates=duplicates, split=split, overwrite=overwrite, reading=reading,
    )  # fmt: skip
    files = done.merged.report.save(folder)
    if sheet:
        page = folder / "contact-sheet.jpg"
        files.append(contact_sheet(done.merged.labelled, page, space=done.merged.space, count=sheet))
    console = Console(highlight=False)
    console.print(done.merged.report.to_text(), soft_wrap=True, markup=False)
    show(done, {})
    for file in files:
        console.print(f"  {file}", soft_wrap=True, markup=False)
