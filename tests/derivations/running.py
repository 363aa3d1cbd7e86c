"""Running source texts of passes, and reading the variables that they leave."""

import ast
import linecache
import multiprocessing
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

Values = dict[str, Any]


def load(source: str, label: str, **given: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`forward` and `backward` of a source text, whose lines tracebacks and `inspect` find."""
    filename = f"<derivation {label}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    module = types.ModuleType(f"derivation_{label}")
    module.__dict__.update(given)
    exec(compile(source, filename, "exec"), module.__dict__)
    return module.forward, module.backward


def arguments(forward: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """What `backward` takes: the cache, where `forward` returns one, or else the inputs."""
    returned = forward(*inputs)
    return (returned[1],) if isinstance(returned, tuple) else inputs


def call(function: Callable[..., Any], *args: Any) -> tuple[Any, Values]:
    """What a function returns, and its local variables as it does."""
    found: Values = {}

    def watch(frame: types.FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is function.__code__:
            found.update(frame.f_locals)

    sys.setprofile(watch)
    try:
        with np.errstate(all="ignore"):
            returned = function(*args)
    finally:
        sys.setprofile(None)
    return returned, found


def named(variables: Mapping[str, Any]) -> Values:
    """Local variables and entries of dicts by name: that of Z["1"] is Z1, of grads["dW1"] dW1."""
    found: Values = {}
    for name, value in variables.items():
        if isinstance(value, dict):
            for key, entry in value.items():
                found[name + key if str(key).isdigit() else key] = entry
        else:
            found[name] = value
    return found


def gradients_of(backward: Callable[..., Any], args: tuple[Any, ...], names: Any) -> Values:
    """The gradients called `names` that a backward pass returns or leaves in its variables."""
    returned, variables = call(backward, *args)
    found = named(variables)
    if isinstance(returned, dict):
        found |= named({"": returned})
    return {name: np.array(found[name]) for name in names if name in found}


def snapshots(function: Callable[..., Any], args: tuple[Any, ...]) -> dict[int, Values]:
    """The local variables before each line ran first, by its number."""
    found: dict[int, Values] = {}

    def trace(frame: types.FrameType, event: str, _: Any) -> Any:
        if frame.f_code is not function.__code__:
            return None
        if event == "line":
            found.setdefault(frame.f_lineno, _copied(frame.f_locals))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*args)
    finally:
        sys.settrace(before)
    return found


def _copied(variables: Mapping[str, Any]) -> Values:
    return {n: dict(v) if isinstance(v, dict) else v for n, v in variables.items()}


def evaluate(node: ast.expr, scope: Values, module: Mapping[str, Any]) -> Any:
    """The value of an expression, or None where it has none."""
    code = compile(ast.fix_missing_locations(ast.Expression(node)), "<operand>", "eval")
    try:
        with np.errstate(all="ignore"):
            return eval(code, dict(module), dict(scope))
    except Exception:
        return None


def raising_line(error: BaseException, label: str) -> int | None:
    """The line of the source text in which an error rose."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == f"<derivation {label}>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def on_every_core(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """What a function gives of each item, computed by as many processes as there are cores."""
    with multiprocessing.get_context("fork").Pool() as pool:
        return pool.map(function, items, chunksize=1)


def assert_blamed(report: Any, text: str, part: str, cause: str, words: str) -> None:
    """Asserts that a report blames the first line of `text` with `part` alone, and says `words`."""
    wrong = {(line.line, line.cause) for line in report if line.status == "wrong"}
    number = next(i for i, line in enumerate(text.splitlines(), 1) if part in line)
    assert wrong == {(number, cause)}, str(report)
    assert words in str(report)
