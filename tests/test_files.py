"""Writing files: whole or not at all, with the permissions and links that were there."""

import errno
import os
import random
import re
import signal
import stat
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from forked import forked
from small_training import save_training

import autograd_lite as al
import nn
from autograd_lite import files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions, links, signals")

ROOT = Path(__file__).parents[1]


def recorded():
    return np.exp(al.Tensor(np.ones(2), True, name="x")).sum()


WRITERS = {
    "model.h5": lambda path: nn.save(nn.Linear(2, 2, seed=0), path),
    "training.h5": save_training,
    "model.safetensors": lambda path: nn.save(nn.Linear(2, 2, seed=0), path),
    "training.safetensors": save_training,
    "data.h5": lambda path: nn.write_dataset(path, np.ones((4, 2)), np.ones(4)),
    "module.py": lambda path: al.derive(lambda w: np.sum(w * w), np.ones(2)).write(path),
    "net.onnx": lambda path: al.to_onnx(lambda a: a + 1, np.ones(3), path=path),
    "graph.dot": lambda path: al.draw(recorded()).render(path),
    "graph.svg": lambda path: al.draw(recorded()).render(path),
    "page.html": lambda path: al.step_through(recorded(), path),
}
"""Whatever writes a file, by the name of one."""

every_writer = pytest.mark.parametrize(("name", "save"), WRITERS.items(), ids=WRITERS)


@pytest.fixture(autouse=True)
def umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def names(folder):
    return sorted(os.listdir(folder))


@every_writer
def test_a_new_file_has_the_permissions_of_any_new_file(name, save, tmp_path):
    os.umask(0o027)
    save(tmp_path / name)
    assert mode(tmp_path / name) == 0o640
    assert names(tmp_path) == [name]


@every_writer
@pytest.mark.parametrize("permissions", [0o600, 0o644, 0o660, 0o444, 0o755])
def test_a_file_that_is_saved_over_keeps_its_permissions(name, save, permissions, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"old")
    path.chmod(permissions)
    save(path)
    assert path.read_bytes() != b"old"
    assert mode(path) == permissions


@every_writer
def test_links_stay_and_what_they_lead_to_is_replaced(name, save, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).write_bytes(b"old")
    (tmp_path / "folder" / name).chmod(0o600)
    link, again = tmp_path / name, tmp_path / f"again-{name}"
    link.symlink_to(f"folder/{name}")
    again.symlink_to(name)
    save(again)
    assert again.is_symlink() and link.is_symlink()
    assert (tmp_path / "folder" / name).read_bytes() != b"old"
    assert mode(tmp_path / "folder" / name) == 0o600
    assert names(tmp_path / "folder") == [name]


@every_writer
def test_a_link_to_a_file_that_is_not_there_yet_makes_it(name, save, tmp_path):
    (tmp_path / f"link-{name}").symlink_to(name)
    save(tmp_path / f"link-{name}")
    assert (tmp_path / name).is_file() and (tmp_path / f"link-{name}").is_symlink()


def folder(path):
    path.mkdir()


def pipe(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to("/dev/full")


def circle(path):
    path.symlink_to(path.with_name("other"))
    path.with_name("other").symlink_to(path)


@every_writer
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (folder, "that is a folder"),
        (pipe, "that is a named pipe, not a regular file"),
        (device, "that is a device or a socket, not a regular file"),
        (circle, "that is a symbolic link that leads in a circle"),
    ],
)
def test_what_is_no_file_is_named_and_stays(name, save, make, reason, tmp_path):
    make(tmp_path / name)
    before = os.lstat(tmp_path / name)
    with pytest.raises(OSError, match=reason) as caught:
        save(tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value)
    after = os.lstat(tmp_path / name)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert not [n for n in names(tmp_path) if n.startswith(".")]


@every_writer
def test_a_missing_folder_is_named(name, save, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"there is no folder {tmp_path}/missing"):
        save(tmp_path / "missing" / name)


def test_names_are_escaped_in_messages(tmp_path):
    with pytest.raises(OSError) as caught:
        files.write(tmp_path / "\x1b[2J\u202e\n" / "x", b"", "page")
    assert str(caught.value).isprintable()


@every_writer
def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(name, save, tmp_path):
    import resource

    path = tmp_path / name
    save(path)
    image = path.read_bytes()

    def save_again():
        _, unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(image) // 2, unlimited))
        try:
            save(path)
        except OSError as error:
            resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
            print(error)

    code, printed = forked(save_again)
    assert code == 0, printed
    assert os.strerror(errno.EFBIG) in printed and name in printed
    assert path.read_bytes() == image
    assert names(tmp_path) == [name]


def killed_while_writing(folder):
    """Leaves what a process leaves that is killed in the middle of a file."""
    child = os.fork()
    if not child:
        with files.replacing(folder / "half", "no") as file:
            file.write(b"x" * 10_000_000)
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


