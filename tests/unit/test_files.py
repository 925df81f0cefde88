"""Atomic writes and readable faults."""

from pathlib import Path

import pytest

from metaanalysis.errors import InputError
from metaanalysis.files import atomic, read_toml, write_text


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic(path) as stream:  # noqa: PT012
        stream.write("half")
        raise RuntimeError
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        write_text(blocker / "inside.txt", "y")


@pytest.mark.parametrize(
    ("content", "word"), [(b"a = 1\na = 2\n", "line 2"), (b"\xff", "UTF-8"), (b"x = " + b"[" * 5000, "TOML")]
)
def test_unreadable_toml_is_one_fault(content: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_toml(path)
    assert len(caught.value.faults) == 1
    assert word in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.toml: there is no such file"):
        read_toml(tmp_path / "gone.toml")
