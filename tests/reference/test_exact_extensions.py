"""Third level, bias variance, covariates, Student-t and fixed coefficients against dense normal densities.

The reference writes the whole covariance of the effects down and integrates heterogeneities by Gauss–Legendre rules in
the parameters themselves (30 nodes each over eight prior scales; doubling them moves the log evidence by less than
1e-6). Tolerance 2e-6: the engine's own 1e-6 and as much for the reference.
"""

from itertools import product

import numpy as np
import pytest

from metaanalysis.effects.table import EffectTable, table_from_arrays
from metaanalysis.engines import exact
from metaanalysis.models import priors
from metaanalysis.models.model import build_model

RANGE = (0.0, 10.0)
WHY = "test"
HALF = priors.half_normal(0.3, reason=WHY)


def table() -> EffectTable:
    """Eleven effects of five studies, two samples in the first two, designs and stages in columns."""
    return table_from_arrays(
        [0.10, 0.22, 0.05, 0.41, 0.38, 0.70, 0.15, 0.30, 0.55, -0.10, 0.20],
        np.array([0.18, 0.20, 0.16, 0.25, 0.22, 0.30, 0.19, 0.17, 0.21, 0.15, 0.24]) ** 2,
        [1, 2, 2, 5, 5, 8, 3, 6, 8, 4, 7],
        study=list("aaaabbbccde"),
        sample=["a1", "a1", "a2", "a2", "b1", "b1", "b2", "c", "c", "d", "e"],
        rho=0.5,
        exposure_range=RANGE,
        columns={
            "design": np.array(["trial"] * 4 + ["before_after"] * 3 + ["trial"] * 2 + ["before_after", "trial"]),
            "year": np.array([2023, 2023, 2024, 2024, 2025, 2025, 2025, 2024, 2024, 2026, 2023]),
        },
    )


def rule(high: float, order: int) -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.legendre.leggauss(order)
    tau = high / 2 * (1 + nodes)
    return tau, high / 2 * weights * np.sqrt(2 / np.pi) / 0.3 * np.exp(-0.5 * (tau / 0.3) ** 2)


def dense_log_evidence(
    data: EffectTable, x: np.ndarray, variances: np.ndarray, parts: list[np.ndarray], *, order: int = 30
) -> float:
    """Integrate the heterogeneities that multiply each of `parts`; coefficients have the given prior variances."""
    base = data.covariance() + (x * variances) @ x.T
    nodes, weights = rule(2.4, order)
    total = 0.0
    for index in product(range(order), repeat=len(parts) - 1):
        first = sum((nodes[i] ** 2 * part for i, part in zip(index, parts[1:], strict=True)), base)
        covariances = first + nodes[:, None, None] ** 2 * parts[0]
        _, log_det = np.linalg.slogdet(covariances)
        solved = np.linalg.solve(covariances, np.broadcast_to(data.y[:, None], (order, len(data), 1)))[..., 0]
        log_density = -0.5 * (len(data) * np.log(2 * np.pi) + log_det + solved @ data.y)
        total += float(np.prod(weights[list(index)]) * (weights @ np.exp(log_density)))
    return float(np.log(total))


def same(labels) -> np.ndarray:
    labels = np.array(labels)
    return (labels[:, None] == labels[None, :]).astype(float)


def linear_columns(data: EffectTable) -> np.ndarray:
    return np.stack([np.ones(len(data)), data.x / 10], axis=1)


def test_three_levels():
    data = table()
    model = build_model("linear", exposure_range=RANGE, heterogeneity={"between": HALF, "within": HALF, "sample": HALF})
    parts = [np.eye(len(data)), same(data.study), same(data.sample)]
    expected = dense_log_evidence(data, linear_columns(data), np.full(2, 0.25), parts)
    fit = exact.fit(model, data)
    assert fit.log_evidence.value == pytest.approx(expected, abs=2e-6)
    assert fit.marginal("tau_sample").quantile(0.999) > fit.marginal("tau_sample").mean > 0
    assert len(fit.effects().mean) == len(data)


def test_bias_variance_of_some_designs():
    data = table()
    model = build_model(
        "linear",
        exposure_range=RANGE,
        heterogeneity={
            "between": HALF,
            "within": 0.1,
            "bias": {"prior": HALF, "column": "design", "classes": ["before_after"]},
        },
    )
    biased = (data.columns["design"] == "before_after").astype(float)
    parts = [same(data.study), same(data.study) * np.outer(biased, biased)]
    base = table()
    noisy = EffectTable(
        **{
            **{name: getattr(base, name) for name in EffectTable.__dataclass_fields__},
            "blocks": tuple(block + 0.01 * np.eye(len(block)) for block in base.blocks),
        }
    )
    expected = dense_log_evidence(noisy, linear_columns(data), np.full(2, 0.25), parts)
    fit = exact.fit(model, data)
    assert fit.log_evidence.value == pytest.approx(expected, abs=2e-6)
    assert "tau_bias" in fit.parameters


