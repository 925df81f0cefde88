"""Shared fixtures: a small dataset that is right, and the command line run in this process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

STUDY = """\
design = "rct"
domain = "software"
tool = "An assistant"

[citation]
authors = ["Ada Example", "Ben Example"]
year = 2025
title = "A made-up trial"
doi = "10.0000/made-up.{key}"

[participants]
n = 100
unit = "developer"
population = "developers of one firm"

[funding]
vendor = false

[practice]
autonomy = "chat"

[[effects]]
id = "main"
outcome = "time per task"
family = "productivity"
stage = "task"
better = "lower"
comparison = "assistant versus none"
role = "primary"
where = "Table 2, column 1"
verification = "primary"
[effects.printed]
scale = "percent_change"
estimate = -20.0
lower = -31.0
upper = -7.3
n_treated = 50
n_reference = 50
"""

CODING = """\
[coder]
name = "{coder}"
kind = "automated"
blind = true
note = "made up"

[[coding]]
study = "example_2025"
effects = "all"
arm = "treated"
decompose = 0
workflow = 1
evaluate = 0
integrate = 0
adapt = 1
uncertain = {{ evaluate = 1 }}
reason = "chat with short training"
"""

CLAIMS = """\
[[claim]]
id = "S01"
group = "article"
claim = "A claim."
source = { title = "A source", year = "2025" }
reports = "What it reports."
verification = "primary"
verdict = "supported"
bears = "none"
studies = ["example_2025"]
"""

SUBMISSIONS = """\
split,date,entry,models,attempts,resolved_percent,n_instances,resolved_count,checked_by_organisers,\
open_weights_model,open_source_system,has_warning
Lite,2024-04-02,An agent,a-model,,18.0,300,54,yes,no,yes,no
"""

DATASET = """\
title = "A small dataset"
version = "1"
date = 2025-01-01
licence = "none"
"""

MOMENTS = """\
developer,n,n_ai,sum_p,sum_y,sum_ap,sum_ay,sum_pp,sum_py,sum_yy
D01,4,2,16,17,8,9,66,69,74
"""


def write_dataset(folder: Path) -> Path:
    """Write a small dataset in which nothing is wrong and nothing suspicious."""
    for name in ("studies", "codings", "benchmarks"):
        (folder / name).mkdir(parents=True)
    (folder / "studies" / "example_2025.toml").write_text(STUDY.replace("{key}", "example"), encoding="utf-8")
    for coder in ("coder_a", "coder_b"):
        (folder / "codings" / f"{coder}.toml").write_text(CODING.format(coder=coder), encoding="utf-8")
    (folder / "dataset.toml").write_text(DATASET, encoding="utf-8")
    (folder / "claims.toml").write_text(CLAIMS, encoding="utf-8")
    (folder / "benchmarks" / "swebench_entries.csv").write_text(SUBMISSIONS, encoding="utf-8")
    (folder / "benchmarks" / "metr2025_developer_moments.csv").write_text(MOMENTS, encoding="utf-8")
    return folder


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Folder of a small, right dataset."""
    return write_dataset(tmp_path / "data")


@dataclass(frozen=True)
class Outcome:
    """What a command printed and returned."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run ``metaanalysis ARGUMENTS`` in this process."""

    def run(*arguments: object) -> Outcome:
        from metaanalysis.__main__ import main

        monkeypatch.setattr(sys, "argv", ["metaanalysis", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run
