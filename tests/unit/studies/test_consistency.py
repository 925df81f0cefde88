"""Each rule on printed numbers: what breaks it, what does not, and how it is accepted."""

from typing import Any

import pytest

from metaanalysis.studies.consistency import RULES, Finding, check_study
from metaanalysis.studies.schema import Study

EFFECT: dict[str, Any] = {
    "id": "main",
    "outcome": "tasks finished",
    "family": "productivity",
    "stage": "task",
    "better": "higher",
    "comparison": "assistant versus none",
    "role": "primary",
    "where": "Table 2",
    "verification": "primary",
    "printed": {"scale": "log_points", "estimate": 0.2, "se": 0.1},
}


def study(*effects: dict[str, Any], **fields: Any) -> Study:
    base = {
        "key": "made_up",
        "design": "rct",
        "domain": "software",
        "citation": {"authors": ["Ada Example"], "year": 2025, "title": "A made-up trial"},
        "participants": {"n": 100, "unit": "developer", "population": "one firm"},
        "practice": {"autonomy": "chat"},
    }
    return Study.model_validate({**base, **fields, "effects": [{**EFFECT, **effect} for effect in effects]})


def broken(scale: str, about: dict[str, Any] | None = None, **printed: Any) -> dict[str, str]:
    """Return the rules that one effect breaks, with their severity."""
    record = study({**(about or {}), "printed": {"scale": scale, **printed}})
    return {finding.rule: finding.severity for finding in check_study(record, "made_up.toml")}


def test_nothing_is_said_of_numbers_that_agree():
    assert broken("log_points", estimate=0.2, se=0.1, lower=0.004, upper=0.396, p=0.0455) == {}


WRONG: list[tuple[str, str, dict[str, Any]]] = [
    ("interval_order", "difference", {"unit": "h", "estimate": 2, "lower": 3, "upper": 1}),
    ("interval_order", "percent_change", {"range_low": 30, "range_high": 20}),
    ("outside_interval", "percent_change", {"estimate": 25, "lower": 30, "upper": 60}),
    ("outside_interval", "percent_change", {"estimate": -25, "upper": -30}),
    ("level", "log_points", {"estimate": 0.2, "lower": 0.1, "upper": 0.3, "level": 0.95}),
    ("impossible_percent", "percent_change", {"estimate": -120}),
    ("impossible_share", "proportion", {"estimate": 1.2}),
    ("impossible_share", "percent", {"mean_treated": 120, "mean_reference": 80, "estimate": 40}),
    ("impossible_ratio", "ratio", {"estimate": -0.5}),
    ("count_above_n", "percent", {"count": 60, "n": 50}),
    ("count_above_n", "proportion", {"count_treated": 60, "n_treated": 50}),
    ("count_share", "percent", {"estimate": 40, "count": 30, "n": 50}),
    ("se_interval", "log_points", {"estimate": 0.212, "se": 0.0101, "lower": 0.103, "upper": 0.321}),
    ("se_p", "log_points", {"estimate": 0.212, "se": 0.103, "p": 0.0000023}),
    ("interval_p", "log_points", {"estimate": 0.2, "lower": -0.4, "upper": 0.8, "p": 0.0023}),
]


@pytest.mark.parametrize(("rule", "scale", "printed"), WRONG, ids=[f"{rule} {scale}" for rule, scale, _ in WRONG])
def test_wrong(rule, scale, printed):
    assert broken(scale, **printed).get(rule) == "wrong"


SUSPICIOUS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("no_unit", "difference", {}, {"estimate": 2}),
    ("sizes", "log_points", {}, {"estimate": 0.2, "n_treated": 150, "n_reference": 60}),
    ("primary_empty", "none", {}, {}),
    ("p_bound", "log_points", {}, {"estimate": 0.2, "p": 0.001}),
    ("p_twice", "log_points", {}, {"estimate": 0.2, "p": 0.004, "p_below": 0.01}),
    ("sign_of_means", "percent_change", {}, {"estimate": 20, "mean_treated": 8, "mean_reference": 10}),
    ("means_estimate", "percent_change", {}, {"estimate": 20, "mean_treated": 20, "mean_reference": 10}),
    ("curated", "percent_change", {}, {"estimate": 20, "log_estimate": 0.4}),
    ("curated", "percent_change", {}, {"estimate": 20, "lower": 10, "upper": 31, "log_se": 0.112}),
    ("count_share", "percent", {}, {"estimate": 40.4, "count": 20, "n": 50}),
    ("impossible_percent", "percent_change", {}, {"estimate": -60, "lower": -110, "upper": -10}),
    ("direction", "percent_change", {"outcome": "time on a ticket"}, {"estimate": 20}),
    ("direction", "percent_change", {"outcome": "tickets resolved", "better": "lower"}, {"estimate": 20}),
    ("se_p", "log_points", {}, {"estimate": 0.212, "se": 0.103, "p": 0.0023}),
]


