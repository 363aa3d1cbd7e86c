"""The help of every public name: what it takes, gives and raises, and an example that runs."""

import ast
import doctest
import importlib
import inspect
import itertools
import re
import textwrap

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn

MODULES = {
    "al": al,
    "al.check": al.check,
    "al.extend": importlib.import_module("autograd_lite.extend"),
    "nn": nn,
    **{
        f"nn.{name}": getattr(nn, name)
        for name in nn.__all__
        if inspect.ismodule(getattr(nn, name))
    },
}

SECTIONS = [
    "Parameters",
    "Attributes",
    "Returns",
    "Yields",
    "Raises",
    "See Also",
    "Notes",
    "Examples",
]
"""In the order of numpydoc."""


def exported(module):
    """The public names of a module: those that it lists, or those that it defines."""
    if hasattr(module, "__all__"):
        return module.__all__
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def is_numpys(value):
    """Whether it is one of NumPy's own functions, whose help is NumPy's."""
    return isinstance(value, np.ufunc) or value.__module__.partition(".")[0] == "numpy"


def public():
    """Every public function and class, once, by its first name."""
    found = {}
    for prefix, module in MODULES.items():
        for name in exported(module):
            value = getattr(module, name)
            is_documented = inspect.isroutine(value) or inspect.isclass(value)
            if is_documented and not is_numpys(value):
                found.setdefault(id(value), (f"{prefix}.{name}", value))
    return dict(found.values())


def methods():
    """Every public method and property of the public classes, where it is defined first."""
    found = {}
    for name, kind in CLASSES.items():
        for base in inspect.getmro(kind):
            if not base.__module__.startswith("autograd_lite"):
                continue
            for method, value in vars(base).items():
                value = getattr(value, "__func__", value)
                if not method.startswith("_") and (
                    inspect.isfunction(value) or isinstance(value, property)
                ):
                    found.setdefault(id(value), (f"{name}.{method}", kind, method, value))
    return {name: (kind, method, value) for name, kind, method, value in found.values()}


PUBLIC = public()
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}
METHODS = methods()
FUNCTIONS = {name: value for name, value in PUBLIC.items() if name not in CLASSES}


def help_of(name):
    """The docstring of a public function, class or method, as `help` shows it."""
    if name in PUBLIC:
        return inspect.getdoc(PUBLIC[name]) or ""
    kind, method, _ = METHODS[name]
    return inspect.getdoc(getattr(kind, method)) or ""


def sections(text):
    """The lines under each heading of a docstring, and under "" those before the first."""
    found, heading = {"": []}, ""
    for line, below in itertools.pairwise([*text.splitlines(), ""]):
        if re.fullmatch("-{3,}", below) and line and not line.startswith(" "):
            assert line in SECTIONS, f"{line!r} is no section"
            assert len(below) == len(line), f"the line under {line!r} is of another length"
            assert line not in found, f"there are two sections {line!r}"
            found[heading := line] = []
        elif not (re.fullmatch("-{3,}", line) and not found[heading]):
            assert not re.match("--- *[^- ]|-{4,} ", line), f"{line!r} was filled with a heading"
            found[heading].append(line)
    return found


def documented(text):
    """The parameters that a docstring describes, without stars."""
    lines = sections(text).get("Parameters", [])
    for line, below in itertools.pairwise([*lines, ""]):
        assert not line or line.startswith(" ") or below.startswith(" "), f"{line!r} says nothing"
    named = [line.partition(" : ")[0] for line in lines if line and not line.startswith(" ")]
    return [name.strip().lstrip("*") for names in named for name in names.split(",")]


def taken(value):
    """The parameters of a function or class."""
    try:
        parameters = list(inspect.signature(value).parameters)
    except ValueError:  # A class of exceptions.
        return []
    if inspect.isclass(value) and parameters == ["args", "kwargs"]:
        return []  # The layers without options have a constructor that says so.
    return [name for name in parameters if name not in ("self", "cls")]


@pytest.mark.parametrize("name", [*PUBLIC, *METHODS])
def test_help_begins_with_a_sentence_and_has_sections_in_order(name):
    text = help_of(name)
    first, *rest = text.splitlines() or [""]
    assert first, "there is no docstring"
    assert re.search(r"[.:,;]$", first) or rest[:1] != [""], "the first sentence has no end"
    found = [heading for heading in sections(text) if heading]
    assert found == sorted(found, key=SECTIONS.index)


