"""Simulation from a model on the design of a table: same exposures, known covariance, studies and covariates.

Every task has a key, and the random numbers of a task depend on the seed and its key only: results are the same
whatever the order of the tasks or the number of processes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.errors import Fault, UnsupportedError
from metaanalysis.models.design import contrast, design
from metaanalysis.models.model import Model
from metaanalysis.models.priors import Prior

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """Effects drawn from a model, and the parameters behind them.

    Attributes
    ----------
    model : Model
        The model.
    parameters : mapping of str to float
        True value of every coefficient, covariate coefficient, shape parameter and heterogeneity.
    table : EffectTable
        The design with the effects drawn.
    """

    model: Model
    parameters: Mapping[str, float]
    table: EffectTable


def generator(seed: int, key: str) -> np.random.Generator:
    """Return the random numbers of the task `key` under `seed`."""
    words = np.frombuffer(hashlib.sha256(key.encode()).digest(), dtype="<u4")
    return np.random.default_rng(np.random.SeedSequence([seed, *words.tolist()]))


def priors(model: Model, table: EffectTable) -> dict[str, Prior]:
    """Return the prior of every parameter of `model` on `table`, covariate coefficients among them."""
    plan = design(model, table)
    return {**dict(zip(plan.names, plan.priors, strict=True)), **model.shapes, **model.heterogeneity.priors}


def draw_parameters(model: Model, table: EffectTable, rng: np.random.Generator) -> dict[str, float]:
    """Draw every parameter from its prior, by its quantile function.

    Raises
    ------
    UnsupportedError
        If a prior is improper: there is nothing to draw from.
    """
    if not model.proper:
        remedy = "Give a proper prior to every parameter."
        raise UnsupportedError(Fault(table.name, model.name, "an improper prior cannot be drawn from", remedy))
    return {name: float(prior.quantile(rng.random())) for name, prior in priors(model, table).items()}


def simulate(model: Model, table: EffectTable, rng: np.random.Generator) -> Simulation:
    """Draw parameters from the priors of `model`, and effects on the design of `table`.

    The effects are y = Xβ + Zu + v + e: study effects u, effects v of each row (and of each sample, where the model
    has that level), and sampling errors e with the known covariance.
    """
    parameters = draw_parameters(model, table, rng)
    y = mean_effects(model, table, parameters) + _random_effects(model, table, parameters, rng)
    errors = [np.linalg.cholesky(block) @ rng.standard_normal(len(block)) for block in table.blocks]
    return Simulation(model, parameters, replace(table, y=y + np.concatenate(errors)))


def mean_effects(model: Model, table: EffectTable, parameters: Mapping[str, float] | Mapping[str, Array]) -> Array:
    """Return the expected effects Xβ of every row.

    Parameters
    ----------
    model : Model
        The model.
    table : EffectTable
        The design.
    parameters : mapping of str to float or (n,) array
        Values of every parameter; arrays hold n draws.

    Returns
    -------
    (K,) or (n, K) array
    """
    plan = design(model, table)
    curve = curve_at(model, table.x, table.x0, parameters)
    names = plan.names[len(model.coefficients) :]
    extra = np.stack([np.asarray(parameters[name], float) for name in names], axis=-1) if names else np.empty(0)
    return curve + extra @ plan.covariates.T if names else curve


def curve_at(model: Model, x: Array, x0: Array, parameters: Mapping[str, float] | Mapping[str, Array]) -> Array:
    """Return b(x)β - b(x0)β for given parameters: (G,), or (n, G) for n draws."""
    shape = {name: np.atleast_1d(np.asarray(parameters[name], float)) for name in model.shapes}
    beta = np.stack([np.asarray(parameters[name], float) for name in model.coefficients], axis=-1)
    rows = contrast(model, x, x0, shape)
    curve = np.asarray((rows @ np.atleast_2d(beta)[..., None])[..., 0])
    return curve if beta.ndim == 2 else np.asarray(curve[0])


def biased(model: Model, table: EffectTable) -> Array:
    """Return one for each row of a study with the extra variance tau_bias, else zero: (K,)."""
    bias = model.heterogeneity.bias
    if bias is None:
        return np.zeros(len(table))
    values = np.asarray(table.columns[bias.column]).astype(str)
    return np.isin(values, bias.classes).astype(float)


def _random_effects(
    model: Model, table: EffectTable, parameters: Mapping[str, float], rng: np.random.Generator
) -> Array:
    """Draw the deviation of the true effect of each row from its expectation."""
    owner = table.study_index
    study, extra = (rng.standard_normal(len(table.blocks))[owner] for _ in range(2))
    pairs = list(zip(table.study, table.sample, strict=True))
    samples = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
    sample = rng.standard_normal(len(samples))[[samples[pair] for pair in pairs]]
    row = rng.standard_normal(len(table))
    deviations = {
        "tau_between": study,
        "tau_bias": extra * biased(model, table),
        "tau_sample": sample,
        "tau_within": row,
    }
    return np.asarray(sum(parameters.get(name, 0.0) * value for name, value in deviations.items()))


def log_likelihood(model: Model, table: EffectTable, parameters: Mapping[str, Array]) -> Array:
    """Return log p(y | β, ψ, τ), random effects integrated out, for n draws of the parameters.

    Parameters
    ----------
    model : Model
        The model.
    table : EffectTable
        Effects and their known covariance.
    parameters : mapping of str to (n,) array
        Draws of every parameter.

    Returns
    -------
    (n,) array
    """
    residual = table.y - mean_effects(model, table, parameters)
    count = len(residual)
    tau2 = {name: np.asarray(parameters[name], float)[:, None, None] ** 2 for name in model.heterogeneity.priors}
    marked, samples = biased(model, table), np.array(table.sample)
    total = np.full(count, -0.5 * len(table) * np.log(2 * np.pi))
    for start, block in zip(table.starts, table.blocks, strict=True):
        rows = slice(start, start + len(block))
        covariance = block + tau2["tau_between"] + tau2["tau_within"] * np.eye(len(block))
        if "tau_bias" in tau2:
            covariance = covariance + tau2["tau_bias"] * marked[start]
        if "tau_sample" in tau2:
            covariance = covariance + tau2["tau_sample"] * (samples[rows][:, None] == samples[rows])
        root = np.linalg.cholesky(covariance)
        scaled = np.linalg.solve(root, residual[:, rows, None])[..., 0]
        total -= 0.5 * (scaled**2).sum(axis=1) + np.log(root.diagonal(axis1=1, axis2=2)).sum(axis=1)
    return total
