"""No module imports itself by a detour, at module level or inside functions; types alone do not count."""

from __future__ import annotations

import grimp
import pytest

ALLOWED = {"superanimal.formats.registry"}
"""The registry loads its readers by name, and they ask it."""


@pytest.mark.parametrize("package", ["superanimal", "napari_superanimal"])
def test_no_import_circles(package: str) -> None:
    graph = grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    beyond = {
        module: graph.find_downstream_modules(module) & graph.find_upstream_modules(module)
        for module in graph.modules
    }
    circles = {module: sorted(others - {module}) for module, others in beyond.items() if others - {module}}
    assert not {module: others for module, others in circles.items() if not ALLOWED & {module, *others}}


def test_a_circle_would_be_seen() -> None:
    graph = grimp.ImportGraph()
    graph.add_import(importer="a", imported="b")
    graph.add_import(importer="b", imported="a")
    assert "a" in graph.find_downstream_modules("b") & graph.find_upstream_modules("b")
