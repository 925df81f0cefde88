"""The committed record of a calibration run holds, and today's package reproduces its first results.

The full run is `make calibrate`; it takes about ten minutes on two processors.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from metaanalysis.design.calibration import Plan, run_task
from metaanalysis.design.command import holds
from metaanalysis.design.record import FAMILYWISE, design_table, fingerprint, model_from_mapping, p_values
from metaanalysis.engines.exact import TOLERANCE

RECORD: dict[str, Any] = json.loads((Path(__file__).parent / "record.json").read_text(encoding="utf-8"))
SIMULATIONS = 200
"""Fewest simulations for which the record says anything: a posterior too narrow by a fifth is then found."""
CHEAP = ("flat", "linear", "step")
RECOMPUTED = 1e-6
"""Accepted change of a recorded probability beyond the two stated numerical errors."""


def recorded_plan() -> Plan:
    models = {name: model_from_mapping(mapping) for name, mapping in RECORD["models"].items()}
    return Plan(design_table(RECORD["design"]), models, RECORD["seed"])


def test_no_test_of_the_run_fails() -> None:
    found = p_values(RECORD)
    assert len(found) == RECORD["test"]["tests"]
    allowed = FAMILYWISE / len(found)
    assert RECORD["test"]["smallest_allowed"] == pytest.approx(allowed)
    assert {name: p for name, p in found.items() if not p >= allowed} == {}
    assert RECORD["failures"] == {}
    assert holds(RECORD)


def test_the_run_is_long_enough_and_complete() -> None:
    assert RECORD["simulations"] >= SIMULATIONS
    assert RECORD["tolerance"] == TOLERANCE
    plan = recorded_plan()
    for name, model in plan.models.items():
        free = {key for key, prior in model.priors.items() if not prior.fixed}
        assert free | {"log_likelihood"} <= set(RECORD["pit"][name])
    for quantities in RECORD["pit"].values():
        for row in quantities.values():
            assert sum(row["counts"]) == RECORD["simulations"]
            assert row["p_chi_square"] == pytest.approx(stats.chisquare(row["counts"]).pvalue, rel=1e-4, abs=1e-12)


def test_thresholds_beyond_the_data_are_as_frequent_as_said() -> None:
    with_threshold = {name for name, model in RECORD["models"].items() if "threshold" in model["priors"]}
    assert set(RECORD["threshold_beyond_the_data"]) == with_threshold
    for row in RECORD["threshold_beyond_the_data"].values():
        # Five standard errors of a share, sd at most a half
        assert row["said"] == pytest.approx(row["true"], abs=2.5 / RECORD["simulations"] ** 0.5)


def test_posterior_model_probabilities_average_to_their_prior() -> None:
    probabilities = RECORD["probabilities"]
    assert sum(row["prior"] for row in probabilities["members"].values()) == pytest.approx(1.0)
    for row in [*probabilities["members"].values(), probabilities["discontinuous"]]:
        assert row["said"] == pytest.approx(row["prior"], abs=5 * row["error"])
    assert sum(row["count"] for row in probabilities["reliability"]) == RECORD["simulations"]
    # The data must say something: a family that cannot be told apart would be calibrated trivially
    assert probabilities["log_score"]["mean"] > probabilities["log_score"]["before_the_data"] + 0.1


def test_the_design_of_the_record_is_whole() -> None:
    assert fingerprint(RECORD["design"]) == RECORD["table"]["fingerprint"]
    assert len(recorded_plan().table) == RECORD["table"]["effects"]


@pytest.mark.parametrize("member", CHEAP)
@pytest.mark.parametrize("number", [0, 1])
def test_the_first_results_are_reproduced(member: str, number: int) -> None:
    key = f"posterior/{member}/{number}"
    recorded, found = RECORD["first"][key], run_task(key, plan=recorded_plan())
    assert set(found["pit"]) == set(recorded["pit"])
    for name, value in recorded["pit"].items():
        # The rank of the log likelihood is one among posterior draws, which follow the order of the quadrature nodes
        if name != "log_likelihood":
            limit = RECOMPUTED + recorded["error"] + found["error"]
            assert found["pit"][name] == pytest.approx(value, abs=limit), name
