"""No module imports itself by a detour, at module level or inside functions; types alone do not count.

A name that a package hands out lazily counts as an import of the module its stub takes it from.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ALLOWED = {"superanimal.formats.registry"}
"""The registry loads its readers by name, and they ask it."""


def handed_out(package: str) -> dict[str, str]:
    """Return the module behind each name that a package hands out lazily."""
    found = importlib.util.find_spec(package)
    assert found is not None
    stub = Path(found.origin or "").with_suffix(".pyi")
    if not found.submodule_search_locations or not stub.is_file():
        return {}
    lines = [node for node in ast.parse(stub.read_text("utf-8")).body if isinstance(node, ast.ImportFrom)]
    return {
        alias.asname or alias.name: ".".join(filter(None, (package if line.level else "", line.module)))
        for line in lines
        for alias in line.names
    }


def imports(node: ast.AST) -> Iterator[ast.ImportFrom]:
    """Yield the ``from`` imports below a node, but for those of types alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) or (
            isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        ):
            continue
        if isinstance(child, ast.ImportFrom):
            yield child
        yield from imports(child)


def import_graph(package: str) -> grimp.ImportGraph:
    graph = grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    for module in sorted(graph.modules):
        spec = importlib.util.find_spec(module)
        assert spec is not None and spec.origin is not None
        for line in imports(ast.parse(Path(spec.origin).read_text("utf-8"))):
            if line.level or line.module not in graph.modules:
                continue
            names = handed_out(line.module)
            behind = {names[alias.name] for alias in line.names if alias.name in names}
            for real in (behind & graph.modules) - {module}:
                graph.add_import(importer=module, imported=real)
            if {alias.name for alias in line.names} <= set(names):  # the package itself loads nothing
                graph.remove_import(importer=module, imported=line.module)
    return graph


def circles(graph: grimp.ImportGraph) -> dict[str, list[str]]:
    """Return for each module in a circle the others that it reaches and that reach it."""
    found = {
        module: sorted(graph.find_downstream_modules(module) & graph.find_upstream_modules(module) - {module})
        for module in graph.modules
    }
    return {module: others for module, others in found.items() if others}


@pytest.mark.parametrize("package", ["superanimal", "napari_superanimal"])
def test_no_import_circles(package: str) -> None:
    found = circles(import_graph(package))
    assert not {module: others for module, others in found.items() if not ALLOWED & {module, *others}}


def test_a_circle_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "__init__.py": "",
        "one.py": "import toy_circles.two",
        "two.py": "def f():\n    from toy_circles import one",
        "types.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from toy_circles import user",
        "user.py": "import toy_circles.types",
        "lazy/__init__.py": "import lazy_loader",
        "lazy/__init__.pyi": "from .inner import name as name",
        "lazy/inner.py": "import toy_circles.outer",
        "outer.py": "def f():\n    from toy_circles.lazy import name",
    }
    for name, text in files.items():
        path = tmp_path / "toy_circles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    found = circles(import_graph("toy_circles"))
    for module in [name for name in sys.modules if name.startswith("toy_circles")]:
        del sys.modules[module]
    assert {module.removeprefix("toy_circles.") for module in found} == {"one", "two", "lazy.inner", "outer"}
