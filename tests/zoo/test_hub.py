"""Downloads from a real server on this computer: whole, interrupted, cancelled, refused, damaged, offline."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path

import pytest
from hub_server import HubServer

from superanimal.errors import Cancelled, ModelError, NotFoundError
from superanimal.progress import Progress
from superanimal.zoo import download, get_entry, load_detector
from superanimal.zoo.licence import accept, is_accepted
from superanimal.zoo.weights import files_folder, record_of

NAME = "superanimal_quadruped_ssdlite"
ADDRESS = f"/mwmathis/DeepLabCutModelZoo-SuperAnimal-Quadruped/resolve/main/{NAME}.pt"


@pytest.fixture
def served(hub: HubServer, ssdlite_file: Path) -> HubServer:
    """A hub that has the detector's file."""
    hub.content = ssdlite_file.read_bytes()
    return hub


def partial_files() -> list[Path]:
    return sorted(files_folder(get_entry(NAME)).glob("*.part"))


def test_download_records_and_loads(served: HubServer, home: Path) -> None:
    progress = Progress()
    path = download(NAME, accept_license=True, progress=progress)
    digest = hashlib.sha256(served.content).hexdigest()
    assert path.read_bytes() == served.content
    assert (progress.done, progress.total, progress.unit) == (
        len(served.content),
        len(served.content),
        "bytes",
    )
    asked = [(method, wanted) for method, address, wanted in served.requests if address == ADDRESS]
    assert asked == [("HEAD", None), ("GET", None)]
    known = json.loads((home / "models" / "registry.json").read_text())[NAME]
    assert (known["sha256"], known["size"], known["revision"]) == (digest, len(served.content), "c" * 40)
    assert known["source"].endswith(ADDRESS)
    assert load_detector(NAME).sha256 == digest
    assert not partial_files()
    served.requests.clear()
    assert download(NAME) == path  # here already, accepted already: no request
    assert not served.requests
    assert download(NAME, force=True) == path
    assert len(served.requests) == 2


def test_connection_that_breaks_is_resumed_within_one_download(served: HubServer) -> None:
    served.content *= 3
    served.cut_after = [15 << 20]
    path = download(NAME, accept_license=True)
    assert path.read_bytes() == served.content
    ranges = [wanted for method, _, wanted in served.requests if method == "GET"]
    assert ranges == [None, f"bytes={10 << 20}-"]  # the library hands over blocks of 10 MiB


class CancelAfter(Progress):
    """A user who presses cancel after so many bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def changed(self) -> None:
        if self.done >= self.limit:
            self.cancel()


def test_cancelled_download_goes_on_in_another_call(served: HubServer) -> None:
    with pytest.raises(Cancelled):
        download(NAME, accept_license=True, progress=CancelAfter(2 << 20))
    (part,) = partial_files()
    arrived = part.stat().st_size
    assert 2 << 20 <= arrived < len(served.content)
    assert record_of(get_entry(NAME)) is None
    with pytest.raises(ModelError, match="not on this computer"):
        load_detector(NAME)
    served.requests.clear()
    progress = Progress()
    assert download(NAME, progress=progress).read_bytes() == served.content
    assert [wanted for method, _, wanted in served.requests if method == "GET"] == [f"bytes={arrived}-"]
    assert progress.done == len(served.content)


def test_part_of_an_older_version_is_not_mixed_in(served: HubServer) -> None:
    with pytest.raises(Cancelled):
        download(NAME, accept_license=True, progress=CancelAfter(2 << 20))
    served.content = bytes(reversed(served.content))
    assert download(NAME).read_bytes() == served.content


def test_file_damaged_on_the_way_is_refused(served: HubServer) -> None:
    served.etag = hashlib.sha256(b"another file").hexdigest()
    with pytest.raises(ModelError, match="damaged in transfer"):
        download(NAME, accept_license=True)
    assert not list(files_folder(get_entry(NAME)).iterdir())


def test_file_that_changed_later_is_refused_and_force_heals(served: HubServer) -> None:
    path = download(NAME, accept_license=True)
    content = bytearray(served.content)
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match="has changed") as caught:
        load_detector(NAME)
    assert "--force" in caught.value.parts("shell")[2]
    download(NAME, force=True)
    load_detector(NAME)


@pytest.mark.parametrize(
    ("status", "said"), [(404, "no such file"), (403, "firewall"), (500, "try again later")]
)
def test_answers_of_a_server_that_refuses(served: HubServer, status: int, said: str) -> None:
    served.status = status
    with pytest.raises(ModelError, match=f"answered {status}") as caught:
        download(NAME, accept_license=True)
    assert said in str(caught.value)


def test_no_connection_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(ModelError, match="cannot be fetched") as caught:
        download(NAME, accept_license=True)
    assert f"127.0.0.1:{port}" in caught.value.rule
    assert "HTTPS_PROXY" in caught.value.rule
    assert f"superanimal models download {NAME} --from" in caught.value.parts("shell")[2]


def test_licence_has_to_be_accepted_once(served: HubServer, home: Path) -> None:
    entry = get_entry(NAME)
    with pytest.raises(ModelError, match="non-commercial") as caught:
        download(NAME)
    assert "--accept-license" in caught.value.parts("shell")[2]
    assert not served.requests
    accept(entry.licence)
    assert is_accepted(entry.licence)
    download(NAME)
    record = json.loads((home / "licences.json").read_text())["superanimal-research"]
    assert record["accepted"].startswith("20")
    record["text_sha256"] = "of an older wording"
    (home / "licences.json").write_text(json.dumps({"superanimal-research": record}))
    assert not is_accepted(entry.licence)


def test_offline_folder(ssdlite_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(NotFoundError, match=f"holds no {NAME}.pt") as caught:
        download(NAME, accept_license=True, folder=empty)
    assert "huggingface.co/mwmathis" in caught.value.remedy
    path = download(NAME, folder=ssdlite_file.parent)
    assert path.read_bytes() == ssdlite_file.read_bytes()
    load_detector(NAME)


def test_file_put_into_the_home_by_hand_is_found(ssdlite_file: Path, home: Path) -> None:
    home.mkdir()
    (home / f"{NAME}.pt").write_bytes(ssdlite_file.read_bytes())
    load_detector(NAME)
    known = record_of(get_entry(NAME))
    assert known is not None
    assert known["source"] == "found on disk"


def test_damaged_registry_says_so(ssdlite_file: Path, home: Path) -> None:
    download(NAME, accept_license=True, folder=ssdlite_file.parent)
    (home / "models" / "registry.json").write_text("{")
    with pytest.raises(ModelError, match=r"registry\.json cannot be read"):
        load_detector(NAME)


def test_torchvision_file_of_another_digest_is_refused(ssdlite_file: Path, tmp_path: Path) -> None:
    entry = get_entry("person_fasterrcnn_resnet50_fpn")
    (tmp_path / entry.filename).write_bytes(ssdlite_file.read_bytes())
    with pytest.raises(ModelError, match="not the file of person"):
        download(entry.name, accept_license=True, folder=tmp_path)
