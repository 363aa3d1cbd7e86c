"""The base of all estimators: scikit-learn's conventions, and training by `nn.fit`."""

from __future__ import annotations

import html
import inspect
import itertools
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import DTypeLike

import autograd_lite as al
from autograd_lite.extend import Array, ArrayLike, Operand, quoted

from ..contracts import Description, Shapes, State
from ..initialisers import Seed
from ..layers import Sequential
from ..optimisers import Optimiser, by_name
from ..spelling import Spelled
from ..summary import as_html
from ..training import fit
from .samples import Samples, samples_of
from .validation import not_fitted

OPTIONS = """max_iter : int
        The number of epochs of `fit`; with all samples in one batch also that of updates.
    optimiser : {"adagrad", "adam", "adamw", "nesterov", "rmsprop", "sgd"}
        The optimiser; see `nn.optimisers`.
    batch_size : int, optional
        The number of samples per update; None takes all.
    alpha : float
        The factor of the penalty alpha / 2 * sum(W^2) of the weights, which is added to the mean
        loss of N samples; scikit-learn's C is 1 / (alpha N).
    tol, n_iter_no_change : float and int
        Training stops when the loss has not fallen by more than `tol` for `n_iter_no_change`
        epochs, and keeps the best weights. With `tol=None` only `early_stopping` stops it early.
    early_stopping, validation_fraction : bool and float
        Whether to hold out this share of the samples of each class, and to stop by its loss.
    warm_start : bool
        Whether a second `fit` continues from the first.
    random_state : int, numpy.random.Generator or RandomState, optional
        The source of the random numbers; with the same seed `fit` gives the same numbers.
    compile : None, bool or "native"
        Whether to run each update as one compiled program; see `nn.fit`.
    verbose : bool
        Whether to show the progress on standard error.
    """
"""The documentation of the options of all estimators."""