def test_covariates_and_known_coefficients():
    data = table()
    wide = priors.normal(0.1, 0.4, reason=WHY)
    model = build_model(
        "linear",
        exposure_range=RANGE,
        priors={"slope": priors.point(0.3, reason=WHY)},
        heterogeneity={"between": HALF, "within": 0},
        covariates=[
            {"kind": "se", "prior": wide.to_mapping()},
            {"kind": "numeric", "column": "year", "centre": 2024, "prior": wide.to_mapping()},
            {"kind": "categorical", "column": "design", "prior": wide.to_mapping(), "baseline": "trial"},
        ],
    )
    years = data.columns["year"].astype(float) - 2024
    x = np.stack([np.ones(len(data)), np.sqrt(data.v), years, data.columns["design"] == "before_after"], axis=1)
    shifted = table_from_arrays(
        data.y - 0.3 * data.x / 10 - 0.1 * x[:, 1:].sum(axis=1), data.v, data.x, study=data.study,
        sample=data.sample, rho=0.5, exposure_range=RANGE,
    )  # fmt: skip
    variances = np.array([0.25, 0.16, 0.16, 0.16])
    expected = dense_log_evidence(shifted, x, variances, [same(data.study)], order=60)
    fit = exact.fit(model, data)
    assert fit.log_evidence.value == pytest.approx(expected, abs=2e-6)
    assert fit.marginal("slope").quantile([0.1, 0.9]) == pytest.approx(0.3)
    assert fit.curve([0.0, 10.0]).mean[1] - fit.curve([0.0, 10.0]).mean[0] == pytest.approx(0.3)


def test_student_t_coefficient():
    """A Student-t slope: its prior integrated on a grid of slopes instead of as a mixture of normals."""
    data = table()
    prior = priors.student_t(3, 0.1, 0.3, reason=WHY)
    model = build_model(
        "linear", exposure_range=RANGE, priors={"slope": prior}, heterogeneity={"between": 0.2, "within": 0.1}
    )
    noise = data.covariance() + 0.04 * same(data.study) + 0.01 * np.eye(len(data))
    noise += 0.25 * np.ones((len(data), len(data)))
    inverse, log_det = np.linalg.inv(noise), np.linalg.slogdet(noise)[1]
    slopes = 0.1 + 0.3 * np.sinh(np.linspace(-9, 9, 4001))
    left = data.y - slopes[:, None] * data.x / 10
    quadratic = np.einsum("ni,ij,nj->n", left, inverse, left)
    density = np.exp(-0.5 * (len(data) * np.log(2 * np.pi) + log_det + quadratic) + prior.log_density(slopes))
    spacing = 18 / 4000 * np.hypot(slopes - 0.1, 0.3)
    fit = exact.fit(model, data)
    assert fit.log_evidence.value == pytest.approx(np.log(density @ spacing), abs=2e-6)
    assert fit.marginal("slope").mean == pytest.approx((density * slopes) @ spacing / (density @ spacing), abs=1e-5)


def test_shrunken_effects_with_correlated_errors():
    """Posterior means of the true effects of every row, heterogeneity known, against the joint normal."""
    data = table()
    model = build_model("linear", exposure_range=RANGE, heterogeneity={"between": 0.2, "within": 0.1, "sample": 0.15})
    x = linear_columns(data)
    signal = (0.25 * x) @ x.T + 0.04 * same(data.study) + 0.0225 * same(data.sample) + 0.01 * np.eye(len(data))
    gain = signal @ np.linalg.inv(signal + data.covariance())
    found = exact.fit(model, data).effects()
    assert found.mean == pytest.approx(gain @ data.y, abs=1e-9)
    assert found.sd == pytest.approx(np.sqrt((signal - gain @ signal).diagonal()), abs=1e-9)


def test_improper_priors_give_generalised_least_squares():
    data = table()
    none = priors.flat(reason=WHY)
    model = build_model(
        "linear",
        exposure_range=RANGE,
        priors={"intercept": none, "slope": none},
        heterogeneity={"between": 0.2, "within": 0},
    )
    x = linear_columns(data)
    inverse = np.linalg.inv(data.covariance() + 0.04 * same(data.study))
    spread = np.linalg.inv(x.T @ inverse @ x)
    fit = exact.fit(model, data)
    assert fit.log_evidence is None
    assert fit.marginal("slope").mean == pytest.approx((spread @ x.T @ inverse @ data.y)[1], abs=1e-9)
    assert fit.marginal("slope").sd == pytest.approx(np.sqrt(spread[1, 1]), abs=1e-9)
