"""Eight schools by the PyMC engine, against posteriordb's reference posterior and a quadrature value of the evidence.

Source of the summaries: posteriordb, ``eight_schools-eight_schools_noncentered`` (means) and its squared counterpart
(mean squared values), 10 000 thinned draws of Stan, each with its Monte Carlo standard error. Tolerance: four standard
errors of the difference, the reference's and ours together.

The data of the evidence test are Rubin's (1981) unrounded ones; log marginal likelihood under mu ~ N(0, 50) and
tau ~ half-Cauchy(25) by two-dimensional quadrature. Tolerance: four standard errors of the bridge sampler.
"""

from functools import cache

import numpy as np
import pytest

from metaanalysis.effects.table import table_from_arrays
from metaanalysis.engines import pymc
from metaanalysis.engines.engine import Fit
from metaanalysis.engines.pymc_marginals import DrawMarginal
from metaanalysis.engines.pymc_posterior import DrawPosterior
from metaanalysis.models.model import build_model
from metaanalysis.models.priors import half_cauchy, normal, point

pytestmark = pytest.mark.pymc
MEAN = {"mu": (4.41051833695493, 0.0330374705950917), "tau": (3.60205952364059, 0.0318615135640706)}
SQUARE = {"mu": (30.40302, 0.3351356), "tau": (23.20407, 0.4848872)}
THETA = [
    (6.15050229334425, 0.0557375282295219),
    (4.9395811407422, 0.0462293788624847),
    (3.90590609001582, 0.0542313705632124),
    (4.79601675138494, 0.0474935816762281),
    (3.6144363246799, 0.0461450610244603),
    (4.0511475789675, 0.0485195392528031),
    (6.31716975886893, 0.0498766794075794),
    (4.88399694353288, 0.0542511606560972),
]


@cache
def fit(rounded: bool) -> Fit:
    y = [28, 8, -3, 7, -1, 1, 18, 12] if rounded else [28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16]
    se = [15, 10, 16, 11, 9, 11, 10, 18] if rounded else [14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6]
    width, scale = (5, 5) if rounded else (50, 25)
    model = build_model(
        "flat",
        exposure_range=(0, 1),
        priors={"intercept": normal(0, width, reason="as in the source")},
        heterogeneity={
            "between": half_cauchy(scale, reason="as in the source"),
            "within": point(0.0, reason="one effect per school"),
        },
    )
    table = table_from_arrays(y, np.square(se), np.zeros(8), exposure_range=(0, 1), name="eight schools")
    return pymc.fit(model, table, draws=2000, seed=1)


def close(draws: np.ndarray, expected: tuple[float, float]) -> None:
    found = DrawMarginal(draws).mean_number
    assert abs(found.value - expected[0]) < 4 * np.hypot(found.error, expected[1]), f"{found} against {expected}"


def test_posteriordb_hyperparameters() -> None:
    for name, label in (("intercept", "mu"), ("tau_between", "tau")):
        marginal = fit(rounded=True).marginal(name)
        assert isinstance(marginal, DrawMarginal)
        close(marginal.values, MEAN[label])
        close(marginal.values**2, SQUARE[label])


def test_posteriordb_schools() -> None:
    posterior = fit(rounded=True).posterior
    assert isinstance(posterior, DrawPosterior)
    for school, expected in enumerate(THETA):
        close(posterior.true_effect[:, school].reshape(posterior.chains, -1), expected)


def test_evidence_and_moments_of_the_unrounded_data() -> None:
    found = fit(rounded=False)
    assert found.log_evidence is not None
    assert found.log_evidence.error < 0.01
    assert abs(found.log_evidence.value - -33.726983) < 4 * found.log_evidence.error
    for name, mean, sd in (("intercept", 7.986042, 4.995598), ("tau_between", 5.884363, 4.870083)):
        marginal = found.marginal(name)
        assert isinstance(marginal, DrawMarginal)
        assert abs(marginal.mean - mean) < 4 * marginal.mean_number.error
        assert abs(marginal.sd - sd) < 4 * marginal.sd_number.error
