"""Running a function in a process of its own, without the cost of a new interpreter."""

import os
import sys
import tempfile
import traceback

import pytest


def forked(function):
    """Call `function` in a child of this process; returns its exit code and what it printed."""
    if not hasattr(os, "fork"):
        pytest.skip("needs processes that fork")
    with tempfile.TemporaryFile("w+") as printed:
        child = os.fork()
        if not child:
            code = 1
            try:
                sys.stdout = sys.stderr = printed
                function()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                printed.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        printed.seek(0)
        return os.waitstatus_to_exitcode(status), printed.read()
