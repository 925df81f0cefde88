"""Published Bayesian meta-analyses of one mean: eight schools and power posing.

Eight schools (Rubin 1981, J. Educ. Stat. 6:377–401). Two references: the vignette of bayesmeta, and quadrature by an
earlier prototype of the project. For the mean bayesmeta is good to three digits (tolerance 0.003), the prototype to all
of its own (1e-4). For the heterogeneity it is the other way round: bayesmeta's digits are all right (2e-6), the
prototype's stop at the fourth (3e-4), as adaptive quadrature by SciPy confirms below.

Power posing (Gronau et al. 2017, Compr. Results Soc. Psychol. 2:123–138), by metaBMA as printed in the vignette
"ReproducingBMA" of RoBMA: posterior probabilities of four models to 1e-7, Bayes factors to their printed digits. The
half-Cauchy prior of the effect is a Cauchy cut at zero: evidence under it is that under the Cauchy times twice the
posterior probability of a positive effect.
"""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.engines import exact
from metaanalysis.models import priors
from metaanalysis.models.model import build_model
from metaanalysis.models.priors import Prior

WHY = "The target's."
SCHOOLS = table_from_arrays(
    [28.39, 7.94, -2.75, 6.82, -0.64, 0.63, 18.01, 12.16],
    np.array([14.9, 10.2, 16.3, 11.0, 9.4, 11.4, 10.4, 17.6]) ** 2,
    np.zeros(8),
    exposure_range=(0, 1),
    name="eight schools",
)
POSES = table_from_arrays(
    [0.250764, 0.227518, 0.3186069, 0.2832082, 0.1463949, 0.1509773],
    np.array([0.2071399, 0.1931046, 0.1423228, 0.1421356, 0.1416107, 0.1221166]) ** 2,
    np.zeros(6),
    exposure_range=(0, 1),
    name="power pose",
)


def mean_model(intercept: Prior, tau: Prior | float):
    return build_model(
        "flat",
        exposure_range=(0, 1),
        priors={"intercept": intercept},
        heterogeneity={"between": tau, "within": 0},
    )


@pytest.fixture(scope="module")
def schools():
    return exact.fit(mean_model(priors.normal(0, 50, reason=WHY), priors.half_cauchy(25, reason=WHY)), SCHOOLS)


def shortest(marginal, mass: float = 0.95) -> tuple[float, float]:
    """The shortest interval that holds a given mass."""

    def length(p: float) -> float:
        low, high = marginal.quantile([p, p + mass])
        return float(high - low)

    found = minimize_scalar(length, bounds=(1e-6, 1 - mass - 1e-6), method="bounded", options={"xatol": 1e-9})
    low, high = marginal.quantile([found.x, found.x + mass])
    return float(low), float(high)


@pytest.mark.parametrize(
    ("quantity", "quadrature", "bayesmeta"),
    [("median", 7.963499, 7.962961), ("mean", 7.986042, 7.985729), ("sd", 4.995598, 4.995762)],
)
def test_eight_schools_mean(schools, quantity, quadrature, bayesmeta):
    mu = schools.marginal("intercept")
    found = float(mu.quantile(0.5)) if quantity == "median" else getattr(mu, quantity)
    assert found == pytest.approx(quadrature, abs=1e-4)
    assert found == pytest.approx(bayesmeta, abs=3e-3)


def test_eight_schools_shortest_interval(schools):
    low, high = shortest(schools.marginal("intercept"))
    # The length is flat around its minimum, so that the ends are only known to about 1e-3.
    assert (low, high) == pytest.approx((-1.820747, 17.822178), abs=1e-3)
    assert (low, high) == pytest.approx((-1.823353, 17.824562), abs=3e-3)


@pytest.mark.parametrize(
    ("quantity", "quadrature", "bayesmeta"),
    [("median", 4.758731, 4.758539), ("mean", 5.884363, 5.884511), ("sd", 4.870083, 4.869904)],
)
def test_eight_schools_heterogeneity(schools, quantity, quadrature, bayesmeta):
    tau = schools.marginal("tau_between")
    found = float(tau.quantile(0.5)) if quantity == "median" else getattr(tau, quantity)
    assert found == pytest.approx(bayesmeta, abs=2e-6)
    assert found == pytest.approx(quadrature, abs=3e-4)


