"""How modules hang together: no import circles, and an engine without state but the default planner."""

import ast
import importlib
from pathlib import Path

import pytest

import jconv

ROOT = Path(jconv.__file__).parent
MODULES = {
    ".".join(("jconv", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
}
ENGINE = {name: path for name, path in MODULES.items() if name.startswith("jconv.engine")}


def imports_of(name, path):
    """The modules of jconv that a module imports while it is imported itself."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("jconv"):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                imported.add(full if full in MODULES else node.module)
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names if alias.name.startswith("jconv")}
    return imported & MODULES.keys() - {name}


def test_no_import_circles():
    """Also those that an import inside of a function would hide."""
    graph = {name: imports_of(name, path) for name, path in MODULES.items()}
    state: dict[str, str] = {}

    def visit(name, trail):
        if state.get(name) == "done":
            return
        assert state.get(name) != "open", f"import circle: {' → '.join([*trail[trail.index(name) :], name])}"
        state[name] = "open"
        for other in sorted(graph[name]):
            visit(other, [*trail, name])
        state[name] = "done"

    for name in graph:
        visit(name, [])


@pytest.mark.parametrize("name", sorted(ENGINE))
def test_no_mutable_state(name):
    """The engine's only state is the default planner."""
    tree = ast.parse(ENGINE[name].read_text())
    declared = [n for node in ast.walk(tree) if isinstance(node, ast.Global) for n in node.names]
    assert declared == (["_default", "_default"] if name == "jconv.engine._planner" else [])
    module = importlib.import_module(name)
    targets = [t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
    targets += [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    own = {target.id for target in targets if isinstance(target, ast.Name)} - {"__all__"}
    mutable = [key for key in own if isinstance(getattr(module, key), dict | list | set | bytearray)]
    assert not mutable, f"{name} holds {mutable}: make them tuples, frozensets or MappingProxyType"


@pytest.mark.parametrize("name", sorted(ENGINE))
def test_nobody_asks_for_the_default_backend(name):
    """Only the lowering knows for which platform a program is compiled."""
    assert "default_backend" not in ENGINE[name].read_text()
