"""Losses: the distance of predictions from targets, as one number.

A column is a sample, so a prediction is (features, N), and the target must have its shape. All take
`reduction`, "mean" over all numbers (over the samples for `cross_entropy` and `hinge`) or "sum",
and `sample_weight`, N numbers: a mean is then the weighted sum over the sum of the weights.

The attribute `prediction` of a loss is the kind of predictions that it takes, one of `KINDS`;
metrics and advice depend on it. Set it on a loss of your own: `my_loss.prediction = "logits"`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike

import autograd_lite as al
from autograd_lite.extend import Array, ArrayLike, Operand, compute

from .module import as_array, has_values
from .spelling import answer_in, answering

KINDS = ("logits", "probabilities", "scores", "numbers")
"""Kinds of predictions; "scores" rank classes, but are not logits of probabilities."""

Loss = TypeVar("Loss", bound=Callable[..., Operand])


def _takes(kind: str) -> Callable[[Loss], Loss]:
    def declare(loss: Loss) -> Loss:
        loss.prediction = kind  # type: ignore[attr-defined]
        return answering(loss)

    return declare


def kind_of(loss: object) -> str | None:
    """The kind of predictions that a loss takes, one of `KINDS`, or None if it declares none.

    Parameters
    ----------
    loss : callable
        A loss, or a `functools.partial` of one.

    Returns
    -------
    str or None

    Raises
    ------
    ValueError
        Where the attribute `prediction` is not one of `KINDS`.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> nn.losses.kind_of(nn.cross_entropy)
    'logits'
    """
    while isinstance(loss, functools.partial) and not hasattr(loss, "prediction"):
        loss = loss.func
    kind = getattr(loss, "prediction", None)
    if kind is not None and kind not in KINDS:
        raise ValueError(f"the loss has prediction = {kind!r}, which must be one of {list(KINDS)}")
    return kind


def weight_of(
    loss: Callable[..., Operand], Y: Operand, sample_weight: Operand | None = None
) -> float:
    """The divisor of a mean loss over samples with the targets Y: the sum of their weights.

    It is the number of samples, or the sum of their weights. Weights of classes count too, where
    the loss is a `functools.partial` with `class_weight`.

    Parameters
    ----------
    loss : callable
        A loss, or a `functools.partial` of one.
    Y : array_like of shape (..., N)
        Targets as the loss takes them.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.losses.weight_of(nn.mean_squared_error, np.ones((1, 3)))
    3.0
    """
    options: dict[str, Any] = {}
    while isinstance(loss, functools.partial):
        options = {**loss.keywords, **options}
        loss = loss.func
    class_weight = options.get("class_weight")
    if class_weight is not None and loss is binary_cross_entropy_with_logits:
        sample_weight = _of_two_classes(class_weight, Y, sample_weight)
    elif class_weight is not None and loss is cross_entropy:
        targets = one_hot(Y, len(class_weight)) if np.ndim(Y) == 1 else Y
        sample_weight = _of_classes(class_weight, targets, sample_weight)
    if sample_weight is None:
        return float(np.shape(Y)[-1])
    (total,) = compute([np.sum(sample_weight)])
    return float(total)


@al.primitive
def log_loss(z: Operand, y: Operand) -> Operand:
    """The mean of -y log(sigmoid(z)) - (1 - y) log(1 - sigmoid(z)).

    It is computed as `max(z, 0) - z y + log(1 + exp(-|z|))`, which neither overflows nor loses a
    small loss beside a large z. It is one operation with the textbook's gradient (a - y) / N.

    Parameters
    ----------
    z : Tensor or array_like
        Logits.
    y : Tensor or array_like of the same shape
        Targets from 0 to 1.

    Returns
    -------
    Tensor or numpy.floating

    See Also
    --------
    autograd_lite.nn.binary_cross_entropy_with_logits : The loss with weights and other options.

    Notes
    -----
    Bishop, "Pattern Recognition and Machine Learning" (2006), equation 4.90, and 4.91 for the
    gradient.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> float(nn.losses.log_loss(np.array([1000.0]), np.array([0.0])))
    1000.0
    """
    return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))))


al.defvjp(
    log_loss,
    z=lambda g, z, y: (al.sigmoid(z) - y) * (g / z.size),
    y=lambda g, z: z * (-g / z.size),
)


@al.primitive
def softmax_loss(z: Operand, y: Operand) -> Operand:
    """-sum(y log(softmax(z))) over the first axis, of shape (1, N); a column of y may have any sum.

    Parameters
    ----------
    z : Tensor or array_like of shape (K, N)
        Logits.
    y : Tensor or array_like of shape (K, N)
        Targets, or targets times weights.

    Returns
    -------
    Tensor or ndarray of shape (1, N)

    See Also
    --------
    autograd_lite.nn.cross_entropy : The mean, with labels and other options.

    Notes
    -----
    Bishop, "Pattern Recognition and Machine Learning" (2006), equation 4.108, and 4.109 for the
    gradient.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> bool(nn.losses.softmax_loss(np.zeros((2, 1)), np.array([[0.0], [1.0]])) == np.log(2))
    True
    """
    return np.sum(y, axis=0, keepdims=True) * al.logsumexp(z, axis=0, keepdims=True) - np.sum(
        y * z, axis=0, keepdims=True
    )


al.defvjp(
    softmax_loss,
    z=lambda g, z, y: g * (al.softmax(z, axis=0) * np.sum(y, axis=0, keepdims=True) - y),
    y=lambda g, z: g * (al.logsumexp(z, axis=0, keepdims=True) - z),
)


@_takes("probabilities")
def binary_cross_entropy(
    A: Operand, Y: Operand, *, reduction: str = "mean", sample_weight: Operand | None = None
) -> Operand:
    """-mean(Y log A + (1 - Y) log(1 - A)), for probabilities A and targets Y in [0, 1].

    Nothing is clamped: where A is exactly 0 or 1 the loss is 0 if Y equals A, else infinite. For
    A = sigmoid(Z) prefer `binary_cross_entropy_with_logits(Z, Y)`: for Z above 37 the sigmoid is
    exactly 1 in float64, and the loss and its gradient are lost.

    Parameters
    ----------
    A : Tensor or array_like of shape (1, N)
        Probabilities of class 1, from 0 to 1.
    Y : array_like of the same shape
        Targets from 0 to 1.
    reduction : {"mean", "sum"}
        The mean over all numbers, or their sum.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample: the mean is then the weighted sum over the sum of the weights.

    Returns
    -------
    Tensor, or a NumPy number where neither argument is a Tensor
        The loss, without dimensions.

    Raises
    ------
    ValueError
        Where the shapes differ, or an option has an unknown value.

    See Also
    --------
    binary_cross_entropy_with_logits : The same from logits, always finite.

    Notes
    -----
    Bishop, "Pattern Recognition and Machine Learning" (2006), equation 4.90.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> A, Y = np.array([[0.5, 0.5, 1.0]]), np.array([[0.0, 1.0, 1.0]])
    >>> bool(np.isclose(nn.binary_cross_entropy(A, Y), 2 / 3 * np.log(2)))
    True
    """
    _check_shapes("binary_cross_entropy", A, Y)
    return _reduced(0 - al.xlogy(Y, A) - al.xlog1py(1 - Y, -A), reduction, sample_weight)


@_takes("logits")
def binary_cross_entropy_with_logits(
    Z: Operand,
    Y: Operand,
    *,
    reduction: str = "mean",
    sample_weight: Operand | None = None,
    class_weight: Sequence[float] | None = None,
    label_smoothing: float = 0.0,
) -> Operand:
    """The binary cross-entropy of sigmoid(Z) and the targets Y in [0, 1], from the logits Z.

    It is finite, with the gradient (sigmoid(Z) - Y) / N, for every finite Z.

    Parameters
    ----------
    Z : Tensor or array_like of shape (1, N)
        Logits: class 1 is more probable above 0.
    Y : array_like of the same shape
        Targets from 0 to 1.
    reduction : {"mean", "sum"}
        The mean over all numbers, or their sum.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample: the mean is then the weighted sum over the sum of the weights.
    class_weight : (float, float), optional
        The weights of the targets 0 and 1, which multiply those of the samples.
    label_smoothing : float
        The share, from 0 to 1, by which targets are moved towards 1/2.

    Returns
    -------
    Tensor, or a NumPy number where neither argument is a Tensor
        The loss, without dimensions.

    Raises
    ------
    ValueError
        Where the shapes differ, or an option has an unknown value.

    Notes
    -----
    It is computed as max(Z, 0) - Z Y + log(1 + exp(-abs(Z))). Bishop, "Pattern Recognition and
    Machine Learning" (2006), equation 4.90, and 4.91 for the gradient; smoothing by Szegedy et al.,
    "Rethinking the Inception architecture for computer vision" (2015), arXiv:1512.00567.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite import nn
    >>> Z = al.Tensor([[0.0, 1000.0]], requires_grad=True)
    >>> loss = nn.binary_cross_entropy_with_logits(Z, np.array([[1.0, 0.0]]))
    >>> loss.backward()
    >>> Z.grad
    array([[-0.25,  0.5 ]])
    """
    _check_shapes("binary_cross_entropy_with_logits", Z, Y)
    if class_weight is not None:
        sample_weight = _of_two_classes(class_weight, Y, sample_weight)
    if label_smoothing:
        Y = Y * (1 - _share(label_smoothing)) + label_smoothing / 2
    if sample_weight is None and reduction == "mean":
        return log_loss(Z, Y)
    losses = np.maximum(Z, 0) - Z * Y + al.softplus(-np.abs(Z))
    return _reduced(losses, reduction, sample_weight)


@_takes("logits")
def cross_entropy(
    Z: Operand,
    Y: Operand,
    *,
    reduction: str = "mean",
    sample_weight: Operand | None = None,
    class_weight: Sequence[float] | None = None,
    label_smoothing: float = 0.0,
) -> Operand:
    """The cross-entropy of softmax(Z) over the classes and the targets, from the logits Z (K, N).

    It is finite, with the gradient (softmax(Z) - Y) / N, for every finite Z.

    Parameters
    ----------
    Z : Tensor or array_like of shape (K, N)
        Logits, a row for each class.
    Y : whole numbers of shape (N,), or probabilities of shape (K, N)
        The class of each sample, from 0 to K - 1; or the probability of each class.
    reduction : {"mean", "sum"}
        The mean over the samples, or the sum.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample: the mean is then the weighted sum over the sum of the
        weights.
    class_weight : K numbers, optional
        The weight of each class, which multiplies those of the samples.
    label_smoothing : float
        The share, from 0 to 1, by which targets are moved towards 1 / K.

    Returns
    -------
    Tensor, or a NumPy number where neither argument is a Tensor
        The loss, without dimensions.

    Raises
    ------
    ValueError
        Where the shapes differ, or an option has an unknown value.

    Notes
    -----
    Bishop, "Pattern Recognition and Machine Learning" (2006), equation 4.108, and 4.109 for the
    gradient; smoothing by Szegedy et al., "Rethinking the Inception architecture for computer
    vision" (2015), arXiv:1512.00567.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite import nn
    >>> Z = al.Tensor(np.zeros((2, 2)), requires_grad=True)
    >>> nn.cross_entropy(Z, np.array([0, 1])).backward()
    >>> Z.grad
    array([[-0.25,  0.25],
           [ 0.25, -0.25]])
    """
    shape = np.shape(Z)
    labels = as_array(_plain(Y))
    if labels.dtype.kind in "iu" and len(shape) == 2 and labels.shape == shape[1:]:
        Y = one_hot(labels, shape[0], getattr(Z, "dtype", np.float64))
    _check_shapes("cross_entropy", Z, Y)
    if len(shape) != 2:
        raise ValueError(f"cross_entropy takes logits of shape (classes, N), not {shape}")
    if class_weight is not None:
        sample_weight = _of_classes(class_weight, Y, sample_weight)
    if label_smoothing:
        Y = Y * (1 - _share(label_smoothing)) + label_smoothing / shape[0]
    return _reduced(softmax_loss(Z, Y), reduction, sample_weight)


@_takes("numbers")
def mean_squared_error(
    A: Operand, Y: Operand, *, reduction: str = "mean", sample_weight: Operand | None = None
) -> Operand:
    """The mean of the squared differences, mean((A - Y)^2).

    Parameters
    ----------
    A : Tensor or array_like of shape (k, N)
        Predictions.
    Y : array_like of the same shape
        Targets.
    reduction : {"mean", "sum"}
        The mean over all numbers, or their sum.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample: the mean is then the weighted sum over the sum of the weights.

    Returns
    -------
    Tensor, or a NumPy number where neither argument is a Tensor
        The loss, without dimensions.

    Raises
    ------
    ValueError
        Where the shapes differ, or an option has an unknown value.

    See Also
    --------
    mean_absolute_error, huber : Losses that outliers change less.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite import nn
    >>> nn.mean_squared_error(al.Tensor([[1.0, 2.0]]), np.array([[1.0, 4.0]])).item()
    2.0
    """
    _check_shapes("mean_squared_error", A, Y)
    return _reduced(np.square(A - Y), reduction, sample_weight)


@_takes("numbers")
def mean_absolute_error(
    A: Operand, Y: Operand, *, reduction: str = "mean", sample_weight: Operand | None = None
) -> Operand:
    """The mean of the absolute differences, `mean(|A - Y|)`; its derivative at A = Y is 0.

    Parameters
    ----------
    A : Tensor or array_like of shape (k, N)
        Predictions.
    Y : array_like of the same shape
        Targets.
    reduction : {"mean", "sum"}
        The mean over all numbers, or their sum.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample: the mean is then the weighted sum over the sum of the weights.

    Returns
    -------
    Tensor, or a NumPy number where neither argument is a Tensor
        The loss, without dimensions.

    Raises
    ------
    ValueError
        Where the shapes differ, or an option has an unknown value.

    See Also
    --------
    mean_squared_error, huber : Losses that are smooth at A = Y.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite import nn
    >>> nn.mean_absolute_error(al.Tensor([[1.0, 2.0]]), np.array([[1.0, 4.0]])).item()
    1.0
    """
    _check_shapes("mean_absolute_error", A, Y)
    return _reduced(np.abs(A - Y), reduction, sample_weight)


@_takes("numbers")
def huber(
    A: Operand,
    Y: Operand,
    *,
    delta: float = 1.0,
    reduction: str = "mean",
    sample_weight: Operand | None = None,
) -> Operand:
    """The squared error of small differences and the absolute error of large ones.

    It is the mean of `(A - Y)^2 / 2` where `|A - Y| <= delta`, else of
    `delta (|A - Y| - delta / 2)`.

    Parameters
    ----------
    A : Tensor or array_like of shape (k, N)
        Predictions.
    Y : array_like of the same shape
        Targets.
    delta : float
        The difference, above 0, up to which the error is squared.
    reduction : {"mean", "sum"}
        The mean over all numbers, or their sum.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample: the mean is then the weighted sum over the sum of the
        weights.

    Returns
    -------
    Tensor, or a NumPy number where neither argument is a Tensor
        The loss, without dimensions.

    Raises
    ------
    ValueError
        Where the shapes differ, or an option has an unknown value.

    Notes
    -----
    Huber, "Robust estimation of a location parameter" (1964).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite import nn
    >>> nn.huber(al.Tensor([[0.0, 0.0]]), np.array([[1.0, 3.0]])).item()
    1.5
    """
    _check_shapes("huber", A, Y)
    if not delta > 0:
        raise ValueError(f"huber: delta must be above 0, not {delta!r}")
    distance = np.abs(A - Y)
    near = np.minimum(distance, delta)
    # With m = min(d, delta) both cases are m (d - m / 2).
    return _reduced(near * (distance - near / 2), reduction, sample_weight)


@_takes("scores")
def hinge(
    Z: Operand, Y: Operand, *, reduction: str = "mean", sample_weight: Operand | None = None
) -> Operand:
    """The hinge loss of scores Z and targets Y, for two classes or for several.

    For one score per sample, (1, N), the targets are -1 and 1, and the loss is the mean of
    max(0, 1 - Z Y). For a score per class, (K, N), a target is 1 for the class of the sample and 0
    (or -1) for the others, and the loss is the mean of max(0, 1 + the best wrong score - the right
    one).

    Parameters
    ----------
    Z : Tensor or array_like of shape (1, N) or (K, N)
        Scores: one for each sample, or one for each class.
    Y : array_like of the same shape
        Targets of -1 and 1; or, for several classes, columns with one number above 0.
    reduction : {"mean", "sum"}
        The mean over the samples, or the sum.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample: the mean is then the weighted sum over the sum of the
        weights.

    Returns
    -------
    Tensor, or a NumPy number where neither argument is a Tensor
        The loss, without dimensions.

    Raises
    ------
    ValueError
        Where the shapes differ, or an option has an unknown value.

    Notes
    -----
    Cortes and Vapnik, "Support-vector networks" (1995); for several classes Crammer and Singer,
    "On the algorithmic implementation of multiclass kernel-based vector machines" (2001).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite import nn
    >>> nn.hinge(al.Tensor([[2.0, 0.5]]), np.array([[1.0, -1.0]])).item()
    0.75
    """
    _check_shapes("hinge", Z, Y)
    targets = as_array(_plain(Y))
    if len(targets) == 1 or targets.ndim < 2:
        if has_values(targets) and not np.isin(targets, (-1, 1)).all():
            raise ValueError("hinge takes targets of -1 and 1 for one score per sample")
        return _reduced(al.relu(1 - Z * Y), reduction, sample_weight)
    right = targets > 0
    if has_values(right) and not (right.sum(axis=0) == 1).all():
        raise ValueError("hinge takes targets with one class per sample")
    score = np.sum(np.where(right, Z, 0), axis=0, keepdims=True)
    best_wrong = np.max(np.where(right, -np.inf, Z), axis=0, keepdims=True)
    return _reduced(al.relu(1 + best_wrong - score), reduction, sample_weight)


def one_hot(labels: ArrayLike, classes: int, dtype: DTypeLike = np.float64) -> np.ndarray:
    """Labels (N,) as columns (classes, N) of zeros with a 1 at the class of the sample.

    Parameters
    ----------
    labels : array_like of shape (N,)
        Whole numbers from 0 to classes - 1.
    classes : int
        The number of classes.
    dtype : dtype
        The dtype of the result.

    Returns
    -------
    ndarray of shape (classes, N)

    Raises
    ------
    ValueError
        Where a label is out of range.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> nn.losses.one_hot([0, 2], 3)
    array([[1., 0.],
           [0., 0.],
           [0., 1.]])
    """
    labels = as_array(labels)
    if has_values(labels) and labels.size and not (0 <= labels.min() and labels.max() < classes):
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise ValueError(f"the label {wrong} is no class: classes are numbered 0 to {classes - 1}")
    found: np.ndarray = (labels == np.arange(classes)[:, np.newaxis]).astype(dtype)
    return found


def l1_penalty(parameters: Iterable[Operand], strength: float) -> Operand:
    """`strength * sum(|w|)` over all numbers of the parameters; its derivative at 0 is 0.

    Parameters
    ----------
    parameters : iterable of Tensor or array
        The parameters to penalise, such as the weights of the layers.
    strength : float
        The factor of the penalty.

    Returns
    -------
    Tensor or number
        A term to add to a loss.

    Notes
    -----
    Tibshirani, "Regression shrinkage and selection via the lasso" (1996).

    Examples
    --------
    >>> import autograd_lite as al
    >>> from autograd_lite import nn
    >>> W = al.Tensor([[1.0, -2.0, 0.0]], requires_grad=True)
    >>> nn.losses.l1_penalty([W], 0.5).backward()
    >>> W.grad
    array([[ 0.5, -0.5,  0. ]])
    """
    return strength * sum(np.sum(np.abs(p)) for p in parameters)


def l2_penalty(parameters: Iterable[Operand], strength: float) -> Operand:
    """`strength / 2 * sum(w^2)` over all numbers of the parameters, with the derivative strength w.

    Parameters
    ----------
    parameters : iterable of Tensor or array
        The parameters to penalise, such as the weights of the layers.
    strength : float
        The factor of the penalty.

    Returns
    -------
    Tensor or number
        A term to add to a loss.

    Notes
    -----
    Hoerl and Kennard, "Ridge regression: biased estimation for nonorthogonal problems" (1970).

    Examples
    --------
    >>> import autograd_lite as al
    >>> from autograd_lite import nn
    >>> W = al.Tensor([[1.0, -2.0]], requires_grad=True)
    >>> nn.losses.l2_penalty([W], 0.5).backward()
    >>> W.grad
    array([[ 0.5, -1. ]])
    """
    return strength / 2 * sum(np.sum(np.square(p)) for p in parameters)


def _plain(value: Operand) -> Array:
    return value.data if isinstance(value, al.Tensor) else value


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"label_smoothing must be from 0 to 1, not {value!r}")
    return value


def _of_two_classes(class_weight: Sequence[float], Y: Operand, sample_weight: Operand) -> Operand:
    """The class weights of targets from 0 to 1, times the weights of their samples."""
    of_zero, of_one = _class_weights(class_weight, 2)
    weights = of_zero + (of_one - of_zero) * as_array(_plain(Y))
    return weights if sample_weight is None else weights * as_array(sample_weight)


def _of_classes(class_weight: Sequence[float], Y: Operand, sample_weight: Operand) -> Operand:
    """The class weights of columns of targets, times the weights of their samples."""
    weights = _class_weights(class_weight, np.shape(Y)[0]) @ as_array(_plain(Y))
    return weights if sample_weight is None else weights * as_array(sample_weight)


def _class_weights(weights: Sequence[float], classes: int) -> np.ndarray:
    found = np.asarray(weights, dtype=float)
    if found.shape != (classes,) or not (found >= 0).all():
        raise ValueError(
            f"class_weight must be {classes} numbers from 0 on, one for each class, not {weights!r}"
        )
    return found


def _reduced(losses: Operand, reduction: str, sample_weight: Operand) -> Operand:
    """The mean or the sum of losses (..., N), weighted by sample."""
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be 'mean' or 'sum', not {reduction!r}")
    if sample_weight is None:
        return np.mean(losses) if reduction == "mean" else np.sum(losses)
    shape = np.shape(losses)
    weights = as_array(sample_weight).astype(losses.dtype)
    if weights.shape not in (shape, shape[-1:]):
        raise ValueError(
            f"sample_weight must be {shape[-1] if shape else 1} numbers, one for each sample, but "
            f"it has shape {weights.shape}"
        )
    weighted = np.sum(losses * weights)
    if reduction == "sum":
        return weighted
    total = np.sum(np.broadcast_to(weights, shape))
    if has_values(total) and not total > 0:
        raise ValueError("sample_weight: every weight is zero, so there is no weighted mean")
    return weighted / total


def _check_shapes(loss: str, prediction: Operand, target: Operand) -> None:
    have, wanted = as_array(prediction).shape, as_array(target).shape
    if have != wanted:
        raise ValueError(
            f"{loss}: the prediction has shape {have} and the target {wanted}; they must be the "
            "same, or broadcasting would compare every prediction with every "
            f"target{'; Y[np.newaxis] is a row' if have == (1, *wanted) else ''}"
        )


answer_in(__name__)
