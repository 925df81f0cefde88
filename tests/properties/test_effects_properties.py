"""What must hold of every derivation, whatever the numbers."""

from math import exp, isfinite
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaanalysis.effects.derive import derive
from metaanalysis.effects.overlap import working_correlation
from metaanalysis.studies.schema import Effect
from metaanalysis.studies.vocabulary import Scale

ABOUT = {
    "id": "main",
    "outcome": "tasks finished",
    "family": "productivity",
    "stage": "task",
    "better": "higher",
    "comparison": "assistant versus none",
    "role": "primary",
    "where": "Table 2",
    "verification": "primary",
}
MEASURES = ("log_ratio", "log_odds_ratio", "log_odds")
y_values = st.floats(-1.5, 1.5)
standard_errors = st.floats(0.005, 1.0)
means = st.floats(0.5, 500.0)
spreads = st.floats(0.1, 100.0)
sizes = st.integers(2, 2000)


def effect(scale: str, better: str = "higher", **printed: Any) -> Effect:
    return Effect.model_validate({**ABOUT, "better": better, "printed": {"scale": scale, **printed}})


def route(record: Effect, name: str) -> Any:
    return next(found for found in derive("s", record).alternatives if found.name == name)


@given(means, spreads, sizes, means, spreads, sizes)
@settings(deadline=None, max_examples=60)
def test_swapping_arms_flips_the_sign_and_keeps_the_error(m1, s1, n1, m2, s2, n2):
    one = effect(
        "none", mean_treated=m1, sd_treated=s1, n_treated=n1, mean_reference=m2, sd_reference=s2, n_reference=n2
    )
    two = effect(
        "none", mean_treated=m2, sd_treated=s2, n_treated=n2, mean_reference=m1, sd_reference=s1, n_reference=n1
    )
    first, second = route(one, "means"), route(two, "means")
    assert first.y == pytest.approx(-second.y, abs=1e-12)
    assert first.se == pytest.approx(second.se, rel=1e-12)


@given(means, spreads, sizes, means, spreads, sizes, st.floats(0.01, 100.0))
@settings(deadline=None, max_examples=60)
def test_units_do_not_matter(m1, s1, n1, m2, s2, n2, unit):
    def record(scale: float) -> Effect:
        return effect(
            "none",
            mean_treated=m1 * scale,
            sd_treated=s1 * scale,
            n_treated=n1,
            mean_reference=m2 * scale,
            sd_reference=s2 * scale,
            n_reference=n2,
        )

    one, two = route(record(1.0), "means"), route(record(unit), "means")
    assert one.y == pytest.approx(two.y, abs=1e-9)
    assert one.se == pytest.approx(two.se, rel=1e-9)


@given(st.floats(10.0, 500.0), st.floats(-0.8, 2.0), st.floats(0.01, 0.5), st.floats(0.01, 100.0))
@settings(deadline=None, max_examples=60)
def test_units_of_a_difference_do_not_matter(base, relative, error, unit):
    one, two = (
        route(
            effect("difference", unit="u", estimate=base * relative * k, se=base * error * k, mean_reference=base * k),
            "difference_se",
        )
        for k in (1.0, unit)
    )
    assert one.y == pytest.approx(two.y, abs=1e-9)
    assert one.se == pytest.approx(two.se, rel=1e-9)


@given(y_values, standard_errors)
@settings(deadline=None, max_examples=60)
def test_percent_and_ratio_agree(y, se):
    ends = (exp(y - 1.96 * se), exp(y), exp(y + 1.96 * se))
    as_ratio = effect("ratio", lower=ends[0], estimate=ends[1], upper=ends[2])
    percent = [100 * (end - 1) for end in ends]
    as_percent = effect("percent_change", lower=percent[0], estimate=percent[1], upper=percent[2])
    for kind in ("interval", "interval_linear"):
        one, two = route(as_ratio, f"ratio_{kind}"), route(as_percent, f"percent_change_{kind}")
        assert one.y == pytest.approx(two.y, abs=1e-9)
        assert one.se == pytest.approx(two.se, rel=1e-9)


