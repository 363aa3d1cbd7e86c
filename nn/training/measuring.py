"""Measurement of a model on data: its loss, and metrics of its predictions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import autograd_lite as al
from autograd_lite.extend import Array, ArrayLike, Operand, closest, compute, is_lazy

from .. import metrics as known
from ..data.batches import Data
from ..losses import kind_of, weight_of
from ..module import Module

Loss = Callable[..., Operand]
Metric = Callable[..., float]

_RECORDED = ("epoch", "loss", "learning_rate", "seconds")
_LEAST_BATCH = 256

_ELSEWHERE = {
    "acc": "accuracy",
    "auc": "roc_auc",
    "binary_accuracy": "accuracy",
    "categorical_accuracy": "accuracy",
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "r2_score": "r2",
}


class ToldMetric:
    """A metric that gets the kind of the predictions and the sample weights, if it takes them."""

    def __init__(self, metric: Metric, name: str, kind: str | None) -> None:
        self.metric: Metric = metric
        self.name: str = name
        self.kind: str | None = kind
        takes = _options(metric)
        fixed = metric.keywords if isinstance(metric, functools.partial) else {}
        self.asks: bool = "given" in takes and "given" not in fixed
        self.weighs: bool = "sample_weight" in takes
        self.measure: tuple[known.Measure, str | None] | None = self._measure(fixed)

    def _measure(self, fixed: Mapping[str, Any]) -> tuple[known.Measure, str | None] | None:
        """The measure and the kind of predictions to compute it block by block, or None."""
        function = self.metric.func if isinstance(self.metric, functools.partial) else self.metric
        names = [name for name, own in known.METRICS.items() if own is function]
        if not names or names[0] not in known.MEASURES or fixed.keys() - {"given"}:
            return None
        kind = self.kind if self.asks else fixed.get("given", "numbers")
        return None if kind is None else (known.MEASURES[names[0]], kind)

    def __call__(
        self, prediction: np.ndarray, target: np.ndarray, sample_weight: ArrayLike
    ) -> float:
        options: dict[str, Any] = {}
        if self.asks:
            if self.kind is None and (prediction.ndim == 1 or len(prediction) == 1):
                raise ValueError(
                    f"the metric {self.name!r} must know whether the model predicts logits or "
                    "probabilities, and the loss does not say: set its attribute, as in "
                    "my_loss.prediction = 'logits'"
                )
            options["given"] = self.kind
        if self.weighs and sample_weight is not None:
            options["sample_weight"] = sample_weight
        return self.metric(prediction, target, **options)


def measured(
    model: Module, data: Data, loss: Loss, metrics: Mapping[str, ToldMetric], batch_size: int
) -> dict[str, float]:
    """The weighted mean loss over all data, and the metrics, by name.

    The model is in evaluation mode afterwards.
    """
    total = weight = 0.0
    predictions, targets, weights = [], [], []
    model.eval()
    with al.no_grad():
        for batch in data.batches(max(batch_size, _LEAST_BATCH)):
            prediction = model(batch.X)
            if counts := weight_of(loss, batch.Y, batch.weights):
                options = {} if batch.weights is None else {"sample_weight": batch.weights}
                total += float(loss(prediction, batch.Y, **options).item()) * counts
                weight += counts
            if metrics:
                predictions.append(prediction.data)
                targets.append(batch.Y)
                weights.append(batch.weights)
    if not weight:
        raise ValueError("all samples that the loss is measured on have the weight zero")
    found = {"loss": total / weight}
    if metrics:
        if len(predictions) == 1:
            given = predictions[0], targets[0], weights[0]
        else:
            given = _joined(predictions), _joined(targets), None
            if any(w is not None for w in weights):
                given = *given[:2], _joined(weights)
        found |= _found(metrics, *given)
    return found


def _joined(arrays: Sequence[Array]) -> np.ndarray:
    return np.concatenate([np.asarray(array) for array in compute(arrays)], axis=-1)


def _found(
    metrics: Mapping[str, ToldMetric], prediction: ArrayLike, target: ArrayLike, weights: ArrayLike
) -> dict[str, float]:
    """The metrics by name; for lazy arrays by one pass over their blocks where possible."""
    lazy = any(map(is_lazy, (prediction, target, weights)))
    measures = {name: m.measure for name, m in metrics.items() if lazy and m.measure is not None}
    found: dict[str, float] = {}
    if measures:
        values = known.together(list(measures.values()), prediction, target, weights)
        found = dict(zip(measures, map(float, values), strict=True))
    if found.keys() != metrics.keys():
        prediction, target, weights = compute([prediction, target, weights])
        given = np.asarray(prediction), np.asarray(target)
        for name, metric in metrics.items():
            if name not in found:
                found[name] = float(metric(*given, sample_weight=weights))
    return {name: found[name] for name in metrics}


def told(metrics: str | Metric | Iterable[str | Metric], loss: Loss) -> dict[str, ToldMetric]:
    """The metrics by name, each as a function of predictions, targets and weights.

    Metrics that take `given` get the kind of predictions that the loss declares, and those that
    take `sample_weight` get the weights. Raises ValueError for a metric of another kind of
    predictions.
    """
    kind = kind_of(loss)
    found: dict[str, ToldMetric] = {}
    for metric in [metrics] if isinstance(metrics, str) or callable(metrics) else metrics:
        name = metric if isinstance(metric, str) else _name(metric)
        if name in found or name in _RECORDED:
            raise ValueError(
                f"the history already has the name {name!r}; give the metric another __name__"
            )
        if isinstance(metric, str):
            metric = _named(metric, kind, getattr(loss, "__name__", "the loss"))
        found[name] = ToldMetric(metric, name, kind)
    return found


def _name(metric: object) -> str:
    while isinstance(metric, functools.partial) and not hasattr(metric, "__name__"):
        metric = metric.func
    return str(getattr(metric, "__name__", type(metric).__name__))


def _named(name: str, kind: str | None, loss: str) -> Metric:
    if name not in known.METRICS:
        other = _ELSEWHERE.get(name)
        ending = f"; take {other!r}" if other else closest(name, known.METRICS)
        raise ValueError(f"there is no metric {name!r}: {sorted(known.METRICS)}{ending}")
    of_numbers = name in known.OF_NUMBERS
    if of_numbers and kind not in (None, "numbers"):
        raise ValueError(
            f"the metric {name!r} is of numbers, but {loss} takes {kind}: the metrics of classes "
            f"are {sorted(known.OF_CLASSES)}"
        )
    if not of_numbers and kind == "numbers":
        raise ValueError(
            f"the metric {name!r} is of classes, but {loss} takes numbers: the metrics of numbers "
            f"are {sorted(known.OF_NUMBERS)}. If the model predicts probabilities all the same, "
            f"pass functools.partial(nn.metrics.{name}, given='probabilities')"
        )
    if name == "log_loss" and kind == "scores":
        raise ValueError(f"the metric 'log_loss' is of probabilities, but {loss} takes scores")
    return known.METRICS[name]


def _options(metric: Metric) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(metric).parameters)
    except (TypeError, ValueError):
        return frozenset()
