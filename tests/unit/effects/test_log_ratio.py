"""Each printed form of a log ratio against arithmetic done by hand; 1.959964 is the normal 97.5 % quantile."""

from math import log, sqrt

import pytest

from metaanalysis.effects.derive import derive

LOWER = {"better": "lower"}


def test_log_points_with_standard_error(effect):
    found = derive("s", effect("log_points", estimate=0.12, se=0.04))
    assert (found.y, found.se, found.route) == (0.12, 0.04, "log_points_se")
    assert found.flags == ()


def test_less_is_better_turns_the_sign_only(effect):
    found = derive("s", effect("log_points", about=LOWER, estimate=-0.12, se=0.04))
    assert (found.y, found.se) == (0.12, 0.04)
    assert "sign turned" in found.sentence


def test_percent_change_with_interval(effect):
    # ln 1.25 = 0.223144; (ln 1.42 - ln 1.10) / 3.919928 = (0.350657 - 0.095310) / 3.919928 = 0.065141
    found = derive("s", effect("percent_change", estimate=25, lower=10, upper=42))
    assert found.y == pytest.approx(0.223144, abs=1e-6)
    assert found.se == pytest.approx(0.065141, abs=1e-6)
    assert found.route == "percent_change_interval"


def test_interval_of_another_level(effect):
    # 90 %: quantile 1.644854; (0.350657 - 0.095310) / 3.289707 = 0.077620
    found = derive("s", effect("percent_change", estimate=25, lower=10, upper=42, level=90))
    assert found.se == pytest.approx(0.077620, abs=1e-6)


def test_percent_change_with_standard_error_by_the_delta_method(effect):
    # ln 0.8 = -0.223144; 6 / (100 - 20) = 0.075
    found = derive("s", effect("percent_change", about=LOWER, estimate=-20, se=6))
    assert found.y == pytest.approx(0.223144, abs=1e-6)
    assert found.se == pytest.approx(0.075)


def test_percent_change_with_p_value(effect):
    # ln 0.82 = -0.198451; p = 0.02 two-sided is z = 2.326348; 0.198451 / 2.326348 = 0.085306
    found = derive("s", effect("percent_change", estimate=-18, p=0.02))
    assert found.se == pytest.approx(0.085306, abs=1e-6)
    assert found.route == "percent_change_p"


def test_ratio_with_interval(effect):
    # ln 0.8 = -0.223144; (ln 0.92 - ln 0.70) / 3.919928 = (-0.083382 + 0.356675) / 3.919928 = 0.069719
    found = derive("s", effect("ratio", about=LOWER, estimate=0.8, lower=0.7, upper=0.92))
    assert found.y == pytest.approx(0.223144, abs=1e-6)
    assert found.se == pytest.approx(0.069719, abs=1e-6)


def test_difference_with_known_base(effect):
    # ln(80 / 100) = -0.223144; 5 / 80 = 0.0625
    found = derive("s", effect("difference", unit="min", estimate=-20, se=5, mean_reference=100))
    assert (found.y, found.se) == (pytest.approx(log(0.8)), pytest.approx(0.0625))
    assert found.flags == ("base_taken_as_known",)


def test_difference_without_base_says_why_not(effect):
    found = derive("s", effect("difference", unit="min", estimate=-20, se=5))
    assert (found.y, found.se) == (None, None)
    assert "base" in found.reason


def test_difference_of_shares_with_base(effect):
    # ln((0.60 + 0.12) / 0.60) = ln 1.2 = 0.182322; 0.03 / 0.72 = 0.041667
    found = derive("s", effect("proportion", estimate=0.12, se=0.03, mean_reference=0.6))
    assert found.y == pytest.approx(0.182322, abs=1e-6)
    assert found.se == pytest.approx(0.041667, abs=1e-6)