@dataclass(kw_only=True, repr=False, eq=False)
class Estimator(Spelled):
    """A network with scikit-learn's methods, trained by gradient descent.

    It works in scikit-learn's pipelines and searches, and does not import scikit-learn itself.
    """

    learning_rate: float | None = 0.01
    max_iter: int = 1000
    optimiser: str = "sgd"
    batch_size: int | None = None
    alpha: float = 0.0
    tol: float | None = None
    n_iter_no_change: int = 10
    early_stopping: bool = False
    validation_fraction: float = 0.1
    warm_start: bool = False
    random_state: Seed | np.random.RandomState = None
    compile: bool | Literal["native"] | None = None
    verbose: bool = False

    def __getattr__(self, name: str) -> Any:
        if name.endswith("_") and not name.startswith("_") and "network_" not in vars(self):
            raise not_fitted(self)
        return super().__getattr__(name)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters of the constructor by name.

        Parameters
        ----------
        deep : bool
            Not used: no parameter is an estimator.

        Returns
        -------
        dict

        Examples
        --------
        >>> from autograd_lite import nn
        >>> nn.LogisticRegression(learning_rate=0.1).get_params()["learning_rate"]
        0.1
        """
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Changes parameters of the constructor; they take effect at the next `fit`.

        Parameters
        ----------
        **params
            The new values by name.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For a name that the constructor does not have.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> nn.LogisticRegression().set_params(learning_rate=0.1)
        LogisticRegression(learning_rate=0.1)
        """
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}: {list(known)}")
            setattr(self, name, value)
        return self

    @abstractmethod
    def _sizes(self, n_features: int, n_outputs: int) -> list[int]:
        """The number of units of every layer, from the features to the outputs."""

    @abstractmethod
    def _network(self, sizes: list[int], dtype: DTypeLike, rng: np.random.Generator) -> Sequential:
        """A new network with layers of these sizes."""

    @abstractmethod
    def _outputs(self) -> int:
        """The number of outputs of the network per sample."""

    @abstractmethod
    def _loss(self) -> Callable[..., Operand]:
        """The loss of the outputs of the network."""

    @abstractmethod
    def _strata(self, Y: ArrayLike) -> Array:
        """The stratum of each sample, (N,), for the stratified split of early stopping."""

    def _prepare(self, samples: Samples, Y: ArrayLike, weights: ArrayLike) -> None:
        """Adapts the new network to its training data."""

    def _rate(self, samples: Samples, weights: ArrayLike) -> float:
        """The learning rate for the samples of the first call."""
        if self.learning_rate is None:
            raise ValueError(f"{type(self).__name__} needs a learning_rate, which is None")
        return self.learning_rate

    def _check(self) -> None:
        if not isinstance(self.max_iter, (int, np.integer)) or self.max_iter < 1:
            raise ValueError(f"max_iter must be at least 1, a whole number, not {self.max_iter!r}")
        by_name(self.optimiser)
        if not self.alpha >= 0:
            raise ValueError(f"alpha must be from 0 on, not {self.alpha!r}")
        if self.early_stopping and not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction must be between 0 and 1, not {self.validation_fraction!r}"
            )

    def _goes_on(self) -> bool:
        return bool(self.warm_start) and hasattr(self, "network_")

    def _start(self, dtype: DTypeLike) -> None:
        """Makes a new network, and resets the attributes of training."""
        rng = generator(self.random_state)
        sizes = self._sizes(self.n_features_in_, self._outputs())
        self.network_: Sequential = self._network(sizes, dtype, rng)
        self._seed = int(rng.integers(2**31))
        self._optimiser: Optimiser | None = None
        self.loss_curve_: list[float] = []
        self.validation_loss_curve_: list[float] = []
        self.n_iter_: int = 0

    def _made_optimiser(self, rate: float) -> Optimiser:
        named = list(self.network_.named_parameters())
        # The penalty alpha / 2 * sum(W^2) is on the weights only.
        parts = (
            ([p for path, p in named if path.endswith("weight")], self.alpha),
            ([p for path, p in named if not path.endswith("weight")], 0.0),
        )
        groups = [{"parameters": found, "weight_decay": decay} for found, decay in parts if found]
        return by_name(self.optimiser)(groups, rate)

    def _train(self, samples: Samples, Y: ArrayLike, weights: ArrayLike, epochs: int) -> None:
        if self._optimiser is None:
            self._prepare(samples, Y, weights)
            self._optimiser = self._made_optimiser(self._rate(samples, weights))
        data, validation = (samples.columns, Y, weights), None
        if self.early_stopping:
            rng = np.random.default_rng([self._seed, 1])
            share = self.validation_fraction
            data, validation = samples.split(Y, weights, share, self._strata(Y), rng)
        stops = self.early_stopping or self.tol is not None
        history = fit(
            self.network_,
            *data[:2],
            sample_weight=data[2],
            validation=validation,
            loss=self._loss(),
            optimiser=self._optimiser,
            epochs=epochs,
            batch_size=self.batch_size,
            seed=self._seed + self.n_iter_,
            patience=self.n_iter_no_change if stops else None,
            tolerance=self.tol or 0.0,
            # Continuing from trained weights may well have small gradients.
            advice=not self.n_iter_,
            compile=self.compile,
            verbose=bool(self.verbose),
        )
        self.loss_curve_ += history["loss"]
        if validation is not None:
            self.validation_loss_curve_ += history["validation_loss"]
        self.n_iter_ += len(history)

    def _answer(self, X: ArrayLike, function: Callable[[np.ndarray], np.ndarray]) -> Array:
        """`function` of the outputs (outputs, N) of the network for the samples X."""
        if not hasattr(self, "network_"):
            raise not_fitted(self)
        samples = samples_of(self, X, reset=False)
        with al.no_grad():
            scores = self.network_.eval()(samples.columns)
        return samples.answers(scores.data, function)

    def state_dict(self) -> dict[str, np.ndarray]:
        """The values of the network's parameters by path.

        Returns
        -------
        dict of str to ndarray

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
        >>> model = nn.LinearRegression().fit(X, y)
        >>> {path: values.round(3) for path, values in model.state_dict().items()}
        {'layers.0.weight': array([[2.]]), 'layers.0.bias': array([[1.]])}
        """
        if not hasattr(self, "network_"):
            raise not_fitted(self)
        return self.network_.state_dict()

    def describe(self) -> Description:
        """The description of the estimator in a checkpoint.

        Returns
        -------
        dict

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
        >>> model = nn.LinearRegression().fit(X, y)
        >>> model.describe()["model"], model.describe()["layout"]
        ('LinearRegression', 'Sequential(Linear(1, 1))')
        """
        return {
            "model": type(self).__name__,
            **self._description(),
            "n_features_in": self.n_features_in_,
            "dtype": str(self.network_.parameters()[0].dtype),
            "layout": repr(self.network_),
        }

    @abstractmethod
    def _description(self) -> Description:
        """The entry of a description about the outputs."""

    @abstractmethod
    def _described(self, description: Description) -> Description:
        """The fitted attributes from the entry of `_description`; ValueError if it is invalid."""

    @abstractmethod
    def _outputs_of(self, fitted: Description) -> int:
        """The number of outputs of a network with these fitted attributes."""

    def expected_state(self, description: Description) -> Shapes:
        """The shape and dtype of every parameter of the network that `description` describes.

        Parameters
        ----------
        description : mapping
            The result of `describe()`.

        Returns
        -------
        dict of str to (shape, dtype)

        Raises
        ------
        ValueError
            Where the description is not that of such an estimator.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
        >>> model = nn.LinearRegression().fit(X, y)
        >>> nn.LinearRegression().expected_state(model.describe())["layers.0.weight"]
        ((1, 1), dtype('float64'))
        """
        n_features, dtype = _input_of(description)
        expected: Shapes = {}
        sizes = self._sizes(n_features, self._outputs_of(self._described(description)))
        for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            # The network has an activation between any two linear layers.
            expected[f"layers.{2 * i}.weight"] = ((n_out, n_in), dtype)
            expected[f"layers.{2 * i}.bias"] = ((n_out, 1), dtype)
        return expected

    def load_state_dict(self, state: State, description: Description) -> None:
        """Restores the fitted estimator from `state_dict()` and `describe()`.

        Parameters
        ----------
        state : mapping of str to ndarray
            The result of `state_dict()`.
        description : mapping
            The result of `describe()`.

        Raises
        ------
        ValueError
            Where the description is not that of such an estimator, or the state does not match it.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
        >>> model = nn.LinearRegression().fit(X, y)
        >>> other = nn.LinearRegression()
        >>> other.load_state_dict(model.state_dict(), model.describe())
        >>> np.array_equal(other.predict(X), model.predict(X))
        True
        """
        n_features, dtype = _input_of(description)
        fitted = self._described(description)
        rng = generator(self.random_state)
        sizes = self._sizes(n_features, self._outputs_of(fitted))
        self._network(sizes, dtype, rng).load_state_dict(state)
        self.n_features_in_ = n_features
        for name, value in fitted.items():
            setattr(self, name, value)
        self._start(dtype)
        self.network_.load_state_dict(state)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = {k: v for k, v in self.get_params().items() if not _same(v, defaults[k].default)}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"

    def _repr_html_(self) -> str:
        """The estimator, and its network where it is fitted, in HTML for notebooks."""
        shown = f"<p><code>{html.escape(repr(self))}</code></p>"
        if not hasattr(self, "network_"):
            return f"{shown}<p>not fitted</p>"
        shown += as_html(self.network_)
        if self.loss_curve_:
            shown += f"<p>loss {self.loss_curve_[-1]:.4g} after {self.n_iter_} epochs</p>"
        return shown


def generator(seed: Seed | np.random.RandomState) -> np.random.Generator:
    """The generator of a seed; a RandomState seeds a new one."""
    if isinstance(seed, np.random.RandomState):
        return np.random.default_rng(seed.randint(2**31 - 1))
    if not (seed is None or isinstance(seed, (int, np.integer, np.random.Generator))):
        raise ValueError(
            "random_state must be a whole number, a numpy.random.Generator or RandomState, or "
            f"None, not {seed!r}"
        )
    return np.random.default_rng(seed)


def _input_of(description: Description) -> tuple[int, np.dtype[Any]]:
    """The number of features and the dtype in the description of a checkpoint."""
    n_features = description.get("n_features_in")
    if type(n_features) is not int or n_features < 1:
        raise ValueError(
            f"the checkpoint describes {quoted(n_features)} features, expected a number from 1 on"
        )
    if description.get("dtype") not in ("float32", "float64"):
        raise ValueError(
            f"the checkpoint describes the dtype {quoted(description.get('dtype'))}, "
            "expected float32 or float64"
        )
    return n_features, np.dtype(description["dtype"])


def _same(value: object, default: object) -> bool:
    return value is default or (type(value) is type(default) and value == default)