@pytest.mark.parametrize(
    ("rule", "scale", "about", "printed"), SUSPICIOUS, ids=[f"{case[0]} {i}" for i, case in enumerate(SUSPICIOUS)]
)
def test_suspicious(rule, scale, about, printed):
    assert broken(scale, about, **printed).get(rule) == "suspicious"


@pytest.mark.parametrize(
    ("scale", "about", "printed"),
    [
        # symmetric on the percentage and reproducing its own p, although asymmetric in logs (Peng et al. 2023)
        ("percent_change", {}, {"estimate": -55.8, "lower": -89, "upper": -21, "p": 0.0017}),
        # symmetric in logs only: (ln 1.82 - ln 1.03) / 3.92 = 0.145, z = 2.17, p = 0.03
        ("ratio", {}, {"estimate": 1.37, "lower": 1.03, "upper": 1.82, "p": 0.03}),
        # rounding: SE 0.1 at 0.182 is p = 0.069
        ("log_points", {}, {"estimate": 0.182, "se": 0.1, "p": 0.07}),
        # a conventional p-value may be a bound, so a smaller implied p is no contradiction
        ("log_points", {"accepted": {"p_bound": "exact"}}, {"estimate": 0.5, "se": 0.05, "p": 0.05}),
        ("log_points", {}, {"estimate": 0.5, "se": 0.05, "p_below": 0.001}),
        # within rounding of the ends
        ("percent_change", {}, {"estimate": 30.6, "lower": 31, "upper": 60}),
        # work counts may exceed units
        ("none", {}, {"count_treated": 80, "n_treated": 20, "count_reference": 60, "n_reference": 20}),
        # a share of a level beside its own mean
        ("proportion", {}, {"estimate": 0.7, "mean_treated": 0.7, "mean_reference": 0.6}),
        # an odds ratio is no ratio of means
        ("ratio", {}, {"estimate": 2.07, "unit": "odds ratio", "mean_treated": 0.77, "mean_reference": 0.62}),
        ("percent_change", {"outcome": "tickets closed per hour of time"}, {"estimate": 12}),
    ],
)
def test_innocent(scale, about, printed):
    assert broken(scale, about, **printed) == {}


def test_identifiers_and_primaries():
    twice = check_study(study({}, {}), "s.toml")
    assert {finding.rule for finding in twice} == {"duplicate_id", "duplicate_primary"}
    part = {"id": "novices", "sample": "main_novices"}
    assert [finding.rule for finding in check_study(study({}, part), "s.toml")] == ["overlapping_primaries"]
    other = {"id": "arm2", "comparison": "trained versus none"}
    assert check_study(study({}, other), "s.toml") == []
    assert [finding.rule for finding in check_study(study({"role": "secondary"}), "s.toml")] == ["no_primary"]


def test_acceptance_silences_the_rule_and_must_be_needed():
    odd = {"scale": "difference", "estimate": 2}
    assert check_study(study({"printed": odd, "accepted": {"no_unit": "dimensionless"}}), "s.toml") == []
    assert check_study(study({"printed": odd}, accepted={"no_unit": "dimensionless"}), "s.toml") == []
    idle = check_study(study({"accepted": {"no_unit": "dimensionless"}}), "s.toml")
    assert [(finding.severity, finding.rule, finding.field) for finding in idle] == [
        ("wrong", "accepted", "effects[main].accepted.no_unit")
    ]
    assert [finding.rule for finding in check_study(study({}, accepted={"sizes": "tasks"}), "s.toml")] == ["accepted"]


def test_only_what_is_wrong_is_said_of_excluded_studies():
    excluded = {"category": "no_estimate", "reason": "nothing was read"}
    assert check_study(study({"printed": {"scale": "difference", "estimate": 2}}, excluded=excluded), "s.toml") == []
    wrong = check_study(study({"printed": {"scale": "ratio", "estimate": -2}}, excluded=excluded), "s.toml")
    assert [finding.rule for finding in wrong] == ["impossible_ratio"]


def test_every_finding_names_a_rule_and_reads_as_a_sentence():
    record = study({"printed": {"scale": "ratio", "estimate": -2}})
    finding = check_study(record, "data/studies/made_up.toml")[0]
    assert isinstance(finding, Finding)
    assert finding.rule in RULES
    assert str(finding) == (
        "wrong: data/studies/made_up.toml: effects[main].printed.estimate: -2 is no ratio. "
        "Is it a difference or log points? [impossible_ratio]"
    )
