"""Parts: what of a stress test is done, kept in files that are whole or not there, and known by what they are about.

Each file begins with a digest of its content that is keyed by all that was asked: a part of another question, or a
damaged one, is no part.
"""

import errno
import hashlib
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.config.loading import Closed
from engine.errors import InputError, StorageError
from engine.files import read_bytes, read_json, write_bytes, write_json

if sys.platform != "win32":
    import fcntl

FOLDER, INDEX, LOCK = "parts", "parts.json", "lock"
TAKEN = (errno.EACCES, errno.EAGAIN)  # what a system says of a lock that another process holds
SCHEMA = "peso.stress_parts/1"
DIGEST = 32  # bytes
LARGEST = 4 * 1024**3  # bytes of one part

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Parts:
    """Where parts are kept, and by what they are known."""

    folder: Path
    facts: Mapping[str, str]  # what was asked, by what it is called to people

    @property
    def mark(self) -> str:
        """The digest of all that was asked."""
        return fingerprint(dict(self.facts))

    @property
    def index(self) -> Path:
        """The file that says what the parts are about."""
        return self.folder / INDEX

    def place(self, name: str) -> Path:
        """The file of one part."""
        return self.folder / f"{name}.bin"


def fingerprint(*values: object) -> str:
    """A digest of records, arrays and plain values by their content.

    >>> fingerprint((1.0, "a")) == fingerprint((1.0, "a")), fingerprint(1.0) == fingerprint("1.0")
    (True, False)
    """
    found = hashlib.blake2b(digest_size=DIGEST)
    for value in values:
        for part in _content(value):
            found.update(len(part).to_bytes(8))
            found.update(part)
    return found.hexdigest()


def _content(value: object) -> list[bytes]:
    """A value as bytes that no other value has."""
    if isinstance(value, np.ndarray):
        return [f"{value.dtype.str}{value.shape}".encode(), np.ascontiguousarray(value).tobytes()]
    if isinstance(value, Closed):
        return [type(value).__name__.encode(), value.model_dump_json().encode()]
    if is_dataclass(value) and not isinstance(value, type):
        inner = [(field.name, getattr(value, field.name)) for field in fields(value)]
        return [type(value).__name__.encode(), *_content(dict(inner))]
    if isinstance(value, Mapping):
        each = [part for key in sorted(value) for one in (key, value[key]) for part in _content(one)]
        return [f"mapping of {len(value)}".encode(), *each]
    if isinstance(value, tuple | list):
        return [f"row of {len(value)}".encode(), *(part for one in value for part in _content(one))]
    return [type(value).__name__.encode(), repr(value).encode()]


def is_begun(place: Path) -> bool:
    """Whether a folder holds the parts of a stress test that was not finished, or nothing but the lock of one."""
    folder = place / FOLDER
    if os.path.isfile(folder / INDEX):  # unlike a path's own `is_file` it takes a name that is too long
        return True
    return os.path.isfile(folder / LOCK) and os.listdir(place) == [FOLDER] and os.listdir(folder) == [LOCK]


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """The folder of an answer is this process's alone; one that ends, in whatever way, leaves it to others.

    Folders that are made for that and stay empty are removed.

    Raises:
        InputError: Another process works there.
        StorageError: Nothing can be written there.
    """
    folder = place / FOLDER
    new = [one for one in folder.parents if not os.path.exists(one)]
    held = _locked(folder / LOCK, place)
    try:
        yield
    finally:
        with suppress(OSError):
            (folder / LOCK).unlink()
        os.close(held)
        for empty in (folder, *new):
            with suppress(OSError):  # it is not
                empty.rmdir()


def _locked(lock: Path, place: Path) -> int:
    """The number of a lock's open file, once it is ours."""
    try:
        while True:
            lock.parent.mkdir(parents=True, exist_ok=True)
            held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
            if not _is_taken(held):
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(held), lock.stat()):  # else who held it before has removed it
                        break
                os.close(held)
                continue
            number = os.read(held, 20).decode(errors="replace")
            os.close(held)
            raise InputError(
                f"{place}: another stress test, process {number}, works there; wait until it has ended, or choose "
                "another --out"
            )
        os.ftruncate(held, 0)
        os.write(held, str(os.getpid()).encode())
    except OSError as fault:
        raise StorageError(f"{place}: could not be written ({fault.strerror}); choose another --out") from None
    return held


def _is_taken(held: int) -> bool:
    """Whether another process holds a lock, which it is given otherwise; a system without locks tells nothing."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        return fault.errno in TAKEN
    return False


def opened(place: Path, facts: Mapping[str, str], anew: bool) -> Parts:
    """The parts in a folder, taken up again where they are about the same, begun where there are none.

    Args:
        place: The folder of the answer.
        facts: What is asked.
        anew: Parts of another question may be removed.

    Raises:
        InputError: The folder holds parts of another question, or nobody knows of which, and `anew` is false.
        StorageError: Nothing can be written there.
    """
    parts = Parts(place / FOLDER, facts)
    if parts.index.exists():
        before = _facts(parts.index, anew)
        other = [name for name in facts if before.get(name) != facts[name]]
        if not other:
            return parts
        if not anew:
            raise InputError(
                f"{place}: holds what was begun of a stress test with other {', '.join(other)}; choose another --out, "
                "or add --force to start anew"
            )
    removed(parts)
    write_json(parts.index, {"schema": SCHEMA, "made_from": dict(facts)})
    return parts


def _facts(index: Path, anew: bool) -> dict[str, Any]:
    """What parts are about; nothing that is known where the file is damaged and they may be removed."""
    try:
        told = read_json(index)
    except InputError:
        told = None
    facts = told.get("made_from") if isinstance(told, dict) and told.get("schema") == SCHEMA else None
    if isinstance(facts, dict) or anew:
        return facts if isinstance(facts, dict) else {}
    raise InputError(
        f"{index}: is damaged, so nobody knows what the parts beside it are about; remove the folder {index.parent}, "
        "or add --force to start anew"
    )


def write(parts: Parts, name: str, arrays: Arrays) -> None:
    """Keep one part, whole or not at all.

    Raises:
        StorageError: The disk is full.
    """
    content = packed(arrays)
    write_bytes(parts.place(name), _digest(parts, name, content) + content)


def read(parts: Parts, name: str) -> Arrays | None:
    """What was kept of one part; None where it is not there, is damaged, or is about something else."""
    if not parts.place(name).is_file():
        return None
    raw = read_bytes(parts.place(name), LARGEST)
    digest, content = raw[:DIGEST], raw[DIGEST:]
    if digest != _digest(parts, name, content):
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return {key: found[key] for key in found.files}


def packed(arrays: Arrays) -> bytes:
    """Arrays as the bytes of an .npz file."""
    out = io.BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez(out, **named)
    return out.getvalue()


def _digest(parts: Parts, name: str, content: bytes) -> bytes:
    key = hashlib.blake2b(json.dumps([parts.mark, name]).encode(), digest_size=DIGEST).digest()
    return hashlib.blake2b(content, key=key, digest_size=DIGEST).digest()


def removed(parts: Parts) -> None:
    """Remove all parts; what says what they are about goes last, so that a removal that was cut off goes on later.

    Raises:
        StorageError: The system would not remove them.
    """
    try:
        for place in (*parts.folder.glob("*.bin"), *parts.folder.glob(".*.part"), parts.index):
            place.unlink(missing_ok=True)
        if parts.folder.is_dir() and not any(parts.folder.iterdir()):
            parts.folder.rmdir()
    except OSError as fault:
        raise StorageError(f"{parts.folder}: could not be removed ({fault.strerror}); remove it yourself") from None
