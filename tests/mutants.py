"""Changes a package in one place at a time, and asks which changes its tests do not notice.

    python tests/mutants.py nn/layers -n 60 -- python -m pytest -xq tests/nn/test_layers.py

mutates the files of `nn/layers` in 60 places, drawn by `--seed`, runs the command against each in a
copy of the checkout, and prints the mutants that survive, with the share of those that do not.
`nn/layers/linear.py:40` or `nn/layers/linear.py:40-60` are mutated in these lines only, and
`-n 0` takes every place. A survivor is either equivalent, or a test is missing.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SWAPS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.MatMult: ast.Mult, ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.And: ast.Or,
    ast.Or: ast.And, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}  # fmt: skip
IGNORED = {"annotation", "returns", "decorator_list", "type_params", "bases"}
MEANINGLESS = ("__all__", "__slots__")


@dataclass(frozen=True)
class Mutant:
    """A stretch of the bytes of a file, and what is to stand there."""

    path: str
    line: int
    start: int
    end: int
    text: str

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]

    def diff(self, source: bytes) -> str:
        first = source.rfind(b"\n", 0, self.start) + 1
        last = source.find(b"\n", self.end)
        mutated = source[first : self.start] + self.text.encode() + source[self.end : last]
        lines = [f"- {line}" for line in source[first:last].decode().splitlines()]
        lines += [f"+ {line}" for line in mutated.decode().splitlines()]
        return "\n".join([f"{self.path}:{self.line}", *lines])


def mutated(node):
    """Texts that may stand in the place of an expression."""
    match node:
        case ast.BinOp() | ast.BoolOp() if type(node.op) in SWAPS:
            fields = {**dict(ast.iter_fields(node)), "op": SWAPS[type(node.op)]()}
            yield ast.unparse(type(node)(**fields))
        case ast.Compare():
            for i, op in enumerate(node.ops):
                ops = [*node.ops[:i], SWAPS[type(op)](), *node.ops[i + 1 :]]
                yield ast.unparse(ast.Compare(node.left, ops, node.comparators))
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield ast.unparse(node.operand)
        case ast.Constant(value=bool()):
            yield str(not node.value)
        case ast.Constant(value=int() | float()):
            yield repr(node.value + 1 if isinstance(node.value, int) else 2 * node.value + 0.5)
        case ast.Subscript(slice=ast.Slice()):
            yield ast.unparse(node.value)


def mutants(path, source):
    """Every mutant of the source of a file."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def replaced(node, text):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        return Mutant(path, node.lineno, start, end, text)

    def walk(node):
        match node:
            case ast.JoinedStr() | ast.Import() | ast.ImportFrom():
                return
            case ast.Assign(targets=[ast.Name(id=name)]) if name in MEANINGLESS:
                return
            case ast.Expr(value=ast.Constant()):
                return
            case ast.Expr() | ast.Assign() | ast.AugAssign() | ast.Raise() | ast.Delete():
                yield replaced(node, "pass")
            case ast.Return(value=ast.Constant(value=None)):
                pass
            case ast.Return(value=value) if value is not None:
                yield replaced(value, "None")
            case ast.If(test=test) | ast.IfExp(test=test):
                yield replaced(test, f"(not ({ast.unparse(test)}))")
        for text in mutated(node) if isinstance(node, ast.expr) else ():
            yield replaced(node, f"({text})")
        for name, value in ast.iter_fields(node):
            if name not in IGNORED:
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        yield from walk(child)

    yield from walk(ast.parse(source))


def named_files(named):
    """The Python files below a path; of `file.py:3-9`, the file and the lines that are meant."""
    name, _, lines = named.partition(":")
    first, _, last = lines.partition("-")
    meant = range(int(first), int(last or first) + 1) if first else None
    path = Path(name)
    return [(str(p), meant) for p in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]


def copy_of_checkout(folder):
    """Copies what git knows, or would add, of the checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True).stdout.decode()
    for name in filter(os.path.isfile, listed.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, target)


def passes(command, folder, limit):
    """Whether the command ends with 0, in time."""
    env = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'tests'}"}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            return process.wait(limit) == 0
        except subprocess.TimeoutExpired:
            # Its children too.
            os.killpg(process.pid, 9)
            return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+")
    parser.add_argument("-n", type=int, default=50, help="how many mutants, 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    own, command = sys.argv[1:], []
    if "--" in own:
        own, command = own[: own.index("--")], own[own.index("--") + 1 :]
    options = parser.parse_args(own)
    if not command:
        parser.error("the command that runs the tests stands behind --")

    sources, found = {}, []
    for path, meant in [pair for named in options.paths for pair in named_files(named)]:
        sources[path] = Path(path).read_bytes()
        found += [m for m in mutants(path, sources[path]) if meant is None or m.line in meant]
    drawn = found
    if options.n and options.n < len(found):
        drawn = random.Random(options.seed).sample(found, options.n)

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "checkout"
        copy_of_checkout(folder)
        began = time.monotonic()
        if not passes(command, folder, None):
            sys.exit(f"without a mutant this fails in a copy of the checkout: {' '.join(command)}")
        limit = 10 + 4 * (time.monotonic() - began)
        survivors = 0
        for number, mutant in enumerate(drawn, start=1):
            source = sources[mutant.path]
            for text in (mutant.apply(source), source):
                (folder / mutant.path).write_bytes(text)
                # A time of its own, so that Python's cache does not take it for what it was.
                stamp = 1_000_000_000 + 2 * number + (text is source)
                os.utime(folder / mutant.path, (stamp, stamp))
                if text is not source and passes(command, folder, limit):
                    survivors += 1
                    print(f"\n{mutant.diff(source)}", flush=True)
    killed = len(drawn) - survivors
    print(f"\n{killed} of {len(drawn)} killed, {killed / max(1, len(drawn)):.0%}; "
          f"there are {len(found)} places")  # fmt: skip


if __name__ == "__main__":
    main()
