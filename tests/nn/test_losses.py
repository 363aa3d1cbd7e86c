"""Losses: their values, derivatives, weights, and what they refuse."""

import functools

import numpy as np
import pytest
from numerics import assert_close, numeric_gradient, sines
from tensors import parameter

import autograd_lite as al
import nn
from nn.losses import kind_of, l1_penalty, l2_penalty, one_hot, weight_of

rng = np.random.default_rng(0)
Z = rng.normal(size=(3, 8)) * 2
LABELS = rng.integers(0, 3, 8)
ROW = rng.normal(size=(1, 8))
BITS = (rng.random((1, 8)) < 0.5).astype(float)
SIGNS = 2 * BITS - 1

CASES = {
    "bce": (nn.binary_cross_entropy_with_logits, ROW, BITS),
    "bce of probabilities": (nn.binary_cross_entropy, al.sigmoid(ROW), BITS),
    "ce": (nn.cross_entropy, Z, one_hot(LABELS, 3)),
    "mse": (nn.mean_squared_error, Z, Z[::-1] + 1.3),
    "mae": (nn.mean_absolute_error, Z, Z[::-1] + 1.3),
    "huber": (nn.huber, Z, Z[::-1] + 1.3),
    "hinge": (nn.hinge, ROW, SIGNS),
    "hinge of classes": (nn.hinge, Z, one_hot(LABELS, 3)),
}
by_name = pytest.mark.parametrize("name", CASES)


LOGITS = 2 * sines(3, 4)
CLASSES = np.array([2, 0, 1, 1])
TRUTH = np.array([[1.0, 0, 0.25, 1]])
SHARES = np.array([[0.2, 0.5, 1, 0], [0.3, 0.5, 0, 0.25], [0.5, 0, 0, 0.75]])
WEIGHTS = np.array([2.0, 0.5, 1, 0])

