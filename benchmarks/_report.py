"""Writes one section of ``benchmarks/RESULTS.md``: machine, date, command and what was measured."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import sys
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
PLACES = ("--data", "--resume", "--work")
"""Options that say where things lie, not what is measured."""
_INTRO = """# Benchmark results

Each section is written by the command it names. Figures of a shared machine vary by some ten per cent.
"""


def parser_with_data(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options ``--data`` and ``--no-report``."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--no-report", action="store_true", help="do not touch benchmarks/RESULTS.md")
    return parser


def require_data(path: Path) -> None:
    """End the program unless the real data are on this computer."""
    if not path.exists():
        sys.exit(f"{path}: the real data are not on this computer, nothing to measure")


def machine() -> str:
    """Describe the machine in one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text())
        model = found[1].strip() if found else model
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}{load}"


def write_section(title: str, body: str, command: str | None = None) -> None:
    """Put a section into the results file in place of the one with the same title.

    Parameters
    ----------
    title
        Heading of the section.
    body
        Markdown.
    command
        The command that made it; by default the present one.
    """
    command = command or "python benchmarks/" + " ".join([Path(sys.argv[0]).name, *_plain(sys.argv[1:])])
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    section = f"## {title}\n\n`{command}`, {date}, {machine()}\n\n{body.strip()}\n"
    text = RESULTS.read_text("utf-8") if RESULTS.exists() else _INTRO
    parts = re.split(r"(?m)^(?=## )", text)
    kept = [part.rstrip() + "\n" for part in parts if not part.startswith(f"## {title}\n")]
    RESULTS.write_text("\n".join([*kept, section]), "utf-8")


def _plain(arguments: list[str]) -> list[str]:
    """Return arguments as a reader can use them: without the places of this machine."""
    told: list[str] = []
    for argument in arguments:
        if Path(argument).is_absolute():
            if told and told[-1] in PLACES:
                told.pop()
                continue
            argument = f"…/{'/'.join(Path(argument).parts[-2:])}"
        told.append(argument)
    return told


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
