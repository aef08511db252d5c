"""The core knows no screen: importing every module of it loads no Qt, napari or magicgui."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import importlib, pkgutil, sys
import superanimal
heavy = {"torch", "pandas", "av", "xarray", "numpy"} & set(sys.modules)
assert not heavy, f"import superanimal alone loads {heavy}"
names = [m.name for m in pkgutil.walk_packages(superanimal.__path__, "superanimal.")]
for name in names:
    if name != "superanimal.__main__":
        importlib.import_module(name)
screen = {"napari", "qtpy", "magicgui", "PyQt6", "PySide6", "vispy"} & set(sys.modules)
assert not screen, f"the core loads {screen}"
print(len(names))
"""


def test_core_loads_no_screen():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 20


def test_analysis_loads_no_training_library():
    script = (
        "import sys, superanimal.inference.analyzer, superanimal.cli; superanimal.cli.build_app()\n"
        "assert not {'lightning', 'tensorboard'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_docks_load_no_torch():
    """Mesa's software OpenGL and triton each bring an LLVM: torch loaded by a viewer that draws ends it."""
    script = (
        "import importlib, pkgutil, sys\n"
        "import napari_superanimal.docks as docks, napari_superanimal.console\n"
        "for module in pkgutil.walk_packages(docks.__path__, 'napari_superanimal.docks.'):\n"
        "    importlib.import_module(module.name)\n"
        "assert 'torch' not in sys.modules\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
