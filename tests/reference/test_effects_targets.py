"""Effect sizes against the numbers that metafor, metadat and the books print (data/effects_targets.toml)."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metaanalysis.effects.convert import from_ratio_interval
from metaanalysis.effects.dependent import shared_control_binary, shared_control_standardised
from metaanalysis.effects.estimates import Estimates
from metaanalysis.effects.measures import measure
from metaanalysis.effects.measures.standardised_mean_change import standardised_mean_change
from metaanalysis.effects.measures.standardised_mean_change_difference import (
    Changes,
    standardised_mean_change_difference,
)
from metaanalysis.effects.two_by_two import rebuild
from metaanalysis.errors import InputError

TARGETS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "data" / "effects_targets.toml").read_text("utf-8"))
TOLERANCE = TARGETS["tolerance"]
CASES = TARGETS["case"]
GROUPS = ("pre_post", "ratio_interval", "rebuild", "shared_control_rd", "shared_control_smd")


def close(found: Any, printed: Any, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(printed), rtol=0, atol=tolerance)


def matches(found: Estimates, printed: dict[str, Any]) -> None:
    close(found.yi, printed["yi"])
    if "vi" in printed:
        close(found.vi, printed["vi"])
    if "se" in printed:
        close(found.se, printed["se"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_printed_effect_sizes(case: dict[str, Any]) -> None:
    compute = measure(case["measure"]).compute
    assert compute is not None
    matches(compute(*case["args"], **case.get("options", {})), case)


def test_every_case_has_a_known_source_and_the_grid_has_not_shrunk() -> None:
    assert all(case["source"] in TARGETS["sources"] for case in CASES)
    assert all(TARGETS[group]["source"] in TARGETS["sources"] for group in GROUPS)
    identifiers = {case["id"].split()[0] for case in CASES} | {TARGETS[group]["id"] for group in GROUPS}
    assert len(CASES) == 26
    assert len(identifiers) == 11


def arms() -> tuple[Changes, Changes]:
    given = TARGETS["pre_post"]
    one, two = (Changes(**dict(zip(given["columns"], given[arm], strict=True))) for arm in ("treated", "control"))
    return one, two


@pytest.mark.parametrize(("arm", "index"), [("pretest_treated", 0), ("pretest_control", 1)])
def test_standardised_mean_changes_of_morris(arm: str, index: int) -> None:
    group = arms()[index]
    found = standardised_mean_change(group.m_post, group.m_pre, group.sd_post, group.sd_pre, group.n, group.r)
    matches(found, TARGETS["pre_post"][arm])


@pytest.mark.parametrize("standardiser", ["pretest", "change", "pooled_pretest"])
def test_differences_of_standardised_mean_changes_of_morris(standardiser: Any) -> None:
    found = standardised_mean_change_difference(*arms(), standardiser=standardiser)
    matches(found, TARGETS["pre_post"]["difference"][standardiser])


def test_ratio_with_interval() -> None:
    given = TARGETS["ratio_interval"]
    matches(from_ratio_interval(given["ratio"], given["lower"], given["upper"]), given)


@pytest.mark.parametrize("association", ["odds_ratio", "phi", "chi2_yates"])
def test_tables_rebuilt_from_margins(association: Any) -> None:
    given = TARGETS["rebuild"]
    value = given["values"][association]
    found = rebuild(given["n"], given["n_row"], given["n_column"], value, association=association)
    assert found.tolist() == [given["cells"]]


def test_impossible_table_is_refused_not_guessed() -> None:
    given = TARGETS["rebuild"]["impossible"]
    with pytest.raises(InputError, match="impossible with these margins"):
        rebuild(**given)


def generalised_least_squares(y: Any, v: Any, treatment: Any) -> tuple[Any, Any, float]:
    """Coefficients by treatment, their covariance, and the weighted residual sum of squares."""
    design = np.equal.outer(np.asarray(treatment), np.unique(treatment)).astype(float)
    weight = np.linalg.inv(v)
    covariance = np.linalg.inv(design.T @ weight @ design)
    coefficient = covariance @ design.T @ weight @ y
    residual = y - design @ coefficient
    return coefficient, covariance, float(residual @ weight @ residual)


def test_risk_differences_that_share_a_control_arm() -> None:
    given = TARGETS["shared_control_rd"]
    effects, v = shared_control_binary(
        given["treated_events"],
        given["treated_size"],
        given["control_events"],
        given["control_size"],
        given["study"],
        measure="risk_difference",
    )
    y = given["sign"] * effects.yi
    close(y, given["yi"])
    coefficient, covariance, heterogeneity = generalised_least_squares(y, v, given["treatment"])
    close(coefficient, given["coef"])
    close(1e6 * covariance, given["vcov_1e6"], given["vcov_tolerance"])
    close(heterogeneity, given["heterogeneity"])


def test_standardised_mean_differences_that_share_a_control_arm() -> None:
    given = TARGETS["shared_control_smd"]
    y = (np.asarray(given["m1"]) - np.asarray(given["m2"])) / np.asarray(given["sd"])
    close(y, given["yi"])
    v = shared_control_standardised(y, given["n1"], given["n2"], given["study"])
    coefficient, covariance, heterogeneity = generalised_least_squares(y, v, given["treatment"])
    close(coefficient, given["coef"])
    close(covariance, given["vcov"])
    close(heterogeneity, given["heterogeneity"])
