"""Indexing the frames of a video file from its packets, without decoding them."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import av
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from superanimal.errors import SuperAnimalError, VideoError
from superanimal.files import atomic_write
from superanimal.progress import Progress
from superanimal.video.container import Ints, VideoIndex, decoded, open_container, video_stream

INDEX_VERSION = 1
HEAD_FRAMES = 48
"""Number of frames decoded at the start to check the time stamps of the packets."""

PREDICTED = (PictureType.P, PictureType.B)
"""Types of key (gradual refresh) that do not give the same pixels as decoding from the start."""


def load_index(path: Path, progress: Progress | None = None) -> VideoIndex:
    """Return the index of a video file, from the cache if the file has not changed.

    Parameters
    ----------
    path
        Video file.
    progress
        Shows progress when the whole file must be decoded, as for the few files without usable times.

    Raises
    ------
    VideoError
        When the file is not a video or no frame of it can be decoded.
    """
    stat = path.stat()
    identity = [INDEX_VERSION, av.__version__, str(path.resolve()), stat.st_size, stat.st_mtime_ns]
    cached = cache_file(path)
    try:
        with np.load(cached, allow_pickle=False) as stored:
            values = {name: stored[name] for name in stored.files}
        if json.loads(str(values.pop("identity"))) == identity:
            return VideoIndex(**{name: v if v.ndim else v.item() for name, v in values.items()})
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error):
        pass  # missing, of another version or damaged: rebuild it
    index = build_index(path, progress)
    try:
        with atomic_write(cached) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, identity=np.asarray(json.dumps(identity)), **index.stored())
    except SuperAnimalError:
        pass  # failing to write the cache only costs time
    return index


def cache_file(path: Path) -> Path:
    """Return the path of the cached index of ``path``: in the user's cache folder, never beside the data."""
    import platformdirs

    root = os.environ.get("SUPERANIMAL_CACHE") or platformdirs.user_cache_path("superanimal")
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:24]
    return Path(root) / "video-index" / f"{name}.npz"


def build_index(path: Path, progress: Progress | None = None) -> VideoIndex:
    """Index a video from its packets; decode the whole file only if they have no usable times."""
    packets = _from_packets(path)
    draft = packets and _checked_head(path, *packets)
    return _checked_tail(path, draft) if draft else _from_frames(path, progress)


def _from_packets(path: Path) -> tuple[VideoIndex, int, bool] | None:
    """Return the index given by the packets, the pts of the first key, and whether packets are reordered."""
    shown: list[int] = []
    keys: list[int] = []
    with open_container(path) as container:
        stream = video_stream(container)
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                break
            if packet is None:
                break
            if packet.size == 0 or packet.is_corrupt:
                continue
            if packet.pts is None:
                return None
            if packet.is_keyframe:
                keys.append(packet.pts)
            if not packet.is_discard:
                shown.append(packet.pts)
        if not shown:
            raise _no_frames(path)
        stamps = np.unique(np.asarray(shown, np.int64))
        if len(stamps) != len(shown):
            return None
        index = _index(stream, stamps, stamps, np.asarray(sorted(set(keys)), np.int64))
        return index, min(keys, default=shown[0]), shown != sorted(shown)


def _index(stream: Any, stamps: Ints, pts: Ints, key_pts: Ints) -> VideoIndex:
    """Build an index; ``pts`` are the times in display order, ``key_pts`` the seek targets."""
    key_pts = key_pts[key_pts <= pts[-1]]
    frames = np.searchsorted(pts, key_pts)
    last = _last_of_each(frames)
    keys, targets = frames[last], key_pts[last]
    if not keys.size or keys[0] != 0:
        keys, targets = np.insert(keys, 0, 0), np.insert(targets, 0, pts[0])
    times = (pts - pts[0]) * float(stream.time_base)
    return VideoIndex(
        stamps=stamps,
        times=times,
        keys=keys.astype(np.int64),
        targets=targets.astype(np.int64),
        counted=False,
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        rotation=0,
        fps=_rate(stream, times),
    )


def _last_of_each(keys: Ints) -> Ints:
    """Return the last index of each run of equal values: the nearest of several keys before a frame."""
    return np.flatnonzero(np.diff(keys, append=keys[-1:] + 1) > 0)


