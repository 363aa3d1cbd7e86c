"""What other libraries call things: there, or answered with what it is here."""

import copy
import inspect
import pickle
import re

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn import spelling

X = np.random.default_rng(0).normal(size=(4, 50))
Y = (X[:1] > 0).astype(float)


OF_A_USER = (nn.Optimiser,)
"""Classes that are to be derived from, whose options are those of what is derived."""


TAKERS = (nn.fit, nn.Linear, nn.Conv2d, nn.SGD)
"""What the options belong to that answers name."""


def classes():
    """Every class of nn that people make objects of."""
    found = [getattr(nn, name) for name in nn.__all__]
    return [o for o in found if inspect.isclass(o) and not issubclass(o, Exception)]


def options_of(function):
    return set(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", spelling.NAMES)
def test_every_answer_names_what_there_is(name):
    answer = spelling.NAMES[name]
    assert name not in nn.__all__
    for ours in re.findall(r"\bnn\.(\w+)", answer):
        assert hasattr(nn, ours), ours
    for ours in re.findall(r"\b(?:al|autograd_lite)\.(\w+)", answer):
        assert hasattr(al, ours), ours
    for option in re.findall(r"option (\w+)=", answer):
        assert any(option in options_of(f) for f in TAKERS), option
    with pytest.raises(AttributeError, match=re.escape(answer)):
        getattr(nn, name)


@pytest.mark.parametrize("name", spelling.ATTRIBUTES)
def test_every_answer_about_an_attribute_is_of_one_that_is_missing(name):
    assert not hasattr(nn.Module, name) and not hasattr(nn.Optimiser, name)
    with pytest.raises(AttributeError, match=re.escape(spelling.ATTRIBUTES[name])):
        getattr(nn.Linear(2, 1), name)


def test_what_a_training_returns_is_its_history():
    with pytest.raises(AttributeError, match=re.escape("nn.fit itself, as in history['loss']")):
        fit().history  # noqa: B018


@pytest.mark.parametrize("name", spelling.WITHOUT_OPTION)
def test_every_option_that_nothing_replaces_is_answered(name):
    with pytest.raises(TypeError, match=re.escape(f": {spelling.WITHOUT_OPTION[name]}")):
        nn.Linear(2, 3, **{name: None})


@pytest.mark.parametrize("name", spelling.OPTIONS)
def test_every_option_has_its_counterpart_somewhere(name):
    functions = [nn.fit, nn.huber, nn.cross_entropy, nn.clip_by_norm, nn.save, nn.metrics.accuracy]
    known = set.union(*map(options_of, [*classes(), *functions, nn.batches]))
    assert known & set(spelling.OPTIONS[name])


def test_every_class_says_which_option_it_lacks():
    for kind in classes():
        takes = inspect.signature(kind.__init__).parameters.values()
        is_open = any(p.kind is p.VAR_KEYWORD for p in takes) and "__init__" in vars(kind)
        if is_open or not issubclass(kind, spelling.Spelled) or kind in OF_A_USER:
            continue
        with pytest.raises(TypeError, match=rf"{kind.__name__}\(\) has no option 'qqq'$"):
            kind(qqq=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: nn.Adam(p, lr=0.1), "Adam() has no option 'lr': here it is learning_rate="),
        (lambda p: nn.Adam(p, betas=(0.9, 0.99)), "here it is beta1= and beta2="),
        (lambda p: nn.SGD(p, momentun=0.9), "did you mean 'momentum'?"),
        (lambda p: nn.Conv2d(1, 2, kernel_size=3), "here it is window="),
        (lambda p: nn.Linear(in_features=3, out_features=2), "here it is n_in="),
        (lambda p: nn.Dropout(p=0.5), "here it is share="),
        (lambda p: fit(optimizer="adam"), "fit() has no option 'optimizer': here it is optimiser="),
        (lambda p: fit(validation_split=0.2), "here it is validation="),
        (lambda p: fit(num_epochs=3), "here it is epochs="),
        (lambda p: fit(lr=3), "fit() has no option 'lr': the optimiser has it, as in optimiser="),
        (lambda p: nn.Tanh(True), "Tanh() takes no arguments"),
        (lambda p: nn.Linear(2, 3, activation="relu"), "'activation': it is a layer of its own"),
        (lambda p: nn.Sequential([nn.Tanh()]), "not list; write Sequential(*layers)"),
        (lambda p: nn.Sequential(nn.Tanh), "not type; write Tanh(...)"),
        (lambda p: nn.Sequential(np.tanh), "not ufunc; functions have modules here"),
        (lambda p: nn.Sequential("tanh"), "one after the other, not str"),
        (lambda p: nn.Tanh().to("cuda"), "a function of an array, such as cupy.asarray"),
        (lambda p: nn.save({}, "m.h5"), "not dict first; write nn.save(model, path)"),
        (lambda p: nn.save("m.h5", nn.Tanh()), "not str first; write nn.save(model, path)"),
        (lambda p: nn.Sigmoid(inplace=True), "Sigmoid() has no option 'inplace'"),
        (lambda p: nn.Softplus(beta=2), "'beta': scale the input before the layer"),
        (lambda p: nn.batches(X, Y, batch_size=4), "batches() has no option 'batch_size': here it"),
        (lambda p: nn.batches(X, Y, shuffle=True), "'shuffle': with seed= samples are shuffled"),
        (lambda p: nn.batches(X, Y, drop_last=True), "the last batch has the samples that are"),
        (lambda p: nn.binary_cross_entropy(Y, Y, weight=2), "'weight': losses have sample_weight="),
    ],
)
def test_options_of_others(call, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        call([nn.Parameter(np.ones(2))])


def fit(model=None, **options):
    model = model or nn.Sequential(nn.Linear(4, 1, seed=0))
    options = {"loss": nn.mean_squared_error, "optimiser": "sgd", "verbose": False} | options
    options.setdefault("epochs", 2)
    return nn.fit(model, X, Y, **options)


def test_what_fit_lacks_is_said_in_its_name():
    with pytest.raises(TypeError, match=r"^fit\(\): missing a required .*argument: 'loss'"):
        nn.fit(nn.Linear(4, 1), X, Y)
    with pytest.raises(TypeError, match="the loss as a function .* not 'mse'"):
        fit(loss="mse")
    assert options_of(nn.fit) == options_of(nn.training.Training)


@pytest.mark.parametrize("name", ["adagrad", "adam", "adamw", "nesterov", "rmsprop", "sgd", "Adam"])
def test_optimisers_by_name(name):
    named, made = (nn.Sequential(nn.Linear(4, 1, seed=0)) for _ in range(2))
    fit(named, optimiser=name, seed=0)
    fit(made, optimiser=nn.optimisers.by_name(name)(made.parameters()), seed=0)
    np.testing.assert_array_equal(named[0].weight.data, made[0].weight.data)


def test_names_that_are_almost_right():
    with pytest.raises(AttributeError, match="has no attribute 'Linaer'; did you mean 'Linear'"):
        nn.Linaer  # noqa: B018
    with pytest.raises(AttributeError, match="take nn.BatchNorm$"):
        nn.BatchNorm1d  # noqa: B018
    with pytest.raises(AttributeError, match="'parametrs'; did you mean 'parameters'"):
        nn.Linear(2, 1).parametrs  # noqa: B018
    with pytest.raises(ValueError, match="must be one of .*, not 'sdg'; did you mean 'sgd'"):
        fit(optimiser="sdg")
    with pytest.raises(ValueError, match="not 'hee'; did you mean 'he'"):
        nn.Linear(2, 1, initialisation="hee")


def test_an_attribute_error_inside_a_property_is_not_hidden():
    class Net(nn.Module):
        @property
        def size(self):
            return self.weight.missing

        weight = None

    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'missing'"):
        Net().size  # noqa: B018
    assert not hasattr(Net(), "__array__") and not hasattr(Net(), "batches")


class TestSequences:
    model = nn.Sequential(nn.Linear(4, 3, seed=0), nn.Tanh(), nn.Linear(3, 1, seed=1))

    def test_layers_by_number(self):
        assert self.model[0] is self.model.layers[0] and self.model[-1] is self.model.layers[2]
        assert len(self.model) == 3 and list(self.model) == list(self.model.layers)
        with pytest.raises(IndexError, match="no layer 3: there are 3 layers"):
            self.model[3]

    def test_slices_share_their_layers(self):
        body, head = self.model[:2], self.model[2:]
        np.testing.assert_array_equal(head(body(X)).data, self.model(X).data)
        assert [p.name for p in head.parameters()] == ["W2", "b2"]
        assert head[0].weight is self.model[2].weight


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda **o: nn.Linear(4, 3, seed=0, **o), (4, 5)),
        (lambda **o: nn.Conv2d(2, 3, 2, seed=0, **o), (2, 4, 4, 5)),
        (lambda **o: nn.Conv1d(2, 3, 2, seed=0, **o), (2, 4, 5)),
    ],
)
def test_layers_without_bias(make, shape, tmp_path):
    plain, with_bias = nn.Sequential(make(bias=False)), nn.Sequential(make())
    inputs = np.random.default_rng(0).normal(size=shape)
    np.testing.assert_allclose(plain(inputs).data, with_bias(inputs).data, rtol=1e-14)
    assert list(plain.state_dict()) == ["layers.0.weight"] and plain[0].bias is None
    assert "bias=False" in repr(plain) and "bias" not in repr(with_bias)
    nn.save(plain, tmp_path / "model.h5")
    other = nn.load(tmp_path / "model.h5", nn.Sequential(make(bias=False)))
    np.testing.assert_array_equal(other(inputs).data, plain(inputs).data)
    assert np.array_equal(copy.deepcopy(plain)(inputs).data, plain(inputs).data)
    assert np.array_equal(pickle.loads(pickle.dumps(plain))(inputs).data, plain(inputs).data)


