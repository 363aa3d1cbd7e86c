"""A sheet with the history of a training."""

import json
import re

import numpy as np
import pytest

import autograd_lite as al
import nn
from autograd_lite.extend import sheet_history


def data_of(path):
    text = path.read_text("utf-8")
    return json.loads(re.search(r'id="computation">(.*?)</script>', text)[1])


def statements(rows):
    for row in rows:
        for round_ in row["rounds"]:
            yield from round_["forward"] + round_["backward"]
            yield from statements(round_["inner"])


def samples(n=40):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(4, n))
    return X, (X[:1] * X[1:2] > 0) * 1.0


def net():
    return nn.Sequential(nn.Linear(4, 8, seed=1), nn.ReLU(), nn.Linear(8, 1, seed=2), nn.Sigmoid())


def test_a_training_that_is_recorded_is_the_same_training(tmp_path):
    X, Y = samples()
    options = {"loss": nn.binary_cross_entropy, "optimiser": "adam", "epochs": 5, "seed": 3}
    plain, watched = net(), net()
    before = nn.fit(plain, X, Y, **options, verbose=False)
    after = nn.fit(watched, X, Y, **options, verbose=False, record=tmp_path / "run.html")
    assert before["loss"] == after["loss"]
    for a, b in zip(plain.parameters(), watched.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)
        assert b.grad is None


def test_each_statement_has_the_size_of_its_numbers_in_each_epoch(tmp_path):
    X, Y = samples()
    model = net()
    nn.fit(
        *(model, X, Y),
        **{"loss": nn.binary_cross_entropy, "optimiser": "adam", "epochs": 4},
        **{"verbose": False, "record": tmp_path / "run.html"},
    )
    data = data_of(tmp_path / "run.html")
    found = {s["label"]: data["series"][s["at"]] for s in statements(data["rows"])}
    assert {"dW1", "db1", "dW2", "prediction", "loss"} <= set(found)
    assert all(len(series["sizes"]) == 5 for series in found.values())
    assert all(series["broken"] is None for series in found.values())
    assert len(found["dW1"]["moved"]) == 4 and all(m > 0 for m in found["dW1"]["moved"])
    model.eval()
    loss = nn.binary_cross_entropy(model(X), Y)
    np.testing.assert_allclose(found["loss"]["sizes"][-1], float(loss.item()), rtol=1e-12)


def test_the_share_of_dead_units_is_told():
    w = np.array([[1.0], [-1.0], [-2.0], [-3.0]])

    def loss(w, x):
        a = np.maximum(w @ x, 0)
        return np.sum(a)

    history = sheet_history()
    history.look(loss, w, np.ones((1, 5)))
    data = json.loads(re.search(r'id="computation">(.*?)</script>', history.sheet().html)[1])
    [a] = [s for s in statements(data["rows"]) if s["label"] == "a"]
    assert data["series"][a["at"]]["dead"] == [0.75]


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_the_first_nan_is_pinned_to_its_line_though_training_fails(tmp_path):
    X, Y = samples()
    model = nn.Sequential(nn.Linear(4, 1, seed=0))

    def loss(prediction, Y):
        return (np.log(prediction - prediction.data.min()) * Y).mean()

    with pytest.raises(FloatingPointError):
        nn.fit(
            *(model, X, Y),
            **{"loss": loss, "optimiser": "sgd", "epochs": 2, "batch_size": None},
            **{"verbose": False, "advice": False, "record": tmp_path / "run.html"},
        )
    data = data_of(tmp_path / "run.html")
    found = {s["label"]: data["series"][s["at"]] for s in statements(data["rows"])}
    assert found["prediction"]["broken"] is None
    assert found["loss"]["broken"] == 1


def test_there_is_no_sheet_before_a_look():
    with pytest.raises(ValueError, match=r"before the first call of look"):
        sheet_history().sheet()


def test_modules_open_into_their_lines():
    model = net()
    X, Y = samples(6)

    def loss(X, Y):
        P = model(X)
        return nn.binary_cross_entropy(P, Y)

    rows = al.sheet(loss, X, Y)._content.rows
    assert rows[0].rounds[0].forward[0].expression.text.text == "Sequential(X)"
    inner = rows[0].rounds[0].inner
    assert [row.function for row in inner] == ["Sequential"]
    assert len(inner[0].rounds) == 4
    assert inner[0].rounds[0].forward[0].expression.text.text == "Linear(X)"