@pytest.mark.parametrize("name", [*PUBLIC, *METHODS])
def test_help_describes_the_parameters_that_there_are(name):
    value = PUBLIC[name] if name in PUBLIC else METHODS[name][2]
    if not isinstance(value, property):
        assert sorted(documented(help_of(name))) == sorted(taken(value))


NOTHING = {"None", "NoReturn", None, type(None)}


@pytest.mark.parametrize("name", [*FUNCTIONS, *METHODS])
def test_help_says_what_is_returned(name):
    value = FUNCTIONS[name] if name in FUNCTIONS else METHODS[name][2]
    if isinstance(value, property):
        return
    returned = inspect.signature(value).return_annotation
    found = sections(help_of(name)).keys() & {"Returns", "Yields"}
    # What is always refused returns nothing, whatever its type.
    is_refused = "    Always: " in help_of(name)
    assert bool(found) == (returned not in NOTHING and not is_refused)


@pytest.mark.parametrize("name", [*PUBLIC, *METHODS])
def test_help_has_an_example(name):
    assert any(line.startswith(">>> ") for line in sections(help_of(name)).get("Examples", []))


def raises(value):
    """Whether a function, or what makes an object of a class, raises something itself."""
    body = value.__dict__.get("__init__") if inspect.isclass(value) else value
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(body))))
    except (OSError, TypeError):
        return False
    return any(isinstance(node, ast.Raise) and node.exc for node in ast.walk(tree))


@pytest.mark.parametrize("name", [name for name in PUBLIC if raises(PUBLIC[name])])
def test_help_says_what_is_raised(name):
    assert "Raises" in sections(help_of(name))


WITH_EXAMPLES = [name for name in [*PUBLIC, *METHODS] if ">>> " in help_of(name)]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
@pytest.mark.one_in(3)
def test_example_runs_where_nothing_was_imported_before(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    example = doctest.DocTestParser().get_doctest(help_of(name), {}, name, None, 0)
    said = []
    doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert not said, "".join(said)


OPTIONS = {
    "axis": 0,
    "dtype": np.float64,
    "keepdims": True,
    "initial": 1.0,
    "where": np.array([[True, False], [True, True]]),
    "ddof": 1,
    "correction": 1,
    "mean": np.full((1, 2), 0.5),
    "offset": 1,
    "axis1": 1,
    "axis2": 0,
    "min": 0.1,
    "max": 0.9,
    "at_zero": 0.0,
    "order": "C",
    "mode": "clip",
    "kind": "stable",
    "stable": True,
    "side": "right",
    "sorter": [0, 1],
    "decimals": 1,
}
"""A value of each option that the help of Tensor's methods describes."""


def optional():
    """Every option that the help of a method of Tensor describes."""
    for name, (_, method, value) in METHODS.items():
        if getattr(value, "__module__", None) == "autograd_lite.array_methods":
            for p in inspect.signature(value).parameters.values():
                if p.default is not p.empty and method not in ("tobytes", "tofile"):
                    yield pytest.param(method, p.name, id=f"{name}-{p.name}")


NEEDED = {
    "take": ([0],),
    "repeat": (2,),
    "choose": ([1.0, 2.0],),
    "searchsorted": ([0.5],),
    "argpartition": (1,),
}


@pytest.mark.parametrize("method, option", list(optional()))
def test_options_that_the_help_of_a_method_describes_are_taken(method, option):
    x = al.Tensor([0.25, 0.5] if method == "searchsorted" else [[0.25, 0.5], [0.75, 1.0]])
    x = al.Tensor([[0, 1]]) if method == "choose" else x
    x = x[:1] if method == "squeeze" else x
    x.requires_grad = x.dtype.kind == "f"
    others = {"initial": 0.0} if option == "where" and method in ("max", "min") else {}
    others |= {"axis": 0} if option == "mean" else {}
    others |= {"axis2": 0} if option == "axis1" else {"axis1": 1} if option == "axis2" else {}
    value = "introselect" if method == "argpartition" and option == "kind" else OPTIONS[option]
    getattr(x, method)(*NEEDED.get(method, ()), **others, **{option: value})
