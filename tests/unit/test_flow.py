"""The flow adds up: nothing is lost or counted twice between identification and analysis."""

import pytest

from metaanalysis.analysis import gather
from metaanalysis.flow import flow_rows
from metaanalysis.spec import ANALYSES, load_spec


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str | int]]:
    evidence = gather(load_spec(ANALYSES / "practice.toml"), folder=ANALYSES)
    return flow_rows(evidence.studies, evidence.table, evidence.left_out)


def total(rows: list[dict[str, str | int]], step: str, what: str) -> int:
    return sum(int(row[what]) for row in rows if row["step"] == step)


@pytest.mark.parametrize("what", ["studies", "effects"])
def test_totals_follow_from_what_left(rows: list[dict[str, str | int]], what: str) -> None:
    assert total(rows, "identified", what) - total(rows, "excluded", what) == total(rows, "included", what)
    assert total(rows, "included", what) - total(rows, "left out", what) == total(rows, "analysed", what)


def test_the_main_analysis_is_large_enough(rows: list[dict[str, str | int]]) -> None:
    assert total(rows, "identified", "studies") >= 170
    assert total(rows, "identified", "effects") > 1000
    assert total(rows, "analysed", "studies") >= 22


def test_reasons_are_words(rows: list[dict[str, str | int]]) -> None:
    assert all(len(str(row["reason"])) > 10 for row in rows if row["step"] in ("excluded", "left out"))
