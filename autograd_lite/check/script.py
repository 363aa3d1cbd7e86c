"""check_script: marks the derivation in a script, on one pass of its training loop."""

from __future__ import annotations

import ast
import contextlib
import copy
import io
import os
import re
import sys
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite.check.cells import notebook_source
from autograd_lite.check.derivation import marked
from autograd_lite.check.marking import draws
from autograd_lite.check.marking.assignments import SeparateUpdates, targets_of, update_of
from autograd_lite.check.marking.definitions import SCRIPT, Sources
from autograd_lite.check.marking.forms import LOSS_NAMES, Subject
from autograd_lite.check.marking.rewriting import made_function
from autograd_lite.check.marking.world import World, is_data
from autograd_lite.check.names import tensor_among, tensors_named_in
from autograd_lite.check.report import Report
from autograd_lite.source import remembered

CAPTURE = "__capture__"
"""The name of the call that ends the script where the part to mark begins."""


class _Captured(
    BaseException
):  # ends a script wherever it is, also inside of try: except Exception
    def __init__(self, variables: dict[str, Any], names: dict[str, Any]) -> None:
        self.variables = variables
        self.names = names


def check_script(
    script: str | os.PathLike[str],
    loss: str | None = None,
    *,
    function: str | None = None,
    names: Mapping[str, str | None] | None = None,
    tolerance: float | None = None,
    seconds: float | None = None,
    show: bool = True,
    namespace: Mapping[str, Any] | None = None,
) -> Report:
    """Mark a derivation in a script that has forward pass, gradients and update in one place.

    The script is run up to its training loop, and one pass of the loop is marked. A script without
    a loop is marked from the statement after its parameters are made. The gradient of a parameter
    is taken from its update: `expr` in `W -= rate * expr`. The script's output is not shown.

    THE SCRIPT IS RUN: mark only scripts that you would run yourself.

    Parameters
    ----------
    script : str or path
        A file (`.py`, `.ipynb`), or the text itself.
    loss : str, optional
        The variable that holds the loss, or an expression for it, such as
        `"0.5 * np.sum((out - T) ** 2)"`. By default, a variable called loss, cost, J, L or E; if
        there is only an `error = T - out`, half the sum of its squares.
    function : str, optional
        The function whose loop is marked, where several functions have one.
    names, tolerance, seconds, show
        The options of `check_derivation`.
    namespace : mapping, optional
        Variables that exist before the script runs, as those of a notebook do for a cell.

    Returns
    -------
    Report
        Its line numbers are those of the script.

    Raises
    ------
    ValueError
        Where the script is not valid Python, does not reach its loop, has no loss, or has no
        gradient to mark.

    Examples
    --------
    >>> import autograd_lite as al
    >>> report = al.check_script('''
    ... import numpy as np
    ... X, T, W = np.ones((4, 2)), np.zeros((4, 1)), np.full((2, 1), 0.5)
    ... for step in range(10):
    ...     Z = X @ W
    ...     loss = 0.5 * np.sum((Z - T) ** 2)
    ...     W -= 0.1 * X.T @ (Z - T)
    ... ''', show=False)
    >>> report.ok
    True
    """
    text, filename = _read(script)
    folder = os.path.dirname(os.path.abspath(filename)) if os.path.exists(filename) else None
    with _left_as_it_was(filename, folder), contextlib.redirect_stdout(io.StringIO()):
        variables = World().copied(dict(namespace or {}))
        subject = _subject(text, filename, loss, function, variables)
        report = marked(subject, names, tolerance, seconds)
    if show:
        report.show()
    return report


@contextlib.contextmanager
def _left_as_it_was(filename: str, folder: str | None) -> Iterator[None]:
    """Provides what Python provides to a script, and restores the process at the end.

    Modules in the script's folder are forgotten, so that another script imports its own.
    """
    path, arguments, where = list(sys.path), list(sys.argv), os.getcwd()
    modules, environment = set(sys.modules), dict(os.environ)
    errors = np.geterr()
    sys.argv = [filename]
    if folder is not None:
        sys.path.insert(0, folder)
    try:
        with draws.undone():
            yield
    finally:
        sys.path[:], sys.argv = path, arguments
        os.chdir(where)
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if folder is not None and file.startswith(folder + os.sep):
                del sys.modules[name]
        for name in set(os.environ) - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        np.seterr(**errors)