VALUES = {
    # The mean, the sum, and both with weights: PyTorch's, to twelve digits.
    "bce of probabilities": (
        nn.binary_cross_entropy,
        al.sigmoid(LOGITS[:1]),
        TRUTH,
        [1.15639439173, 4.62557756691, 0.599711300922, 2.09898955323],
    ),
    "bce": (
        nn.binary_cross_entropy_with_logits,
        LOGITS[:1],
        TRUTH,
        [1.15639439173, 4.62557756691, 0.599711300922, 2.09898955323],
    ),
    "ce": (
        nn.cross_entropy,
        LOGITS,
        CLASSES,
        [0.443656325431, 1.77462530173, 0.817711878961, 2.86199157636],
    ),
    "mse": (
        nn.mean_squared_error,
        LOGITS,
        LOGITS[::-1],
        [2.43140795304, 29.1768954365, 2.07762822529, 21.8150963655],
    ),
    "mae": (
        nn.mean_absolute_error,
        LOGITS,
        LOGITS[::-1],
        [1.08133694307, 12.9760433168, 1.03865694575, 10.9058979304],
    ),
    "huber": (
        nn.huber,
        LOGITS,
        LOGITS[::-1],
        [0.775757795977, 9.30909355172, 0.709126331899, 7.44582648494],
    ),
    "huber of 0.7": (
        functools.partial(nn.huber, delta=0.7),
        LOGITS,
        LOGITS[::-1],
        [0.599215981015, 7.19059177218, 0.563726528693, 5.91912855128],
    ),
    "hinge": (
        nn.hinge,
        LOGITS[:1],
        np.array([[1.0, -1, -1, 1]]),
        [1.6536099651, 6.61443986039, 0.769010697984, 2.69153744295],
    ),
    "hinge of classes": (
        nn.hinge,
        LOGITS,
        one_hot(CLASSES, 3),
        [0.464676249783, 1.85870499913, 1.06211714236, 3.71740999826],
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_values(name):
    loss, prediction, target, expected = VALUES[name]
    found = [
        loss(prediction, target, reduction=reduction, sample_weight=weights)
        for weights in (None, WEIGHTS)
        for reduction in ("mean", "sum")
    ]
    assert found == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(
    ("loss", "prediction", "target", "options", "expected"),
    [
        # PyTorch's, to twelve digits.
        ("cross_entropy", LOGITS, SHARES, {}, 1.73371320278),
        ("cross_entropy", LOGITS, CLASSES, {"label_smoothing": 0.2}, 0.744611559617),
        ("cross_entropy", LOGITS, CLASSES, {"class_weight": (0.5, 2, 1)}, 0.383995087795),
        (
            "cross_entropy",
            LOGITS,
            CLASSES,
            {"class_weight": (0.5, 2, 1), "sample_weight": WEIGHTS},
            0.743269269422,
        ),
        (
            "binary_cross_entropy_with_logits",
            LOGITS[:1],
            TRUTH,
            {"label_smoothing": 0.2},
            1.11163494466,
        ),
        (
            "binary_cross_entropy_with_logits",
            LOGITS[:1],
            TRUTH,
            {"class_weight": (0.5, 3)},
            0.984102806931,
        ),
        (
            "binary_cross_entropy_with_logits",
            LOGITS[:1],
            TRUTH,
            {"class_weight": (0.5, 3), "sample_weight": WEIGHTS},
            0.323418916211,
        ),
    ],
)
def test_values_with_options(loss, prediction, target, options, expected):
    assert getattr(nn, loss)(prediction, target, **options) == pytest.approx(expected, rel=1e-11)


def test_smoothing_may_be_whole():
    even = nn.cross_entropy(LOGITS, np.full((3, 4), 1 / 3))
    assert nn.cross_entropy(LOGITS, CLASSES, label_smoothing=1) == pytest.approx(even)


@by_name
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_derivatives_are_those_of_differences(name, reduction, weighted):
    loss, prediction, target = CASES[name]
    weights = rng.uniform(0.5, 2, 8) if weighted else None
    al.gradcheck(lambda p: loss(p, target, reduction=reduction, sample_weight=weights), prediction)


@by_name
def test_a_mean_is_the_sum_over_the_number(name):
    loss, prediction, target = CASES[name]
    total = loss(prediction, target, reduction="sum")
    by_sample = name in ("ce", "hinge of classes")
    count = 8 if by_sample else prediction.size
    assert np.isclose(loss(prediction, target) * count, total)


@by_name
def test_whole_weights_are_repetitions(name):
    loss, prediction, target = CASES[name]
    weights = np.array([1, 2, 0, 1, 3, 1, 1, 0])
    repeated = np.repeat(np.arange(8), weights)
    expected = loss(prediction[:, repeated], target[:, repeated])
    assert np.isclose(loss(prediction, target, sample_weight=weights), expected)


@by_name
def test_float32_stays(name):
    loss, prediction, target = CASES[name]
    p = al.Tensor(prediction.astype(np.float32), True)
    value = loss(p, target.astype(np.float32), sample_weight=np.ones(8))
    assert value.dtype == np.float32 and value.shape == ()
    value.backward()
    assert p.grad.dtype == np.float32


@by_name
def test_what_is_not_understood_is_refused(name):
    loss, prediction, target = CASES[name]
    with pytest.raises(ValueError, match="reduction must be 'mean' or 'sum', not 'avg'"):
        loss(prediction, target, reduction="avg")
    with pytest.raises(ValueError, match=r"sample_weight must be 8 numbers.*\(3,\)"):
        loss(prediction, target, sample_weight=np.ones(3))
    with pytest.raises(ValueError, match="every weight is zero"):
        loss(prediction, target, sample_weight=np.zeros(8))


def test_they_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    t = torch.tensor
    weights = np.array([0.5, 2.0, 1.0])
    samples, labels = t(Z.T), t(LABELS)
    pairs = [
        (nn.cross_entropy(Z, LABELS), F.cross_entropy(samples, labels)),
        (
            nn.cross_entropy(Z, LABELS, class_weight=weights),
            F.cross_entropy(samples, labels, weight=t(weights)),
        ),
        (
            nn.cross_entropy(Z, LABELS, label_smoothing=0.2, reduction="sum"),
            F.cross_entropy(samples, labels, label_smoothing=0.2, reduction="sum"),
        ),
        (
            nn.binary_cross_entropy_with_logits(ROW, BITS),
            F.binary_cross_entropy_with_logits(t(ROW), t(BITS)),
        ),
        (nn.mean_squared_error(Z, Z + 1), F.mse_loss(t(Z), t(Z + 1))),
        (nn.mean_absolute_error(Z, Z - 2), F.l1_loss(t(Z), t(Z - 2))),
        (nn.huber(Z, Z[::-1].copy(), delta=0.7), F.huber_loss(t(Z), t(Z[::-1].copy()), delta=0.7)),
    ]
    for ours, theirs in pairs:
        assert np.isclose(float(ours), float(theirs), rtol=1e-12)


@pytest.mark.parametrize("scale", [1e4, 1e300])
def test_huge_logits_give_finite_losses_and_gradients(scale):
    z = al.Tensor(Z / np.abs(Z).max() * scale, True)
    loss = nn.cross_entropy(z, LABELS)
    loss.backward()
    assert np.isfinite(loss.item()) and np.isfinite(z.grad).all()


def test_the_gradient_of_the_cross_entropy_is_that_of_textbooks():
    z = al.Tensor(Z, True)
    nn.cross_entropy(z, LABELS).backward()
    np.testing.assert_allclose(z.grad, (al.softmax(Z, axis=0) - one_hot(LABELS, 3)) / 8)


def test_class_weights_and_smoothing_of_two_classes():
    weights = np.where(BITS == 1, 3.0, 0.5)
    expected = nn.binary_cross_entropy_with_logits(ROW, BITS, sample_weight=weights[0])
    assert nn.binary_cross_entropy_with_logits(ROW, BITS, class_weight=(0.5, 3)) == expected
    smooth = nn.binary_cross_entropy_with_logits(ROW, BITS, label_smoothing=0.2)
    assert smooth == nn.binary_cross_entropy_with_logits(ROW, BITS * 0.8 + 0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.cross_entropy(Z, np.array([0, 1, 2, 3, 0, 0, 0, 0])), "label 3 is no class"),
        (lambda: nn.cross_entropy(Z, LABELS[:5]), "must be the same"),
        (lambda: nn.cross_entropy(Z, LABELS.astype(float)), "must be the same"),
        (lambda: nn.cross_entropy(Z, LABELS, class_weight=[1, 2]), "must be 3 numbers"),
        (lambda: nn.cross_entropy(Z, LABELS, label_smoothing=2), "from 0 to 1"),
        (lambda: nn.huber(Z, Z, delta=0), "delta must be above 0"),
        (lambda: nn.hinge(ROW, BITS), "targets of -1 and 1"),
        (lambda: nn.hinge(Z, np.ones_like(Z)), "one class per sample"),
    ],
)
def test_targets_that_make_no_sense(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_penalties():
    W = [al.Tensor([[1.0, -2.0]], True), al.Tensor([3.0], True)]
    assert l1_penalty(W, 0.5).item() == 3.0
    loss = l2_penalty(W, 0.5)
    assert loss.item() == 3.5
    loss.backward()
    np.testing.assert_array_equal(W[0].grad, [[0.5, -1.0]])


class TestOfTwoClasses:
    def test_they_agree(self):
        Z, Y = np.array([[-2.0, 0.0, 3.0]]), np.array([[0.0, 1.0, 0.3]])
        A = 1 / (1 + np.exp(-Z))
        expected = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
        assert np.isclose(nn.binary_cross_entropy(A, Y), expected)
        assert np.isclose(nn.binary_cross_entropy_with_logits(Z, Y), expected)

    def test_logits_far_out(self):
        Z = al.Tensor([[800.0, -800.0, 800.0, -40.0]], requires_grad=True)
        loss = nn.binary_cross_entropy_with_logits(Z, np.array([[1.0, 0.0, 0.0, 0.0]]))
        loss.backward()
        assert loss.item() == 200 + np.log1p(np.exp(-40)) / 4
        np.testing.assert_allclose(Z.grad, [[0, 0, 0.25, np.exp(-40) / 4]], rtol=1e-12)

    def test_small_losses_keep_their_digits(self):
        loss = nn.binary_cross_entropy_with_logits(np.array([[40.0]]), np.array([[1.0]]))
        assert np.isclose(loss, np.exp(-40), rtol=1e-12)

    def test_probabilities_of_exactly_0_and_1(self):
        A = al.Tensor([[0.0, 1.0]], requires_grad=True)
        loss = nn.binary_cross_entropy(A, np.array([[0.0, 1.0]]))
        loss.backward()
        assert loss.item() == 0
        assert A.grad.tolist() == [[0.5, -0.5]]
        with np.errstate(divide="ignore"):
            assert nn.binary_cross_entropy(np.array([[0.0]]), np.array([[1.0]])) == np.inf

    def test_gradients(self):
        Y = np.array([[0.0, 1.0, 0.3]])
        for loss, at in (
            (nn.binary_cross_entropy, np.array([[0.2, 0.7, 0.4]])),
            (nn.binary_cross_entropy_with_logits, np.array([[-1.0, 0.5, 2.0]])),
        ):
            for i in (0, 1):
                arguments = [at, Y * 0.8 + 0.1]
                actual = al.grad(loss, argnums=i)(*arguments)
                others = list(arguments)

                def at_value(value, i=i, others=others, loss=loss):
                    return loss(*others[:i], value, *others[i + 1 :])

                assert_close(actual, numeric_gradient(at_value, arguments[i]), 1e-8)

    @pytest.mark.parametrize("loss", [nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits])
    def test_shapes_must_agree(self, loss):
        with pytest.raises(ValueError, match=r"shape \(1, 4\) and the target \(4,\)"):
            loss(al.Tensor(np.full((1, 4), 0.5)), np.ones(4))


@pytest.mark.parametrize(
    "loss",
    [f for f in map(vars(nn.losses).get, nn.__all__) if f is not None],
    ids=lambda loss: loss.__name__,
)
def test_losses_raise_unless_shapes_agree(loss):
    for prediction, target in [
        ((5,), (5, 1)),
        ((5, 1), (5,)),
        ((1, 5), (5,)),
        ((1, 5), (5, 1)),
        ((1, 5), ()),
    ]:
        with pytest.raises(ValueError, match="must be the same") as caught:
            loss(parameter(np.full(prediction, 0.5)), np.ones(target))
        assert f"{prediction} and the target {target}" in str(caught.value)
    assert loss(parameter(np.full((1, 5), 0.5)), np.ones((1, 5))).shape == ()


class TestWeightOf:
    """What samples count in the mean that a loss is."""

    @pytest.mark.parametrize(
        ("loss", "targets", "weights", "expected"),
        [
            (nn.mean_squared_error, np.ones((2, 5)), None, 5),
            (nn.mean_squared_error, np.ones((2, 4)), WEIGHTS, 3.5),
            (nn.cross_entropy, CLASSES, None, 4),
            (functools.partial(nn.cross_entropy, label_smoothing=0.1), CLASSES, WEIGHTS, 3.5),
            (functools.partial(nn.cross_entropy, class_weight=(0.5, 2, 1)), CLASSES, None, 5.5),
            (
                functools.partial(nn.cross_entropy, class_weight=(0.5, 2, 1)),
                CLASSES,
                WEIGHTS,
                2 * 1 + 0.5 * 0.5 + 1 * 2,
            ),
            (
                functools.partial(nn.cross_entropy, class_weight=(0.5, 2, 1)),
                SHARES,
                None,
                0.5 * 1.7 + 2 * 1.05 + 1.25,
            ),
            (
                functools.partial(
                    functools.partial(nn.binary_cross_entropy_with_logits, class_weight=(9, 9)),
                    class_weight=(0.5, 3),
                ),
                TRUTH,
                WEIGHTS,
                2 * 3 + 0.5 * 0.5 + 1.125,
            ),
        ],
    )
    def test_it_is_the_sum_of_all_weights(self, loss, targets, weights, expected):
        assert weight_of(loss, targets, weights) == pytest.approx(expected)


def test_what_each_loss_takes_predictions_for():
    kinds = {
        nn.binary_cross_entropy: "probabilities",
        nn.binary_cross_entropy_with_logits: "logits",
        nn.cross_entropy: "logits",
        nn.mean_squared_error: "numbers",
        nn.mean_absolute_error: "numbers",
        nn.huber: "numbers",
        nn.hinge: "scores",
    }
    for loss, kind in kinds.items():
        assert kind_of(loss) == kind_of(functools.partial(functools.partial(loss))) == kind
    assert kind_of(lambda A, Y: 0) is None
    own = functools.partial(nn.cross_entropy)
    own.prediction = "scores"
    assert kind_of(own) == "scores"
    own.prediction = "points"
    with pytest.raises(ValueError, match="prediction = 'points', which must be one of .'logits'"):
        kind_of(own)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: one_hot([0, -1], 2), "the label -1 is no class: classes are numbered 0 to 1"),
        (lambda: one_hot([0, 2], 2), "the label 2 is no class: classes are numbered 0 to 1"),
        (lambda: nn.cross_entropy(ROW[0], ROW[0]), r"logits of shape \(classes, N\), not \(8,\)"),
        (
            lambda: nn.binary_cross_entropy_with_logits(ROW, BITS, class_weight=(1, -1)),
            r"class_weight must be 2 numbers from 0 on, one for each class, not \(1, -1\)",
        ),
        (
            lambda: nn.binary_cross_entropy_with_logits(ROW, BITS, label_smoothing=-0.1),
            "label_smoothing must be from 0 to 1, not -0.1",
        ),
        (lambda: nn.mean_squared_error(ROW, ROW[0]), r"Y\[np.newaxis\] is a row"),
        (lambda: nn.huber(ROW, ROW, delta=-1), "huber: delta must be above 0, not -1"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_one_hot():
    assert one_hot([1, 0, 1], 2).tolist() == [[0, 1, 0], [1, 0, 1]]
    assert one_hot([], 2).shape == (2, 0)
    assert one_hot([0], 1, np.float32).dtype == np.float32
