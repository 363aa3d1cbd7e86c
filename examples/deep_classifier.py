"""Train a deep classifier on pictures, and check its gradients against a derivation by hand.

With no arguments it learns to tell odd handwritten digits from even ones. `--train FILE --test
FILE` takes HDF5 files with the datasets train_set_x, train_set_y, test_set_x, test_set_y and
list_classes.
"""

from common import describe, load, parser, prepare, report, run, write_results

import autograd_lite as al
import nn
from autograd_lite.terminal.options import whole
from nn import by_hand


def main() -> None:
    options = parser(__doc__, learning_rate=0.07, iterations=2000)
    options.add_argument(
        "--layers",
        type=whole(1),
        nargs="+",
        default=[20, 7, 5],
        metavar="UNITS",
        help="units of the hidden layers",
    )
    options.add_argument(
        "--seed", type=whole(0), default=0, metavar="N", help="seed of the first weights"
    )
    args = options.parse_args()

    data = load(args)
    train_X, train_Y, test_X, _, classes = data
    prepare(args.output)
    describe(train_X, test_X, classes)

    model = nn.DeepClassifier(
        args.layers,
        learning_rate=args.learning_rate,
        max_iter=args.iterations,
        random_state=args.seed,
        verbose=True,
    )
    # Estimators take samples first, as scikit-learn does; load_data returns them as columns.
    model.fit(train_X.T, train_Y[0])

    network = model.network_
    loss = nn.binary_cross_entropy_with_logits(network(train_X), train_Y)
    parameters = {p.name: p.numpy() for p in network.parameters()}
    _, derived = by_hand.propagate(train_X, parameters, train_Y)
    print("\nautodiff against the derivation by hand:")
    al.compare(loss, derived)
    print()

    report(model, data)
    X, Y = train_X, train_Y
    al.label({"X": X, "Y": Y, "cost": loss})
    write_results(model, loss, args.output)


if __name__ == "__main__":
    run(main)
