"""The statements of a sheet, read as NumPy and computed with the numbers that the sheet shows."""

from __future__ import annotations

import re

import numpy as np

from autograd_lite.program.ir import function_name
from autograd_lite.sheets.content import statements_of


def problems(content):
    """What is wrong with the texts of a sheet, in sentences.

    Each name stands for one value, and each expression gives the number, the shape and the dtype
    that the sheet shows. Calls of functions of a person's are open to their own lines.
    """
    found = []
    known = {}
    space = {name: number for number, name in content.recorded.whole.items()}
    space |= {function_name(s.function): s.function for s in content.computation.program.steps}
    called = {"function", *functions_of(content.rows)}
    for one in statements_of(content.rows):
        text = one.expression.text.text
        sign = "+=" if one.adds else "="
        where = f"{one.label} {sign} {text}"
        names = {x.label: x.variable for x in leaves(one.expression) if x.variable is not None}
        names = {k: v for k, v in names.items() if not k.startswith("np.")}
        own = {} if one.adds or not one.only else {one.label: one.variable}
        for label, variable in (*names.items(), *own.items()):
            first = content.values[known.setdefault(label, variable)]
            value = content.values[variable]
            # A number may be there twice, and so may an index.
            whole = np.ndim(value) == 0 or np.asarray(value).dtype.kind in "iu"
            if first is not value and not (whole and np.array_equal(first, value)):
                found.append(f"{where}: {label} is another value elsewhere")
        if not called.isdisjoint(re.findall(r"(?<![\w.])(\w+)\(", text)):
            continue
        values = {label: content.values[variable] for label, variable in names.items()}
        try:
            got = np.asarray(evaluated(text, space | values))
        except Exception as error:
            found.append(f"{where}: {type(error).__name__}: {error}")
        else:
            wrong = difference(got, np.asarray(content.values[one.variable]), one.adds)
            found += [f"{where}: {wrong}"] if wrong else []
    return found


def functions_of(rows):
    """The names of the functions that the lines are of."""
    for row in rows:
        yield row.function
        for round_ in row.rounds:
            yield from functions_of(round_.inner)


def leaves(expression):
    """The named values and numbers that an expression is written with."""
    if not expression.operands:
        yield expression
    for inner in expression.operands:
        yield from leaves(inner)


def evaluated(text, names):
    """The value of a text, whose names may be such as `d(Z - mu)`."""
    space = {"np": np}
    for i, name in enumerate(sorted(names, key=len, reverse=True)):
        key = name
        if not name.isidentifier():
            key = f"_name{i}"
            text = text.replace(name, key)
        space[key] = names[name]
    with np.errstate(all="ignore"):
        return eval(text, space)


def difference(got, wanted, adds):
    """How an array is not the one that is wanted; what is added to it may be expanded by that."""
    if got.dtype.newbyteorder("=") != wanted.dtype.newbyteorder("=") and got.dtype.kind != "b":
        return f"dtype {got.dtype}, not {wanted.dtype}"
    if (np.broadcast_shapes(got.shape, wanted.shape) if adds else got.shape) != wanted.shape:
        return f"shape {got.shape}, not {wanted.shape}"
    tolerance = 1e-10 if wanted.dtype.itemsize > 4 else 1e-5
    close = np.allclose(got, wanted, rtol=tolerance, atol=tolerance * 1e-3, equal_nan=True)
    return "" if close else f"{got}, not {wanted}"
