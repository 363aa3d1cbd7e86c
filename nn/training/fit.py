"""fit: training a module on batches, with everything around it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
from tqdm.auto import tqdm

import autograd_lite as al
from autograd_lite.lazy import is_lazy
from nn import checkpoint as checkpoints
from nn import metrics as metric_functions
from nn.data.batches import ArrayData, Batch, Data
from nn.initialisers import Seed
from nn.module import Module
from nn.optimisers import Optimiser, Schedule, clip_by_norm
from nn.training.advice import (
    explain_nan,
    look_at_data,
    look_at_targets,
    look_at_units,
    look_for_explosion,
    look_for_vanishing,
)
from nn.training.compiled import CompiledUpdate, NotFinite
from nn.training.history import History
from nn.training.state import TrainingState

Loss = Callable[..., Any]
Metric = Callable[[np.ndarray, np.ndarray], float]
Callback = Callable[["Training"], Any]


def fit(
    model: Module,
    X: Any,
    Y: Any = None,
    *,
    loss: Loss,
    optimiser: Optimiser,
    epochs: int,
    batch_size: int | None = 32,
    shuffle: bool = True,
    seed: Seed = None,
    sample_weight: Any = None,
    validation: Any = None,
    metrics: Iterable[str | Metric] = (),
    schedule: Schedule | None = None,
    clip_norm: float | None = None,
    callbacks: Iterable[Callback] = (),
    patience: int | None = None,
    tolerance: float = 0.0,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 1,
    resume: bool = False,
    advice: bool = True,
    compile: bool = False,
    verbose: bool = True,
) -> History:
    """Train `model` by mini-batches, and return what became of the loss in each epoch.

    Parameters
    ----------
    model : Module
        Is in training mode while it trains, and in evaluation mode afterwards.
    X, Y : arrays
        Samples and targets, whose last axis is the samples: X (features, N) or (channels, height,
        width, N), Y as the loss takes it. Or X is data that give batches, such as `nn.H5Dataset`,
        and Y is left out.
    loss : callable
        `loss(model(X), Y)` as a Tensor of one number: the mean over the samples. With
        `sample_weight` it is called with that, for each batch.
    optimiser : Optimiser
        Of the model's parameters.
    epochs : int
        How often every sample is used, counted from the start also where training is resumed.
    batch_size : int, optional
        Samples per update; None takes all.
    shuffle : bool
        Take the samples in a new order in each epoch.
    seed : int or numpy.random.Generator, optional
        What decides the order. The same seed gives the same numbers, as far as the model's own
        random layers have seeds too.
    validation : (X, Y), or data that give batches, or a share of the samples, optional
        What is not trained on; of a share it is the last samples.
    metrics : names or functions
        Of `nn.metrics`, or `metric(prediction, target)`; of the validation data where there are
        any, else of the training data, at the end of each epoch.
    schedule : Schedule, optional
        Steps after each update, or, if it is `by_epoch` as PlateauSchedule is, after each epoch,
        with the (validation) loss.
    clip_norm : float, optional
        See `nn.clip_by_norm`.
    callbacks : functions of the Training, called after each epoch
        `training.stop(reason)` ends it; `.model`, `.history`, `.epoch` and `.optimiser` are there.
    patience : int, optional
        Stop when the (validation) loss has not fallen by more than `tolerance` for as many epochs,
        and go back to the best weights.
    checkpoint : path, optional
        The file to save the whole state in after every `checkpoint_every` epochs, at the end, and
        at Ctrl-C, which ends the training after the update that is running.
    resume : bool
        Go on from `checkpoint`, if there is one: the numbers are those of a training that was
        never stopped, bit for bit.
    advice : bool
        Warn (TrainingWarning) of data that are not scaled, units that are identical and gradients
        that vanish or explode.
    compile : bool
        Run each update, with the optimiser's step in it, as one program (see `al.compile`): the
        same numbers up to rounding, in less time. Not for models that draw random numbers or keep
        statistics in training, as Dropout and BatchNorm do; and only the first update is looked at
        for exploding gradients.
    verbose : bool
        Show a progress bar on standard error, or in a notebook.

    Raises
    ------
    FloatingPointError
        Where the loss is NaN or infinite: with the operation that made it so.
    ValueError, TypeError
        Where an argument does not suit the others.
    """
    _check_numbers(epochs, batch_size, checkpoint_every)
    _check_parts(model, optimiser, schedule)
    data, held_out = _split(X, Y, sample_weight, validation)
    if compile and isinstance(data, ArrayData) and is_lazy(data.X):
        raise TypeError(
            "fit(compile=True) takes NumPy arrays: those of Dask are computed block by block "
            "anyway; leave compile away"
        )
    state = TrainingState(model, optimiser, schedule, _seed(seed))
    if resume and checkpoint is not None and os.path.exists(checkpoint):
        checkpoints.load(checkpoint, state)
    training = Training(
        state,
        data,
        held_out,
        loss,
        batch_size=batch_size or len(data),
        shuffle=shuffle,
        metrics=_metrics(metrics),
        clip_norm=clip_norm,
        callbacks=tuple(callbacks),
        patience=patience,
        tolerance=tolerance,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        advice=advice,
        compile=compile,
    )
    return training.run(epochs, verbose)


class Training:
    """A training that is going on, as callbacks see it."""

    def __init__(
        self,
        state: TrainingState,
        data: Data,
        held_out: Data | None,
        loss: Loss,
        *,
        batch_size: int,
        shuffle: bool,
        metrics: Mapping[str, Metric],
        clip_norm: float | None,
        callbacks: tuple[Callback, ...],
        patience: int | None,
        tolerance: float,
        checkpoint: str | os.PathLike[str] | None,
        checkpoint_every: int,
        advice: bool,
        compile: bool = False,
    ) -> None:
        self.state, self.data, self.held_out, self.loss = state, data, held_out, loss
        self.batch_size, self.shuffle = batch_size, shuffle
        self.metrics, self.clip_norm, self.callbacks = metrics, clip_norm, callbacks
        self.patience, self.tolerance = patience, tolerance
        self.checkpoint, self.checkpoint_every = checkpoint, checkpoint_every
        self.advice = advice
        self.interrupted = self.exploded = False
        self.compiled = (
            CompiledUpdate(state.model, state.optimiser, loss, clip_norm) if compile else None
        )
        # Looking for them takes longer than a batch of a small net.
        self.generators = [g for _, g in state.model.named_generators()]

    @property
    def model(self) -> Module:
        """What is trained."""
        return self.state.model

    @property
    def optimiser(self) -> Optimiser:
        """What changes it."""
        return self.state.optimiser

    @property
    def history(self) -> History:
        """What became of the loss in the epochs so far."""
        return self.state.history

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self.state.epoch

    def stop(self, reason: str) -> None:
        """End the training after this epoch."""
        self.history.stopped = reason

    def run(self, epochs: int, verbose: bool) -> History:
        """Train up to `epochs` epochs in all."""
        state = self.state
        bar = tqdm(total=epochs, initial=state.epoch, disable=not verbose, desc="epoch")
        parameters = self.model.parameters()
        # What a backward() before left would count as part of the first.
        self.model.zero_grad()
        if self.patience is not None and state.waited > self.patience:
            epochs = state.epoch
        with self._deferred_interrupt(), contextlib.closing(bar):
            while state.epoch < epochs and self.history.stopped is None:
                self.model.train()
                self._run_epoch(parameters)
                if self.interrupted:
                    break
                self._finish_epoch()
                bar.update()
                bar.set_postfix(_shown(self.history.records[-1]), refresh=False)
                if state.epoch % self.checkpoint_every == 0 and state.epoch < epochs:
                    self._save()
        self._end()
        return self.history

    def _run_epoch(self, parameters: list[Any]) -> None:
        """The batches of the epoch that are still to be done."""
        state, started = self.state, time.perf_counter()
        order = [state.seed, state.epoch] if self.shuffle else None
        for batch in self.data.batches(self.batch_size, order, state.position):
            first = not state.epoch and not state.position
            if first and self.advice:
                look_at_data(batch.X, batch.Y)
                look_at_targets(self.loss, batch.Y)
            value = self._update(batch, parameters, first and self.advice)
            samples = batch.X.shape[-1]
            state.total += value * samples
            state.seen += samples
            state.position += 1
            if self.interrupted:
                break
        state.seconds += time.perf_counter() - started

    def _update(self, batch: Batch, parameters: list[Any], look: bool) -> float:
        """Change the parameters once; return the loss before."""
        state = self.state
        if self.compiled is not None and not look:
            return self._update_compiled(self.compiled, batch)
        states = [(g, g.bit_generator.state) for g in self.generators]
        loss = self._loss(batch)
        # What is computed later is computed once, with the gradients.
        later = is_lazy(loss._value)
        if later:
            loss.backward()
        value = float(loss.item())
        if not np.isfinite(value):
            for generator, before in states:
                generator.bit_generator.state = before
            self.model.zero_grad()
            self._explain(batch, value)
        if not later:
            loss.backward()
        # Once in an epoch, until it was said: a look takes as long as a small update.
        if self.advice and not state.position and not self.exploded:
            self.exploded = look_for_explosion(self.model)
        if look and not self.exploded:
            look_for_vanishing(self.model, value)
        if self.clip_norm is not None:
            clip_by_norm(parameters, self.clip_norm)
        self.optimiser.step()
        for parameter in parameters:
            parameter.zero_grad()
        if state.schedule is not None and not state.schedule.by_epoch:
            state.schedule.step()
        if look:
            look_at_units(self.model)
        return value

    def _update_compiled(self, update: CompiledUpdate, batch: Batch) -> float:
        try:
            value = update(batch)
        except NotFinite as error:
            self._explain(batch, error.value)
        if self.state.schedule is not None and not self.state.schedule.by_epoch:
            self.state.schedule.step()
        return value

    def _explain(self, batch: Batch, value: float) -> NoReturn:
        """Raise FloatingPointError for a loss that is not finite."""
        where = f"in epoch {self.state.epoch + 1}, batch {self.state.position + 1}"
        explain_nan(self.model, lambda: self._loss(batch), where, value)

    def _loss(self, batch: Batch) -> Any:
        prediction = self.model(batch.X)
        options = {} if batch.weights is None else {"sample_weight": batch.weights}
        loss = self.loss(prediction, batch.Y, **options)
        if not isinstance(loss, al.Tensor) or loss.size != 1:
            what = f"shape {loss.shape}" if isinstance(loss, al.Tensor) else type(loss).__name__
            raise TypeError(
                f"the loss must give one number as a Tensor, such as a mean, and it gave {what}"
            )
        return loss

    def _finish_epoch(self) -> None:
        """Note what the epoch gave, look at the validation data, and ask whether to go on."""
        state = self.state
        record: dict[str, float] = {
            "epoch": state.epoch + 1,
            "loss": state.total / state.seen,
            "learning_rate": self.optimiser.learning_rate,
            "seconds": state.seconds,
        }
        record |= self._evaluated()
        self.history.records.append(record)
        state.epoch += 1
        state.position, state.total, state.seen, state.seconds = 0, 0.0, 0, 0.0
        watched = record.get("validation_loss", record["loss"])
        if state.schedule is not None and state.schedule.by_epoch:
            state.schedule.step(watched)
        if self.patience is not None:
            self._wait(watched, self.patience)
        for callback in self.callbacks:
            callback(self)

    def _wait(self, watched: float, patience: int) -> None:
        state = self.state
        if watched < state.best_loss - self.tolerance:
            state.best_loss, state.waited = watched, 0
            state.best = self.model.state_dict()
            self.history.best_epoch = state.epoch
        else:
            state.waited += 1
            if state.waited > patience:
                self.stop(f"the loss has not fallen for {state.waited} epochs")

    def _evaluated(self) -> dict[str, float]:
        """The validation loss and the metrics."""
        if self.held_out is None and not self.metrics:
            return {}
        data, prefix = (self.data, "") if self.held_out is None else (self.held_out, "validation_")
        total, seen = 0.0, 0
        predictions, targets = [], []
        self.model.eval()
        with al.no_grad():
            for batch in data.batches(max(self.batch_size, 256)):
                prediction = self.model(batch.X)
                samples = batch.X.shape[-1]
                if self.held_out is not None:
                    total += float(self.loss(prediction, batch.Y).item()) * samples
                seen += samples
                if self.metrics:
                    predictions.append(np.asarray(prediction.data))
                    targets.append(np.asarray(batch.Y))
        found = {"validation_loss": total / seen} if self.held_out is not None else {}
        if self.metrics:
            given = np.concatenate(predictions, axis=-1), np.concatenate(targets, axis=-1)
            for name, metric in self.metrics.items():
                found[prefix + name] = float(metric(*given))
        return found

    def _end(self) -> None:
        """Save, and go back to the best weights where early stopping is on."""
        state = self.state
        self.model.eval()
        if self.interrupted:
            self.stop("interrupted")
        self._save()
        if self.interrupted:
            kept = (
                f"everything is in {os.fspath(self.checkpoint)!r}, and resume=True goes on there"
                if self.checkpoint is not None
                else "nothing was saved: pass checkpoint=PATH for that"
            )
            tqdm.write(f"training stopped in epoch {state.epoch + 1}; {kept}")
        elif state.best is not None:
            self.model.load_state_dict(state.best)

    def _save(self) -> None:
        if self.checkpoint is not None:
            checkpoints.save(self.state, self.checkpoint)

    @contextlib.contextmanager
    def _deferred_interrupt(self) -> Iterator[None]:
        """Ctrl-C ends the training between two updates; a second one at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def note(number: int, frame: Any) -> None:
            if self.interrupted or not callable(before):
                raise KeyboardInterrupt
            self.interrupted = True

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def _check_numbers(epochs: Any, batch_size: Any, checkpoint_every: Any) -> None:
    if not isinstance(epochs, int) or epochs < 0:
        raise ValueError(f"epochs must be a whole number from 0 on, not {epochs!r}")
    for name, value in (("batch_size", batch_size), ("checkpoint_every", checkpoint_every)):
        if value is not None and not (isinstance(value, int) and value >= 1):
            hint = ", or None for all samples" if name == "batch_size" else ""
            raise ValueError(f"{name} must be at least 1{hint}, not {value!r}")