def _rate(stream: Any, times: NDArray[np.float64]) -> float:
    """Return the mean frame rate; the one stated by the container if it agrees with the times."""
    stated: Fraction | None = stream.average_rate or stream.guessed_rate
    if len(times) < 2 or times[-1] <= 0:
        return float(stated or 0)
    measured = (len(times) - 1) / times[-1]
    return float(stated) if stated and abs(stated / measured - 1) < 1e-3 else float(measured)


def _checked_head(path: Path, draft: VideoIndex, first_key: int, reordered: bool) -> VideoIndex | None:
    """Decode the first frames for size and rotation; drop frames before the first key frame.

    None if the times are unreliable: avi files number packets in storage order, so that with B-frames the
    pictures are decoded in a different order than their times state. Times of packets that are themselves
    reordered are trusted; there, pictures out of order indicate damage.
    """
    with open_container(path) as container:
        stream = video_stream(container)
        stream.thread_type = "AUTO"
        head = list(islice(decoded(container, container.demux(stream)), HEAD_FRAMES))
    if not head:
        raise _no_frames(path)
    stamps = [frame.pts for frame in head if frame.pts is not None]
    if len(stamps) < len(head) or (not reordered and stamps != sorted(stamps)):
        return None
    draft = replace(draft, width=head[0].width, height=head[0].height, rotation=_clockwise(head[0]))
    start = int(np.searchsorted(draft.stamps, min(first_key, *stamps)))
    keys = np.maximum(draft.keys - start, 0)
    last = _last_of_each(keys)
    return replace(
        draft,
        stamps=draft.stamps[start:],
        times=draft.times[start:] - draft.times[start],
        keys=keys[last],
        targets=draft.targets[last],
    )


def _checked_tail(path: Path, draft: VideoIndex) -> VideoIndex:
    """Decode the last group of pictures (or the one before, ...) to find the actual last frame."""
    from superanimal.video.decode import Decoder

    with closing(Decoder(path, draft, threads=1)) as decoder:
        for entry in range(len(draft.keys) - 1, -1, -1):
            key = int(draft.keys[entry])
            found = decoder.types_from(entry)
            if found and key not in found:  # damaged, or a gradual refresh that begins here
                found |= decoder.types_from(max(0, entry - 1))
            if found:
                length = max(found) + 1
                keep = draft.keys < length
                if found.get(key) in PREDICTED:
                    keep &= draft.keys == 0
                return replace(
                    draft,
                    stamps=draft.stamps[:length],
                    times=draft.times[:length],
                    keys=draft.keys[keep],
                    targets=draft.targets[keep],
                )
    raise _no_frames(path)


def _from_frames(path: Path, progress: Progress | None) -> VideoIndex:
    """Index a file by decoding it once from start to end."""
    pts: list[int | None] = []
    keys: list[int] = []
    first = None
    with open_container(path) as container:
        stream = video_stream(container)
        stream.thread_type = "AUTO"
        if progress:
            progress.start(stream.frames or None, f"indexing {path.name}")
        for k, frame in enumerate(decoded(container, container.demux(stream))):
            first = frame if first is None else first
            pts.append(frame.pts)
            if frame.key_frame:
                keys.append(k)
            if progress:
                progress.advance()
                progress.check()
        if progress:
            progress.finish()
        if first is None:
            raise _no_frames(path)
        width, height, rotation = first.width, first.height, _clockwise(first)
        stamps = np.asarray([stamp for stamp in pts if stamp is not None], np.int64)
        if len(np.unique(stamps)) == len(pts):
            times = np.sort(stamps)
            draft = _index(stream, stamps, times, times[:1])
            if keys and keys[0] == 0:
                draft = replace(draft, keys=np.asarray(keys, np.int64), targets=stamps[keys])
            return replace(draft, width=width, height=height, rotation=rotation)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        count = np.arange(len(pts), dtype=np.int64)
        return VideoIndex(
            stamps=count,
            times=count / float(rate),
            keys=np.zeros(1, np.int64),
            targets=np.zeros(1, np.int64),
            counted=True,
            width=width,
            height=height,
            rotation=rotation,
            fps=float(rate),
        )


def _clockwise(frame: av.VideoFrame) -> int:
    """Return the display rotation in clockwise degrees, rounded to quarter turns as OpenCV does."""
    return round(-frame.rotation / 90) * 90 % 360


def _no_frames(path: Path) -> VideoError:
    return VideoError(
        f"{path.name} has no frame that can be decoded",
        "a video needs at least one good frame",
        "copy the file again from the recording computer; it may be truncated or damaged",
    )
