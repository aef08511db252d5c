"""Fetch what ``gpu.py`` needs on a bare CUDA machine with Python 3.12, as wheels in an ignored folder.

    python benchmarks/gpu_wheels.py [--folder .wheels]

Prints how large the tracked tree and the wheels are together: at most 64 MiB may travel.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDED = (
    "zarr", "numcodecs", "donfig", "google-crc32c", "dask", "partd", "locket", "toolz",
    "platformdirs", "pycocotools", "filelock", "safetensors", "lazy_loader", "jinja2", "markupsafe",
    "pydantic", "pydantic-core", "annotated-types", "typing-inspection", "typing-extensions", "psygnal",
    "tifffile", "rich", "typer", "h5netcdf",
)  # fmt: skip
"""Distributions; what a CUDA machine has (torch, pandas, h5py, huggingface_hub, ...) stays."""
PLATFORMS = ("2_28", "2_27", "2_24", "2_17", "2_5")
LIMIT = 64 * 2**20


def pins() -> list[str]:
    """Return the needed distributions in the versions of this environment, so that they fit each other."""
    from importlib.metadata import PackageNotFoundError, version

    pinned = []
    for name in NEEDED:
        try:
            pinned.append(f"{name}=={version(name)}")
        except PackageNotFoundError:  # not a dependency of the installed versions
            continue
    return pinned


def tracked_bytes() -> int:
    """Return the size of the files that git tracks."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    files = (ROOT / name for name in listed.stdout.split("\0") if name)
    return sum(path.lstat().st_size for path in files if path.is_file() or path.is_symlink())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / ".wheels")
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    for old in options.folder.glob("*.whl"):
        old.unlink()
    command = [
        sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:",
        "--python-version", "3.12", "--implementation", "cp", "-d", str(options.folder),
    ]  # fmt: skip
    command += [part for tag in PLATFORMS for part in ("--platform", f"manylinux_{tag}_x86_64")]
    command += ["--platform", "manylinux2014_x86_64", *pins()]
    if code := subprocess.run(command).returncode:
        return code
    wheels = sum(path.stat().st_size for path in options.folder.glob("*.whl"))
    total = wheels + tracked_bytes()
    print(
        f"wheels {wheels / 2**20:.1f} MiB, tracked tree {tracked_bytes() / 2**20:.1f} MiB, "
        f"together {total / 2**20:.1f} of at most {LIMIT / 2**20:.0f} MiB"
    )
    return int(total > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
