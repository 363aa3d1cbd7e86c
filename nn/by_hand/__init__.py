"""Forward and backward passes derived by hand, in plain NumPy, to compare with or to learn from.

The networks of the article are in `article`, with the mistakes in its listings; layers of sequences
are in `sequences`.
"""

from .article import (
    backward_logistic_regression,
    backward_one_hidden_layer,
    cross_entropy_loss,
    forward_logistic_regression,
    forward_one_hidden_layer,
    initialize_parameters,
    propagate,
    relu,
    sigmoid,
    update_parameters,
)
from .sequences import (
    backward_attention,
    backward_conv1d,
    backward_gru,
    backward_lstm,
    backward_rnn,
    forward_attention,
    forward_conv1d,
    forward_gru,
    forward_lstm,
    forward_rnn,
)

__all__ = [
    "backward_attention",
    "backward_conv1d",
    "backward_gru",
    "backward_logistic_regression",
    "backward_lstm",
    "backward_one_hidden_layer",
    "backward_rnn",
    "cross_entropy_loss",
    "forward_attention",
    "forward_conv1d",
    "forward_gru",
    "forward_logistic_regression",
    "forward_lstm",
    "forward_one_hidden_layer",
    "forward_rnn",
    "initialize_parameters",
    "propagate",
    "relu",
    "sigmoid",
    "update_parameters",
]
