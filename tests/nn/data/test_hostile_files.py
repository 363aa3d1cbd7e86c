"""A corpus of files made to cost memory, and what every way of reading one makes of them."""

import functools
import itertools
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_training import save_training

import nn

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="measures memory in /proc"
)

LIMIT = 250
"""MiB beyond the process that no file may cost."""

DOORS = """
import json, resource, sys, time
import numpy as np
import nn

def status(name):
    with open("/proc/self/status") as file:
        return int(next(line for line in file if line.startswith(name)).split()[1]) / 1024

def resume(path):
    net = nn.Linear(2, 2, seed=0)
    nn.fit(net, np.ones((2, 4)), np.ones((2, 4)), loss=nn.mean_squared_error, epochs=1,
           optimiser=nn.Adam(net.parameters()), checkpoint=path, resume=True, advice=False,
           verbose=False)

def blocks(path, x="x", y="y"):
    for array in nn.dask_arrays(path, x, y):
        array.blocks[0].compute(scheduler="synchronous")

def batches(path, x="x", y="y", seed=None):
    source = nn.H5Dataset(path, x, y).batches(32, seed)
    for _ in range(3):
        next(source, None)
    source.close()

DOORS = {
    "load": lambda path: nn.load(path, nn.Linear(2, 2, seed=0)),
    "resume": resume,
    "load_data": lambda path: nn.load_data(path, path),
    "batches": batches,
    "shuffled": lambda path: batches(path, seed=[1]),
    "dask_arrays": blocks,
    "pictures as samples": lambda path: batches(path, "train_set_x", "train_set_y"),
}
resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))
for name, door in DOORS.items():
    try:
        door(sys.argv[1])
    except Exception:
        pass
for path in sys.argv[2:]:
    for name, door in DOORS.items():
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        before, started = status("VmRSS"), time.process_time()
        try:
            door(path)
            said = None
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        seconds = time.process_time() - started
        print(json.dumps([path, name, said, status("VmHWM") - before, seconds]))
"""


@functools.cache
def zeros(size):
    """Some zeros, deflated: a block that is packed once, as often as it takes."""
    step = min(size, 2**20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(step)) + packer.flush(zlib.Z_FULL_FLUSH)
    last = packer.compress(bytes(size % step)) + packer.flush()
    # Of n zeros the checksum is 1, and n modulo 65521 before it (RFC 1950).
    checksum = (size % 65521 << 16 | 1).to_bytes(4, "big")
    return b"\x78\xda" + block * (size // step) + last + checksum


def packed(file, name, shape, chunks, dtype="u1", **options):
    """A dataset of zeros, of which each chunk is the same few bytes."""
    found = file.create_dataset(name, shape, dtype, chunks=chunks, compression="gzip", **options)
    data = zeros(int(np.prod(chunks)) * np.dtype(dtype).itemsize)
    for at in itertools.product(*(range(0, n, c) for n, c in zip(shape, chunks, strict=True))):
        found.id.write_direct_chunk(at, data)


def holes(file, name, shape, dtype="u1", chunks=None):
    """A dataset that has its place in the file, where nothing was ever written."""
    kind = h5py.h5t.py_create(np.dtype(dtype))
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    made.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    if chunks:
        made.set_chunk(chunks)
    h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create_simple(shape), made)


def inflating(file, name, size):
    """A chunk that unpacks to more than it is."""
    found = file.create_dataset(name, (64, 2**16), "u1", chunks=(16, 2**16), compression="gzip")
    for at in range(0, 64, 16):
        found.id.write_direct_chunk((at, 0), zeros(size))