def test_eight_schools_upper_limit_of_heterogeneity(schools):
    assert float(schools.marginal("tau_between").quantile(0.95)) == pytest.approx(15.165894, abs=2e-5)


def test_eight_schools_log_marginal_likelihood(schools):
    assert schools.log_evidence.value == pytest.approx(-33.726983, abs=1e-6)
    assert schools.log_evidence.error <= 1e-6


def log_likelihood(table: EffectTable, tau: float, prior_sd: float) -> float:
    """Normal effects with their mean integrated, written out: the sum of squares and its correction."""
    v = table.v + tau**2
    precision = (1 / v).sum() + prior_sd**-2
    total = (table.y / v).sum()
    quadratic = (table.y**2 / v).sum() - total**2 / precision
    return -0.5 * (len(table) * np.log(2 * np.pi) + np.log(v).sum() + np.log(precision * prior_sd**2) + quadratic)


@pytest.mark.parametrize(
    "tau",
    [
        priors.half_normal(5, reason=WHY),
        priors.half_normal(20, reason=WHY),
        priors.half_cauchy(5, reason=WHY),
        priors.half_t(4, 10, reason=WHY),
        priors.uniform(0, 30, reason=WHY),
        priors.uniform(2, 12, reason=WHY),
        priors.log_uniform(0.1, 30, reason=WHY),
        priors.gamma(2, 0.2, reason=WHY),
        priors.gamma(1, 0.1, reason=WHY),
        priors.inverse_gamma(1, 2, reason=WHY),
    ],
    ids=str,
)
def test_eight_schools_under_other_priors(tau):
    """Log evidence, mean and median of tau against adaptive quadrature; 1e-6 is the engine's own bound."""
    low, high = tau.support

    def integral(power: int, upper: float = np.inf) -> float:
        def integrand(t: float) -> float:
            return t**power * np.exp(log_likelihood(SCHOOLS, t, 50) + 33 + float(tau.log_density(t)))

        ends = [low, *(e for e in (1, 5, 15, 40, 150) if low < e < min(high, upper)), min(high, upper)]
        return sum(quad(integrand, a, b, epsabs=1e-13, epsrel=1e-11, limit=300)[0] for a, b in pairwise(ends))

    fit = exact.fit(mean_model(priors.normal(0, 50, reason=WHY), tau), SCHOOLS)
    mass = integral(0)
    marginal = fit.marginal("tau_between")
    assert fit.log_evidence.value == pytest.approx(np.log(mass) - 33, abs=1e-6)
    assert marginal.mean == pytest.approx(integral(1) / mass, rel=2e-5)
    median = float(marginal.quantile(0.5))
    assert integral(0, median) / mass == pytest.approx(0.5, abs=2e-5)


@pytest.fixture(scope="module")
def poses():
    cauchy = priors.student_t(1, 0, 1 / np.sqrt(2), reason=WHY)
    zero = priors.point(0, reason=WHY)
    tau = priors.inverse_gamma(1, 0.15, reason=WHY)
    evidence = {}
    for level, heterogeneity in (("fixed", 0), ("random", tau)):
        null = exact.fit(mean_model(zero, heterogeneity), POSES)
        effect = exact.fit(mean_model(cauchy, heterogeneity), POSES)
        positive = 1 - float(effect.marginal("intercept").probability_below(0.0))
        evidence[f"{level}_H0"] = np.exp(null.log_evidence.value)
        evidence[f"{level}_H1"] = np.exp(effect.log_evidence.value) * 2 * positive
    return evidence


def test_power_pose_posterior_probabilities(poses):
    expected = {
        "fixed_H0": 0.00867978,
        "fixed_H1": 0.77745113,
        "random_H0": 0.02061493,
        "random_H1": 0.19325416,
    }
    total = sum(poses.values())
    for name, probability in expected.items():
        # 1e-7 in the target; the engine's 1e-6 in log evidence allows 1e-6 times p(1 - p).
        assert poses[name] / total == pytest.approx(probability, abs=3e-7)


def test_power_pose_bayes_factors(poses):
    inclusion = (poses["fixed_H1"] + poses["random_H1"]) / (poses["fixed_H0"] + poses["random_H0"])
    heterogeneity = (poses["random_H0"] + poses["random_H1"]) / (poses["fixed_H0"] + poses["fixed_H1"])
    assert inclusion == pytest.approx(33.136, abs=5e-4)
    assert heterogeneity == pytest.approx(0.272053, abs=1e-5)
