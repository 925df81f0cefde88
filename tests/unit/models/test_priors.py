"""Priors: densities, distribution functions and quantiles agree; impossible priors are refused with a reason."""

import numpy as np
import pytest
from scipy.integrate import quad

from metaanalysis.errors import InputError
from metaanalysis.models import priors
from metaanalysis.models.families import FAMILIES
from metaanalysis.models.priors import from_mapping

WHY = "test"
PROPER = [
    priors.normal(0.3, 0.5, reason=WHY),
    priors.student_t(4, 0.1, 0.7, reason=WHY),
    priors.half_normal(0.3, reason=WHY),
    priors.half_cauchy(0.4, reason=WHY),
    priors.half_t(3, 0.5, reason=WHY),
    priors.uniform(-1, 3, reason=WHY),
    priors.log_uniform(0.1, 10, reason=WHY),
    priors.gamma(2.5, 4, reason=WHY),
    priors.inverse_gamma(3, 1.5, reason=WHY),
]


@pytest.mark.parametrize("prior", PROPER, ids=str)
def test_the_distribution_function_is_the_integral_of_the_density(prior):
    for p in (0.1, 0.5, 0.9):
        upper = float(prior.quantile(p))
        lower = max(prior.support[0], float(prior.quantile(1e-13)))
        found, _ = quad(lambda x: float(np.exp(prior.log_density(x))), lower, upper, epsabs=1e-10, limit=400)
        assert found == pytest.approx(p, abs=1e-6)


@pytest.mark.parametrize("prior", PROPER, ids=str)
def test_quantiles_invert_the_distribution_function(prior):
    p = np.array([0.001, 0.3, 0.5, 0.97])
    assert prior.cdf(prior.quantile(p)) == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize("prior", PROPER, ids=str)
def test_the_density_is_zero_outside_the_support(prior):
    low, high = prior.support
    outside = [v for v in (low - 0.1, high + 0.1) if np.isfinite(v)]
    assert np.all(prior.log_density(outside) == -np.inf)


@pytest.mark.parametrize("prior", PROPER, ids=str)
def test_a_widened_prior_is_that_of_a_multiple(prior):
    p = np.array([0.1, 0.5, 0.9])
    assert prior.widened(2.5).quantile(p) == pytest.approx(2.5 * prior.quantile(p), rel=1e-9)


@pytest.mark.parametrize("prior", [*PROPER, priors.point(0.2, reason=WHY), priors.flat(reason=WHY)], ids=str)
def test_mappings_describe_priors_completely(prior):
    assert from_mapping(prior.to_mapping()) == prior


def test_every_family_is_tested_here():
    assert {prior.family for prior in PROPER} | {"point", "flat"} == set(FAMILIES)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"family": "normal", "mean": 0, "sd": 1}, "no reason"),
        ({"family": "normal", "mean": 0, "sd": 1, "reason": " "}, "no reason"),
        ({"family": "gaussian", "reason": WHY}, "unknown"),
        ({"reason": WHY}, "unknown"),
        ({"family": "normal", "mean": 0, "reason": WHY}, "sd of normal is missing"),
        ({"family": "normal", "mean": 0, "sd": 0, "reason": WHY}, "sd of normal is 0"),
        ({"family": "normal", "mean": 0, "sd": -1, "reason": WHY}, "sd of normal is -1"),
        ({"family": "normal", "mean": float("nan"), "sd": 1, "reason": WHY}, "not a finite number"),
        ({"family": "normal", "mean": "0", "sd": 1, "reason": WHY}, "not a finite number"),
        ({"family": "normal", "mean": True, "sd": 1, "reason": WHY}, "not a finite number"),
        ({"family": "half_normal", "sd": 1, "reason": WHY}, "no parameter 'sd'"),
        ({"family": "uniform", "lower": 2, "upper": 1, "reason": WHY}, "not below"),
        ({"family": "log_uniform", "lower": 0, "upper": 1, "reason": WHY}, "lower of log_uniform is 0"),
    ],
)
def test_impossible_priors_are_refused(mapping, message):
    with pytest.raises(InputError, match=message) as caught:
        from_mapping(mapping, where="analysis.toml", field="priors.slope")
    assert "analysis.toml: priors.slope" in str(caught.value)
    assert caught.value.exit_code == 2
