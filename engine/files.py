"""Reading and writing files: limited, strict and atomic; the only module that writes to disk.

Everything a run writes is text first: JSON without NaN, CSV, TOML; only long logs are Parquet. A file appears whole
or not at all.
"""

import contextlib
import csv
import difflib
import hashlib
import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from engine.errors import InputError, StorageError

Form = Literal["file", "folder"]

PAGES = (".html", ".htm")  # endings of a page that browsers open
LARGEST = 512 * 1024 * 1024  # bytes of one input file: above this a laptop's memory is at risk
DEEPEST = 40  # nested levels of a JSON file; ours have six
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # half of a letter: well where the other half follows


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """The content of a file no larger than `largest` bytes.

    Raises:
        InputError: The file is missing, a folder, or too large.
        StorageError: The system would not read it.
    """
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder, a file is needed; name the file inside it")
        size = path.stat().st_size
        if size > largest:
            raise InputError(f"{path}: {size / 1e6:.0f} MB, above the limit of {largest / 1e6:.0f} MB; split the file")
        if path.is_char_device() or path.is_block_device():
            raise InputError(f"{path}: is a device, which may never end; name a file")
        return path.read_bytes()
    except ValueError:  # a null byte or half a letter, which TOML and JSON can write
        raise InputError(f"{str(path)!r}: no file can have such a name; correct it") from None
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path{_near(path)}") from None
    except OSError as fault:
        raise StorageError(f"{path}: could not be read ({fault.strerror}); check its permissions") from None


def _near(path: Path) -> str:
    """A hint at a file of nearly the same name in the same folder."""
    folder = path.parent
    if not folder.is_dir():
        return f" (the folder {folder} does not exist)"
    close = difflib.get_close_matches(path.name, [other.name for other in folder.iterdir()], n=1)
    return f" (is it {close[0]!r}?)" if close else ""


def digest(content: bytes) -> str:
    """The SHA-256 of some bytes, by which a file names what it was made from."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def read_json(path: Path) -> Any:
    """The content of a strict JSON file: no NaN, no infinity, no key twice, not nested too deep.

    Raises:
        InputError: With file, line and what to do.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise InputError(f"{path}: byte {fault.start} is not UTF-8; save the file with UTF-8 encoding") from None
    try:
        content = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_twins)
    except json.JSONDecodeError as fault:
        raise InputError(f"{path}: line {fault.lineno} is not JSON ({fault.msg}); correct it there") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deep to be one of our files; check what it is") from None
    except ValueError as fault:
        raise InputError(f"{path}: {fault}") from None
    if _HALF.search(text) and not _is_whole(content):
        raise InputError(f"{path}: a text holds half a letter (a lone \\ud800 .. \\udfff); correct it")
    if _depth(content) > DEEPEST:
        raise InputError(f"{path}: nested deeper than {DEEPEST} levels; check what it is")
    return content


def _is_whole(content: Any) -> bool:
    """Whether all texts can be written again."""
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number that JSON allows; give a finite number")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        twice = next(key for key in content if sum(key == name for name, _ in pairs) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object; keep one of them")
    return content


def _depth(content: Any) -> int:
    level, layer = 0, [content]
    while layer and level <= DEEPEST:
        inner: list[Any] = []
        for item in layer:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(part for part in item if isinstance(part, (dict, list)))
        level, layer = level + 1, inner
    return level


def to_json(content: Mapping[str, Any]) -> str:
    """Strict JSON text, one key a line at the top two levels, rows of numbers on one line.

    >>> print(to_json({"a": [1, 2.5], "b": {"c": None}}))
    {
      "a": [1, 2.5],
      "b": {
        "c": null
      }
    }
    """
    return _render(content, 0)


def _render(content: Any, level: int) -> str:
    pad = "  " * (level + 1)
    if isinstance(content, Mapping) and content:
        inner = ",\n".join(
            f"{pad}{json.dumps(str(key), ensure_ascii=False)}: {_render(value, level + 1)}"
            for key, value in content.items()
        )
        return "{\n" + inner + "\n" + "  " * level + "}"
    if isinstance(content, (list, tuple)) and any(isinstance(part, Mapping) for part in content):
        inner = ",\n".join(pad + _render(part, level + 1) for part in content)
        return "[\n" + inner + "\n" + "  " * level + "]"
    return json.dumps(content, allow_nan=False, ensure_ascii=False)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file or nothing, as UTF-8.

    Raises:
        StorageError: The folder cannot be written or the disk is full; an older file stays as it was.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file or nothing: a temporary file beside it, flushed to disk, then renamed.

    Raises:
        StorageError: The folder cannot be written or the disk is full; an older file stays as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, path)
    except OSError as fault:
        raise StorageError(
            f"{path}: could not be written ({fault.strerror}); free some space or choose another --out"
        ) from None
    finally:
        with contextlib.suppress(OSError):  # gone already where it took its place
            temporary.unlink()


