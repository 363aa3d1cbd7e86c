"""L-BFGS by SciPy, for losses of all samples at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

import autograd_lite as al
from autograd_lite.extend import Operand

from ..module import Parameter
from ..spelling import Spelled


class LBFGS(Spelled):
    """Minimises a loss of all samples by L-BFGS, through `scipy.optimize` (extra `scipy`).

    Parameters
    ----------
    parameters : iterable of Parameter
        The parameters to change; frozen ones are skipped.
    max_iter : int
        The maximum number of iterations of one `step`.
    tolerance : float
        The minimisation ends where no element of the gradient is larger.

    Raises
    ------
    ValueError
        For no parameters.

    Notes
    -----
    Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for bound constrained optimization"
    (1995).

    Examples
    --------
    >>> from autograd_lite import nn
    >>> W = nn.Parameter([1.0, 2.0])
    >>> optimiser = nn.LBFGS([W])
    >>> round(optimiser.step(lambda: ((W - 3) ** 2).sum()), 6)
    0.0
    >>> W.numpy().round(3)
    array([3., 3.])
    """

    def __init__(
        self, parameters: Iterable[Parameter], *, max_iter: int = 100, tolerance: float = 1e-5
    ) -> None:
        self.parameters: list[Parameter] = list(parameters)
        if not self.parameters:
            raise ValueError("LBFGS got no parameters")
        self.max_iter = max_iter
        self.tolerance = tolerance

    def step(self, loss: Callable[[], Operand]) -> float:
        """Minimises `loss()` over the parameters, in at most `max_iter` iterations.

        Parameters
        ----------
        loss : callable
            A function without arguments that computes the loss, a Tensor of one number, from the
            current values of the parameters.

        Returns
        -------
        float
            The loss that is reached.

        Raises
        ------
        ImportError
            Without SciPy.
        ValueError
            Where all parameters are frozen.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W = nn.Parameter([-1.0, 1.0])
        >>> def rosenbrock():
        ...     return (1 - W[0]) ** 2 + 100 * (W[1] - W[0] ** 2) ** 2
        >>> round(nn.LBFGS([W]).step(rosenbrock), 6)
        0.0
        >>> W.numpy().round(3)
        array([1., 1.])
        """
        try:
            from scipy.optimize import minimize
        except ImportError:
            raise ImportError("LBFGS needs SciPy: pip install 'autograd_lite[scipy]'") from None
        trained = [p for p in self.parameters if p.requires_grad]
        if not trained:
            raise ValueError("LBFGS: all parameters are frozen, so there is nothing to change")
        start = np.concatenate([p.data.ravel() for p in trained]).astype(np.float64)

        def at(values: np.ndarray) -> tuple[float, np.ndarray]:
            _fill(trained, values)
            found = loss()
            gradients = al.gradients(found, trained)
            flat = np.concatenate([np.ravel(g) for g in gradients]).astype(np.float64)
            return float(found.item()), flat

        options = {"maxiter": self.max_iter, "gtol": self.tolerance, "ftol": 0.0}
        result = minimize(at, start, jac=True, method="L-BFGS-B", options=options)
        _fill(trained, result.x)
        return float(result.fun)


def _fill(parameters: Iterable[Parameter], values: np.ndarray) -> None:
    start = 0
    for parameter in parameters:
        part = values[start : start + parameter.size]
        parameter.data[...] = part.reshape(parameter.shape)
        start += parameter.size
