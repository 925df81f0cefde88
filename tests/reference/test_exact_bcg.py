"""The BCG trials, latitude as exposure: log evidence, Bayes factors and posteriors of five mean functions.

Source: computed for this project by two implementations other than the package (dense covariance with fixed nodes;
normal equations with nodes split at the data values), agreeing to 1e-9 on flat, linear and step. Tolerances: 1e-6, the
printed digits, for those; 1e-6 for the kink and 1e-5 for the logistic, where the two agreed less closely.
Data: ``dat.bcg`` of the R package metadat; the DerSimonian-Laird estimate checks that they were copied right.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from metaanalysis.compare import compare
from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.models import priors
from metaanalysis.models.model import Model, build_model

RANGE = (13.0, 55.0)
LOG_EVIDENCE = {
    "flat": (-15.888446, 1e-6),
    "linear": (-12.923207, 1e-6),
    "step": (-13.641822, 1e-6),
    "kink": (-12.755011, 1e-6),
    "logistic": (-13.61067, 1e-5),
}
BAYES_FACTORS = {
    ("step", "linear"): 0.4874,
    ("step", "logistic"): 0.9693,
    ("logistic", "linear"): 0.5028,
    ("step", "flat"): 9.4558,
}
GAPS = {
    (13, 18): 0.02704,
    (18, 19): 0.00962,
    (19, 27): 0.01864,
    (27, 33): 0.01874,
    (33, 42): 0.83858,
    (42, 44): 0.01038,
    (44, 52): 0.06897,
    (52, 55): 0.00803,
}


def bcg() -> EffectTable:
    """Log risk ratios of the 13 trials."""
    with (Path(__file__).parent / "data" / "bcg.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    a, b, c, d, latitude = (
        np.array([float(row[k]) for row in rows]) for k in ("tpos", "tneg", "cpos", "cneg", "ablat")
    )
    y = np.log(a / (a + b)) - np.log(c / (c + d))
    v = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    return table_from_arrays(y, v, latitude, study=[row["trial"] for row in rows], exposure_range=RANGE)


def model(name: str) -> Model:
    """One member with the priors of the target."""
    unit = priors.normal(0, 1, reason="The target's.")
    return build_model(
        name,
        exposure_range=RANGE,
        priors={
            **dict.fromkeys(["intercept", "slope", "jump", "bend", "rise"], unit),
            "width": priors.log_uniform(0.5, 42, reason="The target's."),
        },
        heterogeneity={"between": priors.half_normal(0.5, reason="The target's."), "within": 0},
    )


@pytest.fixture(scope="module")
def comparison():
    return compare(bcg(), [model(name) for name in LOG_EVIDENCE], prior_grid=[1.0])


def test_data_are_those_of_metadat():
    table = bcg()
    w = 1 / table.v
    q = float(w @ (table.y - w @ table.y / w.sum()) ** 2)
    tau2 = (q - (len(table) - 1)) / (w.sum() - (w @ w) / w.sum())
    assert tau2 == pytest.approx(0.3087603, abs=1e-7)


@pytest.mark.parametrize("name", LOG_EVIDENCE)
def test_log_evidence(comparison, name):
    expected, tolerance = LOG_EVIDENCE[name]
    found = comparison.log_evidence[name]
    assert found.value == pytest.approx(expected, abs=tolerance)
    assert found.error <= 1e-6


@pytest.mark.parametrize("pair", BAYES_FACTORS)
def test_bayes_factors(comparison, pair):
    found = comparison.log_bayes_factor(*pair)
    assert np.exp(found.value) == pytest.approx(BAYES_FACTORS[pair], abs=1e-4)


def test_posterior_of_the_step_over_the_gaps(comparison):
    found = {(gap["low"], gap["high"]): gap["probability"] for gap in comparison.fits["step"].threshold_gaps()}
    assert found.keys() == GAPS.keys()
    for gap, probability in GAPS.items():
        assert found[gap] == pytest.approx(probability, abs=2e-5)


def test_posterior_of_the_logistic_width(comparison):
    """The posterior of the width is nearly its prior.

    The target's posterior quantiles (0.63, 4.2, 21.7) were read off cumulated nodes and are coarse; the values here
    come from a brute-force sum over 61 widths, 840 thresholds and 120 heterogeneities (normal equations, Simpson's
    rule in the log width), good to about 0.1 %.
    """
    prior = comparison.fits["logistic"].model.shapes["width"]
    assert prior.quantile([0.05, 0.5, 0.95]) == pytest.approx([0.624, 4.583, 33.654], abs=1e-3)
    found = comparison.fits["logistic"].marginal("width").quantile([0.05, 0.5, 0.95])
    assert found == pytest.approx([0.6408, 4.4303, 22.57], rel=2e-3)
    assert found == pytest.approx([0.63, 4.2, 21.7], rel=0.06)
