"""``superanimal analyze``: videos in, poses out."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from superanimal.errors import Cancelled, InputError, NoAnimalsError, StorageError, SuperAnimalError


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
        str, typer.Option(help="auto (the faster one that gives the same numbers), torch, onnxruntime.")
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
) -> None:
    """Estimate animal poses in videos.

    Stop it at any time; the same command resumes. With another --track or --offsets, stored estimates are
    relinked without running the networks again.
    """
    # Idle OpenMP threads must sleep, not spin: on a shared machine spinning costs a factor of 5 to 13.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from superanimal.cli.progress import RichProgress
    from superanimal.inference import Analyzers, find_videos
    from superanimal.inference.naming import check_distinct

    console = Console(highlight=False)
    with warnings.catch_warnings(record=True) as left_out:
        warnings.simplefilter("always")
        paths = find_videos(videos)
    analyzers = Analyzers(
        model,
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
    check_distinct(paths, analyzers.store_path)
    failed: list[SuperAnimalError] = []
    with RichProgress() as progress:
        for warning in left_out:
            progress.message(str(warning.message))
        for path in paths:
            try:
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
