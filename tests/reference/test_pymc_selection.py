"""Selection models with weights fixed in advance (Vevea and Woods 2005), against metafor.

Data: Cohen (1981), correlations of student ratings with achievement as Fisher's z, every row on its own. Source of the
values: metafor's test suite (``test_misc_selmodel.r``), maximum likelihood of mean and variance between studies.
Tolerance: 5e-5 for the means, 2e-5 for the variances, which metafor's optimiser and printed digits allow.

What is maximised here is the marginal likelihood that the bridge sampler integrates; that the sampled model has the
same density is tested in ``tests/unit/engines/test_pymc_density.py``.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.engines.pymc_likelihoods import Selection
from metaanalysis.engines.pymc_marginal import log_likelihood
from metaanalysis.engines.pymc_problem import prepare
from metaanalysis.models.model import build_model
from metaanalysis.models.priors import point

STEPS = (0.005, 0.01, 0.05, 0.10, 0.25, 0.35, 0.50, 0.65, 0.75, 0.90, 0.95, 0.99, 0.995)
WEIGHTS = {
    "moderate, one-sided": (0.99, 0.95, 0.80, 0.75, 0.65, 0.60, 0.55, 0.50, 0.50, 0.50, 0.50, 0.50, 0.50),
    "severe, one-sided": (0.99, 0.90, 0.75, 0.60, 0.50, 0.40, 0.35, 0.30, 0.25, 0.10, 0.10, 0.10, 0.10),
    "moderate, two-sided": (0.99, 0.95, 0.90, 0.80, 0.75, 0.60, 0.60, 0.75, 0.80, 0.90, 0.95, 0.99, 1.00),
    "severe, two-sided": (0.99, 0.90, 0.75, 0.60, 0.50, 0.25, 0.25, 0.50, 0.60, 0.75, 0.90, 0.99, 1.00),
}
EXPECTED = {
    "moderate, one-sided": (0.351894, 0.0045),
    "severe, one-sided": (0.321518, 0.009544),
    "moderate, two-sided": (0.362019, 0.002774),
    "severe, two-sided": (0.33218, 0.005652),
}


def cohen1981() -> EffectTable:
    path = Path(__file__).parent / "data" / "classical_cohen1981.csv"
    with path.open(encoding="utf-8") as file:
        rows = [(float(row["ri"]), int(row["ni"])) for row in csv.DictReader(file)]
    r, n = (np.array(column, float) for column in zip(*rows, strict=True))
    return table_from_arrays(np.arctanh(r), 1 / (n - 3), np.zeros(len(r)), exposure_range=(0, 1), name="Cohen 1981")


@pytest.mark.parametrize("name", WEIGHTS)
def test_fixed_weights(name: str) -> None:
    fixed = tuple(point(weight, reason="Vevea and Woods 2005") for weight in WEIGHTS[name])
    model = build_model("flat", exposure_range=(0, 1), heterogeneity={"within": 0.0})
    problem = prepare(model, cohen1981(), Selection(STEPS, weights=fixed))
    known = {key: np.array([prior["value"]]) for key, prior in problem.priors.items() if prior.fixed}

    def loss(at: np.ndarray) -> float:
        values = {**known, "intercept": at[:1], "tau_between": np.exp(at[1:])}
        return -float(log_likelihood(problem, values)[0])

    found = minimize(loss, [0.35, np.log(0.07)], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-11})
    assert found.success
    mean, variance = EXPECTED[name]
    assert found.x[0] == pytest.approx(mean, abs=5e-5)
    assert np.exp(2 * found.x[1]) == pytest.approx(variance, abs=2e-5)
