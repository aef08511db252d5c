"""``superanimal analyze``: videos in, poses out."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from superanimal.errors import Cancelled, InputError, NoAnimalsError, StorageError, SuperAnimalError

if TYPE_CHECKING:
    from superanimal.cli.progress import RichProgress
    from superanimal.inference.options import AnalyzerOptions
    from superanimal.progress import Progress


def analyze(
    videos: Annotated[list[str], typer.Argument(help="Videos, folders, or globs such as 'data/*.mp4'.")],
    model: Annotated[
        str, typer.Option(help="Model name or weight file; auto inspects the video and chooses.")
    ] = "auto",
    detector: Annotated[
        str | None, typer.Option(help="Detector name; the model's default detector if omitted.")
    ] = None,
    max_individuals: Annotated[int, typer.Option(help="Maximum number of animals per frame.")] = 1,
    mode: Annotated[
        str, typer.Option(help="enhanced, or compatible (reproduces DeepLabCut 3).")
    ] = "enhanced",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16, fp16.")] = "auto",
    backend: Annotated[
        str,
        typer.Option(
            help="auto (the fastest with the same numbers), torch, onnxruntime, openvino or openvino-bf16."
        ),
    ] = "auto",
    batch_size: Annotated[int | None, typer.Option(help="Crops per batch; automatic by default.")] = None,
    frames: Annotated[str | None, typer.Option(help="start:stop:step, such as 0:1000 or ::10.")] = None,
    roi: Annotated[
        str | None, typer.Option(help="Region of interest x,y,width,height in pixels; the rest is ignored.")
    ] = None,
    boxes: Annotated[
        Path | None, typer.Option(help="File with known bounding boxes, used instead of a detector.")
    ] = None,
    whole_frame: Annotated[bool, typer.Option(help="Skip the detector: one animal fills the frame.")] = False,
    scales: Annotated[
        str | None,
        typer.Option(help="Looks at each animal in crops of several scales: auto, or such as 0.8,1,1.25."),
    ] = None,
    flip: Annotated[bool, typer.Option(help="Look at each animal mirrored, too.")] = False,
    threshold: Annotated[float | None, typer.Option(help="Minimum detector score of a bounding box.")] = None,
    nms: Annotated[float | None, typer.Option(help="Maximum overlap (IoU) of two bounding boxes.")] = None,
    detector_every: Annotated[
        int | None,
        typer.Option(help="Run the detector on every n-th frame; boxes follow the pose in between."),
    ] = None,
    track: Annotated[bool, typer.Option(help="Track identities and left/right legs over time.")] = True,
    offsets: Annotated[
        Path | None, typer.Option(help="Offsets file measured for this model (superanimal match --offsets).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; next to each video by default.")] = None,
    format: Annotated[
        list[str] | None, typer.Option(help="Export format, repeatable; dlc-h5 by default.")
    ] = None,
    scorer: Annotated[
        str | None, typer.Option(help="Scorer name in DeepLabCut files; DLC_<model> by default.")
    ] = None,
    overlay: Annotated[bool, typer.Option(help="Also write a labelled video (mp4).")] = False,
    pcutoff: Annotated[float, typer.Option(help="Minimum confidence of points drawn in it.")] = 0.4,
    trails: Annotated[int, typer.Option(help="Trail length in frames, drawn behind each point.")] = 0,
    overwrite: Annotated[bool, typer.Option(help="Start over instead of resuming.")] = False,
    accept_license: Annotated[
        bool, typer.Option(help="Accept the licence of the weights and download them if missing.")
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(help="Where workers are: local, slurm, or tcp://HOST:PORT of a dask scheduler."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Number of workers to start, local or as jobs of SLURM.", min=1)
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            help="Compute the raw estimates of one part of each video, such as 3/40, and no results."
        ),
    ] = None,
) -> None:
    """Estimate animal poses in videos.

    Stop it at any time; the same command resumes. With another --track or --offsets, stored estimates are
    relinked without running the networks again. When all parts of a video are computed (--part, on any
    computers), the same command without --part links and exports them.
    """
    # Idle OpenMP threads must sleep, not spin: on a shared machine spinning costs a factor of 5 to 13.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from superanimal.cli.progress import RichProgress, stop_on_interrupt
    from superanimal.inference import Analyzers, find_videos
    from superanimal.inference.naming import check_distinct
    from superanimal.inference.open_run import parse_part
    from superanimal.inference.options import AnalyzerOptions

    if part is not None and (cluster is not None or overwrite):
        raise InputError(
            f"--part {part} with {'--cluster' if cluster else '--overwrite'}",
            "a part goes on with a run that others work on, too",
            "leave one of them out" if cluster else "remove the run store first",
        )
    if workers is not None and cluster is None:
        raise InputError("--workers without --cluster", remedy="add --cluster local, or leave it out")
    shared = None if part is None else parse_part(part)
    console = Console(highlight=False)
    with warnings.catch_warnings(record=True) as left_out:
        warnings.simplefilter("always")
        paths = find_videos(videos)
    options = AnalyzerOptions(
        detector=detector,
        max_individuals=max_individuals,
        mode=mode,
        device=device,
        precision=precision,
        backend=backend,
        batch_size=batch_size,
        frames=frames,
        roi=parse_roi(roi),
        boxes=boxes,
        whole_frame=whole_frame,
        scales=scales,
        flip=flip,
        detector_threshold=threshold,
        nms=nms,
        detector_every=detector_every,
        track=track,
        offsets=offsets,
        out=out,
        formats=format or ("dlc-h5",),
        scorer=scorer,
        overlay=overlay,
        pcutoff=pcutoff,
        trails=trails,
        resume=not overwrite,
        accept_license=accept_license,
    )
    if cluster is not None:
        with RichProgress() as progress, stop_on_interrupt(progress):
            _say(left_out, progress)
            _on_cluster(paths, cluster, model, workers, options, progress, console)
        return
    analyzers = Analyzers(model, **options)
    check_distinct(paths, analyzers.store_path)
    failed: list[SuperAnimalError] = []
    with RichProgress() as progress:
        _say(left_out, progress)
        for path in paths:
            try:
                if shared is not None:
                    progress.message(analyzers.of(path, progress).run_part(path, *shared, progress))
                    continue
                result = analyzers.run(path, progress)
                if not result.frames_with_animals:
                    raise NoAnimalsError(
                        f"{path}: no animal was found in {result.poses.sizes['time']} frames",
                        remedy="try another --model or --detector, a lower --threshold, or --whole-frame",
                    )
            except KeyboardInterrupt:
                raise Cancelled("stopped", remedy="run the same command again to resume") from None
            except (Cancelled, StorageError):
                raise
            except SuperAnimalError as error:
                if len(paths) == 1:
                    raise
                failed.append(error)
                progress.message(f"Error: {error.text('shell')}")
                continue
            found = result.frames_with_animals
            progress.message(
                f"{path.name}: animals in {found} of {result.poses.sizes['time']} frames"
                + (f"; {result.speed}" if result.speed else "")
            )
            for file in [result.store, *result.files]:
                console.print(f"  {file}", soft_wrap=True, markup=False)
    if failed:
        raise type(failed[-1])(f"{len(failed)} of {len(paths)} videos failed", remedy="see the lines above")


def _say(left_out: list[warnings.WarningMessage], progress: Progress) -> None:
    """Show the warnings about files that are not analysed."""
    for warning in left_out:
        progress.message(str(warning.message))


def _on_cluster(
    paths: list[Path],
    cluster: str,
    model: str,
    workers: int | None,
    options: AnalyzerOptions,
    progress: RichProgress,
    console: Console,
) -> None:
    """Analyse videos on many workers, and list at the end those that failed."""
    from superanimal.cli.progress import RichProgress
    from superanimal.cluster import analyze_videos

    try:
        outcomes = analyze_videos(
            paths,
            cluster,
            model,
            workers=workers,
            progress=progress,
            each=lambda _: RichProgress(within=progress),
            **options,
        )
    except (Cancelled, KeyboardInterrupt):
        raise Cancelled("stopped", remedy="run the same command again to resume") from None
    for outcome in outcomes:
        for file in [outcome.store, *outcome.files] if outcome.store else []:
            console.print(f"  {file}", soft_wrap=True, markup=False)
    failed = [outcome for outcome in outcomes if outcome.error or not outcome.frames_with_animals]
    if not failed:
        return
    progress.message(f"{len(outcomes) - len(failed)} of {len(outcomes)} videos are done. Not done:")
    for outcome in failed:
        why = outcome.error.text("shell") if outcome.error else "no animal was found"
        progress.message(f"  {outcome.video}: {why}")
    last = failed[-1].error or NoAnimalsError("")
    raise type(last)(
        f"{len(failed)} of {len(outcomes)} videos failed",
        remedy="see the lines above; the same command goes on with what is missing",
    )


def parse_roi(text: str | None) -> tuple[int, int, int, int] | None:
    """Read ``x,y,width,height``."""
    if text is None:
        return None
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"region of interest {text!r}", rule="give x,y,width,height in whole pixels"
        ) from None
    return x, y, width, height
