"""The family of measures, and variances of those without a published target, worked by hand."""

from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest

from metaanalysis.effects import measures
from metaanalysis.effects.measures import measure, names
from metaanalysis.effects.measures.log_odds import log_odds
from metaanalysis.effects.measures.log_rate import log_rate
from metaanalysis.effects.measures.log_rate_ratio import log_rate_ratio
from metaanalysis.effects.measures.log_response_ratio import log_response_ratio
from metaanalysis.effects.measures.log_risk_ratio import log_risk_ratio
from metaanalysis.effects.measures.mean import mean
from metaanalysis.effects.measures.mean_difference import mean_difference
from metaanalysis.effects.measures.proportion import proportion
from metaanalysis.effects.measures.risk_difference import risk_difference
from metaanalysis.effects.measures.tetrachoric import tetrachoric
from metaanalysis.errors import InputError


@pytest.mark.parametrize("name", names())
def test_every_file_declares_the_measure_it_is_named_after(name):
    found = measure(name)
    assert found.name == name
    assert found.label
    assert found.compute is not None or found.routes is not None


def test_the_family_is_its_folder():
    folder = Path(measures.__file__).parent
    assert set(names()) == {path.stem for path in folder.glob("*.py")} - {"__init__"}


def test_mean_difference():
    # 9/36 + 16/64 = 0.5; pooled: (35*9 + 63*16)/98 = 13.5; 13.5 * (1/36 + 1/64) = 0.5859375
    assert mean_difference(10, 3, 36, 8, 4, 64).vi[0] == pytest.approx(0.5)
    assert mean_difference(10, 3, 36, 8, 4, 64, variances="pooled").vi[0] == pytest.approx(0.5859375)


def test_risk_difference_with_an_empty_cell_keeps_its_estimate():
    # 0/10 - 4/10 = -0.4; halves added: 0.5*10.5/11^3 + 4.5*6.5/11^3 = 0.003944 + 0.021976 = 0.025920
    found = risk_difference(0, 10, 4, 10)
    assert found.yi[0] == pytest.approx(-0.4)
    assert found.vi[0] == pytest.approx(0.025920, abs=1e-6)


def test_risk_ratio_with_an_empty_cell():
    # (0.5/11) / (4.5/11) = 1/9; 1/0.5 - 1/11 + 1/4.5 - 1/11 = 2.040404
    found = log_risk_ratio(0, 10, 4, 10)
    assert found.yi[0] == pytest.approx(log(1 / 9))
    assert found.vi[0] == pytest.approx(2.040404, abs=1e-6)


def test_response_ratio_with_and_without_bias_correction():
    # shares 4/(25*100) = 0.0016 and 9/(36*64) = 0.00390625; half their difference is -0.001153125
    plain = log_response_ratio(10, 2, 25, 8, 3, 36)
    corrected = log_response_ratio(10, 2, 25, 8, 3, 36, bias_corrected=True)
    assert plain.vi[0] == corrected.vi[0] == pytest.approx(0.00550625)
    assert corrected.yi[0] - plain.yi[0] == pytest.approx(-0.001153125)


def test_rate_ratio():
    # ln(30/10 / (20/20)) = ln 3; 1/30 + 1/20
    found = log_rate_ratio([30, 0], [10, 10], [20, 4], [20, 10])
    assert found.yi[0] == pytest.approx(log(3))
    assert found.vi[0] == pytest.approx(1 / 30 + 1 / 20)
    assert found.yi[1] == pytest.approx(log(0.5 / 4.5))


def test_single_groups():
    # 9/36; 0.3 * 0.7 / 10 = 0.021; none of 10: 0.5 * 10.5 / 11^3 = 0.003944; ln(12/4) with 1/12
    assert mean(5, 3, 36).vi[0] == pytest.approx(0.25)
    shares = proportion([3, 0], [10, 10])
    assert shares.yi.tolist() == [0.3, 0.0]
    assert shares.vi.tolist() == pytest.approx([0.021, 0.003944], abs=1e-6)
    rates = log_rate([12, 0], [4, 10])
    assert rates.yi.tolist() == pytest.approx([log(3), log(0.05)])
    assert rates.vi.tolist() == pytest.approx([1 / 12, 2.0])


def test_log_odds_with_nothing_solved():
    # 0.5 and 50.5: ln(0.5/50.5) = -4.615121; 2 + 1/50.5
    found = log_odds(0, 50)
    assert found.yi[0] == pytest.approx(-4.615121, abs=1e-6)
    assert found.vi[0] == pytest.approx(2.019802, abs=1e-6)


def test_tetrachoric_at_the_median_is_a_sine():
    # With both cuts at the median P(both below) = 1/4 + asin(r)/(2 pi), so a = d = 40, b = c = 10 gives
    # r = sin(2 pi (0.4 - 0.25)) = sin(0.942478) = 0.809017
    assert tetrachoric(40, 10, 10, 40).yi[0] == pytest.approx(0.809017, abs=1e-6)