@given(y_values, standard_errors, st.sampled_from([80.0, 90.0, 95.0, 99.0]))
@settings(deadline=None, max_examples=60)
def test_symmetric_log_interval_gives_back_its_standard_error(y, se, level):
    from scipy.special import ndtri

    half = se * float(ndtri(0.5 + level / 200))
    on_logs = effect("log_points", estimate=y, se=se, lower=y - half, upper=y + half, level=level)
    assert route(on_logs, "log_points_interval").se == pytest.approx(se, rel=1e-9)
    on_ratios = effect("ratio", estimate=exp(y), lower=exp(y - half), upper=exp(y + half), level=level)
    found = derive("s", on_ratios)
    assert found.y == pytest.approx(y, abs=1e-9)
    assert found.se == pytest.approx(se, rel=1e-9)


@given(y_values.filter(lambda y: abs(y) > 0.05), standard_errors)
@settings(deadline=None, max_examples=60)
def test_p_value_gives_back_the_standard_error_that_made_it(y, se):
    from scipy.special import ndtr

    p = 2 * float(ndtr(-abs(y) / se))
    found = route(effect("log_points", estimate=y, p=p), "log_points_p") if 0 < p < 1 else None
    assert found is None or found.se == pytest.approx(se, rel=1e-6)


@given(y_values, standard_errors)
@settings(deadline=None, max_examples=60)
def test_interval_with_transformed_ends_is_never_narrower_than_the_delta_method(y, se):
    centre = 100 * (exp(y) - 1)
    half = min(100 * exp(y) * se, 0.99 * (centre + 100))
    record = effect("percent_change", estimate=centre, lower=centre - half, upper=centre + half)
    assert route(record, "percent_change_interval").se >= route(record, "percent_change_interval_linear").se * (
        1 - 1e-9
    )


numbers = st.none() | st.floats(-1e6, 1e6)
positive = st.none() | st.floats(1e-6, 1e6)
counts = st.none() | st.integers(0, 10**6)
printed_records = st.fixed_dictionaries(
    {
        "scale": st.sampled_from(Scale.__args__),
        **dict.fromkeys(("estimate", "lower", "upper", "log_estimate", "mean_treated", "mean_reference"), numbers),
        **dict.fromkeys(("median_treated", "median_reference"), numbers),
        **dict.fromkeys(("se", "log_se", "sd_treated", "sd_reference", "se_treated", "se_reference"), positive),
        "p": st.none() | st.floats(0, 1) | st.sampled_from([0.001, 0.05]),
        "p_below": st.none() | st.floats(1e-12, 1),
        "level": st.floats(1, 99.9),
        **dict.fromkeys(("n", "n_treated", "n_reference", "count", "count_treated", "count_reference"), counts),
        "unit": st.none() | st.sampled_from(["odds ratio", "percentage points", "minutes"]),
    }
)


@given(printed_records, st.sampled_from(MEASURES), st.sampled_from(["default", "interval", "p", "bound"]))
@settings(deadline=None, max_examples=400)
def test_no_valid_record_raises_and_better_flips_the_sign(printed, measure, se_route):
    given_values = {name: value for name, value in printed.items() if value is not None}
    higher = derive("s", effect(better="higher", **given_values), measure, se_route=se_route)
    lower = derive("s", effect(better="lower", **given_values), measure, se_route=se_route)
    assert (higher.y is None) == (lower.y is None)
    if higher.y is None:
        assert higher.reason
        assert higher.se is None
        return
    assert higher.y == -lower.y
    assert higher.se == lower.se
    assert isfinite(higher.y)
    assert higher.se is None or (isfinite(higher.se) and higher.se > 0)
    assert bool(higher.reason) == (higher.se is None)
    assert higher.route in {found.name for found in higher.alternatives}


@given(
    st.lists(st.sampled_from(["main", "main_a", "main_b", "main_c", "other"]), min_size=1, max_size=8),
    st.floats(-0.9, 0.99),
)
@settings(deadline=None, max_examples=80)
def test_working_correlation_is_a_correlation(samples, rho):
    matrix = working_correlation(samples, rho)
    assert np.linalg.eigvalsh(matrix)[0] > 0
    assert np.allclose(np.diag(matrix), 1)
    assert (np.abs(matrix) <= 1 + 1e-12).all()
