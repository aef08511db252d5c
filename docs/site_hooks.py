"""Hooks of the documentation site: benchmarks/RESULTS.md is a page of it, whose links start elsewhere."""

from typing import Any


def on_page_markdown(markdown: str, **_: Any) -> str:
    return markdown.replace("](../docs/", "](")