@contextlib.contextmanager
def whole_folder(folder: Path, names: Sequence[str], seal: str = "") -> Iterator[Path]:
    """A folder to write into; what is in it takes its place in `folder` only when all of it is written.

    A folder that is new or empty appears at once. In another one files are replaced one after the other.

    Args:
        folder: May exist; files in it that are none of `names` stay.
        names: All files of this kind of folder, in the order in which they take their place. Those that were
            not written this time are removed, so that files of two runs never stand together.
        seal: The one of them that stands there only while all others are those that were written with it.

    Raises:
        StorageError: The folder cannot be written or the disk is full; an older folder stays as it was.
    """
    target = Path(os.path.realpath(folder))  # a link to a folder stays a link
    beside = target.parent / f".{target.name}.{secrets.token_hex(4)}.part"
    try:
        beside.mkdir(parents=True)
        yield beside
        if not _at_once(beside, target):
            _one_by_one(beside, target, [name for name in names if name != seal] + [seal] * bool(seal), seal)
    except StorageError as fault:
        raise StorageError(str(fault).replace(str(beside), str(folder))) from None
    except OSError as fault:
        raise StorageError(
            f"{folder}: could not be written ({fault.strerror}); free some space or choose another --out"
        ) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _at_once(beside: Path, target: Path) -> bool:
    """Put a folder in its place, if nothing is there; whether that was done."""
    if target.exists() and any(target.iterdir()):
        return False
    with contextlib.suppress(OSError):  # a system may not put one folder into the place of another, even an empty one
        os.replace(beside, target)
        return True
    return False


def _one_by_one(beside: Path, target: Path, names: Sequence[str], seal: str) -> None:
    """Put the files of a folder into the place of others, while their seal is gone."""
    target.mkdir(exist_ok=True)
    if seal:
        (target / seal).unlink(missing_ok=True)
    for name in names:
        if (beside / name).exists():
            os.replace(beside / name, target / name)
        else:
            (target / name).unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write strict JSON, atomically."""
    write_text(path, to_json(content) + "\n")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV table, atomically; text that a spreadsheet would run as a formula is prefixed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([tame(name) for name in header])
    writer.writerows([[tame(cell) if isinstance(cell, str) else cell for cell in row] for row in rows])
    write_text(path, out.getvalue())


def tame(text: str) -> str:
    """Text that no spreadsheet takes for a formula.

    >>> print(tame("=1+1"), tame("tv"))
    '=1+1 tv
    """
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def require_free(path: Path, force: bool, *inputs: Path, form: Form | None = None, named: str = "--out") -> None:
    """Refuse to overwrite what is already there unless told to, and to overwrite an input ever.

    Args:
        path: Where something is to be written.
        force: What is there may be replaced.
        inputs: Files that are read for it.
        form: What is to be written.
        named: What the place is called where it is chosen.

    Raises:
        InputError: `path` is in use and `force` is false, is not of the `form`, or is one of `inputs`.
        StorageError: The system does not say whether anything is there, or nothing can be written there.
    """
    try:
        free = not path.exists() or (path.is_dir() and not any(path.iterdir()))
        obstacle = _obstacle(path)
    except OSError as fault:
        raise StorageError(f"{path}: cannot be written ({fault.strerror}); choose another {named}") from None
    if obstacle:
        raise StorageError(f"{path}: cannot be written ({obstacle}); choose another {named}")
    if form:
        _require_form(path, form, named)
    if not free and not force:
        raise InputError(f"{path}: already exists; choose another {named}, or add --force to replace it")
    if os.path.realpath(path) in map(os.path.realpath, inputs):
        raise InputError(
            f"{path}: is an input of this question, which its answer must not replace; choose another {named}"
        )


def require_suffix(path: Path, endings: Sequence[str], named: str, besides: str = "") -> None:
    """Refuse a name that does not end as what is written under it.

    Args:
        path: Where something is to be written.
        endings: Those that the programs which open it know, the usual one first.
        named: What the place is called where it is chosen.
        besides: What to choose for something else, as the end of the sentence.

    Raises:
        InputError: It ends in something else, or in nothing.
    """
    if path.suffix.lower() not in endings:
        raise InputError(
            f"{path}: {named} writes a file that ends in {' or '.join(endings)}; name it so, as in "
            f"{path.stem}{endings[0]}{besides}"
        )


def require_not_among(folder: Path, names: Iterable[str], *inputs: Path) -> None:
    """Refuse to write files into a folder where one of them would replace an input.

    Raises:
        InputError: One would.
    """
    for place in (folder / name for name in names):
        if os.path.realpath(place) in map(os.path.realpath, inputs):
            raise InputError(
                f"{place}: is an input of this question, which its answer must not replace; choose another --out"
            )


def _require_form(path: Path, form: Form, named: str) -> None:
    """Refuse a file where a folder is to be written, and the other way round, which no --force can mend."""
    if form == "folder" and path.is_file():
        raise InputError(f"{path}: is a file, a folder is needed; choose another {named}")
    if form == "file" and path.is_dir():
        raise InputError(f"{path}: is a folder, a file is needed; name a file inside it")


def _obstacle(path: Path) -> str:
    """Why nothing can be written at a place: told before the work rather than after it."""
    if path.is_symlink() and not path.exists():
        return f"it is a link to {os.readlink(path)}, which does not exist"
    if path.exists() and not path.is_file() and not path.is_dir():
        return "it is a device, a pipe or a socket"  # which a file would take the place of
    target = Path(os.path.realpath(path))
    ground = next(part for part in (target, *target.parents) if part.exists())
    if ground != target and not ground.is_dir():
        return f"{ground} is a file, not a folder"
    folder = ground if ground.is_dir() else ground.parent
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"the folder {folder} may not be changed"
