"""A real Firefox for the tests of pages, where there is one, by WebDriver BiDi, which it speaks."""

import contextlib
import itertools
import json
import re
import shutil
import subprocess

import pytest


class Firefox:
    """A tab of a Firefox without a window."""

    def __init__(self, socket):
        self._socket = socket
        self._number = itertools.count(1).__next__
        self.problems = []
        self._send("session.new", capabilities={})
        self._send("session.subscribe", events=["log.entryAdded"])
        self._tab = self._send("browsingContext.create", type="tab")["context"]

    def _send(self, method, **parameters):
        number = self._number()
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("method") == "log.entryAdded":
                self.problems.append(answer["params"].get("text"))
            elif answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def open(self, url):
        """Load a page, and wait until it is there."""
        self._send("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def evaluate(self, expression):
        """The value of an expression, by way of JSON."""
        answer = self._send(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self._tab},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        value = answer["result"].get("value")
        return None if value is None else json.loads(value)


@contextlib.contextmanager
def firefox(folder):
    """A Firefox with a profile in a folder; the test is skipped where there is none."""
    client = pytest.importorskip("websockets.sync.client", reason="needs websockets")
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("needs a Firefox")
    command = [program, "--headless", "--no-remote", "--profile", str(folder)]
    process = subprocess.Popen(
        [*command, "--remote-debugging-port", "0"], stderr=subprocess.PIPE, text=True
    )
    with process, contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        for line in process.stderr:
            found = re.search(r"WebDriver BiDi listening on (ws://\S+)", line)
            if found:
                break
        else:
            pytest.skip("Firefox did not start")
        with client.connect(f"{found[1]}/session", max_size=None) as socket:
            yield Firefox(socket)
