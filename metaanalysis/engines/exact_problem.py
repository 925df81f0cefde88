"""A model on a table, prepared for the exact engine: fixed parts taken out, axes laid out, likelihood evaluated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.engine import observed_exposures
from metaanalysis.engines.gaussian import Spectrum, cross_products, factor, log_likelihood, rotate, spectrum
from metaanalysis.engines.quadrature import Axis, make_axis
from metaanalysis.models.design import contrast, design
from metaanalysis.models.model import Model
from metaanalysis.models.priors import Prior, inverse_gamma

Array = NDArray[np.float64]
MIX = "mix:"  # prefix of the axes that turn a Student-t prior into a mixture of normals


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """A model on a table.

    Attributes
    ----------
    model, table : Model, EffectTable
        What is fitted to what.
    names : tuple of str, length p
        Coefficients that are estimated.
    prior_mean : (p,) array
        Their prior means.
    prior_precision : (p,) array
        Their prior precisions; zero for improper flat priors.
    free, fixed : arrays of int
        Columns of the design that are estimated, and that have known coefficients.
    fixed_values : array
        The known coefficients.
    covariates : (K, p_c) array
        Covariate columns.
    axes : tuple of Axis
        tau_sample, scales of Student-t priors, tau_within, tau_between, tau_bias; absent ones are points at zero.
    biased : (S,) array
        One for studies with the extra variance tau_bias.
    same_sample : tuple of (k_s, k_s) arrays
        One where two rows of a study are of the same sample.
    exposures : array
        Distinct observed exposures.
    memo : dict
        Rotated covariances by tau_sample, once computed.
    """

    model: Model
    table: EffectTable
    names: tuple[str, ...]
    prior_mean: Array
    prior_precision: Array
    free: NDArray[np.intp]
    fixed: NDArray[np.intp]
    fixed_values: Array
    covariates: Array
    axes: tuple[Axis, ...]
    biased: Array
    same_sample: tuple[Array, ...]
    exposures: Array
    memo: dict[float, Spectrum] = field(default_factory=dict)

    @property
    def mixed(self) -> tuple[int, ...]:
        """Positions among the estimated coefficients of those with a Student-t prior."""
        return tuple(self.names.index(axis.name[len(MIX) :]) for axis in self.axes[1:-3])


def prepare(model: Model, table: EffectTable) -> Problem:
    """Return `model` on `table`, ready to be evaluated."""
    plan = design(model, table)
    fixed = np.array([i for i, prior in enumerate(plan.priors) if prior.fixed], dtype=np.intp)
    free = np.array([i for i, prior in enumerate(plan.priors) if not prior.fixed], dtype=np.intp)
    names = tuple(plan.names[i] for i in free)
    priors = [plan.priors[i] for i in free]
    return Problem(
        model=model,
        table=table,
        names=names,
        prior_mean=np.array([prior.values.get("mean", 0.0) for prior in priors]),
        prior_precision=np.array([_precision(prior) for prior in priors]),
        free=free,
        fixed=fixed,
        fixed_values=np.array([plan.priors[i]["value"] for i in fixed]),
        covariates=plan.covariates,
        axes=_axes(model, table, dict(zip(names, priors, strict=True))),
        biased=_biased(model, table),
        same_sample=_same_sample(table) if model.heterogeneity.sample else (),
        exposures=observed_exposures(table),
    )


def _precision(prior: Prior) -> float:
    """Return the prior precision of a coefficient; for a Student-t that of its core, before mixing."""
    if prior.family == "flat":
        return 0.0
    return float(prior.values.get("sd", prior.values.get("scale", 1.0))) ** -2


def _axes(model: Model, table: EffectTable, coefficients: Mapping[str, Prior]) -> tuple[Axis, ...]:
    """Return the axes of the quadrature, in the order that `Problem` states."""
    scale = float(np.sqrt(table.v.min()))
    levels = model.heterogeneity.priors

    def level(name: str) -> Axis:
        if name in levels:
            return make_axis(name, levels[name], scale)
        return make_axis(name, Prior("point", (("value", 0.0),), "absent"), scale)

    mixing = [
        make_axis(MIX + name, inverse_gamma(prior["df"] / 2, prior["df"] / 2, reason="scale mixture"), 1.0)
        for name, prior in coefficients.items()
        if prior.family == "student_t"
    ]
    return (level("tau_sample"), *mixing, level("tau_within"), level("tau_between"), level("tau_bias"))


def _biased(model: Model, table: EffectTable) -> Array:
    """Return one for studies of the design classes with extra variance."""
    bias = model.heterogeneity.bias
    if bias is None:
        return np.zeros(len(table.blocks))
    values = np.asarray(table.columns[bias.column]).astype(str)[table.starts]
    return np.isin(values, bias.classes).astype(float)


def _same_sample(table: EffectTable) -> tuple[Array, ...]:
    """Return for each study which pairs of rows are of the same sample."""
    samples = np.array(table.sample)
    stops = [*table.starts[1:], len(table)]
    rows = [samples[a:b] for a, b in zip(table.starts, stops, strict=True)]
    return tuple((own[:, None] == own[None, :]).astype(float) for own in rows)


def basis(problem: Problem, tau_sample: float) -> Spectrum:
    """Return the rotated known covariance, the sample level added to it."""
    if tau_sample not in problem.memo:
        extra = [tau_sample**2 * same for same in problem.same_sample] if problem.same_sample else None
        problem.memo[tau_sample] = spectrum(problem.table.blocks, extra=extra)
    return problem.memo[tau_sample]


def columns(problem: Problem, shape: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return the estimated columns (K, p, n) and the residual from the prior mean (K, n)."""
    table = problem.table
    rows = contrast(problem.model, table.x, table.x0, shape)
    extra = np.broadcast_to(problem.covariates, (len(rows), *problem.covariates.shape))
    full = np.concatenate([rows, extra], axis=2).transpose(1, 2, 0)
    free, fixed = full[:, problem.free], full[:, problem.fixed]
    known = np.einsum("kpn,p->kn", free, problem.prior_mean) + np.einsum("kpn,p->kn", fixed, problem.fixed_values)
    return free, table.y[:, None] - known


