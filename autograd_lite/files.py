"""Files that are written whole or not at all: the one way in which this library writes any."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import re
import stat
from collections.abc import Iterator
from typing import Any, BinaryIO

from autograd_lite.printable import printable

# Windows has no such module.
fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None

Path = str | os.PathLike[str]

_UNFINISHED = re.compile(r"\.unfinished-[0-9a-f]+(\.\w+)?")
_PATH_LIMIT_CHARACTERS = 500


def write(path: Path, data: bytes, what: str) -> None:
    """Write a whole file or none; `what` it is, for the message of the OSError.

    Parameters
    ----------
    path : path
        The file, which is replaced as a whole.
    data : bytes
        What is written.
    what : str
        What it is, for the message of the error.

    Raises
    ------
    OSError
        Where it cannot be written; an earlier file is then as it was.

    Examples
    --------
    >>> import os, tempfile
    >>> from autograd_lite.extend import write
    >>> path = os.path.join(tempfile.mkdtemp(), "file")
    >>> write(path, b"whole", "the file")
    >>> os.path.getsize(path)
    5
    """
    with replacing(
        path, f"cannot write the {what} to {printable(path, _PATH_LIMIT_CHARACTERS)}"
    ) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: Path, failure: str, advice: str = "") -> Iterator[BinaryIO]:
    """A new file, which takes the place of `path` when the block that writes it ends well.

    Until then, and if anything fails or the process dies, what is at `path` stays as it was. A
    file that is replaced keeps its permissions, and its owner where the system allows it; a
    symbolic link stays, and the file that it leads to is replaced. The new file is on the disk
    before it takes the place of the old one. Files that killed processes left unfinished in the
    same folder are removed. What is no regular file (a folder, a named pipe, a device) is not
    replaced.

    Parameters
    ----------
    path : path
        The file.
    failure : str
        The sentence of the error.
    advice : str
        What to do, for the error.

    Yields
    ------
    binary file

    Raises
    ------
    OSError
        Of the class that the system gave, with the sentence `failure`: reason `advice`.

    Examples
    --------
    >>> import os, tempfile
    >>> from autograd_lite.extend import replacing
    >>> path = os.path.join(tempfile.mkdtemp(), "file")
    >>> with replacing(path, "the file could not be saved") as file:
    ...     _ = file.write(b"whole")
    >>> os.path.getsize(path)
    5
    """
    folder, process = None, os.getpid()
    try:
        before = _replaceable(path)
        target = os.path.realpath(path)
        folder = os.path.dirname(target)
        _remove_abandoned(folder)
        file, part = _created(folder, is_private=before is not None)
        try:
            with file:
                yield file
                file.flush()
                if before is not None:
                    _take_over_permissions(target, before, part)
                os.fsync(file.fileno())
                if fcntl is None:
                    file.close()  # Windows renames no file that is open.
                os.replace(part, target)
                _unlock(file)
        finally:
            # A child that was forked in the block leaves the file to its parent.
            if os.getpid() == process:
                with contextlib.suppress(OSError):
                    os.unlink(part)
    except OSError as error:
        sentence = f"{failure}: {_reason(error, folder)}{advice}"
        raise error_of(type(error), error.errno, sentence) from error
    _sync_folder(folder)


def error_of(kind: type[OSError], code: int | None, sentence: str) -> OSError:
    """An OSError with a number whose text is the sentence alone (not "[Errno 28] ...").

    Parameters
    ----------
    kind : type of OSError
        The class of the error.
    code : int or None
        Its number.
    sentence : str
        Its text.

    Returns
    -------
    OSError

    Examples
    --------
    >>> from autograd_lite.extend import error_of
    >>> str(error_of(FileNotFoundError, 2, "there is no file"))
    'there is no file'
    """
    error = kind(sentence)
    error.errno = code
    return error


def kind_of(mode: int) -> str:
    """Names the kind of thing at a path that is no regular file.

    Parameters
    ----------
    mode : int
        As `os.stat` gives it.

    Returns
    -------
    str

    Examples
    --------
    >>> import os
    >>> from autograd_lite.extend import kind_of
    >>> kind_of(os.stat("/").st_mode)
    'a folder'
    """
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a named pipe, not a regular file"
    return "a device or a socket, not a regular file"


def _replaceable(path: Path) -> os.stat_result | None:
    """The status of the file at `path`; None without a file, OSError if it is no regular one."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise OSError(errno.EINVAL, f"that is not a usable path ({error})") from error
    if not stat.S_ISREG(found.st_mode):
        # As root, os.replace would put a file in the place of /dev/null.
        code = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
        raise OSError(code, f"that is {kind_of(found.st_mode)}")
    return found


def _created(folder: str, *, is_private: bool) -> tuple[BinaryIO, str]:
    """A new file in a folder, and its path; locked as long as this process writes it."""

    def opener(path: str, flags: int) -> int:
        # Who may not read the old file must not read the new one while it is written.
        return os.open(path, flags, 0o600 if is_private else 0o666)

    while True:
        # Not the target's name and a suffix: a long name plus a suffix might be too long.
        part = os.path.join(folder, f".unfinished-{os.urandom(8).hex()}")
        file: Any = open(part, "x+b", opener=opener)  # noqa: SIM115 - the caller closes it
        try:
            if fcntl is not None:
                # Shared, as HDF5 locks what it reads: the new file can be read at once.
                with contextlib.suppress(OSError):
                    fcntl.flock(file, fcntl.LOCK_SH)
            if os.fstat(file.fileno()).st_nlink or fcntl is None:
                return file, part
        except BaseException:
            file.close()
            raise
        # Another process took it for abandoned, before it was locked.
        file.close()


def _unlock(file: BinaryIO) -> None:
    # A child that was forked meanwhile has the same lock, and would keep it.
    if fcntl is not None:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)


def _remove_abandoned(folder: str) -> None:
    """Remove unfinished files of writers that are dead: the files that nobody has locked."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _UNFINISHED.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _remove_if_abandoned(entry.path)


def _remove_if_abandoned(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    finally:
        os.close(descriptor)


def _take_over_permissions(target: str, before: os.stat_result, part: str) -> None:
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):
            os.chown(part, before.st_uid, before.st_gid)
    if hasattr(os, "getxattr"):
        # Access control lists; not the other attributes, which may be of the old content.
        with contextlib.suppress(OSError):
            name = "system.posix_acl_access"
            os.setxattr(part, name, os.getxattr(target, name))
    os.chmod(part, stat.S_IMODE(before.st_mode))


def _reason(error: OSError, folder: str | None) -> str:
    if error.errno == errno.ENOENT and folder is not None:
        return f"there is no folder {printable(folder, _PATH_LIMIT_CHARACTERS)}"
    if error.errno == errno.ELOOP:
        return "that is a symbolic link that leads in a circle"
    return error.strerror or str(error)


def _sync_folder(folder: str) -> None:
    # The new file is in its place by now; a system that cannot sync folders is no failure.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
