"""The wheel holds everything a user needs: manifest, sample data, weights, spaces, console script."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_wheel_content(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for expected in (
        "napari_superanimal/napari.yaml",
        "superanimal/sample_data/topview_mouse.mp4",
        "superanimal/sample_data/sideview_horse.mp4",
        "superanimal/zoo/catalog.yaml",
        "superanimal/poses/spaces/topviewmouse.yaml",
    ):
        assert expected in names
    weights = [name for name in names if name.startswith("superanimal/zoo/weights/")]
    assert any(name.endswith(".safetensors") for name in weights)
    assert wheel.stat().st_size < 25e6
    assert not any("shared" in name or name.startswith("tests") for name in names)


@pytest.mark.slow
def test_installed_wheel_works_in_an_empty_environment(wheel, tmp_path):
    """Install into a new environment that borrows only the third-party packages of this one."""
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")
    python = binaries / ("python.exe" if os.name == "nt" else "python")
    install = [sys.executable, "-m", "uv", "pip", "install", "-q", "-p", str(python), "--no-deps", str(wheel)]
    subprocess.run(install, check=True)
    script = """
import sys
from importlib.metadata import entry_points
from importlib.resources import files
point, = entry_points(group="napari.manifest", name="napari-superanimal")
package, name = point.value.split(":")
assert (files(package) / name).is_file()
assert str(files("superanimal")).startswith(sys.prefix), files("superanimal")
from superanimal.samples import sample_path
assert sample_path("topview_mouse.mp4").is_file()
from superanimal.zoo import load_model
print(load_model("mini_topviewmouse").entry.name)
"""
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    # the borrowed folder holds an editable link to this checkout; a plain PYTHONPATH does not follow it
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(borrowed)}
    result = subprocess.run(
        [str(python), "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "mini_topviewmouse"
    superanimal = binaries / ("superanimal.exe" if os.name == "nt" else "superanimal")
    listing = subprocess.run(
        [str(superanimal), "models", "list"],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "mini_topviewmouse" in listing.stdout, listing.stderr