def between_variances(problem: Problem, tau_between: Array, tau_bias: Array) -> Array:
    """Return the between-study variance of each study for each pair of standard deviations: (B * C, S)."""
    pairs = tau_between[:, None, None] ** 2 + (tau_bias[:, None] ** 2 * problem.biased)[None]
    return pairs.reshape(-1, len(problem.biased))


def evaluate(problem: Problem, values: Sequence[Array], shape: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return log likelihood and Cholesky factors on the tensor of axis values and shape nodes.

    Parameters
    ----------
    problem : Problem
        Model on table.
    values : sequence of arrays
        Values of each axis, in the order of ``problem.axes``.
    shape : mapping of str to (n,) array
        Shape parameters.

    Returns
    -------
    (*axes, n) array, (*axes, q(q+1)/2, n) array
    """
    sample, *mixing, within, between, bias = values
    free, residual = columns(problem, shape)
    z = np.concatenate([free, residual[:, None]], axis=1)
    n, p = z.shape[2], len(problem.names)
    variances = between_variances(problem, between, bias)
    sizes = tuple(len(v) for v in values)
    mixtures = int(np.prod([len(m) for m in mixing], dtype=int))
    log_like = np.empty((len(sample), mixtures, len(within), len(variances), n))
    factors = np.empty((*log_like.shape[:-1], (p + 1) * (p + 2) // 2, n))
    for s, tau_sample in enumerate(sample):
        rotated_basis = basis(problem, float(tau_sample))
        packed, log_det = cross_products(rotated_basis, rotate(rotated_basis, z), within**2, variances)
        for m, mix in enumerate(product(*mixing)):
            precision = problem.prior_precision.copy()
            precision[list(problem.mixed)] /= np.array(mix) if mix else 1.0
            factored = factor(packed.copy() if mixing else packed, precision)
            log_like[s, m] = log_likelihood(factored, log_det, precision, len(problem.table))
            factors[s, m] = factored
    return log_like.reshape(*sizes, n), factors.reshape(*sizes, -1, n)
