"""The benchmarks run on tiny settings and give rows; nothing is timed against a limit here."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The folder of benchmarks as a package."""
    monkeypatch.syspath_prepend(str(ROOT))
    import benchmarks.__main__

    return benchmarks


def test_rows_and_ratios_of_a_tiny_run(benchmarks: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ours = benchmarks.ours
    parts = {
        "linear": lambda: ours.linear(count=12, studies=5, repeats=1),
        "family": lambda: ours.family(names=("flat", "step"), count=12, studies=5, repeats=1),
        "growth": lambda: ours.growth(sizes=((10, 4), (20, 8)), repeats=1),
        "threshold": lambda: ours.threshold(large=400, small=200, repeats=1),
        "memory": lambda: ours.memory(cases=((10, 4, ("flat", "step")),)),
    }
    result = benchmarks.__main__.collect(parts)
    json.dumps(result)
    assert {row["group"] for row in result["rows"]} == set(parts)
    for row in result["rows"]:
        assert row["group"] == "memory" or row["lowest"] <= row["seconds"] <= row["highest"]
    assert "metaanalysis" in result["machine"]
    assert {target["what"] for target in result["targets"]} >= {"single linear model, s"}
    benchmarks.__main__.show(result)
    assert "single linear model" in capsys.readouterr().out


def test_a_peer_that_is_not_there_is_skipped_with_the_reason(benchmarks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmarks.peers.shutil, "which", lambda _: None)
    for peer in (benchmarks.peers.metafor, benchmarks.peers.brms, benchmarks.peers.strucchange):
        (row,) = peer()
        assert row.seconds is None
        assert row.note == "skipped: Rscript is not installed"
    monkeypatch.setattr(benchmarks.peers.shutil, "which", lambda name: name)
    monkeypatch.setattr(benchmarks.peers, "command", lambda _: '{"missing": "metafor"}\n')
    (row,) = benchmarks.peers.metafor()
    assert row.note == "skipped: the R package metafor is not installed"


def test_agreement_counts_distance_in_errors_of_the_mean(benchmarks: Any) -> None:
    agree = benchmarks.__main__.agreement
    # Mean 10.02; stated relative error 0.04, repeats spread by less: error of the mean of four 0.02
    peer = {"log_evidence": [10.02, 10.02, 10.0, 10.04], "relative_error": [0.04, 0.03]}
    assert agree(peer, 10.0) | {"what": ""} == {"what": "", "limit": 3, "found": 1.0, "met": True}
    assert not agree(peer, 9.9)["met"]


def test_answers_of_peers_are_compared(benchmarks: Any) -> None:
    row = benchmarks.timing.Row
    rows = [
        row("linear", "a", "REML", 1.0, values={"beta": [0.1, 0.2]}),
        row("linear", "a", "metafor rma.mv, REML", 1.0, values={"beta": [0.1, 0.21]}),
        row("threshold", "a", "f_statistics", 1.0, values={"sup_f": 4.0}),
        row("threshold", "a", "strucchange Fstats", 1.0, values={"sup_f": 4.0}),
    ]
    assert [(found["found"], found["met"]) for found in benchmarks.__main__.answers(rows)] == [
        (0.01, False),
        (0.0, True),
    ]
    assert benchmarks.__main__.answers([]) == []


def test_peers_get_the_design_that_the_engine_uses(benchmarks: Any, tmp_path: Path) -> None:
    """The columns handed to a peer are the contrasts of the linear member."""
    import numpy as np

    from metaanalysis.models.design import contrast

    table = benchmarks.data.effects(30, 10)
    model = benchmarks.data.models(("linear",))["linear"]
    np.testing.assert_allclose(benchmarks.data.linear_design(table), contrast(model, table.x, table.x0, {})[0])
    benchmarks.data.write_effects(table, tmp_path / "effects.csv")
    lines = (tmp_path / "effects.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 31
    assert [float(line.split(",")[2]) for line in lines[1:]] == table.y.tolist()


def test_the_committed_results_are_whole(benchmarks: Any) -> None:
    result = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    assert set(asdict(benchmarks.timing.Row("", "", "", None))) == set(result["rows"][0])
    assert {row["group"] for row in result["rows"]} == {
        "linear", "family", "growth", "memory", "threshold", "start-up"
    }  # fmt: skip
    rows = [benchmarks.timing.Row(**row) for row in result["rows"]]
    assert result["targets"] == benchmarks.__main__.targets(rows) + benchmarks.__main__.answers(rows)
    assert result["ratios"] == benchmarks.__main__.ratios(rows)
