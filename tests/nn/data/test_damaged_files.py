"""What must not go wrong with files: a process killed while it saves, and files made to do harm."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest

import nn

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks, and sends signals")

KILLED = """
import os, random, signal, sys, time
import numpy as np, nn

path, rounds, randomness = sys.argv[1], int(sys.argv[2]), random.Random(0)
net = nn.Sequential(nn.Linear(200, 100, seed=0), nn.Linear(100, 50, seed=1))
other = nn.Sequential(nn.Linear(200, 100), nn.Linear(100, 50))

def fill(model, value):
    for parameter in model.parameters():
        parameter.data[...] = value

fill(net, -1)
nn.save(net, path)
seen, midway = set(), 0
for number in range(rounds):
    child = os.fork()
    if not child:
        for step in range(10**6):
            fill(net, number * 10**6 + step)
            nn.save(net, path)
    time.sleep(randomness.uniform(0.001, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    nn.load(path, other)
    values = {float(v) for p in other.parameters() for v in np.unique(p.data)}
    assert len(values) == 1, values
    seen |= values
    left = [n for n in os.listdir(os.path.dirname(path)) if n.startswith(".unfinished")]
    midway += bool(left)
    for name in left:
        os.unlink(os.path.join(os.path.dirname(path), name))
print(len(seen), midway)
"""


@pytest.mark.slow
def test_a_process_killed_200_times_while_saving_leaves_an_intact_checkpoint(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "model.h5"), "200"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen, midway = map(int, done.stdout.split())
    # Some of the moments were in the middle of a file, and some files got whole.
    assert seen > 5 and midway > 5


def links_to(target):
    """Files that lead to another one, by every way that HDF5 has, at several depths."""

    def soft(file):
        file["x"] = h5py.SoftLink("/elsewhere")
        file["y"] = np.zeros(3)

    def external(file):
        file["x"] = h5py.ExternalLink(str(target), "secret")
        file["y"] = np.zeros(3)

    def deep(file):
        file["deep"] = h5py.ExternalLink(str(target), "/")
        file["x"] = h5py.SoftLink("/deep/secret")
        file["y"] = np.zeros(3)

    def storage(file):
        file.create_dataset("x", (3, 8), "u1", external=[(str(target), 0, 24)])
        file["y"] = np.zeros(3)

    def virtual(file):
        layout = h5py.VirtualLayout((3, 8), "f8")
        layout[:] = h5py.VirtualSource(str(target), "secret", (3, 8))
        file.create_virtual_dataset("x", layout)
        file["y"] = np.zeros(3)

    return {f.__name__: f for f in (soft, external, deep, storage, virtual)}


def bombs():
    """Files that are small and declare much."""

    def pebibyte(file):
        file.create_dataset("x", (2**47,), "f8", chunks=(2**20,))
        file["y"] = np.zeros(3)

    def many(file):
        for i in range(300):
            file.create_dataset(f"x{i}", (2**24,), "f8", chunks=(2**20,))
        file["x"] = np.zeros((3, 2))
        file["y"] = np.zeros(4)

    def one_chunk(file):
        x = file.create_dataset("x", (2**25, 8), "u1", chunks=(2**25, 8), compression="gzip")
        x[:] = 0
        file["y"] = np.zeros(2**25, "u1")

    def cycle(file):
        group = file.create_group("a")
        group["again"] = group
        file["x"] = group
        file["y"] = np.zeros(3)

    def objects(file):
        file.create_dataset("x", (3,), h5py.string_dtype())
        file["y"] = np.zeros(3)

    def references(file):
        file.create_dataset("x", (3,), h5py.ref_dtype)
        file["y"] = np.zeros(3)

    def hostile_names(file):
        file["../../x"] = np.zeros((3, 2))
        file["<script>\\N"] = np.zeros(3)

    return {
        f.__name__: f
        for f in (pebibyte, many, one_chunk, cycle, objects, references, hostile_names)
    }


PEAK = """
def peak():
    # Not getrusage, which counts what the parent had before exec.
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1])
"""
"""A function that gives the most resident memory that a process ever had, in KiB."""

on_linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")

READ = (
    PEAK
    + """
import sys
import nn
from nn.data import hdf5

for path in sys.argv[1:]:
    for read in (lambda: nn.H5Dataset(path), lambda: nn.load(path, nn.Linear(2, 1)),
                 lambda: nn.load_data(path, path)):
        try:
            read()
        except ValueError as error:
            assert isinstance(error, nn.FileFormatError), error
            text = str(error)
            assert "\\n" not in text and len(text) < 500, text
            print(text)
        else:
            raise AssertionError(f"{path} was read")
