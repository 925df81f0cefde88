"""Conversions, rebuilt tables and shared controls beyond their published targets."""

import numpy as np
import pytest

from metaanalysis.effects.convert import from_ratio_interval, from_test
from metaanalysis.effects.dependent import shared_control, shared_control_binary
from metaanalysis.effects.two_by_two import rebuild
from metaanalysis.errors import InputError


def test_ratio_off_the_centre_of_its_interval_is_refused():
    with pytest.raises(InputError, match="off the centre"):
        from_ratio_interval(1.9, 1.03, 1.82)
    with pytest.raises(InputError, match="not above"):
        from_ratio_interval(1.4, 1.8, 1.1)
    with pytest.raises(InputError, match="not positive"):
        from_ratio_interval(-1.4, 1.1, 1.8)


def test_estimate_with_p_value():
    # 0.3 / 1.959964 = 0.153064; squared 0.023429
    assert from_test(-0.3, 0.05).vi[0] == pytest.approx(0.023429, abs=1e-6)
    with pytest.raises(InputError, match="gives none"):
        from_test(0.3, 0.0)
    with pytest.raises(InputError, match="zero"):
        from_test(0.0, 0.5)


@pytest.mark.parametrize("cells", [(36, 86, 20, 98), (3, 40, 17, 5), (10, 10, 10, 10), (1, 199, 30, 170)])
@pytest.mark.parametrize("association", ["odds_ratio", "phi", "chi2", "chi2_yates"])
def test_tables_come_back_from_their_own_measures(cells, association):
    a, b, c, d = cells
    n, row, column = a + b + c + d, a + b, a + c
    margins = row * (n - row) * column * (n - column)
    distance = a * d - b * c
    value = {
        "odds_ratio": a * d / (b * c),
        "phi": distance / np.sqrt(margins),
        "chi2": n * distance**2 / margins,
        "chi2_yates": n * max(abs(distance) - n / 2, 0) ** 2 / margins,
    }[association]
    if association == "chi2_yates" and abs(distance) < n / 2:
        return
    found = rebuild(n, row, column, value, association=association, positive=distance >= 0)
    assert found.tolist() == [list(cells)]


@pytest.mark.parametrize(
    ("n", "row", "column", "value", "association"),
    [
        (100, 100, 20, 2.0, "odds_ratio"),
        (100, 50, 20, -1.0, "odds_ratio"),
        (100, 50, 20, 1.2, "phi"),
        (100, 50, 10, 90.0, "chi2"),
        (100, 50, 20, -3.0, "chi2"),
    ],
)
def test_impossible_tables_are_refused(n, row, column, value, association):
    with pytest.raises(InputError):
        rebuild(n, row, column, value, association=association)


@pytest.mark.parametrize("measure", ["risk_difference", "log_risk_ratio", "log_odds_ratio"])
def test_shared_control_arm_is_the_variance_of_that_arm(measure):
    # With an endless treated arm, only the control arm varies, so variance and covariance agree.
    effects, v = shared_control_binary(
        [3e9, 6e9, 3], [1e10, 1e10, 10], [20, 20, 4], [50, 50, 10], ["a", "a", "b"], measure=measure
    )
    assert v[0, 1] == pytest.approx(effects.vi[0], rel=1e-6)
    assert v[0, 1] == v[1, 0] == pytest.approx(effects.vi[1], rel=1e-6)
    assert v[0, 2] == 0


def test_control_part_must_fit():
    with pytest.raises(InputError, match="not smaller than the variance"):
        shared_control([0.1, 0.1], [0.2, 0.2], ["a", "a"])
    with pytest.raises(InputError, match="differs from another of its study"):
        shared_control([0.1, 0.1], [0.02, 0.03], ["a", "a"])
