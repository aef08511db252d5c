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
    Scorer,
    Space,
    Tables,
    To,
    reading_options,
    show,
    split_paths,
    stoppable,
)


def merge(
    paths: Paths,
    to: To = "store",
    space: Space = None,
    table: Tables = None,
    duplicates: Annotated[
        str, typer.Option(help="Pictures that appear again: drop, keep, error, ignore.")
    ] = "drop",
    split_by: Annotated[
        str, typer.Option(help="What stays together: image, video, animal, source; none keeps the splits.")
    ] = "video",
    stratify: Annotated[str, typer.Option(help="source, category or none.")] = "source",
    test: Annotated[float, typer.Option(help="Share of the images for testing.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    images: Images = None,
    scorer: Scorer = None,
    min_confidence: MinConfidence = None,
    copy: Copy = False,
    overwrite: Overwrite = False,
    sheet: Annotated[int, typer.Option(help="Animals on the contact sheet; 0 for none.")] = 36,
) -> None:
    """Merge labelled data sets into one keypoint space.

    Beside DEST appears the folder DEST-report with the report (json, text, html), the split, which is drawn
    once and never again, and a contact sheet to look at.
    """
    from superanimal.cli.progress import RichProgress
    from superanimal.keypoints.convert import convert as run
    from superanimal.keypoints.merge import Split
    from superanimal.labels.sheet import contact_sheet

    sources, dest = split_paths(paths)
    folder = dest.with_name(f"{dest.name}-report")
    fractions = {"train": 1 - test, "test": test}
    split = Split(folder / "split.json", fractions, split_by, stratify, seed) if split_by != "none" else None
    with stoppable(), RichProgress() as progress:
        done = run(
            sources,
            dest,
            to=to,
            space=space,
            table=table,
            images="copy" if copy else "link",
            duplicates=duplicates,
            split=split,
            overwrite=overwrite,
            progress=progress,
            reading=reading_options(images=images, scorer=scorer, min_confidence=min_confidence),
        )
    files = done.merged.report.save(folder)
    if sheet:
        page = folder / "contact-sheet.jpg"
        files.append(contact_sheet(done.merged.labelled, page, space=done.merged.space, count=sheet))
    console = Console(highlight=False)
    console.print(done.merged.report.to_text(), soft_wrap=True, markup=False)
    show(done, {})
    for file in files:
        console.print(f"  {file}", soft_wrap=True, markup=False)
