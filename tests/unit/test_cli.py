"""The command line as its user sees it: output, exit codes, nothing half-written, quick start."""

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_help_names_every_command(command: Any) -> None:
    outcome = command("--help")
    assert outcome.code == 0
    for name in ("check", "effects", "run", "report", "generate"):
        assert name in outcome.out


def test_effects_prints_a_study(command: Any) -> None:
    outcome = command("effects", "--study", "becker2025", "--role", "primary")
    assert outcome.code == 0
    assert "becker2025" in outcome.out
    assert "-0.17" in outcome.out


def test_effects_writes_csv_and_parquet(command: Any, tmp_path: Path) -> None:
    for name in ("effects.csv", "effects.parquet"):
        assert command("effects", "--usable", "--out", tmp_path / name).code == 0
    with (tmp_path / "effects.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    import pyarrow.parquet as pq

    table = pq.read_table(tmp_path / "effects.parquet")
    assert table.num_rows == len(rows) > 200
    assert all(float(row["se"]) > 0 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("effects", "--study", "nobody2025"), ("nobody2025", "no study")),
        (("effects", "--out", "effects.xlsx"), ("effects.xlsx", ".csv or .parquet")),
        (("run", "practise"), ("practise", "no such analysis", "practice")),
        (("run", "nowhere/spec.toml"), ("nowhere/spec.toml",)),
        (("report", "practise"), ("practise",)),
    ],
)
def test_wrong_requests_exit_with_two(arguments: tuple[str, ...], words: tuple[str, ...], command: Any) -> None:
    outcome = command(*arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1
    for word in words:
        assert word in outcome.err


def test_generated_documents_are_current(command: Any) -> None:
    outcome = command("generate", "--check")
    assert (outcome.code, outcome.err) == (0, "")


def test_a_spec_with_an_unknown_model_is_refused(command: Any, tmp_path: Path) -> None:
    spec = (ROOT / "analyses" / "practice.toml").read_text(encoding="utf-8").replace('"kink"', '"kinkk"', 1)
    (tmp_path / "odd.toml").write_text(spec, encoding="utf-8")
    outcome = command("run", tmp_path / "odd.toml")
    assert outcome.code == 2
    assert "kinkk" in outcome.err
    assert "kink" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_traceback_never_reaches_the_user() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "metaanalysis", "check", "--data", "/nonexistent"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_check_reads_the_specs_too(command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from metaanalysis import spec

    text = (ROOT / "analyses" / "practice.toml").read_text(encoding="utf-8")
    (tmp_path / "odd.toml").write_text(text.replace("[priors.jump]", "[priors.jmup]"), encoding="utf-8")
    monkeypatch.setattr(spec.find_specs, "__defaults__", (tmp_path,))
    outcome = command("check")
    assert outcome.code == 2
    assert "jmup" in outcome.err