def _read(script: str | os.PathLike[str]) -> tuple[str, str]:
    """The text of a script, and the file name by which its lines are found."""
    if isinstance(script, str) and "\n" in script:
        return script, remembered("script", script)
    path = Path(script)
    if not path.is_file():
        raise ValueError(
            f"check_script() takes the path of a file, or the text of a script of several lines; "
            f"there is no file {str(path)!r}"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file") from None
    if path.suffix == ".ipynb":
        text = notebook_source(text, str(path))
        return text, remembered("notebook", text)
    return text, str(path)


def _subject(
    text: str, filename: str, loss: str | None, function: str | None, namespace: dict[str, Any]
) -> Subject:
    try:
        tree = SeparateUpdates().visit(ast.parse(text, filename))
    except SyntaxError as error:
        raise ValueError(
            f"line {error.lineno} of {filename} is not valid Python: {error.msg}"
        ) from None
    name, expression = _loss_of(tree, loss)
    body, owner = _part_to_mark(tree, name, function)
    changed: list[ast.FunctionDef] = []
    if expression is not None:
        holder = _holder_of(tree, body, expression)
        changed = [holder] if holder is not None else []
        statements = body if holder is None else holder.body
        statements[:] = _with_loss(tree, statements, name, expression)
    captured = _run_up_to(tree, body, filename, namespace)
    return _as_function(body, captured, filename, name, owner, changed)


def _loss_of(tree: ast.Module, loss: str | None) -> tuple[str, ast.expr | None]:
    """The name of the loss variable, and an expression for it where none is assigned."""
    assigned = _assigned_in(tree)
    if loss is None:
        found = next((name for name in LOSS_NAMES if name in assigned), None)
        if found is None or found.lower() == "error":
            error = _error_in(tree)
            if error is not None:
                return "__loss", error
        if found is None:
            raise ValueError(
                "check_script() finds no variable called loss or cost; say which one holds the "
                'loss, or give it as an expression: loss="0.5 * np.sum((out - T) ** 2)"'
            )
        return found, None
    if loss in assigned:
        return loss, None
    try:
        expression = ast.parse(loss, mode="eval").body
    except SyntaxError:
        raise ValueError(f"loss={loss!r} is neither a variable nor an expression") from None
    if isinstance(expression, ast.Name):
        raise ValueError(
            f"check_script() finds no variable {loss!r}: the script has "
            f"{', '.join(sorted(assigned)[:12])}"
        )
    return "__loss", expression


def _error_in(tree: ast.AST) -> ast.expr | None:
    """Half the sum of squares of `error = y - out`, for a script without a loss."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            name = ast.unparse(node.targets[0])
            if isinstance(node.value.op, ast.Sub) and re.fullmatch(r"(?i)\w*err(or)?\w*", name):
                if isinstance(node.value.left, ast.Name) and isinstance(node.value.right, ast.Name):
                    text = f"0.5 * (({ast.unparse(node.value)}) ** 2).sum()"
                    return ast.parse(text, mode="eval").body
    return None


def _assigned_in(tree: ast.AST) -> set[str]:
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign))
        for target in targets_of(node)
        if isinstance(target, ast.Name)
    }


def _part_to_mark(tree: ast.Module, loss: str, function: str | None) -> tuple[list[ast.stmt], str]:
    """The statements to mark: the body of the innermost loop that has the loss and an update.

    Both may stand in functions and methods that the loop calls, if no loop has them itself.
    """
    found = [*_loops_to_mark(tree, loss, function, _has_globals)]
    found = found or [*_loops_to_mark(tree, loss, function, lambda _: True)]
    if found:
        _, _, body, owner = max(found, key=lambda f: (f[0], f[1]))
        return body, owner
    if function is not None:
        raise ValueError(f"check_script() finds no loop with the loss {loss!r} in {function}()")
    return _after_parameters(tree), "<script>"


def _loops_to_mark(
    tree: ast.Module, loss: str, function: str | None, is_part: Callable[[ast.AST], bool]
) -> Iterator[tuple[int, int, list[ast.stmt], str]]:
    """The loops with the loss and an update: what speaks for each, its depth, its body, its owner.

    Functions that it calls belong to a loop if they are a part of it.
    """
    sums = _sums_in(tree)
    for body, depth, owner in _bodies(tree, 0, "<script>"):
        if function is not None and owner != function:
            continue
        inside = ast.Module([*body, *filter(is_part, _called_in(tree, body))], [])
        has_loss = loss in _assigned_in(inside) or loss == "__loss"
        updates = [
            n
            for n in ast.walk(inside)
            if isinstance(n, ast.stmt)
            and update_of(n) is not None
            and not {*_containers(targets_of(n)[0])} & {*sums, loss}
        ]
        assigned = _assigned_in(inside)
        gradients = any(tensor_among(n, _names_in(inside)) is not None for n in assigned)
        # All gradients may be in one dict, which a function takes to update the parameters.
        in_one = any("grad" in name.lower() for name in assigned)
        if has_loss and (updates or gradients or in_one):
            yield bool(updates) + gradients, depth, body, owner


def _containers(target: ast.expr) -> Iterator[str]:
    """What a statement sets, and the arrays that it is an entry of: `dw[j]`, `dw`."""
    yield ast.unparse(target)
    while isinstance(target, ast.Subscript):
        target = target.value
        yield ast.unparse(target)


def _called_in(tree: ast.Module, body: Sequence[ast.stmt]) -> list[ast.FunctionDef]:
    """The functions and methods of a script that statements use, by their names."""
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef)]
    bodies = (tree.body, *(c.body for c in classes))
    defined = [f for part in bodies for f in part if isinstance(f, ast.FunctionDef)]
    called: list[ast.FunctionDef] = []
    reached: Sequence[ast.stmt] = body
    while reached:
        nodes = [n for statement in reached for n in ast.walk(statement)]
        names = {getattr(n, "id", getattr(n, "attr", None)) for n in nodes}
        more = [f for f in defined if f.name in names and f not in called]
        called += more
        reached = more
    return called


def _has_globals(function: ast.AST) -> bool:
    return any(isinstance(n, ast.Global) for n in ast.walk(function))


def _updates(statement: ast.stmt, tree: ast.Module) -> bool:
    """Whether a statement updates something, itself or by what it calls."""
    inside = (statement, *_called_in(tree, [statement]))
    return any(
        isinstance(n, ast.stmt) and update_of(n) is not None for s in inside for n in ast.walk(s)
    )


def _holder_of(
    tree: ast.Module, body: list[ast.stmt], expression: ast.expr
) -> ast.FunctionDef | None:
    """The function called by statements that has the variables of an expression; None if they do.

    Its parameters may be known outside too, but not all of its variables.
    """
    needed = _names_in(expression) - _imported_in(tree)
    if not needed or needed & _assigned_in(ast.Module(body, [])):
        return None
    for function in _called_in(tree, body):
        own = _assigned_in(function)
        if needed & own and needed <= own | {a.arg for a in function.args.args}:
            return function
    return None


def _reads_attributes(tree: ast.Module, expression: ast.expr) -> bool:
    """Whether an expression reads attributes of objects, which methods may set."""
    modules = _imported_in(tree)
    attributes = (n for n in ast.walk(expression) if isinstance(n, ast.Attribute))
    return any(isinstance(n.value, ast.Name) and n.value.id not in modules for n in attributes)


def _imported_in(tree: ast.AST) -> set[str]:
    imports = (n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom)))
    # A cell of a notebook has NumPy from another one.
    return {"np", *(alias.asname or alias.name for node in imports for alias in node.names)}


def _sums_in(tree: ast.AST) -> set[str]:
    """Variables that a loop both sets and adds to: sums rather than parameters."""
    return {
        ast.unparse(target)
        for loop in ast.walk(tree)
        if isinstance(loop, (ast.For, ast.While))
        for node in ast.walk(loop)
        if isinstance(node, ast.Assign) and update_of(node) is None
        for target in targets_of(node)
    }


def _names_in(tree: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def _bodies(node: ast.AST, depth: int, owner: str) -> Iterator[tuple[list[ast.stmt], int, str]]:
    """The bodies of loops, each with its depth and the function that contains it."""
    for child in ast.iter_child_nodes(node):
        inner = child.name if isinstance(child, ast.FunctionDef) else owner
        if isinstance(child, (ast.For, ast.While)):
            yield child.body, depth + 1, owner
            yield from _bodies(child, depth + 1, owner)
        else:
            yield from _bodies(child, depth, inner)


def _after_parameters(tree: ast.Module) -> list[ast.stmt]:
    """The statements after the parameters are made, for a script without a loop."""
    everything = _names_in(tree)
    assigned = _assigned_in(tree)
    updated = {ast.unparse(targets_of(s)[0]) for s in tree.body if update_of(s) is not None}
    parameters = updated | {
        tensor for name in assigned if (tensor := _tensor_of(name, everything)) is not None
    }
    start = 0
    computed: set[str] = set()
    for i, statement in enumerate(tree.body):
        made = {ast.unparse(t) for t in targets_of(statement)}
        reads = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)} - made
        if reads & (parameters | computed):
            computed |= made
        elif made & parameters and update_of(statement) is None:
            start = i + 1
        defines = isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom))
        if defines and not computed:
            start = max(start, i + 1)
    if start >= len(tree.body):
        raise ValueError("check_script() finds no statement after the parameters are made")
    body = tree.body[start:]
    # A block of its own lets the statements be replaced in place.
    block = ast.If(ast.Constant(True), body, [])
    tree.body[start:] = [ast.fix_missing_locations(ast.copy_location(block, body[0]))]
    return body


def _tensor_of(gradient: str, names: Collection[str]) -> str | None:
    """The variable to which a gradient belongs by its name, or its list: `dw0` means `w[0]`."""
    found = tensor_among(gradient, names)
    entries = (name.rstrip("0123456789") for name in tensors_named_in(gradient))
    return found or next((name for name in entries if name in names), None)


def _with_loss(
    tree: ast.Module, body: list[ast.stmt], name: str, expression: ast.expr
) -> list[ast.stmt]:
    """The statements with the loss inserted where every name in it is known.

    What is known by attributes, as `net.output`, is known before the first update.
    """
    needed = _names_in(expression) - _imported_in(tree)
    assigned = {
        n: i for i, s in reversed(list(enumerate(body))) for n in _assigned_in(ast.Module([s], []))
    }
    places = [assigned[n] for n in needed if n in assigned]
    if not places or _reads_attributes(tree, expression):
        places += [i - 1 for i, s in enumerate(body) if i and _updates(s, tree)][:1]
    place = max(places, default=len(body) - 1)
    loss = ast.Assign([ast.Name(name, ast.Store())], expression)
    ast.copy_location(loss, body[place])
    for node in ast.walk(loss):
        ast.copy_location(node, body[place])
    return [*body[: place + 1], loss, *body[place + 1 :]]


def _run_up_to(
    tree: ast.Module, body: list[ast.stmt], filename: str, namespace: dict[str, Any]
) -> _Captured:
    """Runs the script up to `body`, and returns its variables there."""
    left = ast.parse(f"{CAPTURE}(locals(), globals())").body[0]
    ast.copy_location(left, body[0])
    ast.fix_missing_locations(left)
    original = list(body)
    body[:] = [left, *original]
    module = types.ModuleType("__main__")
    names = module.__dict__
    names.update(namespace)
    names.update({"__file__": filename, "__name__": "__main__", CAPTURE: _capture})
    try:
        exec(compile(tree, filename, "exec"), names)
    except _Captured as captured:
        return captured
    except SystemExit:
        pass
    except Exception as error:
        line = _line_of(error, filename)
        raise ValueError(
            f"line {line} of the script raised {type(error).__name__}, before its loop: {error}"
        ) from error
    finally:
        body[:] = original
    raise ValueError(f"the script ended before line {original[0].lineno}, where its loop begins")


def _capture(variables: dict[str, Any], names: dict[str, Any]) -> None:
    raise _Captured(dict(variables), names)


def _line_of(error: Exception, filename: str) -> int | None:
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _as_function(
    body: list[ast.stmt],
    captured: _Captured,
    filename: str,
    loss: str,
    owner: str,
    changed: Sequence[ast.FunctionDef],
) -> Subject:
    """One pass of a loop as a function of the variables that it reads."""
    read = _names_in(ast.Module(body, []))
    variables = captured.variables
    known = [n for n in variables if n in read and is_data(variables[n])]
    once = ast.For(
        ast.Name("__pass", ast.Store()), ast.Tuple([ast.Constant(0)], ast.Load()), body, []
    )
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(n) for n in known], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    name = SCRIPT if owner == "<script>" else owner
    tree = made_function(name, arguments, [once])
    ast.copy_location(tree, body[0])
    ast.fix_missing_locations(tree)
    namespace = captured.names
    # A loop inside a function may use helpers of that function.
    namespace.update({n: v for n, v in variables.items() if n in read and n not in known})
    module = ast.Module([copy.deepcopy(tree)], [])
    made: dict[str, Any] = {}
    exec(compile(module, filename, "exec"), namespace, made)
    function = made[name]
    sources = Sources(changed)
    sources.definitions[function.__code__] = sources.add(tree, filename, ())
    inputs = tuple(variables[n] for n in known)
    return Subject(function, None, inputs, None, loss, sources)
