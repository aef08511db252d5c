"""Every public name exists and is documented, and its types are seen from outside."""

import ast
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import superanimal

STUB = Path(superanimal.__file__).with_suffix(".pyi")
EXPECTED = [
    "adapt", "analyze", "convert", "download", "ensemble", "evaluate", "find_videos", "finetune",
    "list_models", "load_model", "load_poses", "load_space", "match_keypoints", "measure_offsets",
    "merge", "open_video", "predict", "read_labels", "save_poses", "stream", "track", "train",
]  # fmt: skip

ROOMS = {"behavior": "check_bouts", "gait": "analyze"}
"""Each room, and a function of it."""


def test_the_public_names_are_these() -> None:
    imports = [node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ImportFrom)]
    names = [alias.asname for node in imports for alias in node.names]
    assert sorted(n for n in names if n) == sorted([*EXPECTED, *ROOMS])
    assert sorted(set(superanimal.__all__)) == sorted([*EXPECTED, *ROOMS])


@pytest.mark.parametrize(("room", "function"), ROOMS.items())
def test_a_room_is_reached_without_importing_it(room: str, function: str) -> None:
    assert callable(getattr(getattr(superanimal, room), function))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_public_name_is_a_documented_function(name: str) -> None:
    function = getattr(superanimal, name)
    assert callable(function)
    assert len((function.__doc__ or "").strip()) > 20


def test_one_version() -> None:
    from superanimal.poses.provenance import software_version

    assert superanimal.__version__ == software_version() == version("napari-superanimal")


@pytest.mark.slow
def test_types_are_seen_from_outside(tmp_path: Path) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(
        "import superanimal\n"
        'reveal_type(superanimal.analyze("x.mp4"))\n'
        'reveal_type(superanimal.analyze(["x.mp4", "y.mp4"]))\n'
        "reveal_type(superanimal.__version__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"),
         "--follow-imports=silent", str(snippet)],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    revealed = [line.split('"')[1] for line in done.stdout.splitlines() if "Revealed type" in line]
    assert len(revealed) == 3, done.stdout + done.stderr
    assert revealed[0] in ("xarray.Dataset", "xarray.core.dataset.Dataset")
    assert revealed[1] in (f"list[{revealed[0]}]", f"builtins.list[{revealed[0]}]")
    assert revealed[2] in ("str", "builtins.str")
