"""Selection, exposure, covariance and the account of what is left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from metaanalysis.effects.selection import REASONS, Selection, select
from metaanalysis.effects.tabulate import tabulate
from metaanalysis.errors import InputError

DISJOINT = {"role": "subgroup"}


@dataclass(frozen=True)
class Score:
    """Practice score of one arm."""

    by_coder: Mapping[str, int]
    low: float
    high: float

    @property
    def value(self) -> float:
        return sum(self.by_coder.values()) / len(self.by_coder)


@dataclass(frozen=True)
class Codings:
    """Scores by (study, effect, arm)."""

    scores: Mapping[tuple[str, str, str], Score]

    def exposure(self, study: str, effect: str, arm: str) -> Score | None:
        return self.scores.get((study, effect, arm))


@pytest.fixture
def dataset(effect, study) -> tuple[dict[str, Any], Codings]:
    """Two studies that enter, and one for each way of not entering."""

    def plain(identifier: str, **about: Any) -> Any:
        return effect("log_points", about={"id": identifier, **about}, estimate=0.2, se=0.1)

    studies = {
        "b_second": study(
            "b_second",
            plain("whole"),
            plain("novices", sample="main_novices", **DISJOINT),
            plain("experts", sample="main_experts", **DISJOINT),
            funding={"vendor": True},
            design="quasi_experiment",
        ),
        "a_first": study("a_first", plain("trained", reference="ai", better="lower")),
        "c_excluded": study(
            "c_excluded", plain("main"), excluded={"category": "no_uncertainty", "reason": "nothing printed"}
        ),
        "d_empty": study("d_empty"),
        "e_mixed": study(
            "e_mixed",
            plain("quality", family="quality"),
            plain("context", role="context"),
            plain("placebo", treated="no_ai"),
            plain("spoilt", unusable="ratio of slopes"),
            effect("percent_change", about={"id": "bare"}, estimate=20),
            effect("standardised", about={"id": "standardised"}, estimate=0.4, se=0.1),
            plain("uncoded"),
        ),
    }
    scores = {
        ("a_first", "trained", "treated"): Score({"coder_a": 6, "coder_b": 7}, 5, 8),
        ("a_first", "trained", "comparison"): Score({"coder_a": 2, "coder_b": 2}, 1, 3),
        **{("b_second", e, "treated"): Score({"coder_a": 3}, 3, 4) for e in ("whole", "novices", "experts")},
    }
    return studies, Codings(scores)


WANTED = Selection(families=("productivity",), roles=("primary", "subgroup"))


def test_rows_by_study_key_then_file_order(dataset):
    table, _ = tabulate(*dataset, WANTED)
    assert table.study == ("a_first", "b_second", "b_second", "b_second")
    assert table.effect == ("trained", "whole", "novices", "experts")
    assert table.y.tolist() == [-0.2, 0.2, 0.2, 0.2]


def test_exposures_of_both_arms(dataset):
    table, _ = tabulate(*dataset, WANTED)
    assert table.x.tolist() == [6.5, 3, 3, 3]
    assert table.x0[0] == 2
    assert np.isnan(table.x0[1:]).all()
    assert table.exposure_range == (0, 10)
    assert table.columns["x_a"].tolist() == [6, 3, 3, 3]
    assert table.columns["x_b"][0] == 7
    assert isnan(table.columns["x_b"][1])
    assert [table.columns[name][0] for name in ("x_low", "x_high", "x0_low", "x0_high")] == [5, 8, 1, 3]


def test_one_coder(dataset):
    table, left = tabulate(*dataset, WANTED, coder="coder_b")
    assert table.x.tolist() == [7]
    assert ("b_second", "whole", "no_exposure") in {(out.study, out.effect, out.reason) for out in left}


def test_descriptive_columns(dataset):
    table, _ = tabulate(*dataset, WANTED)
    columns = table.columns
    assert columns["vendor"].tolist()[1:] == [1, 1, 1]
    assert isnan(columns["vendor"][0])
    assert columns["randomised"].tolist() == [True, False, False, False]
    assert columns["route"][0] == "log_points_se"
    assert columns["label"].tolist()[:2] == ["Example 2025a", "Example 2025b"]
    assert not columns["flagged"].any()
    assert all(len(values) == len(table) for values in columns.values())


def test_correlation_between_samples_that_overlap(dataset):
    # main overlaps both parts (rho), the parts do not overlap: [[1, .6, .6], [.6, 1, 0], [.6, 0, 1]] has the smallest
    # eigenvalue 1 - .6 * sqrt(2) = .151472, above .05, so nothing is shrunk; variances are .01
    table, _ = tabulate(*dataset, WANTED, rho=0.6)
    assert table.blocks[0].tolist() == [[pytest.approx(0.01)]]
    np.testing.assert_allclose(100 * table.blocks[1], [[1, 0.6, 0.6], [0.6, 1, 0], [0.6, 0, 1]], atol=1e-12)


def test_impossible_correlation_is_shrunk_as_little_as_possible(dataset):
    # at .9 the smallest eigenvalue is 1 - .9 * sqrt(2) = -.272792; (.05 + .272792) / 1.272792 = .253609 of the
    # identity brings it to .05, so the correlation becomes .9 * (1 - .253609) = .671752
    table, _ = tabulate(*dataset, WANTED, rho=0.9)
    block = 100 * table.blocks[1]
    assert block[0, 1] == pytest.approx(0.671752, abs=1e-6)
    assert np.linalg.eigvalsh(block)[0] == pytest.approx(0.05)


def test_every_effect_is_in_the_table_or_accounted_for(dataset):
    studies, _ = dataset
    table, left = tabulate(*dataset, WANTED)
    everything = {(key, effect.id) for key, study in studies.items() for effect in study.effects} | {("d_empty", "")}
    rows = set(zip(table.study, table.effect, strict=True))
    out = {(one.study, one.effect) for one in left}
    assert rows | out == everything
    assert not rows & out
    assert [one.reason for one in left] == [
        "excluded",
        "no_effects",
        "family",
        "role",
        "arm",
        "unusable",
        "no_uncertainty",
        "not_derivable",
        "no_exposure",
    ]
    assert {one.reason for one in left} <= REASONS.keys()


@pytest.mark.parametrize(
    ("restriction", "reason", "studies"),
    [
        ({"studies": ("a_first",)}, "study", {"a_first"}),
        ({"not_studies": ("a_first",)}, "study", {"b_second"}),
        ({"designs": ("rct",)}, "design", {"a_first"}),
        ({"vendor": True}, "vendor", {"b_second"}),
        ({"references": ("no_ai",)}, "arm", {"b_second"}),
        ({"not_effects": ("a_first/trained",)}, "effect", {"b_second"}),
        ({"effects": ("a_first/trained",)}, "effect", {"a_first"}),
    ],
)
def test_restrictions(dataset, restriction, reason, studies):
    table, left = tabulate(*dataset, Selection(**{**WANTED.model_dump(exclude_unset=True), **restriction}))
    assert set(table.study) == studies
    assert reason in {one.reason for one in left}


def test_effects_without_exposure_when_none_is_required(dataset):
    studies, codings = dataset
    table, _ = tabulate(studies, codings, Selection(families=("productivity",), require_exposure=False))
    assert table.x[list(table.effect).index("uncoded")] == 0


def test_no_exposure_axis(dataset):
    studies, _ = dataset
    table, _ = tabulate(studies, None, Selection(families=("productivity",)), exposure="none")
    assert table.x.tolist() == [0] * len(table)
    assert table.exposure_range == (0, 1)


def test_exposure_from_a_setting(effect, study):
    def hours(identifier: str, value: float) -> Any:
        return effect("log_points", about={"id": identifier, "setting": {"hours": value}}, estimate=0.1, se=0.1)

    studies = {"s": study("s", hours("few", 3), hours("many", 30))}
    table, _ = tabulate(studies, None, Selection(), exposure="setting:hours")
    assert table.x.tolist() == [3, 30]
    assert table.exposure_range == (3, 30)


def test_flags_that_are_not_wanted(dataset, effect, study):
    studies = {"s": study("s", effect("log_points", estimate=0.1, se=0.1, digitised=True)), **dataset[0]}
    _, left = tabulate(studies, None, Selection(families=("productivity",), not_flags=("digitised",)), exposure="none")
    assert [one.detail for one in left if one.reason == "flag"] == ["digitised"]


def test_upper_bound_of_the_standard_error_on_request(effect, study):
    studies = {"s": study("s", effect("percent_change", estimate=20, p_below=0.001))}
    with pytest.raises(InputError, match="no effect is left"):
        tabulate(studies, None, Selection(), exposure="none")
    table, _ = tabulate(studies, None, Selection(), exposure="none", se_route="bound")
    assert table.columns["flagged"].tolist() == [True]


def test_faults(dataset):
    studies, codings = dataset
    with pytest.raises(InputError, match=r"mixes productivity, quality.*never pooled"):
        tabulate(studies, codings, Selection(require_exposure=False))
    with pytest.raises(InputError, match=r"no effect is left \(outcome family not selected: "):
        tabulate(studies, codings, Selection(families=("cost",)))
    with pytest.raises(InputError, match="there is no study 'nobody'"):
        select(studies, Selection(studies=("nobody",)))
    with pytest.raises(InputError, match="there is no effect 'a_first/nothing'"):
        select(studies, Selection(not_effects=("a_first/nothing",)))
    with pytest.raises(InputError, match="there is no flag 'crooked'"):
        select(studies, Selection(not_flags=("crooked",)))
    with pytest.raises(InputError, match="no such exposure axis"):
        tabulate(studies, codings, WANTED, exposure="luck")
    with pytest.raises(ValidationError):
        Selection.model_validate({"family": ["productivity"]})


def test_missing_reference_score_is_named(dataset):
    studies, codings = dataset
    scores = {key: score for key, score in codings.scores.items() if key[2] == "treated"}
    _, left = tabulate(studies, Codings(scores), WANTED)
    details = {(one.study, one.effect): one.detail for one in left}
    assert details["a_first", "trained"] == "the reference arm used AI and has no value"
    assert nan not in details.values()
