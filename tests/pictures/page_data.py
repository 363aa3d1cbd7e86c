"""Computations as the page reads them: a small net with its numbers, and one of any size."""

import math

import numpy as np


class Computation:
    """The data of a page, node by node and step by step."""

    def __init__(self, title, width, height):
        self.data = {
            "title": title,
            "width": float(width),
            "height": float(height),
            "nodes": [],
            "edges": [],
            "groups": [],
            "arrays": [],
            "steps": [],
        }

    def array(self, value, reduced=False):
        value = np.asarray(value)
        if reduced:
            grid = value
        else:
            grid = value.reshape(-1, value.shape[-1]) if value.ndim else value.reshape(1, 1)
        numbers = value[np.isfinite(value)]
        low, mean, high = (numbers.min(), numbers.mean(), numbers.max()) if numbers.size else "---"
        self.data["arrays"].append(
            {
                "shape": list(value.shape),
                "dtype": str(value.dtype),
                "rows": grid.shape[0],
                "columns": grid.shape[1],
                "cells": [str(number) for number in grid.ravel()],
                "reduced": reduced,
                "min": str(low),
                "mean": str(mean),
                "max": str(high),
                "nan": int(np.isnan(value).sum()),
                "inf": int(np.isinf(value).sum()),
            }
        )
        return len(self.data["arrays"]) - 1

    def node(self, kind, name, x, y, value=None, formula="", operation="", **more):
        index = None if value is None else self.array(value)
        self.data["nodes"].append(
            {
                "kind": kind,
                "name": name,
                "formula": formula,
                "operation": operation,
                "shape": "" if value is None else str(np.shape(value)),
                "dtype": "" if value is None else str(np.asarray(value).dtype),
                "line": f'File "net.py", line {y // 70 + 2}, in forward' if operation else None,
                "x": float(x),
                "y": float(y),
                "w": max(64.0, 6.4 * min(40, max(len(name), len(formula))) + 18),
                "h": 52.0 if formula else 38.0,
                "value": index,
                "gradient": None,
                "fault": None,
                "verdict": None,
                **more,
            }
        )
        return len(self.data["nodes"]) - 1

    def edge(self, start, end):
        a, b = self.data["nodes"][start], self.data["nodes"][end]
        x1, y1, x2, y2 = a["x"], a["y"] + a["h"] / 2, b["x"], b["y"] - b["h"] / 2
        # Edges from the sides enter beside the middle.
        x2 += max(-b["w"] / 4, min(b["w"] / 4, (x1 - x2) / 4))
        bend = (y2 - y1) / 2
        self.data["edges"].append(
            {
                "from": start,
                "to": end,
                "path": f"M {x1},{y1} C {x1},{y1 + bend} {x2},{y2 - bend} {x2},{y2}",
                "tip": [[x2, y2 - 8], [x2, y2]],
            }
        )
        return len(self.data["edges"]) - 1

    def forward(self, node, edges):
        self.data["steps"].append({"phase": "forward", "node": node, "edges": edges})

    def seed(self, node, value):
        index = self.array(value)
        self.data["nodes"][node]["gradient"] = index
        step = {"phase": "backward", "node": node, "seed": True, "sum": index}
        self.data["steps"].append(step)

    def backward(self, edge, formula, product, local=None, local_value=None, note=""):
        start, end = (self.data["edges"][edge][key] for key in ("from", "to"))
        nodes, arrays = self.data["nodes"], self.data["arrays"]
        before = nodes[start]["gradient"]
        total = product
        if before is not None:
            old = np.array([float(cell) for cell in arrays[before]["cells"]])
            total = product + old.reshape(np.shape(product))
        nodes[start]["gradient"] = self.array(total)
        self.data["steps"].append(
            {
                "phase": "backward",
                "node": end,
                "edge": edge,
                "operand": start,
                "arriving": nodes[end]["gradient"],
                "local": local,
                "local_value": None if local_value is None else self.array(local_value),
                "formula": formula,
                "product": self.array(product),
                "note": note,
                "before": before,
                "sum": nodes[start]["gradient"],
            }
        )

    def verdict(self, node, status, gradient, line, message, derived=None):
        found = {
            "status": status,
            "gradient": gradient,
            "line": line,
            "message": message,
            "derived": None if derived is None else self.array(derived),
        }
        self.data["nodes"][node]["verdict"] = found
        marked = {**found, "expected": self.data["nodes"][node]["gradient"]}
        self.data["steps"].append({"phase": "backward", "node": node, "verdict": marked})


