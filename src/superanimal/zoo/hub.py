"""Getting weights: from the Hugging Face hub, from another address, or from a folder.

The hub's own library resolves the file (endpoint, token, proxies, redirects) and moves the bytes; a partial
file is kept beside the target under the name of its version, so that an interrupted download resumes, even
after the process died.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, TypeVar, cast

from superanimal.errors import ModelError, NotFoundError, SuperAnimalError, by_caller
from superanimal.files import atomic_write, sha256_of, storage_error
from superanimal.progress import Progress
from superanimal.zoo.catalog import get_entry
from superanimal.zoo.entry import ModelEntry
from superanimal.zoo.licence import require
from superanimal.zoo.weights import Weights, files_folder, find_file, locate, record

_BLOCK = 1 << 20
_SHA256_DIGITS = 64
_TRANSPORTS = ("httpx", "httpx2", "httpcore", "requests", "urllib3")
T = TypeVar("T")


class Remote(NamedTuple):
    """A file on a server: address, size in bytes (None when unknown), version mark and revision."""

    url: str
    size: int | None
    etag: str
    revision: str
    headers: dict[str, str]


def download(
    name: str,
    *,
    accept_license: bool = False,
    folder: str | os.PathLike[str] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Download the weights of a model unless they are on this computer, and return their file.

    Parameters
    ----------
    name
        Name in the catalogue. Embedded and imported models need no download.
    accept_license
        Accept the licence of the weights.
    folder
        Copy the file from this folder instead of downloading it.
    force
        Download again even if the file exists.
    progress
        Shows bytes; cancelling keeps what has arrived.

    Raises
    ------
    NotFoundError
        When there is no such model, or no such file in the folder.
    ModelError
        When the terms are not accepted, the server cannot be reached, or the file is not the recorded one.
    StorageError
        When the file cannot be written.

    Examples
    --------
    >>> download("superanimal_quadruped_hrnet_w32", accept_license=True)  # doctest: +SKIP
    """
    entry = get_entry(name)
    if not entry.released:
        return locate(entry).path
    require(entry, accept_license)
    if not force and find_file(entry) is not None:
        return locate(entry).path
    target = files_folder(entry) / entry.filename
    progress = progress or Progress()
    if folder is not None:
        source = _in_folder(entry, Path(folder).expanduser())
        with atomic_write(target) as temporary:
            _copy(source, temporary, progress)
        weights = Weights(target, sha256_of(target))
        record(entry, *weights, source=str(source.resolve()))
        return target
    remote = _ask(entry)
    digest = _fetch(entry, remote, target, progress)
    record(entry, target, digest, source=remote.url, revision=remote.revision)
    return target


def _ask(entry: ModelEntry) -> Remote:
    """Ask the server for address, size and version of the weight file."""
    import huggingface_hub
    from huggingface_hub.utils import build_hf_headers

    if not entry.repo:
        return Remote(entry.url, None, entry.sha256, "", {})
    endpoint = os.environ.get("HF_ENDPOINT") or None
    url = huggingface_hub.hf_hub_url(entry.repo, entry.filename, revision=entry.revision, endpoint=endpoint)
    found = _speak(entry, lambda: huggingface_hub.get_hf_file_metadata(url, endpoint=endpoint))
    return Remote(
        url, found.size, found.etag or "", found.commit_hash or entry.revision or "", build_hf_headers()
    )


def _fetch(entry: ModelEntry, remote: Remote, target: Path, progress: Progress) -> str:
    """Download to ``target``, going on with a partial file of the same version; return the SHA-256."""
    from huggingface_hub.file_download import http_get

    mark = hashlib.sha256(f"{remote.url} {remote.etag}".encode()).hexdigest()[:12]
    partial = target.with_name(f"{target.name}.{mark}.part")
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        for old in partial.parent.glob(f"{target.name}.*.part"):
            if old != partial:
                old.unlink()
        with partial.open("ab") as file:
            done = file.tell()
            progress.start(remote.size, title=f"downloading {target.name}", unit="bytes")
            progress.advance(done)
            _speak(
                entry,
                lambda: http_get(
                    remote.url,
                    cast(BinaryIO, _Watched(file, progress)),
                    resume_size=done,
                    headers=remote.headers,
                    expected_size=remote.size,
                    displayed_filename=target.name,
                    tqdm_class=_silent_bar(),
                ),
            )
            file.flush()
            os.fsync(file.fileno())
        digest = sha256_of(partial)
        if len(remote.etag) == _SHA256_DIGITS and digest != remote.etag:
            partial.unlink()
            raise ModelError(
                f"{target.name} was damaged in transfer: SHA-256 {digest[:12]}, server: {remote.etag[:12]}",
                remedy="run the download again",
            )
        partial.replace(target)
    except OSError as error:
        raise storage_error(target, error) from error
    progress.finish()
    return digest


