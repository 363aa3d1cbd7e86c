"""Names of other libraries are answered with what to do here."""

import re

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import elsewhere, nn


def assert_there(answer):
    """Every name of a library that an answer gives is there."""
    for path in re.findall(r"\b((?:al|nn|np)(?:\.\w+)+)", answer):
        found = {"al": al, "nn": nn, "np": np}[path.partition(".")[0]]
        for name in path.split(".")[1:]:
            found = getattr(found, name)
    for name in re.findall(r"(?:x|^take |, or |; )\.(\w+)", answer):
        assert hasattr(al.Tensor, name), name


@pytest.mark.parametrize("name", elsewhere.NAMES)
def test_a_name_from_elsewhere_is_answered_by_what_there_is(name):
    with pytest.raises(AttributeError) as caught:
        getattr(al, name)
    answer = elsewhere.NAMES[name]
    assert str(caught.value) == f"module 'autograd_lite' has no attribute {name!r}; {answer}"
    assert_there(answer)


@pytest.mark.parametrize("name", elsewhere.TENSOR_ATTRIBUTES)
def test_an_attribute_from_elsewhere_is_answered_by_what_there_is(name):
    with pytest.raises(AttributeError) as caught:
        getattr(al.Tensor([1.0]), name)
    answer = elsewhere.TENSOR_ATTRIBUTES[name]
    assert str(caught.value) == f"'Tensor' object has no attribute {name!r}; {answer}"
    assert_there(answer)


@pytest.mark.parametrize(
    ("holder", "name", "ending"),
    [
        (al, "sin", "; take np.sin"),
        (al, "linalg", "; take np.linalg"),
        (al, "pi", "; take np.pi"),
        (al, "Tensr", "; did you mean 'Tensor'?"),
        (al, "qqq", ""),
        (al, "_qqq", ""),
        (al.Tensor(1.0), "sin", "; take np.sin"),
        (al.Tensor(1.0), "softmax", "; take al.softmax"),
        (al.Tensor(1.0), "require_grad", "; did you mean 'requires_grad'?"),
        (
            al.Tensor(1.0),
            "mul_",
            "; methods that write in place are not recorded; write x.data[...] = values, of a "
            "tensor that no operation made",
        ),
        (al.Tensor(1.0), "_qqq", ""),
    ],
)
def test_other_names_are_answered_by_numpys_and_by_similar_ones(holder, name, ending):
    with pytest.raises(AttributeError) as caught:
        getattr(holder, name)
    assert str(caught.value).endswith(f" has no attribute {name!r}{ending}")


def test_every_function_that_a_tensor_is_told_to_use_is_there():
    for name in elsewhere._SPECIAL:
        assert not hasattr(al.Tensor, name) and callable(getattr(al, name))


def test_an_attribute_error_inside_a_property_of_a_tensor_is_not_hidden():
    class Odd(al.Tensor):
        @property
        def half(self):
            return None.missing

    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'missing'"):
        Odd([1.0]).half  # noqa: B018


@pytest.mark.parametrize("shape", [(1, 2), (-1,), ((2, 1),)])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_view_of_another_shape_is_told_to_be_reshape(shape, requires_grad):
    x = al.Tensor([1.0, 2.0], requires_grad=requires_grad, name="x")
    with pytest.raises(
        (TypeError, ValueError), match=r"^view\(\) of the Tensor 'x'.*\.reshape\(\)"
    ):
        x.view(*shape)


@pytest.mark.parametrize(
    ("method", "options", "ours"),
    [
        ("sum", {"dim": 0}, "axis"),
        ("mean", {"axis": 0, "keepdim": True}, "keepdims"),
        ("argmax", {"dim": 0}, "axis"),
    ],
)
def test_options_of_other_libraries_are_answered_by_numpys(method, options, ours):
    other = list(options)[-1]
    with pytest.raises(
        TypeError, match=rf"^{method}\(\) has no option '{other}': here it is {ours}=$"
    ):
        getattr(al.Tensor([[1.0]]), method)(**options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x: np.sum(x).backward(create_graph=True),
            "backward() has no option 'create_graph'",
        ),
        (lambda x: al.gradcheck(np.sum, x, eps=1e-6), "gradcheck() has no option 'eps': the step"),
        (lambda x: al.gradcheck(np.sum, x, rtol=1e-3), "'rtol': here it is tolerance="),
        (lambda x: al.gradcheck(np.sum, x, raise_exception=False), "it always raises"),
        (lambda x: al.compare(np.sum(x), {}, atol=1e-3), "compare() has no option 'atol': here it"),
        (
            lambda x: al.check_derivation(np.sum, np.ones, eps=1e-5),
            "check_derivation() has no option",
        ),
        (lambda x: al.jacobian(np.exp, mode="fwd"), "derivatives are always taken backward"),
    ],
)
def test_calls_of_other_libraries_say_what_to_write(call, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        call(al.Tensor([1.0, 2.0], requires_grad=True))


def test_other_errors_of_methods_stay_as_they_are():
    with pytest.raises(TypeError, match="unexpected keyword argument 'qqq'"):
        al.Tensor([1.0]).sum(qqq=1)


def test_every_name_of_nn_that_al_has_not_is_answered():
    """Their list in `elsewhere` stands there because the engine does not import nn."""
    for name in nn.__all__:
        if name not in dir(al) and not hasattr(al, name):
            with pytest.raises(AttributeError, match="take|nn"):
                getattr(al, name)
    assert {n for n in elsewhere._OF_NN if n not in nn.__all__} == set()
