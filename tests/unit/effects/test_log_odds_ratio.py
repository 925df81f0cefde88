"""Log odds ratios from each printed form against arithmetic done by hand."""

from math import log, sqrt

import pytest

from metaanalysis.effects.derive import derive
from metaanalysis.effects.measures.log_odds_ratio import log_odds_ratio
from metaanalysis.errors import InputError

RATE = {"family": "success_rate"}


def test_counts(effect):
    # cells 12, 28, 5, 45: ln(12*45 / (28*5)) = ln 3.857143 = 1.349927; 1/12 + 1/28 + 1/5 + 1/45 = 0.341270
    record = effect("none", about=RATE, count_treated=12, n_treated=40, count_reference=5, n_reference=50)
    found = derive("s", record, "log_odds_ratio")
    assert found.y == pytest.approx(1.349927, abs=1e-6)
    assert found.se == pytest.approx(sqrt(0.341270), abs=1e-6)
    assert found.flags == ("binomial_assumed",)


def test_empty_cell(effect):
    # 0.5, 40.5, 5.5, 45.5: ln(0.5*45.5 / (40.5*5.5)) = ln 0.102132; 2 + 1/40.5 + 1/5.5 + 1/45.5 = 2.228488
    record = effect("none", about=RATE, count_treated=0, n_treated=40, count_reference=5, n_reference=50)
    found = derive("s", record, "log_odds_ratio")
    assert found.y == pytest.approx(log(0.102132), abs=1e-5)
    assert found.se == pytest.approx(sqrt(2.228488), abs=1e-6)
    assert "one_half_added" in found.flags


def test_shares_with_sizes_are_counts(effect):
    # 0.30 of 40 and 0.10 of 50 are the counts above
    record = effect("percent", about=RATE, mean_treated=30, mean_reference=10, n_treated=40, n_reference=50)
    found = derive("s", record, "log_odds_ratio")
    assert found.y == pytest.approx(1.349927, abs=1e-6)
    assert found.se == pytest.approx(sqrt(0.341270), abs=1e-6)


def test_shares_with_standard_errors(effect):
    # logit 0.75 - logit 0.5 = ln 3; (0.03/0.1875)^2 + (0.04/0.25)^2 = 0.0256 + 0.0256; root 0.226274
    record = effect("proportion", about=RATE, mean_treated=0.75, se_treated=0.03, mean_reference=0.5, se_reference=0.04)
    found = derive("s", record, "log_odds_ratio")
    assert found.y == pytest.approx(log(3))
    assert found.se == pytest.approx(0.226274, abs=1e-6)


def test_difference_of_shares_reproduces_the_counts_of_equal_arms(effect):
    # 0.9 of 100 against 0.5 of 100: Woolf 1/90 + 1/10 + 1/50 + 1/50 = 0.151111. The difference 0.4 has the variance
    # 0.0009 + 0.0025 = 0.0034; 0.0034 / (0.09 * 0.25) = 0.151111, the same.
    record = effect("proportion", about=RATE, estimate=0.4, se=sqrt(0.0034), mean_reference=0.5)
    found = derive("s", record, "log_odds_ratio")
    assert found.y == pytest.approx(log(9))
    assert found.se == pytest.approx(sqrt(0.151111), abs=1e-6)


def test_difference_in_percentage_points_with_interval(effect):
    # width 40 points / 3.919928 = 10.204273 points; / 100 / sqrt(0.09 * 0.25) = 0.680285
    record = effect(
        "difference", about=RATE, unit="percentage points", estimate=40, lower=20, upper=60, mean_reference=50
    )
    found = derive("s", record, "log_odds_ratio")
    assert found.se == pytest.approx(0.680285, abs=1e-6)


def test_printed_odds_ratio_with_interval(effect):
    # ln 2.07 = 0.727549; (ln 3.83 - ln 1.12) / 3.919928 = (1.342865 - 0.113329) / 3.919928 = 0.313663
    record = effect("ratio", unit="odds ratio", estimate=2.07, lower=1.12, upper=3.83)
    found = derive("s", record, "log_odds_ratio")
    assert found.y == pytest.approx(0.727549, abs=1e-6)
    assert found.se == pytest.approx(0.313663, abs=1e-6)


def test_lower_is_better_turns_the_sign(effect):
    record = effect(
        "none", about={"better": "lower"}, count_treated=12, n_treated=40, count_reference=5, n_reference=50
    )
    assert derive("s", record, "log_odds_ratio").y == pytest.approx(-1.349927, abs=1e-6)


@pytest.mark.parametrize(
    ("scale", "printed"),
    [
        ("percent", {"estimate": 33.8, "count": 169, "n": 500}),
        ("difference", {"estimate": 4, "lower": 1, "upper": 7, "unit": "percentage points"}),
        ("percent_change", {"estimate": 12, "se": 3}),
    ],
)
def test_levels_and_bare_differences_have_no_odds_ratio(effect, scale, printed):
    found = derive("s", effect(scale, about=RATE, **printed), "log_odds_ratio")
    assert found.y is None
    assert found.reason


def test_level_has_log_odds(effect):
    # ln 169 - ln 331 = 5.129899 - 5.802118 = -0.672219; 1/169 + 1/331 = 0.008938
    found = derive("s", effect("percent", about=RATE, estimate=33.8, count=169, n=500), "log_odds")
    assert found.y == pytest.approx(-0.672220, abs=1e-6)
    assert found.se == pytest.approx(sqrt(0.008938), abs=1e-5)


def test_impossible_counts_are_refused():
    with pytest.raises(InputError, match="log_odds_ratio: a: value 2 is not between 0 and its size"):
        log_odds_ratio([3, 9], [5, 5], [1, 1], [5, 5])


def test_measure_that_is_not_read_from_records(effect):
    with pytest.raises(InputError, match="not read from printed records"):
        derive("s", effect("log_points", estimate=0.1), "phi")


def test_unknown_measure_lists_the_known(effect):
    with pytest.raises(InputError, match="log_ratio"):
        derive("s", effect("log_points", estimate=0.1), "nonsense")