class _Watched:
    """A file that reports the bytes written to it and stops when the user cancels."""

    def __init__(self, file: IO[bytes], progress: Progress) -> None:
        self._file = file
        self._progress = progress

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        for start in range(0, len(view), _BLOCK):
            self._progress.check()
            block = view[start : start + _BLOCK]
            try:
                self._file.write(block)
            except OSError as error:
                raise storage_error(Path(self._file.name), error) from error
            self._progress.advance(len(block))
        return len(view)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _silent_bar() -> Any:
    """Return a progress-bar class that shows nothing: :class:`Progress` shows the bytes."""
    from tqdm.auto import tqdm

    class Silent(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})

    return Silent


def _speak(entry: ModelEntry, talk: Callable[[], T]) -> T:
    """Communicate with a server and translate its errors to clear messages."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    where = f"{entry.repo}/{entry.filename}" if entry.repo else entry.url
    try:
        return talk()
    except SuperAnimalError:
        raise
    except OfflineModeIsEnabled as error:
        raise _unreachable(entry, f"HF_HUB_OFFLINE is set, so {where} is not fetched") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise ModelError(
            f"the server answered {status} for {where}",
            "401, 403: not allowed (a gated repository, or a firewall); 404: no such file or revision"
            if status in (401, 403, 404)
            else "",
            f"sign in with `hf auth login`, or fetch the file elsewhere; {_offline(entry)}"
            if status in (401, 403)
            else "try again later",
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise _unreachable(entry, f"{where} cannot be fetched ({_first_line(error)})") from error
    except Exception as error:  # the transport library and its exceptions differ between hub versions
        if type(error).__module__.partition(".")[0] not in _TRANSPORTS:
            raise
        raise _unreachable(entry, f"{where} cannot be fetched ({_first_line(error)})") from error


def _unreachable(entry: ModelEntry, problem: str) -> ModelError:
    host = os.environ.get("HF_ENDPOINT") or "https://huggingface.co" if entry.repo else entry.url
    return ModelError(
        problem,
        f"{host} must be reachable (HTTPS_PROXY and HF_ENDPOINT are honoured)",
        f"the part already downloaded is kept for the next attempt; {_offline(entry)}",
    )


def _offline(entry: ModelEntry) -> str:
    return by_caller(
        f"without network: superanimal.zoo.download({entry.name!r}, folder=FOLDER) "
        f"with {entry.filename} in it",
        f"without network: superanimal models download {entry.name} --from FOLDER "
        f"with {entry.filename} in it",
        f"without network: put {entry.filename} into {files_folder(entry)}",
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _in_folder(entry: ModelEntry, folder: Path) -> Path:
    """Find the weight file of an entry in an offline folder, under any of its names."""
    if folder.is_file():
        return folder
    for name in entry.file_names:
        found = next(iter(sorted(folder.rglob(name))), None) if folder.is_dir() else None
        if found is not None:
            return found
    raise NotFoundError(
        f"{folder} holds no {' or '.join(entry.file_names)}",
        remedy=f"fetch the file from https://huggingface.co/{entry.repo} on a connected computer"
        if entry.repo
        else f"fetch the file from {entry.url} on a connected computer",
    )


def _copy(source: Path, target: Path, progress: Progress) -> None:
    progress.start(source.stat().st_size, title=f"copying {source.name}", unit="bytes")
    with source.open("rb") as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, _Watched(writer, progress), _BLOCK)
    progress.finish()
