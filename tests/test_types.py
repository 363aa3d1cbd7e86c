"""What type checkers are told: of a person's code, and that it is what there is."""

import ast
import importlib.util
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.array_methods import ArrayMethods

ROOT = Path(__file__).parents[1]
STUB = ast.parse((ROOT / "autograd_lite" / "signatures.pyi").read_text())
PROTOCOLS = {
    "OfOne": lambda f: f(al.Tensor([0.5, 0.25])),
    "OfTwo": lambda f: (f(al.Tensor([0.5, 0.25]), np.ones(2)), f(np.ones(2), al.Tensor([1.0, 2]))),
    "Reduction": lambda f: f(al.Tensor(np.eye(2)), axis=0, keepdims=True),
    "AlongAxes": lambda f: f(al.Tensor(np.eye(2)), axis=0),
}


def run(*command):
    """The output of a program of the environment that the tests run in."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(
        [*command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
    )


def needs(tool):
    return pytest.mark.skipif(importlib.util.find_spec(tool) is None, reason=f"{tool} is missing")


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        (n.target.id, n.annotation.id)
        for n in STUB.body
        if isinstance(n, ast.AnnAssign) and not n.value
    ],
)
def test_a_function_takes_and_gives_what_its_protocol_says(name, protocol):
    results = PROTOCOLS[protocol](getattr(al, name))
    for result in results if isinstance(results, tuple) else (results,):
        assert isinstance(result, al.Tensor)


@pytest.mark.parametrize(
    "node", [n for n in STUB.body if isinstance(n, ast.FunctionDef)], ids=lambda n: n.name
)
def test_a_function_has_the_parameters_that_its_overloads_name(node):
    if node.name in ("no_grad", "where"):  # A class, and a function of C that tells no names.
        assert callable(getattr(al, node.name))
        return
    known = inspect.signature(getattr(al, node.name)).parameters
    assert {a.arg for a in node.args.args} <= set(known)


def test_every_operator_that_is_told_is_there():
    [operators] = [n for n in STUB.body if isinstance(n, ast.ClassDef) and n.name == "Operators"]
    for node in operators.body:
        if isinstance(node, ast.FunctionDef):
            assert hasattr(al.Tensor, node.name), node.name


def test_the_methods_that_are_told_take_what_their_help_says():
    [operators] = [n for n in STUB.body if isinstance(n, ast.ClassDef) and n.name == "Operators"]
    for node in operators.body:
        method = getattr(ArrayMethods, getattr(node, "name", ""), None)
        if not inspect.isfunction(method) or node.name.startswith("__"):
            continue
        known = inspect.signature(method).parameters
        if not any(p.kind is p.VAR_POSITIONAL for p in known.values()):
            told = {a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
            assert told == set(known), node.name


@pytest.mark.slow
@needs("mypy")
def test_mypy_accepts_the_typed_example_in_its_strict_mode():
    done = run("mypy", "--strict", "--config-file=", "examples/typed.py")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@needs("pyright")
def test_pyright_accepts_the_typed_example_in_its_strict_mode(tmp_path):
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    (tmp_path / "typed.py").write_text((ROOT / "examples" / "typed.py").read_text())
    done = run("pyright", "--pythonpath", sys.executable, "--project", str(tmp_path))
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@needs("pyright")
def test_nearly_all_public_symbols_have_a_known_type():
    done = run("pyright", "--verifytypes", "autograd_lite", "--ignoreexternal", "--outputjson")
    assert json.loads(done.stdout)["typeCompleteness"]["completenessScore"] >= 0.95
