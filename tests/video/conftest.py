"""Videos made for the tests: every frame carries its number as a barcode of 16 black and white blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

BITS, ROWS = 16, 2


def picture(number: int, width: int, height: int) -> np.ndarray:
    """Draw a frame whose content says its number."""
    frame = np.zeros((height, width, 3), np.uint8)
    frame[:] = (60, 90, 30)
    per_row = BITS // ROWS
    for bit in range(BITS):
        row, column = divmod(bit, per_row)
        block = np.s_[
            row * height // ROWS : (row + 1) * height // ROWS,
            column * width // per_row : (column + 1) * width // per_row,
        ]
        frame[block] = 225 if number >> bit & 1 else 30
    return frame


def number(frame: np.ndarray) -> int:
    """Read the number off a frame."""
    height, width = frame.shape[:2]
    per_row = BITS // ROWS
    value = 0
    for bit in range(BITS):
        row, column = divmod(bit, per_row)
        y, x = int((row + 0.5) * height / ROWS), int((column + 0.5) * width / per_row)
        value |= int(frame[y, x].mean() > 128) << bit
    return value


def film(
    path: Path,
    numbers: Sequence[int],
    *,
    size: tuple[int, int] = (96, 64),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    rate: int = 30,
    gop: int = 12,
    b_frames: int = 2,
    times: Sequence[float] | None = None,
    rotation: int = 0,
    container: str | None = None,
    options: dict[str, str] | None = None,
    faststart: bool = False,
) -> Path:
    """Encode frames with these numbers."""
    width, height = size
    flags = {"movflags": "+faststart"} if faststart else {}
    with av.open(str(path), "w", format=container, options=flags) as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.codec_context.gop_size = gop
        stream.codec_context.max_b_frames = b_frames
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for k, value in enumerate(numbers):
            frame = av.VideoFrame.from_ndarray(picture(value, width, height), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(times[k] * 1000), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def cut(source: Path, target: Path, first: int) -> Path:
    """Copy the stream from the key frame before ``first`` on; an edit list hides what comes before it."""
    with av.open(str(source)) as ours, av.open(str(target), "w") as out:
        stream = ours.streams.video[0]
        packets = [packet for packet in ours.demux(stream) if packet.size]
        origin = sorted(packet.pts for packet in packets)[first]
        start = max(i for i, p in enumerate(packets) if p.is_keyframe and p.pts <= origin)
        copy = out.add_stream_from_template(stream)
        for packet in packets[start:]:
            packet.pts -= origin
            packet.dts -= origin
            packet.stream = copy
            out.mux(packet)
    return target


def garble(source: Path, target: Path, packets: Sequence[int]) -> Path:
    """Overwrite the content of these packets (in file order)."""
    with av.open(str(source)) as container:
        places = [(p.pos, p.size) for p in container.demux(container.streams.video[0]) if p.size]
    data = bytearray(source.read_bytes())
    noise = np.random.default_rng(0)
    for place in packets:
        start, size = places[place]
        data[start + 5 : start + size] = noise.bytes(size - 5)
    target.write_bytes(data)
    return target


@pytest.fixture(scope="session", autouse=True)
def _index_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUPERANIMAL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tools() -> SimpleNamespace:
    """Functions above, for the test modules."""
    return SimpleNamespace(film=film, cut=cut, garble=garble, number=number, picture=picture)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain video of 60 frames with B-frames and five groups of pictures."""
    return film(tmp_path_factory.mktemp("clip") / "clip.mp4", range(60))


Film = Callable[..., Path]