def inflating_lzf(file, name):
    found = file.create_dataset(name, (64, 2**18), "u1", chunks=(64, 2**18), compression="lzf")
    data = b"\0a" + b"\xe0\xff\0" * (2**22 // 3)
    found.id.write_direct_chunk((0, 0), data)


def greedy_lzf(file, name):
    """LZF that is told to begin with 4 GiB."""
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((64, 8))
    made.set_filter(h5py.h5z.FILTER_LZF, h5py.h5z.FLAG_OPTIONAL, (4, 261, 2**32 - 1))
    space = h5py.h5s.create_simple((64, 8))
    found = h5py.h5d.create(file.id, name.encode(), h5py.h5t.NATIVE_UINT8, space, made)
    found.write(h5py.h5s.ALL, h5py.h5s.ALL, np.zeros((64, 8), "u1"))


def text(file, name, n, size):
    packed(file, name, (n,), (n,), f"S{size}")


def json_of(item, n):
    inner = item * n
    head = (
        b'{"format": "autograd_lite checkpoint", "version": 1, "arrays": [], "description": {"a": ['
    )
    return head + inner + item.rstrip(b",") + b"]}}"


def metadata(data, **options):
    def build(file, name):
        array = np.frombuffer(data(), "u1")
        file.create_dataset(name, data=array, compression="gzip", **options)

    return build


BOMBS = {
    "a gzip of 4 GiB": lambda f, n: packed(f, n, (64, 2**26), (1, 2**22)),
    "wide floats": lambda f, n: packed(f, n, (64, 2**23), (1, 2**20), "f8"),
    "pictures": lambda f, n: packed(f, n, (64, 4096, 4096), (1, 1024, 1024)),
    "small packed pictures": lambda f, n: packed(f, n, (64, 1024, 1000), (1, 1024, 1000)),
    "less than a limit": lambda f, n: packed(f, n, (64, 2**20), (64, 2**18)),
    "many small samples": lambda f, n: packed(f, n, (2**27, 1), (2**22, 1)),
    "tall": lambda f, n: packed(f, n, (2**25,), (2**25,)),
    "one chunk": lambda f, n: packed(f, n, (64, 2**23), (64, 2**23)),
    "a chunk larger than all": lambda f, n: packed(
        f, n, (64, 8), (64, 2**23), maxshape=(None, None)
    ),
    "a chunk of 512 MiB, flat": lambda f, n: packed(f, n, (64,), (2**29,), maxshape=(None,)),
    "inflating": lambda f, n: inflating(f, n, 2**29),
    "inflating LZF": inflating_lzf,
    "greedy LZF": greedy_lzf,
    "holes of 128 GiB": lambda f, n: holes(f, n, (64, 2**31)),
    "holes of 3 GiB": lambda f, n: holes(f, n, (64, 3 * 2**24)),
    "holes in pictures": lambda f, n: holes(f, n, (64, 2**13, 2**12)),
    "chunks of holes": lambda f, n: holes(f, n, (64, 2**25), chunks=(1, 2**25)),
    "holes of text": lambda f, n: holes(f, n, (64,), "S16777216"),
    "never written": lambda f, n: f.create_dataset(n, (64, 2**26), "u1", chunks=(1, 2**20)),
    "never written, large": lambda f, n: f.create_dataset(n, (64, 2**40), "u1", chunks=(1, 2**24)),
    "a fill value": lambda f, n: f.create_dataset(
        n, (64,), "S60000", chunks=(64,), fillvalue=b"x" * 60_000
    ),
    "nothing, at great length": lambda f, n: f.create_dataset(n, (2**60, 0), "u1"),
    "class names": lambda f, n: text(f, n, 2**20, 512),
    "long class names": lambda f, n: text(f, n, 64, 2**22),
    "many class names": lambda f, n: text(f, n, 2**22, 2),
    "text of any length": lambda f, n: f.create_dataset(
        n, data=["x" * 1000] * 64, dtype=h5py.string_dtype()
    ),
    "small chunks": lambda f, n: f.create_dataset(
        n, data=np.zeros((50_000, 1), "u1"), chunks=(1, 1)
    ),
    "a grid of small chunks": lambda f, n: f.create_dataset(
        n, data=np.zeros((64, 20, 20), "u1"), chunks=(1, 1, 1)
    ),
    "too many chunks": lambda f, n: f.create_dataset(n, (2**40, 1), "u1", chunks=(1, 1)),
    "scale and offset": lambda f, n: f.create_dataset(
        n, data=np.zeros((64, 8), "i4"), scaleoffset=0
    ),
    "objects": metadata(lambda: json_of(b"{},", 20_000_000)),
    "fewer objects": metadata(lambda: json_of(b"{},", 5_000_000)),
    "lists": metadata(lambda: json_of(b"[],", 5_000_000)),
    "numbers": metadata(lambda: json_of(b"1.5,", 4_000_000)),
    "keys": metadata(lambda: json_of(b'{"a":1},', 2_000_000)),
    "strings": metadata(lambda: json_of(b'"ab",', 3_000_000)),
    "nested": metadata(lambda: json_of(b"[" * 10_000 + b"1" + b"]" * 10_000 + b",", 1)),
    "not ASCII": metadata(lambda: json_of('"\U0001f9c0"'.encode() + b" " * 10**7 + b",", 1)),
    "spaces": metadata(lambda: b" " * (2**24 - 1)),
    "an array of a huge number": metadata(
        lambda: (
            b'{"format": "autograd_lite checkpoint", "version": 1, "description": {}, "arrays":'
            b'[{"name": "weight", "shape": [' + b"9" * 4000 + b'], "dtype": "float64"}]}'
        )
    ),
}
"""What makes a dataset of some name in a file cost memory, or time."""

NAMES = {
    "model": ("metadata", "arrays/0"),
    "training": ("metadata", "arrays/1"),
    "data": ("x", "y", "train_set_x", "train_set_y", "test_set_x", "list_classes"),
}


def build(folder, kind):
    path = folder / f"{kind}.h5"
    if kind == "model":
        nn.save(nn.Linear(2, 2, seed=0), path)
    elif kind == "training":
        save_training(path)
    else:
        with h5py.File(path, "w") as file:
            for part in ("train", "test"):
                file[f"{part}_set_x"] = np.zeros((64, 4, 4), "u1")
                file[f"{part}_set_y"] = np.arange(64) % 2
            file["list_classes"] = np.array([b"a", b"b"])
            file["x"], file["y"] = np.zeros((64, 8)), np.arange(64) % 2
    return path.read_bytes()


def read_all(folder, paths):
    """What each door said of each file, and what it cost."""
    # One of no harm comes first, and makes the process import what it will need.
    build(folder, "data")
    command = [sys.executable, "-c", DOORS, folder / "data.h5", *paths]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_cheap(found, path):
    for _, door, said, peak, _seconds in found:
        kinds = ("FileFormatError", "ValueError")
        assert said is None or said.startswith(kinds), (path.name, door, said)
        assert said is None or (said.isprintable() and len(said) < 2000), (path.name, door, said)
        assert peak < LIMIT, (path.name, door, said, f"{peak:.0f} MiB")


def files_with(folder, kind, name, share):
    """The paths of files in which one dataset is a bomb, by which; of these every so many."""
    image = build(folder, kind)
    for bomb, make in list(BOMBS.items())[::share]:
        if name != "metadata" and make.__qualname__.startswith("metadata"):
            continue
        path = folder / f"{bomb}.h5"
        path.write_bytes(image)
        with h5py.File(path, "a") as file:
            del file[name]
            make(file, name)
            # Targets and labels of the same number, so that nothing else is found amiss.
            samples = file[name].shape[0] if file[name].shape else 0
            beside = {"x": "y", "train_set_x": "train_set_y", "test_set_x": "test_set_y"}
            if name in beside and samples != 64 and 0 < samples < 2**28:
                del file[beside[name]]
                packed(file, beside[name], (samples,), (min(samples, 2**20),))
        yield path


DATASETS = [
    pytest.param(kind, name, 1, marks=pytest.mark.slow)
    for kind, names in NAMES.items()
    for name in names
]


@pytest.mark.parametrize(("kind", "name", "share"), [("data", "x", 6), *DATASETS])
@pytest.mark.slow
def test_no_file_costs_much_memory_wherever_it_is_read(kind, name, share, tmp_path):
    paths = list(files_with(tmp_path, kind, name, share))
    results = read_all(tmp_path, paths)
    for path in paths:
        found = [r for r in results if r[0] == str(path)]
        assert len(found) == 7
        assert_cheap(found, path)
        refused = {door for _, door, said, *_ in found if said is not None}
        # A checkpoint is no data set, and a data set no checkpoint.
        assert refused >= ({"load", "resume"} if kind == "data" else {"load_data", "batches"})
        own = {"model": "load", "training": "resume"}
        assert kind == "data" or own[kind] in refused


@pytest.mark.slow
def test_headers_of_safetensors_cost_no_more(tmp_path):
    """JSON again, in the header, and as a text in it."""
    library = pytest.importorskip("safetensors.numpy")
    paths = []
    for name, item, n in (
        ("objects", b"{},", 5_000_000),
        ("fewer", b"{},", 500_000),
        ("lists", b"[],", 3_000_000),
        ("numbers", b"1.5,", 3_000_000),
        ("nested", b"[" * 10_000 + b"1" + b"]" * 10_000 + b",", 1),
    ):
        text = json_of(item, n)
        paths.append(tmp_path / f"{name}-header.safetensors")
        paths[-1].write_bytes(len(text).to_bytes(8, "little") + text)
        paths.append(tmp_path / f"{name}-text.safetensors")
        arrays = {"weight": np.zeros((2, 2)), "bias": np.zeros((2, 1))}
        paths[-1].write_bytes(library.save(arrays, {"autograd_lite": text.decode()}))
    for path in paths:
        found = read_all(tmp_path, [path])
        assert_cheap(found, path)
        is_taken = path.name == "fewer-text.safetensors"
        assert is_taken == (found[0][2] is None)


@pytest.mark.slow
def test_groups_of_many_links_are_listed_in_part(tmp_path):
    path = tmp_path / "links.h5"
    with h5py.File(path, "w", libver="latest") as file:
        empty = file.create_dataset("e" * 10, data=np.zeros(1))
        for i in range(20_000):
            file[f"{i:05}" + "n" * 1000] = empty
    found = read_all(tmp_path, [path])
    assert_cheap(found, path)
    assert len(found) == 7 and all(said and "..." in said for _, _, said, *_ in found)


def test_honest_files_are_read(tmp_path):
    """Packed by every filter, in chunks of all sizes, in the file's order and shuffled."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (300, 16, 16, 3)).astype("u1") // 32
    labels = np.arange(300) % 2
    layouts = [
        {"chunks": None},
        {"chunks": (1, 16, 16, 3)},
        {"chunks": (300, 16, 16, 3), "compression": "gzip", "compression_opts": 9},
        {"chunks": (7, 5, 16, 2), "compression": "lzf", "shuffle": True, "fletcher32": True},
        {"chunks": (64, 4, 4, 1), "compression": "gzip", "shuffle": True, "fletcher32": True},
        {"chunks": True, "maxshape": (None, 16, 16, 3), "compression": "lzf"},
    ]
    for number, options in enumerate(layouts):
        for version in ("earliest", "latest"):
            path = tmp_path / f"{number}-{version}.h5"
            with h5py.File(path, "w", libver=version) as file:
                for part in ("train", "test"):
                    file.create_dataset(f"{part}_set_x", data=pictures, **options)
                    file[f"{part}_set_y"] = labels
                file["list_classes"] = np.array([b"no", b"yes"])
            X, Y, *_ = nn.load_data(path, path)
            np.testing.assert_array_equal(X, nn.flatten(pictures) / 255)
            np.testing.assert_array_equal(Y[0], labels)
            data = nn.H5Dataset(path, "train_set_x", "train_set_y")
            read = np.concatenate([batch.X for batch in data.batches(64)], axis=1)
            np.testing.assert_allclose(read, X, rtol=1e-15)
            shuffled = np.concatenate([batch.X for batch in data.batches(64, [1])], axis=1)
            assert sorted(shuffled.sum(0)) == sorted(X.sum(0))
            blocks = nn.dask_arrays(path, "train_set_x", "train_set_y")[0].compute()
            np.testing.assert_allclose(nn.flatten(blocks), X, rtol=1e-15)


@pytest.mark.slow
def test_large_packed_chunks_of_honest_data_are_read(tmp_path):
    """Chunks that could unpack to more than they declare are looked at, and read."""
    x = np.random.default_rng(0).integers(0, 4, (64, 2**16)).astype("u1")
    for packing in ("gzip", "lzf"):
        path = tmp_path / f"{packing}.h5"
        with h5py.File(path, "w") as file:
            for part in ("x", "fletcher"):
                options = {"fletcher32": True} if part == "fletcher" else {}
                file.create_dataset(part, data=x, chunks=x.shape, compression=packing, **options)
            file["y"] = np.arange(64)
        for part in ("x", "fletcher"):
            (batch,) = nn.H5Dataset(path, part, dtype=np.float32).batches(64)
            np.testing.assert_array_equal(batch.X, x.T / np.float32(255))


@pytest.mark.slow
def test_limits_can_be_raised(tmp_path):
    path = tmp_path / "zeros.h5"
    with h5py.File(path, "w") as file:
        for part in ("train", "test"):
            packed(file, f"{part}_set_x", (16, 1024, 1024), (1, 1024, 1024))
            file[f"{part}_set_y"] = np.arange(16) % 2
        file["list_classes"] = np.array([b"no", b"yes"])
    with pytest.raises(nn.FileFormatError, match="raise the limit to 8,589,934,592"):
        nn.load_data(path, path)
    X, *_ = nn.load_data(path, path, limit=8_589_934_592)
    assert X.shape == (2**20, 16) and not X.any()
    with pytest.raises(nn.FileFormatError, match="pass limit=8388608"):
        nn.H5Dataset(path, "train_set_x", "train_set_y")
    data = nn.H5Dataset(path, "train_set_x", "train_set_y", limit=8_388_608)
    assert next(data.batches(2)).X.shape == (2**20, 2)
    x, _ = nn.dask_arrays(path, "train_set_x", "train_set_y", limit=8_388_608)
    assert x.shape == (16, 1024, 1024)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "device").symlink_to("/dev/zero")
    found = read_all(tmp_path, [tmp_path / name for name in ("pipe", "circle", "device")])
    assert len(found) == 21
    for path, _, said, *_ in found:
        assert said and any(w in said for w in ("named pipe", "in a circle", "a device")), path
