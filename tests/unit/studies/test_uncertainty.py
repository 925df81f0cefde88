"""Standard errors from intervals, p-values and printed digits; quantiles from published tables."""

from math import inf

import pytest

from metaanalysis.studies.uncertainty import (
    from_interval,
    from_p,
    from_rounded_p,
    half_unit,
    p_value,
    quantile,
)


@pytest.mark.parametrize(("level", "expected"), [(90, 1.644854), (95, 1.959964), (99, 2.575829)])
def test_quantiles(level, expected):
    assert quantile(level) == pytest.approx(expected, abs=1e-6)


def test_interval():
    # 0.39 / 3.919928 = 0.099492
    assert from_interval(0.01, 0.40) == pytest.approx(0.099492, abs=1e-6)


@pytest.mark.parametrize(("p", "z"), [(0.05, 1.959964), (0.01, 2.575829), (0.001, 3.290527)])
def test_p_values(p, z):
    assert from_p(-0.3, p) == pytest.approx(0.3 / z, abs=1e-7)
    assert p_value(z, 1.0) == pytest.approx(p, rel=1e-5)


@pytest.mark.parametrize(("estimate", "p"), [(0.0, 0.5), (0.3, 0.0), (0.3, 1.0)])
def test_no_standard_error_from_a_p_value_that_says_nothing(estimate, p):
    assert from_p(estimate, p) is None


@pytest.mark.parametrize(
    ("value", "expected"), [(0.17, 0.005), (21.0, 0.5), (120, 0.5), (-0.055, 0.0005), (1e-05, 5e-06), (0.0, 0.5)]
)
def test_half_a_unit_of_the_last_digit(value, expected):
    assert half_unit(value) == pytest.approx(expected)


def test_rounded_p_value_brackets_the_standard_error():
    # p = 0.02 lies in 0.015 to 0.025: z from 2.432379 to 2.241403
    low, high = from_rounded_p(0.3, 0.02)
    assert low == pytest.approx(0.3 / 2.432379, abs=1e-6)
    assert high == pytest.approx(0.3 / 2.241403, abs=1e-6)
    assert from_rounded_p(0.3, 0.0)[0] == 0.0
    assert from_rounded_p(0.3, 1.0)[1] == inf