def test_share_of_the_treated_arm_is_no_difference(effect):
    found = derive("s", effect("proportion", estimate=0.72, mean_treated=0.72, mean_reference=0.6))
    assert found.route == "means_estimate"
    assert found.y == pytest.approx(log(1.2))


def test_means_with_standard_deviations(effect):
    # ln(10 / 8) = 0.223144; (2/5/10)^2 + (3/6/8)^2 = 0.04^2 + 0.0625^2 = 0.00550625; root 0.074204
    found = derive(
        "s",
        effect("none", mean_treated=10, sd_treated=2, n_treated=25, mean_reference=8, sd_reference=3, n_reference=36),
    )
    assert (found.y, found.se) == (pytest.approx(0.223144, abs=1e-6), pytest.approx(0.074204, abs=1e-6))
    assert found.route == "means"


def test_means_with_standard_errors(effect):
    # (0.4/10)^2 + (0.5/8)^2, the same numbers
    found = derive("s", effect("none", mean_treated=10, se_treated=0.4, mean_reference=8, se_reference=0.5))
    assert found.se == pytest.approx(0.074204, abs=1e-6)


def test_counts_as_poisson(effect):
    # ln(30/10 / (20/10)) = ln 1.5; 1/30 + 1/20 = 0.083333; root 0.288675
    found = derive("s", effect("none", count_treated=30, n_treated=10, count_reference=20, n_reference=10))
    assert (found.y, found.se) == (pytest.approx(log(1.5)), pytest.approx(0.288675, abs=1e-6))
    assert found.flags == ("poisson_assumed",)


def test_counts_of_a_share_as_binomial(effect):
    # ln(0.6 / 0.4); 1/30 - 1/50 + 1/20 - 1/50 = 0.043333; root 0.208167
    found = derive("s", effect("proportion", count_treated=30, n_treated=50, count_reference=20, n_reference=50))
    assert (found.y, found.se) == (pytest.approx(log(1.5)), pytest.approx(0.208167, abs=1e-6))
    assert found.flags == ("binomial_assumed",)


def test_empty_count_gets_one_half(effect):
    # ln(12.5/10 / (0.5/10)) = ln 25; 1/12.5 + 1/0.5 = 2.08
    found = derive("s", effect("none", count_treated=12, n_treated=10, count_reference=0, n_reference=10))
    assert (found.y, found.se) == (pytest.approx(log(25)), pytest.approx(sqrt(2.08)))
    assert "one_half_added" in found.flags


def test_medians_give_no_standard_error(effect):
    found = derive("s", effect("none", about=LOWER, median_treated=6, median_reference=8))
    assert found.y == pytest.approx(log(8 / 6))
    assert found.se is None
    assert found.flags == ("medians",)
    assert "no standard error" in found.reason


def test_curators_numbers_where_nothing_else_is_there(effect):
    found = derive("s", effect("standardised", about=LOWER, estimate=-0.4, log_estimate=-0.2, log_se=0.05))
    assert (found.y, found.se, found.route) == (0.2, 0.05, "curated")
    assert "curated" in found.flags


def test_curators_numbers_that_differ_are_flagged_not_used(effect):
    found = derive("s", effect("percent_change", estimate=25, se=5, log_estimate=0.223, log_se=0.08))
    assert found.route == "percent_change_se"
    assert found.flags == ("routes_disagree",)


@pytest.mark.parametrize(
    ("scale", "printed", "word"),
    [
        ("percent_change", {"estimate": -100, "se": 5}, "impossible"),
        ("ratio", {"estimate": 0.0}, "impossible"),
        ("ratio", {"estimate": 2.0, "lower": 1.1, "upper": 3.6, "unit": "odds ratio"}, "odds ratio"),
        ("standardised", {"estimate": 0.4, "se": 0.1}, "standardised"),
        ("log_points", {}, "no estimate"),
        ("none", {}, "none"),
    ],
)
def test_what_cannot_be_derived_says_why(effect, scale, printed, word):
    found = derive("s", effect(scale, **printed))
    assert (found.y, found.se, found.route) == (None, None, "")
    assert word in found.reason


