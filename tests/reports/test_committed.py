"""What is committed is what the data and the code give: numbers, README headline, figure."""

import pytest

from metaanalysis import report
from metaanalysis.analysis import run_analysis
from metaanalysis.publish import CLOSE, FIGURE, HEADLINE, OPEN, README, REPORTS, headline
from metaanalysis.results import Results
from metaanalysis.spec import ANALYSES, load_spec


@pytest.fixture(scope="module")
def results() -> Results:
    return run_analysis(load_spec(ANALYSES / f"{HEADLINE}.toml"), folder=ANALYSES)


def test_the_committed_numbers_are_current(results: Results) -> None:
    """Run `metaanalysis report --update` and commit where this fails after a change that is meant."""
    assert report.stale(results, REPORTS / HEADLINE / "numbers.json") == []


def test_the_readme_says_the_same(results: Results) -> None:
    text = README.read_text(encoding="utf-8")
    shown = text.split(OPEN)[1].split(CLOSE)[0]
    assert shown.strip() == headline(results).strip()
    assert FIGURE.read_text(encoding="utf-8").lstrip().startswith("<?xml")


def test_the_wording_follows_the_numbers(results: Results) -> None:
    numbers = report.numbers(results)
    low, high = float(numbers["bf.low"] or 0), float(numbers["bf.high"] or 0)
    inconclusive = 1 / 3 < low <= high < 3
    assert (numbers["verdict.direction"] == "neither") == inconclusive or low < 1 < high
