"""`metaanalysis check` names the fault: kinds of broken input, each with the file, field and word it must name."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STUDY = "studies/example_2025.toml"
CODER = "codings/coder_a.toml"


def edit(old: str, new: str, file: str = STUDY) -> tuple[str, Callable[[str], str]]:
    """Replace text in a file; the text must be there."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return file, change


SECOND = (
    '\n[[effects]]\nid = "{id}"\noutcome = "time per task"\nfamily = "productivity"\nstage = "task"\n'
    'better = "lower"\ncomparison = "assistant versus none"\nrole = "{role}"\nwhere = "Table 3"\n'
    'verification = "primary"\n[effects.printed]\nscale = "percent_change"\nestimate = -10.0\nse = 5.0\n'
)

BROKEN: dict[str, tuple[tuple[str, Callable[[str], str]], tuple[str, ...]]] = {
    "not TOML": (edit("[citation]", "[citation"), ("example_2025.toml", "not valid TOML", "line")),
    "unknown field": (edit("tool =", "tol ="), ("example_2025.toml", "tol", "not a known field", "'tool'")),
    "unknown nested field": (edit("estimate =", "estmate ="), ("effects[main].printed.estmate", "'estimate'")),
    "missing field": (edit('where = "Table 2, column 1"\n', ""), ("effects[main].where", "missing")),
    "value outside the vocabulary": (edit('"rct"', '"trial"'), ("design", "'rct'", "'trial'")),
    "wrong type": (edit("year = 2025", 'year = "soon"'), ("citation.year", "integer")),
    "not a finite number": (edit("estimate = -20.0", "estimate = nan"), ("effects[main].printed.estimate", "finite")),
    "negative count": (edit("n = 100", "n = -100"), ("participants.n", "greater than or equal to 0")),
    "zero standard error": (edit("lower = -31.0", "se = 0.0\nlower = -31.0"), ("printed.se", "greater than 0")),
    "p-value above one": (edit("lower = -31.0", "p = 1.5\nlower = -31.0"), ("printed.p", "less than or equal to 1")),
    "empty title": (edit('"A made-up trial"', '""'), ("citation.title", "at least 1 character")),
    "key inside the file": (edit('design = "rct"', 'key = "x"\ndesign = "rct"'), ("key", "file's name")),
    "estimate outside its interval": (edit("estimate = -20.0", "estimate = -2.0"), ("effects[main]", "interval")),
    "interval upside down": (edit("lower = -31.0\nupper = -7.3", "lower = -7.3\nupper = -31.0"), ("effects[main]",)),
    "percentage below -100": (
        edit("-20.0\nlower = -31.0", "-120.0\nlower = -131.0"),
        ("effects[main]", "-131 percent"),
    ),
    "interval against standard error": (
        edit("lower = -31.0", "se = 1.0\nlower = -31.0"),
        ("effects[main]", "standard error"),
    ),
    "interval against p": (edit("lower = -31.0", "p = 0.9\nlower = -31.0"), ("effects[main]", "p")),
    "more successes than trials": (
        edit(
            'scale = "percent_change"\nestimate = -20.0\nlower = -31.0\nupper = -7.3',
            'scale = "proportion"\nestimate = 1.0\nn = 20\ncount = 30',
        ),
        ("printed.count", "30 of 20"),
    ),
    "duplicate effect": (
        (STUDY, lambda text: text + SECOND.format(id="main", role="secondary")),
        ("main", "2 times"),
    ),
    "two primaries in one sample": (
        (STUDY, lambda text: text + SECOND.format(id="other", role="primary")),
        ("other", "primary"),
    ),
    "coding of a study that is not there": (
        edit('"example_2025"', '"exampel_2025"', CODER),
        ("coder_a", "exampel_2025"),
    ),
    "coding of an effect that is not there": (edit('"all"', '["mian"]', CODER), ("coder_a", "example_2025/mian")),
    "component out of range": (edit("workflow = 1", "workflow = 3", CODER), ("coder_a", "workflow", "2")),
    "uncertain below the code": (edit("evaluate = 1 ", "workflow = 1 ", CODER), ("coder_a", "uncertain.workflow")),
    "coding twice": (
        (CODER, lambda text: text + "\n[[coding]]" + text.split("[[coding]]")[1]),
        ("coder_a", "example_2025/all", "twice"),
    ),
    "arm without coding": (
        edit('arm = "treated"', 'arm = "comparison"', CODER),
        ("effects[main]", "no coding", "coder_a"),
    ),
    "claim on a study that is not there": (
        edit("example_2025", "exampel_2025", "claims.toml"),
        ("S01", "exampel_2025"),
    ),
    "count against share": (
        edit("18.0,300,54", "28.0,300,54", "benchmarks/swebench_entries.csv"),
        ("swebench_entries.csv", "line 2", "18.00"),
    ),
    "ragged CSV": (edit("D01,4,", "D01,", "benchmarks/metr2025_developer_moments.csv"), ("moments.csv", "line 2")),
}


def test_the_small_dataset_is_right(dataset: Path, command: Any) -> None:
    outcome = command("check", "--data", dataset)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_input_is_named(kind: str, dataset: Path, command: Any) -> None:
    (name, change), words = BROKEN[kind]
    path = dataset / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    outcome = command("check", "--data", dataset)
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err
    for line in outcome.err.splitlines():
        assert re.fullmatch(r"(wrong|suspicious): .+: .+\. \[\w+\]", line), line


def test_a_file_that_is_not_text(dataset: Path, command: Any) -> None:
    (dataset / STUDY).write_bytes(b"\xff\xfe\x00design")
    outcome = command("check", "--data", dataset)
    assert outcome.code == 2
    assert "UTF-8" in outcome.err


def test_a_folder_that_is_not_there(tmp_path: Path, command: Any) -> None:
    outcome = command("check", "--data", tmp_path / "nowhere")
    assert outcome.code == 2
    assert "no study file" in outcome.err


def test_two_files_of_one_study(dataset: Path, command: Any) -> None:
    text = (dataset / STUDY).read_text(encoding="utf-8")
    (dataset / "studies" / "again_2025.toml").write_text(text, encoding="utf-8")
    outcome = command("check", "--data", dataset)
    assert outcome.code == 2
    assert "is also that of" in outcome.err


def test_a_file_name_that_is_no_key(dataset: Path, command: Any) -> None:
    (dataset / STUDY).rename(dataset / "studies" / "Example 2025.toml")
    outcome = command("check", "--data", dataset)
    assert outcome.code == 2
    assert "is no key" in outcome.err


def test_faults_of_several_files_are_all_named(dataset: Path, command: Any) -> None:
    for name in (STUDY, CODER):
        path = dataset / name
        path.write_text(path.read_text(encoding="utf-8") + "\nodd = 1\n", encoding="utf-8")
    outcome = command("check", "--data", dataset)
    assert "example_2025.toml" in outcome.err
    assert "coder_a.toml" in outcome.err
