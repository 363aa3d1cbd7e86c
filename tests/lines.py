"""The lines that messages name."""

import inspect


def line_of_next_statement():
    """How messages name the line after that of this call."""
    frame = inspect.currentframe().f_back
    return (
        f'File "{frame.f_code.co_filename}", line {frame.f_lineno + 1}, in {frame.f_code.co_name}'
    )
