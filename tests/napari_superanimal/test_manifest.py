"""The manifest: complete, importable, and nothing heavy behind the readers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from npe2 import PluginManifest

from napari_superanimal._settings import DEFAULTS
from napari_superanimal.pose_layer.save import FORMATS
from superanimal.formats.deeplabcut_project import LABEL_FILES
from superanimal.video import VIDEO_SUFFIXES

HEAVY = ("torch", "av", "pandas", "zarr", "xarray", "dask", "napari", "qtpy", "superanimal.formats")


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution("napari-superanimal")


def test_every_python_name_imports(manifest: PluginManifest) -> None:
    manifest.validate_imports()


def test_npe2_validate_accepts_it() -> None:
    import napari_superanimal

    path = Path(napari_superanimal.__file__).with_name("napari.yaml")
    done = subprocess.run(
        [sys.executable, "-m", "npe2", "validate", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", ["_reader", "_writer", "_sample_data", "_settings"])
def test_nothing_heavy_at_import(module: str) -> None:
    code = f"import sys, napari_superanimal.{module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_readers_claim_narrow_patterns(manifest: PluginManifest) -> None:
    patterns = {p for reader in manifest.contributions.readers for p in reader.filename_patterns}
    assert not patterns & {"*", "*.*", "*.yaml", "*.png", "*.tif", "*.zarr"}


def test_files_are_claimed_as_the_core_names_them(manifest: PluginManifest) -> None:
    claimed = {
        reader.command.split(".")[1]: reader.filename_patterns for reader in manifest.contributions.readers
    }
    videos = [f"*{suffix}" for suffix in VIDEO_SUFFIXES]
    assert claimed["read_video"] == [*videos, *map(str.upper, videos)]
    assert tuple(claimed["read_labels"]) == LABEL_FILES


def test_one_writer_per_format_of_the_save_dialog(manifest: PluginManifest) -> None:
    writers = [(w.display_name, list(w.filename_extensions)) for w in manifest.contributions.writers]
    assert writers == [(title, [suffix]) for _, title, suffix in FORMATS]


def test_defaults_are_those_of_the_manifest(manifest: PluginManifest) -> None:
    configurations = manifest.contributions.configurations
    declared = {
        category: {key: prop.default for key, prop in configuration.properties.items()}
        for category, configuration in configurations.items()
    }
    assert declared == DEFAULTS