class TestPeng:
    """Interval 21 to 89 % on a percentage, p = 0.0017: the interval says 0.50 or 0.39 in logs, the test 0.26."""

    @pytest.fixture
    def record(self, effect):
        return effect(
            "percent_change",
            about=LOWER,
            estimate=-55.8,
            lower=-89,
            upper=-21,
            p=0.0017,
            mean_treated=71.17,
            mean_reference=160.89,
            n_treated=35,
            n_reference=35,
        )

    def test_takes_the_route_that_reproduces_the_test(self, record):
        # ln 0.442 = -0.816445; p = 0.0017 is z = 3.138125; 0.816445 / 3.138125 = 0.260169
        found = derive("peng2023", record)
        assert found.y == pytest.approx(0.816445, abs=1e-6)
        assert found.se == pytest.approx(0.2602, abs=1e-4)
        assert {"routes_disagree", "test_reproduced", "interval_scale_matters"} <= set(found.flags)

    def test_keeps_the_interval_selectable(self, record):
        # (ln 0.79 - ln 0.11) / 3.919928 = (-0.235722 + 2.207275) / 3.919928 = 0.502957
        found = derive("peng2023", record, se_route="interval")
        assert found.se == pytest.approx(0.502957, abs=1e-6)
        assert derive("peng2023", record, se_route="p").se == pytest.approx(0.2602, abs=1e-4)

    def test_lists_every_route(self, record):
        # by the delta method: (89 - 21) / 3.919928 / (100 - 55.8) = 0.392472
        by_name = {route.name: route.se for route in derive("peng2023", record).alternatives}
        assert by_name["percent_change_interval_linear"] == pytest.approx(0.392472, abs=1e-6)
        assert by_name["means_estimate"] is None


def test_bound_of_p_is_no_standard_error_unless_asked_for(effect):
    # 0.182322 / z(0.001) = 0.182322 / 3.290527 = 0.055408
    record = effect("percent_change", estimate=20, p_below=0.001)
    found = derive("s", record)
    assert found.se is None
    assert "p_bound_only" in found.flags
    chosen = derive("s", record, se_route="bound")
    assert chosen.se == pytest.approx(0.055408, abs=1e-6)
    assert {"p_bound_only", "se_bound_chosen"} <= set(chosen.flags)


def test_p_value_near_one_gives_no_standard_error(effect):
    found = derive("s", effect("percent_change", estimate=2, p=0.9))
    assert found.se is None
    assert "p_imprecise" in found.flags


def test_conventional_p_value_does_not_overrule_a_narrower_interval(effect):
    # p = 0.001 may be p < 0.001, so the interval's 0.04 stands although it implies a smaller p
    found = derive("s", effect("percent_change", estimate=24, lower=14.7, upper=34.1, p=0.001))
    assert found.route == "percent_change_interval"


def test_rounding_of_p_is_no_disagreement(effect):
    # SE 0.10 at y = 0.182 is p = 0.068, printed as 0.07
    found = derive("s", effect("log_points", estimate=0.182, se=0.1, p=0.07))
    assert found.flags == ()


def test_adjusted_estimate_with_p_comes_before_unadjusted_means(effect):
    found = derive(
        "s",
        effect(
            "percent_change",
            estimate=30,
            p=0.013,
            mean_treated=11,
            se_treated=0.5,
            mean_reference=10,
            se_reference=0.5,
        ),
    )
    assert found.route == "percent_change_p"
    assert "routes_disagree" in found.flags


def test_flags_of_the_record_are_kept(effect):
    found = derive("s", effect("log_points", estimate=0.1, se=0.05, approximate=True, digitised=True))
    assert found.flags == ("approximate", "digitised")


def test_crude_expansion_is_flagged(effect):
    found = derive("s", effect("percent_change", estimate=-50, se=30))
    assert found.flags == ("delta_crude",)
