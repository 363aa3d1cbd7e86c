"""fit: the training loop, with validation, early stopping, checkpoints and progress."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, NoReturn, ParamSpec, cast

import numpy as np

import autograd_lite as al
from autograd_lite.extend import (
    ArrayLike,
    Operand,
    computing_threads,
    is_lazy,
    sheet_history,
    total,
)

from .. import checkpoint as checkpoints
from ..data.batches import ArrayData, Batch, Data
from ..effects import is_own, undone
from ..initialisers import Seed
from ..layers.normalisation import TooFewSamples
from ..losses import weight_of
from ..module import Module, Parameter
from ..optimisers import Optimiser, Schedule, clip_by_norm
from ..spelling import check_known
from . import arguments
from .advice import (
    explain_nan,
    look_at_data,
    look_at_predictions,
    look_at_targets,
    look_at_units,
    look_for_explosion,
    look_for_vanishing,
)
from .compiled import CompiledUpdate, NotFinite
from .history import History
from .local import Replica, Trained
from .measuring import Loss, Metric, ToldMetric, measured, told
from .progress import Progress, say
from .state import TrainingState

P = ParamSpec("P")

RECORDED_UPDATES = 300
"""So many updates are recorded before they are compiled, which takes as long as some hundred."""

COMPILE_LIMIT_BYTES = 2**26
"""Updates by larger batches are compiled on demand only: that takes several times their memory, and
saves little of their time.
"""

LOOKED_AT_ONCE_IN = 32
"""One in at least so many compiled updates is recorded to look for exploding gradients."""

RECORD_LIMIT_SAMPLES = 64
"""The record of a training follows up to this many samples."""


@dataclass(eq=False, repr=False)
class Training:
    """Trains `model` on mini-batches, and returns the loss of each epoch.

    An epoch goes over all samples once; an update changes the parameters after each batch.

    Parameters
    ----------
    model : Module
        The network; it is in training mode during the training, and in evaluation mode afterwards.
    X, Y : arrays
        Samples and targets, with the samples as the last axis: X (features, N) or (channels,
        height, width, N), Y as the loss takes it. Or X is data that yield batches, such as
        `nn.H5Dataset`, and Y is left out.
    loss : callable
        `loss(model(X), Y)` returns a Tensor of one number, the mean over the samples. It takes
        `sample_weight` where weights are given. Its attribute `prediction` tells metrics the kind
        of the predictions: "logits", "probabilities", "scores" or "numbers".
    optimiser : Optimiser, or one of "adagrad", "adam", "adamw", "nesterov", "rmsprop", "sgd"
        An optimiser of the model's parameters, or a name for one with its default learning rate.
    epochs : int
        The number of epochs in all, with those before a training was resumed.
    batch_size : int, optional
        The number of samples per batch; None takes all.
    accumulate : int
        The number of batches per update. Their gradients are added up, so that an update equals one
        with a `batch_size` as many times larger, in the memory of one batch.
    average_every : int, optional
        Local SGD, for Dask arrays on many machines or over a slow network: several replicas of the
        model make so many updates each, on different samples, before their parameters and the state
        of their optimisers are averaged. Parameters travel once in such a round, and not at each
        update. In a round, a replica gets samples of one block that are neighbours in the data:
        store these shuffled. It makes fewer updates where the block has no more samples, and more
        where a part of it cannot be read. `drop_last` leaves out the last batch of each replica.
        Advice is not given, and updates are not compiled.
    replicas : int, optional
        The most replicas in a round of `average_every`; None takes as many as threads compute, and
        `history.notes` tells how many. Each trains on one thread. Results depend on their number,
        but not on which worker trains which.
    drop_last : bool
        Whether to leave out the last batch of an epoch where it has fewer samples.
    shuffle : bool
        Whether to shuffle the samples in each epoch.
    seed : int or numpy.random.Generator, optional
        The seed of the order. The same seed gives the same numbers, provided that the random layers
        of the model have seeds too.
    sample_weight : N numbers, optional
        The weight of each sample in the loss and the metrics. A batch is skipped if all its weights
        are zero.
    validation : (X, Y), (X, Y, weights), data that yield batches, or a share of samples, optional
        Held-out data, which are not trained on. A share takes the last samples, with their weights.
    metrics : names or functions
        Names of functions in `nn.metrics`, or `metric(prediction, target)`, which may also take
        `given` and `sample_weight`. They are computed at the end of each epoch on the validation
        data, or without them on the training data.
    schedule : Schedule, optional
        A schedule of the optimiser's learning rate. It steps after each update, or if it is
        `by_epoch`, as PlateauSchedule is, after each epoch with the (validation) loss.
    clip_norm : float, optional
        The largest norm of the gradients of the trained parameters (see `nn.clip_by_norm`).
    callbacks : functions of the Training, called after each epoch
        `training.stop(reason)` ends the training; `.model`, `.history`, `.epoch` and `.optimiser`
        are its state. Learning curves go to TensorBoard by `lambda t: writer.add_scalars("fit",
        t.history.records[-1], t.epoch)`, and to MLflow by `lambda t:
        mlflow.log_metrics(t.history.records[-1], step=t.epoch)`.
    patience : int, optional
        Early stopping: the number of epochs after which the training stops if the (validation) loss
        has not fallen by more than `tolerance`. At the end the model gets the weights of the epoch
        with the lowest loss. Without validation data that is the loss on all training data after
        the epoch, because each batch of an epoch has the loss of other weights. Where one batch
        has all samples, its loss is that of the weights before the update, and the model gets
        these.
    tolerance : float
        See `patience`.
    checkpoint : path, optional
        The file for the whole state, saved after every `checkpoint_every` epochs, at the end, and
        at Ctrl-C, which ends the training after the current update.
    checkpoint_every : int
        See `checkpoint`.
    resume : bool
        Whether to continue from `checkpoint`, if the file exists: the numbers are those of a
        training that was never stopped, bit for bit. Learning rates and frozen parameters are
        restored too.
    advice : bool
        Whether to warn (TrainingWarning) of data that are not scaled, a last layer that does not
        suit the loss, identical units, and vanishing or exploding gradients.
    compile : None, bool or "native"
        Whether to run each update, the optimiser's step included, as one program (see
        `al.compile`): the numbers are the same up to rounding, in less time. None does so from
        update 301 on, as compiling takes as long as some hundred updates, if the model can be
        compiled and a batch has at most 64 MiB; the number does not depend on the machine, so that
        trainings are reproducible, and `history.notes` tells it. True compiles at once and raises
        an error for a model that cannot be compiled: one of its own modules draws random numbers,
        or writes to itself (the layers of `nn` may). "native" compiles it by Numba (extra `jit`)
        before the first update. That takes seconds the first time that such a network is trained,
        and makes each update faster.
    record : path, optional
        A page to write when the training ends, also where it fails: the sheet of the loss of up to
        64 samples (see `al.sheet`), with curves of the size of each value, gradient and parameter's
        step over the epochs, the share of dead units, and the line in which the first NaN appeared.
    verbose : bool
        Whether to show the progress on standard error or in a notebook: as a bar, or in a file as
        lines.

    Returns
    -------
    History
        A record per epoch.

    Raises
    ------
    FloatingPointError
        Where the loss is NaN or infinite; the message names the operation that made it so.
    ValueError, TypeError
        Where an argument does not suit the others.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X, Y = np.array([[0.0, 1.0, 2.0]]), np.array([[1.0, 3.0, 5.0]])
    >>> model = nn.Linear(1, 1, seed=0)
    >>> options = dict(loss=nn.mean_squared_error, epochs=100, verbose=False)
    >>> history = nn.fit(model, X, Y, optimiser=nn.SGD(model.parameters(), 0.1), **options)
    >>> len(history["loss"]), model(np.array([[10.0]])).numpy().round(1)
    (100, array([[21.]]))
    """

    model: Module
    X: ArrayLike
    Y: ArrayLike | None = None
    _: KW_ONLY
    loss: Loss
    optimiser: Optimiser | str
    epochs: int
    batch_size: int | None = 32
    accumulate: int = 1
    average_every: int | None = None
    replicas: int | None = None
    drop_last: bool = False
    shuffle: bool = True
    seed: Seed = None
    sample_weight: ArrayLike | None = None
    validation: arguments.Validation = None
    metrics: str | Metric | Iterable[str | Metric] = ()
    schedule: Schedule | None = None
    clip_norm: float | None = None
    callbacks: Iterable[Callable[[Training], object]] = ()
    patience: int | None = None
    tolerance: float = 0.0
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_every: int = 1
    resume: bool = False
    advice: bool = True
    compile: bool | Literal["native"] | None = None
    record: str | os.PathLike[str] | None = None
    verbose: bool = True

    def __post_init__(self) -> None:
        arguments.check_numbers(self)
        arguments.check_loss(self.loss)
        optimiser = arguments.optimiser_of(self.model, self.optimiser, self.schedule)
        self.optimiser = optimiser
        self.data: Data
        self.held_out: Data | None
        self.data, self.held_out = arguments.data_of(
            self.X, self.Y, self.sample_weight, self.validation
        )
        samples = len(self.data)
        self.size: int = self.batch_size or samples
        self.is_one_batch: bool = samples <= self.size
        self._check_batches(samples)
        arguments.check_averaging(self)
        self.measures: dict[str, ToldMetric] = told(self.metrics, self.loss)
        self.callbacks = tuple(self.callbacks)
        self.state: TrainingState = TrainingState(
            self.model, optimiser, self.schedule, arguments.seed_of(self.seed)
        )
        if self.resume and self.checkpoint is not None and os.path.exists(self.checkpoint):
            checkpoints.load(self.checkpoint, self.state)
        self.interrupted = False
        self.exploded: bool = False
        self.looks: bool = self.advice and not self.state.epoch and not self.state.position
        if self.average_every is not None:
            self.replicas = self.replicas or computing_threads()
            self.history.notes.append(
                f"{self.replicas} replicas are averaged after every {self.average_every} updates"
            )
        self.batches: int = samples // self.size if self.drop_last else -(-samples // self.size)
        self.compiled: CompiledUpdate | None = self._new_program() if self.compile else None
        self.may_compile: bool = self.compile is None and self.accumulate == 1
        # Finding the generators takes longer than a batch of a small net.
        self.generators: list[np.random.Generator] = [g for _, g in self.model.named_generators()]
        self.keeps_best: bool = self.patience is not None
        # The loss of a batch of all samples is that of the weights before its update, unless the
        # model computes something else in training than in use.
        self.tells_loss: bool = (
            self.is_one_batch
            and self.average_every is None
            and not self.generators
            and not any(self.model.named_buffers())
        )

    def _new_program(self) -> CompiledUpdate:
        native = self.compile == "native"
        optimiser = self.state.optimiser
        return CompiledUpdate(self.model, optimiser, self.loss, self.clip_norm, native)

    def _check_batches(self, samples: int) -> None:
        if self.drop_last and samples < self.size:
            raise ValueError(
                f"drop_last=True leaves no batch: {samples} samples are fewer than "
                f"batch_size={self.size}"
            )
        if self.compile and self.accumulate > 1:
            raise ValueError(
                "fit(compile=True) makes an update from one batch, and accumulate="
                f"{self.accumulate} from several: leave one of them out"
            )
        if self.compile and isinstance(self.data, ArrayData) and is_lazy(self.data.X):
            raise TypeError(
                "fit(compile=True) takes NumPy arrays, not Dask's, which are computed block by "
                "block: leave compile out"
            )

    @property
    def history(self) -> History:
        """The losses and metrics of the epochs so far."""
        return self.state.history

    @property
    def epoch(self) -> int:
        """The number of finished epochs."""
        return self.state.epoch

    def stop(self, reason: str) -> None:
        """Ends the training after this epoch."""
        self.history.stopped = reason

    def run(self) -> History:
        """Trains until `epochs` epochs are done in all."""
        state, epochs = self.state, self.epochs
        # Gradients of an earlier backward() would be added to the first.
        parameters = self.model.parameters() + state.optimiser.parameters
        parameters = list({id(p): p for p in parameters}.values())
        for parameter in parameters:
            parameter.zero_grad()
        if self.patience is not None and state.waited >= self.patience:
            epochs = state.epoch
        progress = Progress(state.epoch, self.epochs, self.verbose)
        with self._deferred_interrupt(), contextlib.closing(progress), self._recorded():
            while state.epoch < epochs and self.history.stopped is None:
                self.model.train()
                started = time.perf_counter()
                if self.average_every is None:
                    self.run_epoch(parameters)
                else:
                    self._run_rounds()
                state.seconds += time.perf_counter() - started
                if self.interrupted:
                    break
                self._finish_epoch()
                self._look()
                progress.show(self.history.records[-1])
                if state.epoch % self.checkpoint_every == 0 and state.epoch < epochs:
                    self._save()
        self._end()
        return self.history

    @contextlib.contextmanager
    def _recorded(self) -> Iterator[None]:
        """Writes the record when the training ends, also by an error."""
        self.sheets: Any = sheet_history() if self.record is not None else None
        self._look()
        try:
            yield
        except FloatingPointError:
            self._look()
            raise
        finally:
            if self.sheets is not None and self.record is not None:
                self.sheets.write(self.record)

    def _look(self) -> None:
        """Records the sizes of all values of the loss for a few samples.

        The model is in evaluation mode afterwards.
        """
        if self.sheets is None:
            return
        batch = next(iter(self.data.batches(RECORD_LIMIT_SAMPLES, None, 0)))
        X, Y = (np.asarray(a) for a in (batch.X, batch.Y))
        model, loss = self.model.eval(), self.loss

        def training(X: ArrayLike, Y: ArrayLike) -> Operand:
            prediction = model(X)
            return loss(prediction, Y)

        self.sheets.look(training, X, Y)

    @property
    def _order(self) -> list[int] | None:
        """The seed of the order of the samples in this epoch."""
        return [self.state.seed, self.state.epoch] if self.shuffle else None

    def run_epoch(self, parameters: list[Parameter]) -> None:
        """Trains on the remaining batches of the epoch."""
        state = self.state
        last = len(self.data) // self.size if self.drop_last else None
        alone = self.accumulate == 1 or self.is_one_batch
        # The sum of the shares of batches whose gradients are not applied yet.
        pending = 0.0
        for batch in self.data.batches(self.size, self._order, state.position):
            if state.position == last:
                break
            samples = batch.X.shape[-1]
            # The mean of a single batch does not depend on its weight.
            counts = samples if self.is_one_batch else weight_of(self.loss, batch.Y, batch.weights)
            if counts and alone:
                state.total += self._update(batch, parameters) * counts
            elif counts:
                state.total += self._add_gradients(batch, counts / self.size) * counts
                pending += counts / self.size
            state.weight += counts
            state.seen += samples
            state.position += 1
            if pending and state.position % self.accumulate == 0:
                self._step_by_mean(parameters, pending)
                pending = 0.0
            if self.interrupted and not pending:
                break
        if pending:
            self._step_by_mean(parameters, pending)

    def _run_rounds(self) -> None:
        """Trains replicas on the remaining samples of the epoch, in rounds: see `average_every`."""
        state, data = self.state, cast(ArrayData, self.data)
        self._check_averaged()
        samples = self.size * (self.average_every or 1)
        most = 0
        for numbers, arrays in data.rounds(samples, self.replicas or 1, self._order, state.seen):
            found: Trained = total(self._replica().pickled(), Trained.joined, [*arrays, numbers])
            if found.weight:
                self._take_over(found)
            most = max(most, found.updates)
            state.total += found.loss * found.weight
            state.weight += found.weight
            state.seen += len(numbers)
            state.position += 1
            if self.interrupted:
                return
        self._tell_short_rounds(most)

    def _check_averaged(self) -> None:
        """Raises ValueError where the optimiser has parameters that the model has not."""
        own = {id(parameter) for parameter in self.model.parameters()}
        if any(id(parameter) not in own for parameter in self.state.optimiser.parameters):
            raise ValueError(
                "fit(average_every=) averages the parameters of the model, and the optimiser has "
                "others, as of the loss: make them parameters of the model"
            )

    def _tell_short_rounds(self, most: int) -> None:
        """Notes, once, that the replicas of an epoch made no more than `most` updates."""
        if self.drop_last and not self.state.weight:
            raise ValueError(
                "drop_last=True leaves no batch: replicas have fewer samples than batch_size="
                f"{self.size}, as have the blocks of X; rechunk it, or take a smaller batch_size"
            )
        if not self.state.epoch and 0 < most < (self.average_every or 1):
            self.history.notes.append(
                f"replicas make up to {most} of the {self.average_every} updates, as the blocks of "
                "X have no more samples: rechunk it for more"
            )

    def _replica(self) -> Replica:
        """What trains on each part of a round."""
        stepped = self.schedule is not None and not self.schedule.by_epoch
        start = functools.partial(
            ReplicaTraining,
            self.model,
            loss=self.loss,
            optimiser=self.state.optimiser,
            epochs=1,
            batch_size=self.size,
            drop_last=self.drop_last,
            schedule=self.schedule if stepped else None,
            clip_norm=self.clip_norm,
            advice=False,
            compile=False,
            verbose=False,
        )
        draws = [int(generator.integers(2**63)) for generator in self.generators]
        smallest = self.size if self.drop_last else 1
        return Replica(start, smallest, self.epoch, self._order, draws)

    def _take_over(self, found: Trained) -> None:
        """Goes on from the averages of a round."""
        state, schedule = self.state, self.schedule
        state.take_over(found.arrays, found.steps)
        if schedule is not None and not schedule.by_epoch:
            for _ in range(found.updates):
                schedule.step()

    def _update(self, batch: Batch, parameters: list[Parameter]) -> float:
        """Updates the parameters once; returns the loss before the update."""
        before = (
            self.model.state_dict()
            if self.keeps_best and self.held_out is None and self.tells_loss
            else None
        )
        value = self._update_compiled(batch)
        if value is None:
            value = self._update_recorded(batch, parameters)
        if self.schedule is not None and not self.schedule.by_epoch:
            self.schedule.step()
        if before is not None and value < self.state.best_loss:
            self.state.best_loss, self.state.best = value, before
        return value

    def _update_compiled(self, batch: Batch) -> float | None:
        """Updates the parameters by a program; None where the update must be recorded."""
        if self.looks or self._is_to_be_looked_at():
            return None
        try:
            if self.compiled is None and self._is_worth_compiling(batch):
                self.compiled = self._new_program()
            if self.compiled is None:
                return None
            value = self.compiled(batch)
        except NotFinite as error:
            self._explain(batch, error.value)
        except TooFewSamples as error:
            raise self._about_small_batches(error, batch.X.shape[-1]) from None
        except Exception as error:
            if self.compile is not None:
                raise
            # What cannot be compiled has changed nothing, and is recorded as before.
            self._record_on(str(error))
            return None
        if self.may_compile:
            self.may_compile = False
            self.history.notes.append(f"updates are compiled from number {self._number} on")
        return value

    @property
    def _number(self) -> int:
        """The number of the next update, from 1 on."""
        return self.state.epoch * self.batches + self.state.position + 1

    def _is_worth_compiling(self, batch: Batch) -> bool:
        is_plain = isinstance(batch.X, np.ndarray) and batch.X.nbytes <= COMPILE_LIMIT_BYTES
        if not self.may_compile or not is_plain or self._number <= RECORDED_UPDATES:
            return False
        # What a model draws is found by one more forward pass, which others may count.
        if self.generators or any(self.model.named_buffers()):
            others = [m for _, m in self.model.named_modules() if not is_own(m)]
            if others:
                self._record_on(f"{type(others[0]).__name__} may draw random numbers")
        return self.may_compile

    def _record_on(self, reason: str) -> None:
        """Gives up compiling the updates, and notes why."""
        self.compiled, self.may_compile = None, False
        self.history.notes.append(f"updates are recorded, not compiled: {reason}")

    def _is_to_be_looked_at(self) -> bool:
        """Whether the gradients of the next update are looked at, which a program does not keep."""
        state = self.state
        every = -(-LOOKED_AT_ONCE_IN // self.batches)
        return self.advice and not self.exploded and not state.position and not state.epoch % every

    def _update_recorded(self, batch: Batch, parameters: list[Parameter]) -> float:
        look = self.looks
        value = self._add_gradients(batch)
        self._step(parameters)
        if look:
            look_at_units(self.model)
        return value

    def _add_gradients(self, batch: Batch, share: float | None = None) -> float:
        """Adds the gradients of `share` times a batch's loss to `.grad`; returns the loss."""
        look, self.looks = self.looks, False
        if look:
            look_at_data(batch.X, batch.Y)
            look_at_targets(self.loss, batch.Y)
        states = [(g, g.bit_generator.state) for g in self.generators]
        loss, prediction = self._loss(batch)
        if look:
            look_at_predictions(self.loss, prediction)
        if share is not None:
            loss = loss * share
        # A lazy loss is computed once, together with the gradients.
        later = is_lazy(loss._value)
        if later:
            loss.backward()
        value = float(loss.item()) / (1.0 if share is None else share)
        if not np.isfinite(value):
            for generator, before in states:
                generator.bit_generator.state = before
            self.model.zero_grad()
            self._explain(batch, value)
        if not later:
            loss.backward()
        # Checked once in an epoch until it was found: a check takes as long as a small update.
        if self.advice and not self.state.position and not self.exploded:
            self.exploded = look_for_explosion(self.model)
        if look and not self.exploded:
            look_for_vanishing(self.model, value)
        return value

    def _step_by_mean(self, parameters: list[Parameter], shares: float) -> None:
        """Updates the parameters by the mean of the accumulated gradients."""
        for parameter in self.state.optimiser.parameters:
            if parameter.grad is not None:
                parameter.grad /= shares
        self._step(parameters)
        if self.schedule is not None and not self.schedule.by_epoch:
            self.schedule.step()

    def _step(self, parameters: list[Parameter]) -> None:
        """Updates the parameters by their gradients, and discards the gradients."""
        optimiser = self.state.optimiser
        if self.clip_norm is not None:
            clip_by_norm((p for p in optimiser.parameters if p.requires_grad), self.clip_norm)
        optimiser.step()
        for parameter in parameters:
            parameter.zero_grad()

    def _explain(self, batch: Batch, value: float) -> NoReturn:
        """Raises FloatingPointError for a loss that is not finite."""
        where = f"in epoch {self.state.epoch + 1}, batch {self.state.position + 1}"
        with undone(self.model):
            explain_nan(self.model, lambda: self._loss(batch)[0], where, value)

    def _loss(self, batch: Batch) -> tuple[Operand, Operand]:
        """The loss of a batch, and the predictions."""
        try:
            prediction = self.model(batch.X)
        except TooFewSamples as error:
            raise self._about_small_batches(error, batch.X.shape[-1]) from None
        options = {} if batch.weights is None else {"sample_weight": batch.weights}
        loss = self.loss(prediction, batch.Y, **options)
        if not isinstance(loss, al.Tensor) or loss.size != 1:
            what = f"shape {loss.shape}" if isinstance(loss, al.Tensor) else type(loss).__name__
            raise TypeError(
                f"the loss must return one number as a Tensor, such as a mean; it returned {what}"
            )
        return loss, prediction

    def _about_small_batches(self, error: ValueError, samples: int) -> ValueError:
        if self.is_one_batch or samples == self.size:
            return ValueError(f"{error}; take a larger batch_size, or more samples")
        return ValueError(
            f"{error}: the last batch of {len(self.data)} samples with batch_size={self.size} has "
            f"{samples}; leave it out by drop_last=True, or take another batch_size"
        )

    def _finish_epoch(self) -> None:
        """Records the epoch, measures the validation data, and decides whether to stop."""
        state = self.state
        if not state.weight:
            raise ValueError("every batch of the epoch had weights that are all zero")
        record: dict[str, float] = {
            "epoch": state.epoch + 1,
            "loss": state.total / state.weight,
            "learning_rate": state.optimiser.learning_rate,
            "seconds": state.seconds,
        }
        record |= self._measured()
        self.history.records.append(record)
        state.epoch += 1
        state.position, state.seen, state.seconds = 0, 0, 0.0
        state.total = state.weight = 0.0
        watched = record.get("validation_loss", record["loss"])
        if self.schedule is not None and self.schedule.by_epoch:
            self.schedule.step(watched)
        if self.patience is not None:
            self._wait(watched, self.patience)
        for callback in self.callbacks:
            callback(self)

    def _measures_training(self) -> bool:
        """Whether the best weights are those with the lowest loss on all training data."""
        return self.keeps_best and self.held_out is None and not self.tells_loss

    def _measured(self) -> dict[str, float]:
        """The validation loss, or the training loss where early stopping needs it, and the metrics.

        It keeps the weights, if they are the best. Without validation data the metrics are of the
        training data.
        """
        if self.held_out is not None:
            found = measured(self.model, self.held_out, self.loss, self.measures, self.size)
            if self.keeps_best:
                self._keep_best(found["loss"])
            return {f"validation_{name}": value for name, value in found.items()}
        if not self.measures and not self._measures_training():
            return {}
        found = measured(self.model, self.data, self.loss, self.measures, self.size)
        if self._measures_training():
            self._keep_best(found["loss"])
        else:
            del found["loss"]
        return found

    def _keep_best(self, loss: float) -> None:
        if loss < self.state.best_loss:
            self.state.best_loss, self.state.best = loss, self.model.state_dict()

    def _wait(self, watched: float, patience: int) -> None:
        state, history = self.state, self.history
        name = "loss" if self.held_out is None else "validation_loss"
        # Before a training is resumed its epochs may have had no validation data.
        best = {} if history.best_epoch is None else history.records[history.best_epoch - 1]
        if watched < best.get(name, np.inf):
            history.best_epoch = state.epoch
        if watched < state.reference - self.tolerance:
            state.reference, state.waited = watched, 0
            return
        state.waited += 1
        if state.waited >= patience:
            self.stop(f"the loss has not fallen for {state.waited} epochs")

    def _end(self) -> None:
        """Saves the state, and restores the best weights of early stopping."""
        state = self.state
        self.model.eval()
        if self.interrupted:
            self.stop("interrupted")
        self._save()
        if self.interrupted:
            kept = (
                f"the state is in {os.fspath(self.checkpoint)!r}, and resume=True continues from it"
                if self.checkpoint is not None
                else "nothing was saved: pass checkpoint=PATH for that"
            )
            say(f"training stopped in epoch {state.epoch + 1}; {kept}")
        elif state.best is not None and not self._ended_at_best():
            self.model.load_state_dict(state.best)

    def _ended_at_best(self) -> bool:
        """Whether the weights after the last update are the best; no epoch has measured them."""
        if self.held_out is not None or not self.tells_loss:
            return False
        last = measured(self.model, self.data, self.loss, {}, self.size)["loss"]
        return last <= self.state.best_loss

    def _save(self) -> None:
        if self.checkpoint is not None:
            checkpoints.save(self.state, self.checkpoint)

    @contextlib.contextmanager
    def _deferred_interrupt(self) -> Iterator[None]:
        """Lets Ctrl-C end the training between two updates, and a second one at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def note(number: int, frame: object) -> None:
            if self.interrupted or not callable(before):
                raise KeyboardInterrupt
            self.interrupted = True

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


class ReplicaTraining(Training):
    """The training of a replica, whose errors say which samples it has."""

    samples: tuple[int, int]
    """The numbers of the first and the last sample in the data."""

    def _explain(self, batch: Batch, value: float) -> NoReturn:
        first, last = self.samples
        where = (
            f"in epoch {self.epoch + 1}, batch {self.state.position + 1} of the replica that has "
            f"samples {first} to {last}"
        )
        with undone(self.model):
            explain_nan(self.model, lambda: self._loss(batch)[0], where, value)

    def _about_small_batches(self, error: ValueError, samples: int) -> ValueError:
        if samples == self.size:
            return super()._about_small_batches(error, samples)
        return ValueError(
            f"{error}: the last batch of a replica with batch_size="
            f"{self.size} has {samples}; leave out such batches by drop_last=True, or take another "
            "batch_size"
        )


def _as_function(training: Callable[P, Training]) -> Callable[P, History]:
    """Makes `fit`, a function with the options of Training."""
    signature = inspect.signature(training)

    def fit(*arguments: P.args, **options: P.kwargs) -> History:
        for name in options.keys() & {"lr", "learning_rate", "momentum", "weight_decay"}:
            raise TypeError(
                f"fit() has no option {name!r}: the optimiser has it, as in "
                "optimiser=nn.SGD(model.parameters(), learning_rate=0.01)"
            )
        check_known("fit", options, signature.parameters)
        try:
            signature.bind(*arguments, **options)
        except TypeError as error:
            raise TypeError(f"fit(): {error}") from None
        return training(*arguments, **options).run()

    fit.__doc__ = training.__doc__
    fit.__signature__ = signature.replace(return_annotation=History)  # type: ignore[attr-defined]
    return fit


fit = _as_function(Training)