def test_independent_cuts_have_no_tetrachoric_correlation():
    # r = 0 with variance (pi/2)^2 / n at the median: 2.467401 / 100
    found = tetrachoric(25, 25, 25, 25)
    assert found.yi[0] == pytest.approx(0, abs=1e-9)
    assert found.vi[0] == pytest.approx(0.02467401, abs=1e-8)


def test_faults_name_function_argument_and_place():
    with pytest.raises(InputError, match="lengths differ: m1 has 2"):
        mean_difference([1, 2], 1, 10, [1, 2, 3], 1, 10)
    with pytest.raises(InputError, match="sd1: value 1 is not a finite number"):
        mean_difference(1, np.nan, 10, 1, 1, 10)
    with pytest.raises(InputError, match="no positive ratio"):
        log_response_ratio(-1, 1, 10, 1, 1, 10)
    with pytest.raises(InputError, match="empty cell"):
        log_risk_ratio(0, 10, 4, 10, add=0)


def test_standard_errors_are_roots():
    found = mean_difference(10, 3, 36, 8, 4, 64)
    assert found.se[0] == pytest.approx(sqrt(0.5))
    assert len(found) == 1


EXAMPLES = {
    "log_odds_ratio": (4, 123, 11, 139),
    "log_risk_ratio": (4, 123, 11, 139),
    "risk_difference": (4, 123, 11, 139),
    "probit_difference": (4, 123, 11, 139),
    "odds_ratio_as_difference": (4, 123, 11, 139),
    "log_rate_ratio": (4, 123, 11, 139),
    "root_rate_difference": (4, 123, 11, 139),
    "mean_difference": (10, 3, 36, 8, 4, 64),
    "log_response_ratio": (10, 3, 36, 8, 4, 64),
    "standardised_mean_difference": (10, 3, 36, 8, 4, 64),
    "standardised_mean_difference_unequal": (10, 3, 36, 8, 4, 64),
    "log_coefficient_of_variation_ratio": (10, 3, 36, 8, 4, 64),
    "log_variability_ratio": (3, 36, 4, 64),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_swapping_the_arms_flips_every_contrast(name):
    compute = measure(name).compute
    assert compute is not None
    args = EXAMPLES[name]
    half = len(args) // 2
    one, two = compute(*args), compute(*args[half:], *args[:half])
    assert one.yi[0] == pytest.approx(-two.yi[0], abs=1e-12)
    assert one.vi[0] == pytest.approx(two.vi[0], rel=1e-12)


TABLE_MEASURES = ("phi", "yule_q", "yule_y", "tetrachoric")


@pytest.mark.parametrize("name", TABLE_MEASURES)
def test_swapping_the_rows_flips_every_association(name):
    compute = measure(name).compute
    assert compute is not None
    one, two = compute(20, 12, 9, 25), compute(9, 25, 20, 12)
    assert one.yi[0] == pytest.approx(-two.yi[0], abs=1e-9)
    assert one.vi[0] == pytest.approx(two.vi[0], rel=1e-9)


@pytest.mark.parametrize("name", [*EXAMPLES, *TABLE_MEASURES])
def test_variances_match_a_simulation_free_delta_method(name):
    """The variance of a function of independent cells, means or deviations, with numerical derivatives."""
    if name in TABLE_MEASURES:
        cells = np.array([200.0, 120.0, 90.0, 250.0])
        total = cells.sum()
        covariance = np.diag(cells) - np.outer(cells, cells) / total
        inputs, compute = cells, measure(name).compute
    elif len(EXAMPLES[name]) == 4 and name not in ("log_variability_ratio",):
        inputs = np.array([300.0, 500.0, 200.0, 600.0])
        poisson = name in ("log_rate_ratio", "root_rate_difference")
        variances = [v * (1 if poisson else 1 - v / n) for v, n in ((300, 500), (200, 600))]
        covariance = np.diag([variances[0], 0, variances[1], 0])
        compute = measure(name).compute
    else:
        # Means vary by sd²/n, deviations by sd²/(2(n - 1)), independently under normality; sizes are fixed.
        big = (10.0, 3.0, 40000.0, 9.0, 3.0, 40000.0)
        inputs = np.array(big if name != "log_variability_ratio" else (3.0, 40000.0, 4.0, 40000.0))
        if name == "log_variability_ratio":
            covariance = np.diag([9 / 79998, 0, 16 / 79998, 0])
        else:
            covariance = np.diag([9 / 40000, 9 / 79998, 0, 9 / 40000, 9 / 79998, 0])
        if name in ("mean_difference", "log_response_ratio"):
            covariance[1, 1] = covariance[4, 4] = 0
        compute = measure(name).compute
    assert compute is not None
    step = 1e-5 * np.abs(inputs)
    gradient = np.array(
        [
            (compute(*(inputs + step * unit)).yi[0] - compute(*(inputs - step * unit)).yi[0]) / (2 * step[i])
            for i, unit in enumerate(np.eye(len(inputs)))
        ]
    )
    assert compute(*inputs).vi[0] == pytest.approx(gradient @ covariance @ gradient, rel=2e-4)
