"""Differentiate logistic regression, check the derivation by hand, and train it on pictures.

With no arguments it learns to tell odd handwritten digits from even ones. `--train FILE --test
FILE` takes HDF5 files as examples/deep_classifier.py does.
"""

import numpy as np
from common import describe, load, parser, prepare, report, run, write_results

import autograd_lite as al
import nn
from nn import by_hand


def main() -> None:
    args = parser(__doc__, learning_rate=0.5, iterations=1000).parse_args()
    data = load(args)
    X, Y, test_X, _, classes = data
    prepare(args.output)
    describe(X, test_X, classes)

    # The derivation by hand and the recorded one, on the same parameters.
    rng = np.random.default_rng(0)
    W = al.Tensor(rng.normal(0, 0.01, (1, len(X))), requires_grad=True)
    b = al.Tensor(np.zeros((1, 1)), requires_grad=True)
    Z = np.dot(W, X) + b
    cost = np.mean(al.softplus(Z) - Y * Z)
    al.label(locals())
    _, cache = by_hand.forward_logistic_regression(W.data, b.data, X, Y)
    print("autodiff against the derivation by hand:")
    al.compare(cost, by_hand.backward_logistic_regression(cache))
    print()

    model = nn.LogisticRegression(args.learning_rate, args.iterations, verbose=True)
    model.fit(X.T, Y[0])
    print()
    report(model, data)
    write_results(model, cost, args.output)


if __name__ == "__main__":
    run(main)
