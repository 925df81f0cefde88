"""Reading and writing files: TOML and CSV in, atomic writes out, faults with the file's name."""

import csv
import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from metaanalysis.errors import InputError, bad


def display(path: Path) -> str:
    """Return the path as a user would type it: relative to the working directory where that is shorter."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    InputError
        If the file is missing, is not UTF-8 or is not TOML; the fault names the line.
    """
    try:
        with path.open("rb") as stream:
            return tomllib.load(stream)
    except FileNotFoundError:
        raise bad(display(path), "", "there is no such file", "Check the name.") from None
    except IsADirectoryError:
        raise bad(display(path), "", "is a folder, not a file", "Give a TOML file.") from None
    except PermissionError:
        raise bad(display(path), "", "cannot be read", "Check its permissions.") from None
    except UnicodeDecodeError:
        raise bad(display(path), "", "is not UTF-8 text", "Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise bad(display(path), "", f"is not valid TOML: {error}", "Mend the line named.") from None
    except (RecursionError, ValueError) as error:
        raise bad(display(path), "", f"cannot be read as TOML: {error}", "Mend the file.") from None


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a CSV file with a header as rows, every one with as many cells as the header.

    Raises
    ------
    InputError
        If the file is missing, empty, ragged or no CSV; the fault names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except FileNotFoundError:
        raise bad(display(path), "", "there is no such file", "Check the name.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise bad(display(path), "", f"cannot be read as CSV: {error}", "Save it as UTF-8 CSV.") from None
    if not rows:
        raise bad(display(path), "", "has no rows below its header", "Give at least one row.")
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise bad(display(path), f"line {line}", "has more or fewer cells than the header", "Mend the line.")
    return rows


@contextmanager
def atomic(path: Path, mode: str = "w") -> Iterator[Any]:
    """Open a temporary file beside `path` for writing and move it there only if the block succeeds.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise bad(display(path), "", f"cannot be written: {error.strerror}", "Choose another place.") from None
    try:
        text = None if "b" in mode else "utf-8"
        with open(handle, mode, encoding=text, newline="\n" if text else None) as stream:
            yield stream
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically."""
    with atomic(path) as stream:
        stream.write(text)


def collect(faults: list[InputError]) -> None:
    """Raise one `InputError` with the faults of all, if there are any."""
    listed = [fault for error in faults for fault in error.faults]
    if listed:
        raise InputError(*listed)