def small_net(verdicts=()):
    """A net of one hidden layer and the mean of its squared errors, walked both ways.

    `verdicts` maps "dA1" and "dZ1" to statuses of a derivation by hand that forgot the `1 -`.
    """
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(3, 5)), np.array([[1.0, 0.0, 0.0, 1.0, 1.0]])
    W1, b1 = rng.normal(size=(4, 3)), np.zeros((4, 1))
    W2 = rng.normal(size=(1, 4))
    v1 = W1 @ X
    Z1 = v1 + b1
    A1 = 1 / (1 + np.exp(-Z1))
    A2 = W2 @ A1
    E = A2 - Y
    v2 = E * E
    cost = v2.mean()

    net = Computation("cost", 560, 600)
    x = net.node("constant", "X", 190, 40, X)
    w1 = net.node("parameter", "W1", 90, 40, W1)
    bias = net.node("parameter", "b1", 290, 120, b1)
    product = net.node("operation", "v1", 140, 120, v1, "W1 @ X", "matmul")
    z1 = net.node("operation", "Z1", 200, 210, Z1, "v1 + b1", "add")
    a1 = net.node("operation", "A1", 200, 300, A1, "sigmoid(Z1)", "sigmoid")
    w2 = net.node("parameter", "W2", 370, 300, W2)
    a2 = net.node("operation", "A2", 280, 390, A2, "W2 @ A1", "matmul")
    y = net.node("constant", "Y", 430, 390, Y)
    e = net.node("operation", "E", 350, 465, E, "A2 - Y", "subtract")
    square = net.node("operation", "v2", 350, 540, v2, "E * E", "multiply")
    loss = net.node("result", "cost", 200, 540, cost, "mean(v2)", "mean")
    net.data["groups"].append({"label": "Linear(3, 4)", "x": 40, "y": 86, "w": 310, "h": 156})
    pairs = [(w1, product), (x, product), (product, z1), (bias, z1), (z1, a1), (w2, a2), (a1, a2)]
    pairs += [(a2, e), (y, e), (e, square), (e, square), (square, loss)]
    edges = [net.edge(*pair) for pair in pairs]
    # The two factors of E * E are two edges, one at either side; the loss is beside its operand.
    for i, shift in ((9, -14), (10, 14)):
        net.data["edges"][i]["path"] = f"M {350 + shift / 3},491 L {350 + shift},514"
        net.data["edges"][i]["tip"] = [[350 + shift / 2, 502], [350 + shift, 514]]
    net.data["edges"][11]["path"] = "M 309,540 C 285,540 270,540 245,540"
    net.data["edges"][11]["tip"] = [[253, 540], [245, 540]]
    for node in (product, z1, a1, a2, e, square, loss):
        net.forward(node, [i for i, pair in enumerate(pairs) if pair[1] == node])

    dv2 = np.full((1, 5), 1 / 5)
    half = dv2 * E
    dE = 2 * half
    dA1 = W2.T @ dE
    slope = A1 * (1 - A1)
    dZ1 = dA1 * slope
    net.seed(loss, np.float64(1.0))
    net.backward(edges[11], "dcost / 5", dv2, "1 / 5", np.float64(0.2), "spread over v2")
    net.backward(edges[9], "dv2 * E", half, "E", E)
    net.backward(edges[10], "dv2 * E", half, "E", E)
    net.backward(edges[7], "dE", dE)
    net.backward(edges[5], "dA2 @ A1.T", dE @ A1.T, "A1.T", A1.T)
    net.backward(edges[6], "W2.T @ dA2", dA1, "W2.T", W2.T)
    verdicts = dict(verdicts)
    if status := verdicts.get("dA1"):
        net.verdict(a1, status, "dA1", 14, "dA1 agrees with the gradient of cost by A1.", dA1)
    net.backward(edges[4], "dA1 * (A1 * (1 - A1))", dZ1, "A1 * (1 - A1)", slope)
    if status := verdicts.get("dZ1"):
        message = "dZ1 lacks a factor 1 - A1: write dZ1 = dA1 * A1 * (1 - A1)."
        net.verdict(z1, status, "dZ1", 15, message, dA1 * A1)
    net.backward(edges[2], "dZ1", dZ1)
    summed = dZ1.sum(axis=1, keepdims=True)
    note = "summed over axis 1, along which b1 was broadcast"
    net.backward(edges[3], "sum(dZ1, axis=1)", summed, note=note)
    net.backward(edges[0], "dv1 @ X.T", dZ1 @ X.T, "X.T", X.T)
    return net.data


def one_node(value, **more):
    """A page of a single node with a value of any kind."""
    page = Computation("one", 200, 120)
    page.forward(page.node("result", "v", 100, 60, value, "f(x)", "f", **more), [])
    return page.data


def large_net(count=2000, shape=(4, 5)):
    """`count` nodes: ladders of v = tanh(v * w), one beside the other, all with their numbers."""
    rows = 50
    pairs = count // 2
    net = Computation("a large one", 150 * math.ceil(pairs / rows) * 1.6, 75 * rows + 40)
    value = np.linspace(-1, 1, math.prod(shape)).reshape(shape)
    steps = []
    last = None
    for i in range(pairs):
        x, y = 240 * (i // rows), 75 * (i % rows) + 40
        w = net.node("parameter", f"w{i}", x + 50, y, value)
        v = net.node("operation", f"v{i}", x + 150, y + 40, value, f"tanh(w{i})", "tanh")
        edges = [net.edge(w, v)]
        if last is not None and i % rows:
            edges.append(net.edge(last, v))
        net.forward(v, edges)
        steps.append((v, edges))
        last = v
    net.seed(last, np.ones(shape))
    for v, edges in reversed(steps):
        if net.data["nodes"][v]["gradient"] is None:
            net.data["nodes"][v]["gradient"] = net.array(np.ones(shape))
        for edge in edges:
            net.backward(edge, "d * (1 - v * v)", value / 3, "1 - v * v", value)
    return net.data