@every_writer
def test_the_next_save_removes_what_a_killed_process_left(name, save, tmp_path):
    killed_while_writing(tmp_path)
    (left,) = names(tmp_path)
    assert left.startswith(".unfinished-")
    (tmp_path / ".unfinished-00ff.h5").write_bytes(b"of an older version")
    others = [".unfinished", ".unfinished-symphony.txt", "unfinished-00ff.h5"]
    for other in others:
        (tmp_path / other).touch()
    (tmp_path / ".unfinished-01").mkdir()
    os.mkfifo(tmp_path / ".unfinished-02")
    save(tmp_path / name)
    assert names(tmp_path) == sorted([*others, ".unfinished-01", ".unfinished-02", name])


def test_a_file_that_is_being_written_is_left_to_its_writer(tmp_path):
    """Of this process, and of another one."""
    told, tell = os.pipe()
    going, go = os.pipe()
    child = os.fork()
    if not child:
        with files.replacing(tmp_path / "theirs", "no") as file:
            file.write(b"theirs")
            os.write(tell, b".")
            os.read(going, 1)
        os._exit(0)
    os.read(told, 1)
    with files.replacing(tmp_path / "ours", "no") as file:
        file.write(b"ours")
        files.write(tmp_path / "third", b"third", "page")
        assert len(names(tmp_path)) == 3
    os.write(go, b".")
    os.waitpid(child, 0)
    assert [(tmp_path / n).read_bytes() for n in names(tmp_path)] == [b"ours", b"theirs", b"third"]


def test_many_threads_and_processes_save_into_one_folder(tmp_path):
    """What one of them has just begun is not taken for abandoned by another."""

    def save_often(name):
        for number in range(100):
            files.write(tmp_path / name, b"%d" % number * 1000, "page")

    children = []
    for number in range(2):
        child = os.fork()
        if not child:
            code = 1
            try:
                save_often(f"process-{number}")
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    threads = [threading.Thread(target=save_often, args=(f"thread-{i}",)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert len(names(tmp_path)) == 4
    assert {(tmp_path / n).read_bytes() for n in names(tmp_path)} == {b"99" * 1000}


def test_a_child_forked_while_a_file_is_written_takes_nothing_away(tmp_path):
    try:
        with files.replacing(tmp_path / "file", "no") as file:
            file.write(b"whole")
            file.flush()
            child = os.fork()
            if not child:
                raise SystemExit
            os.waitpid(child, 0)
    except SystemExit:
        os._exit(0)
    assert (tmp_path / "file").read_bytes() == b"whole"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.h5", "module.py", "data.h5"])
def test_a_process_killed_100_times_while_saving_leaves_a_whole_file(name, tmp_path):
    path, randomness = tmp_path / name, random.Random(0)
    save = {
        "model.h5": lambda i: nn.save(filled(i), path),
        "module.py": lambda i: files.write(path, b"%09d" % i * 100_000, "derivation"),
        "data.h5": lambda i: nn.write_dataset(path, np.full((20_000, 8), i), np.full(20_000, i)),
    }[name]

    def filled(value):
        net = nn.Sequential(nn.Linear(200, 100, seed=0), nn.Linear(100, 50, seed=1))
        for parameter in net.parameters():
            parameter.data[...] = value
        return net

    def values():
        if name == "module.py":
            data = path.read_bytes()
            return {data[i : i + 9] for i in range(0, len(data), 9)} if len(data) == 900_000 else {}
        if name == "data.h5":
            (batch,) = nn.H5Dataset(path).batches(20_000)
            return set(np.unique(batch.X)) | set(np.unique(batch.Y))
        net = nn.load(path, filled(-5))
        return {float(v) for p in net.parameters() for v in np.unique(p.data)}

    save(10**6)
    seen, midway = set(), 0
    for number in range(100):
        child = os.fork()
        if not child:
            for step in range(10**4):
                save(number * 10**4 + step)
        time.sleep(randomness.uniform(0.001, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = values()
        assert len(found) == 1, found
        seen |= found
        left = [n for n in names(tmp_path) if n.startswith(".unfinished")]
        # One at most: each save removes what the one before has left.
        assert len(left) <= 1
        midway += bool(left)
    assert len(seen) > 3 and midway > 3
    save(0)
    assert names(tmp_path) == [name]


def test_nothing_else_writes_files():
    """One mechanism: no other module opens a file for writing, or renames one."""
    writes = re.compile(
        r"""os\.(replace|rename)\(|O_(CREAT|WRONLY|RDWR)|\.write_(text|bytes)\(|\.savefig\(["'f]|NamedTemporary"""
        r"""|\bopen\([^)\n]*["'][wxa]b?\+?["']|\.rename\("""
    )
    found = [
        str(path.relative_to(ROOT))
        for folder in ("autograd_lite", "nn", "examples")
        for path in (ROOT / folder).rglob("*.py")
        if writes.search(re.sub(r'""".*?"""', "", path.read_text(), flags=re.DOTALL))
    ]
    assert found == ["autograd_lite/files.py"]
