#!/usr/bin/env python3
"""Set everything up and run: ``python3 dev.py demo`` or ``python3 dev.py test``.

Needs Python 3.11 or newer and git, nothing else. Everything is installed into ``.venv`` beside this file;
on Debian, when run as root, missing system libraries are installed too.
"""

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "installed.txt"
SCREEN_SIZE = "-screen 0 1400x1000x24 +extension GLX +render -noreset"
DISPLAY_PACKAGES = shlex.split(
    "xvfb xauth libegl1 libgl1 libgl1-mesa-dri libglib2.0-0 libglx-mesa0 libdbus-1-3 libfontconfig1 "
    "libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 "
    "libxcb-render-util0 libxcb-shape0 libxcb-xkb1"
)


def main() -> None:
    commands = {"demo": demo, "test": test, "setup": setup}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(f"usage: python3 dev.py {'|'.join(commands)} [options passed on]")
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before anything is installed
        sys.exit(f"Python {sys.version.split()[0]} is too old: 3.11 or newer is needed")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each of many processes compiles torch anew: 15 s
    sys.exit(commands[sys.argv[1]](sys.argv[2:]))


def demo(arguments: list[str]) -> int:
    """Estimate poses in the sample video and open napari when there is a display."""
    install()
    if has_display():
        install_libraries([name for name in DISPLAY_PACKAGES if name not in ("xvfb", "xauth")])
    return run([str(BIN / "superanimal"), "demo", *arguments])


def test(arguments: list[str]) -> int:
    """Run the tests, on a virtual screen when there is no real one."""
    install()
    workers = str(min(4, os.cpu_count() or 1))
    command = [str(PYTHON), "-m", "pytest", "-n", workers, "--dist", "loadfile", "--no-loadscope-reorder"]
    command += arguments  # files are handed out in the order of tests/conftest.py, long ones first
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core per worker
    if sys.version_info >= (3, 12):
        os.environ.setdefault("COVERAGE_CORE", "sysmon")  # --cov costs next to nothing
    if not has_display():
        install_libraries(DISPLAY_PACKAGES)
        screen = shutil.which("xvfb-run")
        if screen:
            command = [screen, "-a", "-s", SCREEN_SIZE, *command]
        else:
            print("xvfb is missing: the viewer tests will be skipped")
    return run(command)


def setup(arguments: list[str]) -> int:
    """Install only."""
    install()
    return 0


def install() -> None:
    """Create ``.venv`` and install the project with all its extras, once per change of pyproject.toml."""
    wanted = (ROOT / "pyproject.toml").read_text("utf-8")
    if STAMP.exists() and STAMP.read_text("utf-8") == wanted:
        return
    print("Setting up .venv (a few minutes the first time; about 6 GB) ...", flush=True)
    if not PYTHON.exists():
        if importlib.util.find_spec("ensurepip") is None:
            install_libraries([f"python{sys.version_info.major}.{sys.version_info.minor}-venv"])
        check([sys.executable, "-m", "venv", str(VENV)])
    check([str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"])
    extras = f"{ROOT}[all,docs,test]"
    check([str(PYTHON), "-m", "uv", "pip", "install", "--quiet", "-p", str(PYTHON), "-e", extras])
    STAMP.write_text(wanted, "utf-8")


def install_libraries(packages: list[str]) -> None:
    """Install missing Debian packages when allowed; otherwise say which ones are missing."""
    if not shutil.which("dpkg-query"):
        return
    missing = [name for name in packages if not installed(name)]
    if not missing:
        return
    print(f"System libraries missing: {' '.join(missing)}", flush=True)
    if os.geteuid() != 0:
        print(f"Not root, so please run: sudo apt-get install {' '.join(missing)}")
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = {"env": environment, "stdout": subprocess.DEVNULL, "check": False}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    if subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], **quiet
    ).returncode:
        print("apt-get could not install them; going on without")


def installed(package: str) -> bool:
    status = subprocess.run(
        ["dpkg-query", "-W", "-f=${Status}", package], capture_output=True, text=True, check=False
    )
    return "ok installed" in status.stdout


def has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def run(command: list[str]) -> int:
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def check(command: list[str]) -> None:
    if run(command) != 0:
        sys.exit(f"failed: {' '.join(command)}")


if __name__ == "__main__":
    main()
