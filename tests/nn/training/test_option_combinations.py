"""nn.fit with its options in all combinations, against a loop in plain NumPy."""

import itertools

import numpy as np
import pytest

import nn

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 23))
LABELS = rng.integers(0, 4, 23)
COUNTS = rng.uniform(0.5, 3, 23)
HELD_X, HELD_LABELS = rng.normal(size=(3, 7)), rng.integers(0, 4, 7)
HELD_COUNTS = rng.uniform(0.5, 3, 7)

RATE, EPOCHS, SEED, LIMIT = 0.5, 3, 5, 0.1
VALIDATION = ["none", "share", "pair", "triple"]
OPTIONS = list(
    itertools.product(
        VALIDATION, [True, False], [5, None], [True, False], [True, False], [LIMIT, None]
    )
)


def parts(validation, weighted):
    """What is trained on, and what is held out: samples, labels and weights."""
    whole = X, LABELS, COUNTS if weighted else np.ones(23)
    if validation == "none":
        return whole, None
    if validation == "share":
        # A fifth of 23 is 5, from the end.
        return tuple(a[..., :18] for a in whole), tuple(a[..., 18:] for a in whole)
    return whole, (HELD_X, HELD_LABELS, HELD_COUNTS if validation == "triple" else np.ones(7))


def measured(W, b, X, labels, counts):
    """The weighted mean of the loss, its gradients, and the accuracy."""
    logits = W @ X + b
    p = np.exp(logits) / np.exp(logits).sum(axis=0)
    shares = counts / counts.sum()
    loss = -np.sum(shares * np.log(p[labels, np.arange(len(labels))]))
    errors = shares * (p - np.eye(4)[:, labels])
    accuracy = np.sum(shares * (logits.argmax(axis=0) == labels))
    return loss, errors @ X.T, errors.sum(axis=1, keepdims=True), accuracy


def by_hand(W, b, train, held_out, size, drop_last, shuffle, limit):
    records, n = [], train[0].shape[1]
    size = size or n
    for epoch in range(EPOCHS):
        order = np.random.default_rng([SEED, epoch]).permutation(n) if shuffle else np.arange(n)
        total = counted = 0.0
        for at in range(0, n - n % size if drop_last else n, size):
            batch = [a[..., order[at : at + size]] for a in train]
            loss, dW, db, _ = measured(W, b, *batch)
            norm = np.sqrt(np.sum(dW**2) + np.sum(db**2))
            scale = min(1, limit / norm) if limit else 1
            W, b = W - RATE * scale * dW, b - RATE * scale * db
            total += loss * batch[2].sum()
            counted += batch[2].sum()
        record = {"loss": total / counted}
        if held_out is None:
            record["accuracy"] = measured(W, b, *train)[3]
        else:
            loss, _, _, accuracy = measured(W, b, *held_out)
            record |= {"validation_loss": loss, "validation_accuracy": accuracy}
        records.append(record)
    return W, b, records


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.slow
def test_every_combination_is_what_a_loop_gives(compiled):
    # Traced programs take a while to be made: of these a share.
    for validation, weighted, size, drop_last, shuffle, limit in OPTIONS[:: 7 if compiled else 1]:
        net = nn.Sequential(nn.Linear(3, 4, seed=1))
        W, b = (p.numpy() for p in net.parameters())
        train, held_out = parts(validation, weighted)
        given = {
            "none": None,
            "share": 0.2,
            "pair": (HELD_X, HELD_LABELS),
            "triple": (HELD_X, HELD_LABELS, HELD_COUNTS),
        }
        history = nn.fit(
            net,
            X,
            LABELS,
            loss=nn.cross_entropy,
            optimiser=nn.SGD(net.parameters(), RATE),
            epochs=EPOCHS,
            batch_size=size,
            seed=SEED,
            sample_weight=COUNTS if weighted else None,
            validation=given[validation],
            metrics=["accuracy"],
            drop_last=drop_last,
            shuffle=shuffle,
            clip_norm=limit,
            compile=compiled,
            verbose=False,
            advice=False,
        )
        W, b, records = by_hand(W, b, train, held_out, size, drop_last, shuffle, limit)
        where = str((validation, weighted, size, drop_last, shuffle, limit))
        for parameter, expected in zip(net.parameters(), (W, b), strict=True):
            np.testing.assert_allclose(parameter.data, expected, rtol=1e-9, err_msg=where)
        for found, expected in zip(history.records, records, strict=True):
            assert {k: found[k] for k in expected} == pytest.approx(expected), where
            assert found.keys() - expected.keys() == {"epoch", "learning_rate", "seconds"}, where
