"""``superanimal behavior agree``: agreement of raters and offsets between them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def agree(
    labels: Annotated[
        list[Path], typer.Argument(help="Annotations of two raters or more: one file of all, or one of each.")
    ],
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, for files that count in frames.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="Label to compare, repeatable; all by default.")
    ] = None,
    max_shift: Annotated[float, typer.Option(help="Largest offset that is looked for, seconds.")] = 10.0,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("agreement"),
) -> None:
    """Compare raters: kappa, frame and bout F1, before and after offsets between them are taken out."""
    from superanimal.behavior.agreement import agree as compare

    result = compare(list(labels), fps=fps, labels=label or None, max_shift_s=max_shift)
    console = Console(highlight=False)
    for _, row in result.summary.iterrows():
        console.print(
            f"{row['label']}: frame F1 {row['frame_f1']:.2f}, aligned {row['frame_f1_aligned']:.2f}; "
            f"kappa {row['kappa']:.2f}, aligned {row['kappa_aligned']:.2f} ({int(row['pairs'])} pairs)",
            markup=False, soft_wrap=True,
        )  # fmt: skip
    for note in result.notes:
        console.print(f"note: {note}", soft_wrap=True, markup=False)
    for path in [*result.save(out), result.report(out / "report.html")]:
        console.print(f"  {path}", soft_wrap=True, markup=False)
