"""``superanimal models``: what people type."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from superanimal.zoo import get_entry, load_catalog, load_model
from superanimal.zoo.architectures import build_network

Cli = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.usefixtures("home")
NAME = "superanimal_quadruped_ssdlite"


def test_list_and_info(superanimal: Cli) -> None:
    code, out, _ = superanimal("models", "list", "--plain")
    assert code == 0
    assert out.split() == list(load_catalog())
    code, out, _ = superanimal("models", "list", "--kind", "pose")
    assert "superanimal_bird_resnet_50" in out
    assert "ssdlite" not in out
    code, out, _ = superanimal("models", "info", "superanimal_topviewmouse_hrnet_w32")
    assert code == 0
    for said in ("non-commercial", "s41467-024-48792-2", "mid_backend3", "256 x 256", "remote"):
        assert said in out
    code, _, err = superanimal("models", "info", "superanimal_topviewmouse_hrnet")
    assert code == 3
    assert "superanimal_topviewmouse_hrnet_w32" in err
    assert "Traceback" not in err
    code, _, err = superanimal("models", "list", "--kind", "boat")
    assert code == 2


def test_download_from_a_folder_needs_the_licence(superanimal: Cli, ssdlite_file: Path, home: Path) -> None:
    offline = ("models", "download", NAME, "--from", str(ssdlite_file.parent))
    code, _, err = superanimal(*offline)
    assert code == 6
    assert "non-commercial" in err
    assert "--accept-license" in err
    code, out, _ = superanimal(*offline, "--accept-license")
    assert code == 0
    path = Path(out.strip().splitlines()[-1])
    assert path.read_bytes() == ssdlite_file.read_bytes()
    assert superanimal("models", "path", NAME)[1].strip() == str(path)
    assert superanimal("models", "path")[1].strip() == str(home / "models")
    assert "here" in superanimal("models", "info", NAME)[1]
    code, out, _ = superanimal("models", "verify", NAME)
    assert code == 0
    assert f"good {NAME}" in out
    path.write_bytes(path.read_bytes()[:-1])
    code, _, err = superanimal("models", "verify", NAME)
    assert code == 6
    assert "has changed" in err
    code, out, err = superanimal("models", "verify")
    assert code == 6
    assert f"{NAME}" in err


def test_import_of_a_released_file(superanimal: Cli, ssdlite_file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "downloaded.pt"
    copy.write_bytes(ssdlite_file.read_bytes())
    code, out, _ = superanimal("models", "import", str(copy), "--as", NAME, "--accept-license")
    assert code == 0
    assert NAME in out
    assert superanimal("models", "verify", NAME)[0] == 0
    code, _, err = superanimal("models", "import", str(copy), "--as", "superanimal_bird_resnet_50")
    assert code == 6
    assert "missing from the file" in err
    assert "backbone.model.conv1.weight" in err
    code, _, err = superanimal("models", "import", str(copy), "--as", "mini_topviewmouse")
    assert code == 2


def test_import_of_a_users_snapshot(superanimal: Cli, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_network("hrnet_w18", 3, final_conv=True, deconv=(), locref=True)
    path = tmp_path / "snapshot-best-050.pt"
    torch.save({"model": network.state_dict(), "metadata": {"epoch": 50}}, path)
    config = {"method": "td", "net_type": "hrnet_w18", "metadata": {"bodyparts": ["snout", "ear", "tail"]}}
    (tmp_path / "pytorch_config.yaml").write_text(yaml.safe_dump(config))
    code, out, _ = superanimal("models", "import", str(path), "--as", "my-mouse")
    assert code == 0
    assert "hrnet_w18, 3 keypoints" in out
    path.unlink()
    entry = get_entry("my-mouse")
    assert entry.keypoints == ("snout", "ear", "tail")
    model = load_model("my-mouse")
    assert torch.equal(
        model.network.state_dict()["backbone.model.conv1.weight"], network.backbone.model.conv1.weight
    )
    out = superanimal("models", "list")[1]
    assert "own keypoints" in out
    assert "my-mouse" in out
    assert superanimal("models", "info", "my-mouse")[0] == 0
    assert superanimal("models", "verify", "my-mouse")[0] == 0
    record = entry.weights.parent / "entry.yaml" if entry.weights else Path()
    record.write_text("kind: pose")
    code, _, err = superanimal("models", "list")
    assert code == 6
    assert "my-mouse" in err
    assert "Traceback" not in err


def test_import_does_not_replace_a_model_unasked(superanimal: Cli, tmp_path: Path) -> None:
    paths = []
    for seed in range(2):
        torch.manual_seed(seed)
        network = build_network("hrnet_w18", 3, final_conv=True, deconv=(), locref=True)
        paths.append(tmp_path / f"snapshot-{seed}.pt")
        torch.save({"model": network.state_dict(), "metadata": {"epoch": seed}}, paths[-1])
        config = {"method": "td", "net_type": "hrnet_w18", "metadata": {"bodyparts": ["a", "b", "c"]}}
        (tmp_path / "pytorch_config.yaml").write_text(yaml.safe_dump(config))
    assert superanimal("models", "import", str(paths[0]), "--as", "mine")[0] == 0
    before = get_entry("mine").weights
    assert before is not None
    content = before.read_bytes()
    code, _, err = superanimal("models", "import", str(paths[1]), "--as", "mine")
    assert code == 2 and "there is already a model 'mine'" in err
    assert before.read_bytes() == content and superanimal("models", "verify", "mine")[0] == 0
    assert superanimal("models", "import", str(paths[0]), "--as", "mine")[0] == 0  # the same file again
    assert superanimal("models", "import", str(paths[1]), "--as", "mine", "--replace")[0] == 0
    assert before.read_bytes() != content and superanimal("models", "verify", "mine")[0] == 0


def test_import_refuses_what_it_cannot_use(superanimal: Cli, tmp_path: Path) -> None:
    assert superanimal("models", "import", str(tmp_path / "none.pt"))[0] == 3
    torch.save({"model": {"a": torch.zeros(2)}}, tmp_path / "other.pt")
    code, _, err = superanimal("models", "import", str(tmp_path / "other.pt"))
    assert code == 6
    assert "no tensors of a pose head" in err


@pytest.mark.parametrize("name", ["../evil", "a b", ""])
def test_names_that_would_leave_the_folder_are_refused(
    superanimal: Cli, ssdlite_file: Path, name: str
) -> None:
    code, _, err = superanimal("models", "import", str(ssdlite_file), "--as", name)
    assert code == 2
    assert "is not a valid model name" in err
