"""Trees: every kind of container goes through every door that takes nested arrays."""

from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.arrays.trees import build, leaves_of, map_leaves, map_paths, split

Layer = namedtuple("Layer", "weight bias")
A, B = np.array([1.0, 2.0]), np.array([3.0, 4.0])


@dataclass
class Weights:
    W: object
    b: object


@dataclass(frozen=True)
class Frozen:
    W: object
    b: object
    note: str = field(default="kept", init=False)


class Named(dict):
    pass


TREES = {
    "list": [A, B],
    "tuple": (A, B),
    "namedtuple": Layer(A, B),
    "dict": {"W": A, "b": B},
    "OrderedDict": OrderedDict(W=A, b=B),
    "defaultdict": defaultdict(list, W=A, b=B),
    "subclass of dict": Named(W=A, b=B),
    "dataclass": Weights(A, B),
    "nested": {"layers": [Layer(A, None), (B, Weights(A, [B]))], "none": None},
    "nothing": [],
}


def items(tree):
    return [leaf for leaf in leaves_of(tree) if isinstance(leaf, (np.ndarray, al.Tensor))]


def total(tree):
    return sum((np.sum(leaf * leaf) for leaf in items(tree)), np.sum(A))


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_a_tree_keeps_its_kinds_and_its_leaves_their_places(tree):
    doubled = map_leaves(lambda leaf: 2 * leaf, tree)
    assert type(doubled) is type(tree)
    for twice, once in zip(items(doubled), items(tree), strict=True):
        np.testing.assert_array_equal(twice, 2 * once)
    keys, inner = split(tree)
    again = build(type(tree), keys, inner)
    assert [*map(id, leaves_of(again))] == [*map(id, leaves_of(tree))]
    assert [*map(id, leaves_of(map_leaves(lambda leaf: leaf, tree)))] == [*map(id, leaves_of(tree))]


def test_what_a_container_has_besides_its_items_stays():
    tree = defaultdict(list, a=1)
    assert map_leaves(abs, tree)["new"] == []
    frozen = map_leaves(lambda leaf: leaf if isinstance(leaf, str) else -leaf, Frozen(A, B))
    assert frozen.note == "kept"
    np.testing.assert_array_equal(frozen.W, -A)


def test_slices_are_containers_and_none_has_no_leaves():
    assert map_leaves(lambda n: n + 1, (slice(0, None, 2), None)) == (slice(1, None, 3), None)
    assert leaves_of(None) == []
    assert split(Weights) is None


def test_paths_lead_to_the_leaves():
    paths = map_paths(lambda _, path: path, TREES["nested"], (), lambda path, key: (*path, key))
    assert leaves_of(paths)[:3] == ["layers", 0, 0]


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_gradients_have_the_structure_of_the_argument(tree):
    if tree == []:
        return
    gradient = al.grad(total)(tree)
    assert type(gradient) is type(tree)
    for g, leaf in zip(items(gradient), items(tree), strict=True):
        np.testing.assert_array_equal(g, 2 * leaf)


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_compiled_functions_take_and_give_every_kind_of_tree(tree):
    def doubled(tree):
        return map_leaves(lambda leaf: 2 * leaf, tree)

    found = al.compile(doubled)(tree)
    assert type(found) is type(tree)
    for twice, once in zip(items(found), items(tree), strict=True):
        np.testing.assert_array_equal(twice, 2 * once)


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
def test_checkpoints_take_every_kind_of_tree(tree):
    found = al.grad(lambda scale: al.checkpoint(total)(map_leaves(lambda x: x * scale, tree)))(1.0)
    expected = 2 * sum(float(np.sum(leaf * leaf)) for leaf in items(tree))
    np.testing.assert_allclose(found, expected)