def _check_parts(model: Any, optimiser: Any, schedule: Any) -> None:
    """That they belong together: an optimiser of another net would train nothing here."""
    if not isinstance(model, Module):
        raise TypeError(f"fit() takes the model as an nn.Module, not {type(model).__name__}")
    if not isinstance(optimiser, Optimiser):
        raise TypeError(
            f"fit() takes the optimiser as an nn.Optimiser, such as nn.Adam(model.parameters()), "
            f"not {type(optimiser).__name__}"
        )
    own = {id(p) for p in model.parameters()}
    if not any(id(p) in own for p in optimiser.parameters):
        raise ValueError(
            f"the optimiser has no parameter of the model, so nothing would be learnt: make it as "
            f"{type(optimiser).__name__}(model.parameters())"
        )
    if not any(p.requires_grad for p in optimiser.parameters if id(p) in own):
        raise ValueError(
            "every parameter of the model that the optimiser has is frozen, so nothing would be "
            "learnt: model.unfreeze(), or requires_grad = True on some, trains them again"
        )
    if schedule is not None and schedule.optimiser is not optimiser:
        raise ValueError("the schedule is of another optimiser than the one that is given")


def _split(X: Any, Y: Any, weights: Any, validation: Any) -> tuple[Data, Data | None]:
    """The data to train on, and those held out."""
    if hasattr(X, "batches"):
        if Y is not None or weights is not None:
            raise TypeError(
                "data that give batches have their own targets and weights: leave Y out"
            )
        data: Data = X
    elif Y is None:
        raise TypeError("fit() takes X and Y, or data that give batches, such as nn.H5Dataset")
    else:
        data = ArrayData(X, Y, weights)
    if validation is None or hasattr(validation, "batches"):
        return data, validation
    if isinstance(validation, tuple) and len(validation) == 2:
        return data, ArrayData(*validation)
    is_share = isinstance(validation, float) and 0 < validation < 1
    if not isinstance(data, ArrayData) or not is_share:
        shown = f"of {len(validation)}" if hasattr(validation, "__len__") else repr(validation)
        raise ValueError(
            "validation must be (X, Y), data that give batches, or, where X and Y are arrays, a "
            f"share between 0 and 1, not {type(validation).__name__} {shown}"
        )
    at = len(data) - max(1, round(len(data) * validation))
    if at < 1:
        raise ValueError(f"a share of {validation} leaves no samples to train on")
    first, last = (..., slice(None, at)), (..., slice(at, None))
    kept = None if data.weights is None else data.weights[:at]
    return ArrayData(data.X[first], data.Y[first], kept), ArrayData(data.X[last], data.Y[last])


def _metrics(metrics: Iterable[str | Metric]) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for metric in [metrics] if isinstance(metrics, str) else metrics:
        if isinstance(metric, str):
            known = metric_functions.METRICS
            if metric not in known:
                raise ValueError(f"there is no metric {metric!r}: {sorted(known)}")
            found[metric] = known[metric]
        else:
            found[getattr(metric, "__name__", repr(metric))] = metric
    return found


def _seed(seed: Seed) -> int:
    if isinstance(seed, int) and seed >= 0:
        return seed
    return int(np.random.default_rng(seed).integers(2**63))


def _shown(record: Mapping[str, float]) -> dict[str, str]:
    hidden = ("epoch", "seconds", "learning_rate")
    return {name: f"{value:.4g}" for name, value in record.items() if name not in hidden}