print("KiB", peak())
"""
)


@on_linux
@pytest.mark.slow
def test_hostile_files_are_refused_in_a_sentence_with_little_memory(tmp_path):
    target = tmp_path / "target.h5"
    with h5py.File(target, "w") as file:
        file["secret"] = np.full((3, 8), 42.0)
    paths = []
    for name, build in (links_to(target) | bombs()).items():
        paths.append(tmp_path / f"{name}.h5")
        with h5py.File(paths[-1], "w") as file:
            build(file)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(READ), *map(str, paths)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    *sentences, memory = done.stdout.splitlines()
    assert len(sentences) == 3 * len(paths)
    assert "42.0" not in done.stdout
    assert int(memory.split()[1]) < 200 * 1024


def test_nothing_outside_the_file_is_opened(tmp_path):
    """The trap is a named pipe: whoever opens it waits for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    paths = []
    for name, build in links_to(pipe).items():
        paths.append(tmp_path / f"{name}.h5")
        with h5py.File(paths[-1], "w") as file:
            build(file)
    code = """
import sys, nn
for path in sys.argv[1:]:
    print(path, flush=True)
    try:
        nn.H5Dataset(path)
    except nn.FileFormatError:
        print("refused", flush=True)
"""
    command = [sys.executable, "-c", code, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == [line for path in paths for line in (str(path), "refused")]


@pytest.mark.parametrize("share", range(1, 100))
def test_a_data_set_cut_off_anywhere_is_refused(tmp_path_factory, share):
    folder = tmp_path_factory.getbasetemp() / "cut"
    folder.mkdir(exist_ok=True)
    whole = folder / "whole.h5"
    if not whole.exists():
        nn.write_dataset(whole, np.random.default_rng(0).random((500, 40)), np.arange(500))
    image = whole.read_bytes()
    cut = folder / f"{share}.h5"
    cut.write_bytes(image[: len(image) * share // 100])
    with pytest.raises(nn.FileFormatError, match="incomplete|damaged|few are stored"):
        list(nn.H5Dataset(cut).batches(64))


def test_a_flipped_bit_in_any_dataset_of_a_training_is_noticed(tmp_path):
    path = tmp_path / "training.h5"
    net = nn.Sequential(nn.Linear(3, 4, seed=0), nn.BatchNorm(4), nn.Linear(4, 1, seed=1))
    X, Y = np.random.default_rng(0).normal(size=(3, 20)), np.ones((1, 20))
    options = {"loss": nn.mean_squared_error, "verbose": False, "advice": False, "seed": 0}
    nn.fit(net, X, Y, optimiser=nn.Adam(net.parameters()), epochs=1, checkpoint=path, **options)
    image = path.read_bytes()
    with h5py.File(path) as file:
        listing = json.loads(file["metadata"][()].tobytes())["arrays"]
        places = []
        for name in ("metadata", *(f"arrays/{i}" for i in range(len(listing)))):
            places.append(file[name].id.get_chunk_info(0).byte_offset)
    assert len(places) == len(listing) + 1 > 20
    for at in places:
        broken = bytearray(image)
        broken[at] ^= 1
        path.write_bytes(broken)
        with pytest.raises(nn.FileFormatError):
            nn.fit(
                net,
                X,
                Y,
                optimiser=nn.Adam(net.parameters()),
                epochs=2,
                checkpoint=path,
                resume=True,
                **options,
            )


@pytest.mark.slow
@on_linux
def test_the_memory_of_an_epoch_does_not_grow_with_the_file(tmp_path):
    """A file of 384 MiB, of which never more than a few blocks are in memory."""
    path = tmp_path / "large.h5"

    class Rows:
        shape, dtype = (98_304, 512), np.dtype(np.float64)

        def __len__(self):
            return self.shape[0]

        def __getitem__(self, index):
            return np.ones((len(range(*index.indices(len(self)))), 512))

    nn.write_dataset(path, Rows(), np.zeros(98_304, np.int64))
    code = f"""{PEAK}
import nn
data = nn.H5Dataset({str(path)!r})
before = peak()
net = nn.Sequential(nn.Linear(512, 2, seed=0))
nn.fit(net, data, loss=nn.cross_entropy, optimiser=nn.SGD(net.parameters()), epochs=1,
       batch_size=256, seed=0, verbose=False, advice=False)
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 160 * 1024
