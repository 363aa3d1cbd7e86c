"""Graphs to draw, and what the text of a drawing says."""

import re
from xml.etree import ElementTree

import numpy as np

import autograd_lite as al
import nn


def labels(picture):
    """The lines of each node's label, by the node's id, in the order of the text."""
    found = {}
    for line in picture.source.splitlines():
        if match := re.match(r'\t+(\w+) \[label=(<<.*>>|"(?:[^"\\]|\\.)*"|[^" \]]+)[ \]]', line):
            name, label = match.groups()
            if name not in ("graph", "node", "edge"):
                markup = label.startswith("<<")
                found[name] = rows(label) if markup else label.strip('"').split(r"\n")
    return found


def rows(label):
    """The lines of a label with numbers: those of a matrix with spaces between, bars as numbers."""
    found = []
    for row in ElementTree.fromstring(label[1:-1]).findall("TR"):
        inner = row.find("TD/TABLE")
        bars = [] if inner is None else inner.findall("TR/TD/TABLE/TR/TD")
        if bars:
            heights = (int(b.get("HEIGHT")) if b.get("BGCOLOR") else 0 for b in bars)
            found.append(" ".join(map(str, heights)))
        elif inner is not None:
            found += ["  ".join("".join(td.itertext()) for td in tr) for tr in inner]
        else:
            found.append("".join(row.itertext()))
    return found


def fonts(label):
    """The colour and the font of each text in a label with numbers, in their order."""
    tree = ElementTree.fromstring(label[1:-1])
    return [(f.text, f.get("COLOR"), f.get("FACE")) for f in tree.iter("FONT")]


def edges(picture):
    """The edges, as pairs of what the first lines of the labels of their ends say."""
    first = {name: lines[0] for name, lines in labels(picture).items()}
    found = re.findall(r"^\t(\w+) -> (\w+)( \[.*\])?$", picture.source, re.MULTILINE)
    ends = [
        (b, a) if "dir=back" in style else (a, b) for a, b, style in found if "invis" not in style
    ]
    return [(first[a], first[b]) for a, b in ends]


def styles(picture):
    """The fill colour of each node, by the first line of its label."""
    first = {name: lines[0] for name, lines in labels(picture).items()}
    found = re.findall(r'^\t+(\w+) \[label=.*fillcolor="(#\w+)"', picture.source, re.MULTILINE)
    return {first[name]: colour for name, colour in found}


def parameter(shape, name=None):
    return al.Tensor(np.ones(shape), requires_grad=True, name=name)


def small_net():
    W = parameter((4, 3), "W")
    b = parameter((4, 1), "b")
    X = np.ones((3, 5))
    Z = np.dot(W, X) + b
    A = np.tanh(Z)
    cost = A.sum() / 5
    al.label(locals())
    return cost


def chain(length):
    y = parameter((), "x")
    for _ in range(length):
        y = y + 1
    return y


def box(picture, first_line):
    """The lines of the only box that begins with `first_line`."""
    (found,) = (lines for lines in labels(picture).values() if lines[0] == first_line)
    return found


def frames(picture):
    """The labels of the frames."""
    opened = re.findall(r'subgraph cluster_\d+ \{\n\t.*?label=("[^"]*"|[^ \n]+)', picture.source)
    return [label.strip('"') for label in opened]


def net(layers=2):
    sizes = [3, *range(layers + 1, 1, -1), 1]
    parts = []
    for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
        parts += [nn.ReLU()] if i else []
        parts.append(nn.Linear(n_in, n_out, seed=i))
    return nn.Sequential(*parts)
