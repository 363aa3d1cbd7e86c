"""The floors of CONTRIBUTING: imports run downwards, without a circle."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PICTURE = re.search(r"```floors\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.S).group(1)
FLOORS = {name: i for i, line in enumerate(PICTURE.splitlines()[::-1]) for name in line.split()}


def modules():
    for package in ("autograd_lite", "nn"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__"), path


MODULES = dict(modules())


@functools.cache
def imports(path):
    """The modules of the project that a file imports, also inside of functions.

    What only a type checker reads is left out.
    """
    found = set()
    for node in visited(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names} & MODULES.keys()
        elif isinstance(node, ast.ImportFrom):
            module = absolute(node, path)
            for alias in node.names if module in MODULES else ():
                inner = f"{module}.{alias.name}"
                found.add(inner if inner in MODULES else module)
    return found


def absolute(node, path):
    """The module that a statement imports from, which may be told relative to the file."""
    if not node.level:
        return node.module
    folders = path.relative_to(ROOT).parts[: -node.level]
    return ".".join([*folders, *filter(None, [node.module])])


def visited(node):
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield from visited(child)


def floor(module):
    """The number of the floor of a module; the package itself stands on top of the engine."""
    if module == "autograd_lite":
        return FLOORS["extend"]
    first, *rest = module.split(".")
    return FLOORS[first if first == "nn" else rest[0]]


def test_every_module_has_a_floor():
    rooms = {m.split(".")[1] for m in MODULES if m.startswith("autograd_lite.")}
    assert rooms | {"nn"} == set(FLOORS)


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module):
    upwards = [other for other in imports(MODULES[module]) if floor(other) > floor(module)]
    assert not upwards


def test_nn_imports_itself_by_relative_names_only():
    """Whatever else is called nn on somebody's path is not taken for it."""
    for module, path in MODULES.items():
        if module.split(".")[0] == "nn":
            tree = ast.parse(path.read_text())
            absolute_names = [
                *(n.module for n in visited(tree) if isinstance(n, ast.ImportFrom) and not n.level),
                *(a.name for n in visited(tree) if isinstance(n, ast.Import) for a in n.names),
            ]
            assert "nn" not in [name.split(".")[0] for name in absolute_names], module


def test_there_is_no_circle():
    below = {module: imports(path) - {module} for module, path in MODULES.items()}
    done, on_the_way = set(), []

    def visit(module):
        if module in on_the_way:
            circle = [*on_the_way[on_the_way.index(module) :], module]
            raise AssertionError(" -> ".join(circle))
        if module not in done:
            on_the_way.append(module)
            for other in sorted(below[module]):
                visit(other)
            on_the_way.pop()
            done.add(module)

    for module in MODULES:
        visit(module)


def test_nn_builds_on_the_public_face():
    used = {
        other
        for module, path in MODULES.items()
        if module.split(".")[0] == "nn"
        for other in imports(path)
        if other.startswith("autograd_lite")
    }
    assert used == {"autograd_lite", "autograd_lite.extend"}
