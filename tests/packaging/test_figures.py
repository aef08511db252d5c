"""Figures in the documentation are those of ``benchmarks/RESULTS.md``: one source, quoted."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def section(title: str) -> str:
    text = (ROOT / "benchmarks" / "RESULTS.md").read_text("utf-8")
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_ten_labelled_frames_are_quoted_as_measured() -> None:
    measured = section("Ten labelled frames")
    row = r"`--length {}` \| \d+ \| \*\*(\d+)\*\* \(\d+\) \| ([\d.]+) \| ([\d.]+) \|"
    standard, quick = (re.search(row.format(length), measured) for length in ("standard", "quick"))
    assert standard and quick
    page = (ROOT / "docs" / "finetune.md").read_text("utf-8")
    assert f"from {standard[2]} to {standard[3]} px" in page
    assert f"{standard[1]} processor seconds" in page
    assert f"`--length quick` reaches {quick[3]} px in {quick[1]} seconds" in page
    others = {"train.md", "finetune_widget.md", "napari.md", "analyze.md"}
    for name in sorted(others):  # no second figure for the same thing
        assert not re.search(r"\d+ processor seconds", (ROOT / "docs" / name).read_text("utf-8")), name


def test_plans_for_many_videos_use_measured_rates() -> None:
    rate = re.search(r"\| onnxruntime \| .*\| ([\d.]+) \| [\d.]+ \|\n", section("Speed"))
    efficiency = re.search(r"Two workers against two bare processes: \*\*([\d.]+)\*\*", section("Cluster"))
    assert rate
    assert efficiency
    page = (ROOT / "docs" / "scale.md").read_text("utf-8")
    assert f"The rate of one core is {rate[1]} frames/s" in page
    assert f"Two workers reached **{efficiency[1]}** of the rate" in page
    hours = 10_000 * 10 * 60 * 30 / float(rate[1]) / 3600
    row = re.search(
        r"\| `mini_topviewmouse`, CPU \| ([\d,]+) \| ([\d.]+) h \| ([\d.]+) h \| ([\d.]+) h \|", page
    )
    assert row
    planned = [float(text.replace(",", "")) for text in row.groups()]
    for plan, cores in zip(planned, (1, 16, 100, 500), strict=True):
        assert abs(plan - hours / cores) < 0.02 * hours / cores