@pytest.mark.parametrize("at_zero", [0, 0.5, 1])
def test_relu_at_zero(at_zero):
    x = al.Tensor(np.array([[-1.0, 0, 2]]), requires_grad=True)
    layer = nn.ReLU(at_zero=at_zero)
    layer(x).sum().backward()
    assert x.grad.tolist() == [[0, at_zero, 1]]
    assert repr(layer) == ("ReLU()" if at_zero == 1 else f"ReLU(at_zero={at_zero:g})")
    with pytest.raises(ValueError, match="at_zero must be from 0 to 1, not 2"):
        nn.ReLU(at_zero=2)


def test_learning_curves_go_to_other_tools_by_a_callback():
    """What TensorBoard's add_scalars and MLflow's log_metrics take: numbers by name, and a step."""
    seen = []
    fit(callbacks=[lambda t: seen.append((t.history.records[-1], t.epoch))], validation=0.2)
    for number, (record, epoch) in enumerate(seen, start=1):
        assert epoch == number
        assert all(isinstance(name, str) for name in record)
        assert all(type(value) in (int, float) for value in record.values())


def test_a_module_shows_itself_in_a_notebook():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm(3), nn.Linear(3, 1))
    model[0].freeze()
    page = model._repr_html_()
    assert "<td>Linear(4, 3), frozen</td><td>15</td>" in page
    assert "25 parameters, 10 of them trainable, 6 in buffers" in page

    class Odd(nn.Module):
        def __repr__(self):
            return "<script>"

    assert "<script>" not in nn.Sequential(Odd())._repr_html_()


def test_signatures_are_those_of_constructors():
    parameters = inspect.signature(nn.Linear).parameters
    assert list(parameters)[:3] == ["n_in", "n_out", "bias"]
    with pytest.raises(AttributeError, match="__signature__"):
        nn.Linear(1, 1).__signature__  # noqa: B018
