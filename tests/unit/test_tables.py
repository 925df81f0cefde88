"""Tables: the cells say what the frames hold."""

import math
from typing import Any

import pandas as pd
import pytest

from metaanalysis import tables
from metaanalysis.frames import conform
from metaanalysis.results import Results

EFFECT: dict[str, Any] = {
    "study": "a", "label": "Abara 2024", "effect": "main_task", "y": 0.1234, "se": 0.05, "lower": 0.02, "upper": 0.22,
    "x": 3.0, "x_low": 2.0, "x_high": 4.5, "x0": None, "domain": "software", "design": "field_experiment",
    "randomised": True, "vendor": None, "verification": "primary", "route": "ratio_ci", "flags": "routes_disagree",
    "fitted": -0.001, "fitted_lower": 0.0, "fitted_upper": 0.2,
}  # fmt: skip


def model(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "model": name, "family": "continuous", "says": "something", "log_evidence": 1.0, "error": 2e-5,
        "log_bf": 0.0, "probability": 0.5, "probability_equal": 0.25, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(1.0, 2, "1.00"), (-0.256, 2, "−0.26"), (-0.001, 2, "0.00"), (None, 2, "–"), (math.nan, 1, "–"), (3, 0, "3")],
)
def test_numbers(value: float | None, digits: int, shown: str) -> None:
    assert tables.number(value, digits) == shown


@pytest.mark.parametrize(
    ("bf", "shown"),
    [(1.0, "1.0"), (0.042, "0.042"), (0.54, "0.54"), (9.96, "10"), (23.4, "23"), (345.0, "345"), (2e6, "2.0 × 10⁶")],
)
def test_bayes_factors(bf: float, shown: str) -> None:
    assert tables.factor(math.log(bf)) == shown
    assert tables.factor(None) == "–"


def test_tiny_bayes_factors_and_errors_are_powers_of_ten() -> None:
    assert tables.factor(math.log(3e-5)) == "3.0 × 10⁻⁵"
    assert tables.error(2e-5) == "2 × 10⁻⁵"
    assert tables.error(0.01) == "0.01"
    assert tables.error(0.0) == "0"


def test_models_name_family_and_both_probabilities() -> None:
    made = tables.models(conform("models", [model("flat"), model("step_slope", family="discontinuous", log_bf=1.0)]))
    assert made.rows[1] == ("step slope", "discontinuous", "something", "1.000 ± 2 × 10⁻⁵", "2.7", "0.50", "0.25")
    assert all(len(row) == len(made.columns) for row in made.rows)


def test_effects_are_in_ascending_exposure_with_range_and_reference() -> None:
    frame = conform("effects", [{**EFFECT, "x": 6.0, "x_low": 6.0, "x_high": 6.0, "x0": 2.5}, EFFECT])
    made = tables.effects(frame)
    assert list(tables.rows_of(made, "Exposure")) == ["3 (2–4.5)", "6 against 2.5"]
    assert tables.rows_of(made, "y (SE)")[0] == "0.123 (0.050)"
    assert tables.rows_of(made, "Study · effect")[0] == "Abara 2024 · main task"
    assert tables.rows_of(made, "Route; flags")[0] == "ratio ci; routes disagree"
    assert tables.rows_of(made, "Shrunken")[0] == "0.00"


def test_printed_numbers_join_the_table_of_effects_where_there_are_any() -> None:
    frame = conform("effects", [EFFECT, {**EFFECT, "study": "b", "y": 0.2}])
    printed = pd.DataFrame(
        [{"study": "a", "effect": "main_task", "outcome": "time per task", "printed": "−11 %", "coders": "A 3, B 3"}]
    )
    made = tables.effects(frame, printed)
    assert list(tables.rows_of(made, "As printed")) == ["−11 %", "–"]
    assert list(tables.rows_of(made, "Exposure")) == ["A 3, B 3", "3 (2–4.5)"]
    assert all(len(row) == len(made.columns) for row in made.rows)


def test_priors_carry_their_reasons() -> None:
    made = tables.priors({"slope": {"family": "half_normal", "scale": 0.3, "lower": -1, "reason": "Because."}})
    assert made.rows == (("slope", "half normal (scale 0.3, lower −1)", "Because."),)
    assert tables.priors({"within": 0.1}).rows == (("within", "fixed at 0.1", "–"),)


def test_bands_cover_every_bayes_factor_above_even() -> None:
    made = tables.bands()
    assert list(tables.rows_of(made, "Bayes factor")) == ["1 to 3", "3 to 10", "10 to 30", "30 to 100", "above 100"]
    assert "does not tell" in made.rows[0][2]
    assert all(row[1] in row[2] for row in made.rows[1:])


def test_parameters_show_each_member_once() -> None:
    row = {
        "model": "linear", "parameter": "slope", "mean": 0.1, "sd": 0.05, "median": 0.1, "lower": 0.0, "upper": 0.2,
        "prior_lower": -1.0, "prior_upper": 1.0,
    }  # fmt: skip
    made = tables.parameters(conform("parameters", [row, {**row, "parameter": "within"}]))
    assert [r[0] for r in made.rows] == ["linear", ""]
    assert made.rows[0][-1] == "[−1.00, 1.00]"


def test_missing_and_empty_frames_leave_their_tables_out() -> None:
    results = Results("n", "t", "q", {}, {"grid": conform("grid", [])}, {})
    assert set(tables.tables(results)) == {"bands"}


def test_markdown_has_one_line_for_each_row_and_no_broken_heading() -> None:
    text = tables.models(conform("models", [model("flat", says="a | b")])).markdown()
    lines = text.splitlines()
    assert len(lines) == 3
    assert "a \\| b" in lines[2]
    assert lines[1].count("|") == lines[0].count("|")


def test_columns_are_found_by_heading() -> None:
    with pytest.raises(KeyError, match="no column 'Weight'"):
        tables.rows_of(tables.bands(), "Weight")
