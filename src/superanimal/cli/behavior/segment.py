"""``superanimal behavior segment``: motifs that nobody labelled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.cli.files import pose_files


def segment(
    poses: Annotated[list[Path], typer.Argument(help="Pose files, or folders of them.")],
    method: Annotated[str, typer.Option(help="hmm (default), arhmm or cluster.")] = "hmm",
    motifs: Annotated[
        int | None, typer.Option(help="Number of motifs; chosen from the data by default.")
    ] = None,
    typical: Annotated[float, typer.Option(help="Expected duration of a motif, seconds.")] = 0.5,
    embedding: Annotated[
        str, typer.Option(help="pca (default), or umap or cebra, which are extras.")
    ] = "pca",
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, if the files do not state it.")
    ] = None,
    moseq: Annotated[bool, typer.Option(help="Also write results.h5 as keypoint-moseq does.")] = False,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("motifs"),
) -> None:
    """Find motifs in posture and motion: frames, bouts, transitions and example clips."""
    from superanimal.behavior.motifs.moseq import write_moseq
    from superanimal.behavior.motifs.segment import segment as find
    from superanimal.cli.progress import RichProgress

    with RichProgress() as progress:
        result = find(
            list(pose_files(poses)), method=method, motifs=motifs, typical_s=typical,  # type: ignore[arg-type]
            embedding=embedding, fps=fps, progress=progress,  # type: ignore[arg-type]
        )  # fmt: skip
    console = Console(highlight=False)
    for _, row in result.summary.iterrows():
        console.print(f"{row['motif']}: {100 * row['share']:.0f} %, {row['bouts']} bouts", markup=False)
    for note in result.notes:
        console.print(f"note: {note}", soft_wrap=True, markup=False)
    files = [*result.save(out), result.report(out / "report.html")]
    for path in [*files, *([write_moseq(result, out / "results.h5")] if moseq else [])]:
        console.print(f"  {path}", soft_wrap=True, markup=False)
