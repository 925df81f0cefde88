"""From the sampler's draws to the posterior: thresholds, group membership and true effects drawn given the rest."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaanalysis.engines.pymc_gaps import POSITION, draw_thresholds
from metaanalysis.engines.pymc_latent import latent_arms
from metaanalysis.engines.pymc_likelihoods import Binomial, LatentExposure, TwoGroups
from metaanalysis.engines.pymc_model import GAP_LOG_WEIGHT, GROUP_LOG_ODDS
from metaanalysis.engines.pymc_posterior import DrawPosterior, chunks
from metaanalysis.engines.pymc_problem import Problem
from metaanalysis.models.mean_function import Columns

Array = NDArray[np.float64]


def finish(problem: Problem, tree: Any, *, seed: int) -> DrawPosterior:
    """Return the posterior of a problem from the sampler's draws.

    Parameters
    ----------
    problem : Problem
        Model on table.
    tree : xarray.DataTree
        The sampler's draws.
    seed : int
        Seed of what is drawn given them.
    """
    posterior = tree["posterior"]
    shape = (posterior.sizes["chain"], posterior.sizes["draw"])
    sampled = {name: _flat(posterior[name].values) for name in posterior.data_vars}
    rng = np.random.default_rng([seed, 1])
    count = shape[0] * shape[1]
    fixed = {**problem.model.shapes, **problem.priors}
    values = {name: np.full(count, prior["value"]) for name, prior in fixed.items() if prior.fixed}
    values |= {name: sampled[name] for name in problem.free}
    gaps = problem.gaps
    if gaps is not None:
        position = values.get(POSITION)
        values |= draw_thresholds(gaps, problem.model, sampled[GAP_LOG_WEIGHT], position, rng)
    study, true = _effects(problem, values, sampled, rng)
    derived: dict[str, tuple[tuple[str, ...], Array]] = {
        "study_effect": (("study",), study),
        "true_effect": (("row",), true),
    }
    if gaps is not None:
        derived |= {name: ((), values[name]) for name in gaps.names}
    data = posterior.to_dataset().drop_vars([GAP_LOG_WEIGHT, GROUP_LOG_ODDS], errors="ignore")
    for name, (dims, draws) in derived.items():
        data[name] = (("chain", "draw", *dims), draws.reshape(*shape, *draws.shape[1:]))
    return DrawPosterior(problem, _tree(problem, tree, data), shape[0], values, study, true, seed)


def _flat(draws: Array) -> Array:
    """Return draws (chains, n, …) as (N, …)."""
    return draws.reshape(-1, *draws.shape[2:])


def _tree(problem: Problem, tree: Any, data: Any) -> Any:
    """Return the tree with completed posterior and the data."""
    import xarray

    table = problem.table
    observed = {"y": ("row", table.y), "se": ("row", np.sqrt(table.v)), "x": ("row", table.x), "x0": ("row", table.x0)}
    labels = {"study_of_row": ("row", np.array(table.study)), "effect_of_row": ("row", np.array(table.effect))}
    groups = {"posterior": data, "sample_stats": tree["sample_stats"].to_dataset()}
    groups["observed_data"] = xarray.Dataset(observed, coords={"row": np.arange(len(table)), **labels})
    return xarray.DataTree.from_dict(groups)


def _effects(
    problem: Problem, values: dict[str, Array], sampled: dict[str, Array], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return draws of the study effects (N, S) and of the true effects of the rows (N, K)."""
    count, rows = len(values["tau_between"]), len(problem.table)
    study = sampled.get("study_effect", np.zeros((count, len(problem.biased))))
    mean = _curve(problem, values, sampled)
    if "sample_raw" in sampled:
        mean = mean + (values["tau_sample"][:, None] * sampled["sample_raw"])[:, problem.sample]
    likelihood = problem.likelihood
    if isinstance(likelihood, TwoGroups):
        shift = _group_shift(problem, values, sampled, rng)
        if likelihood.level == "study":
            study = study + shift
        else:
            mean = mean + shift
    mean = mean + study[:, problem.study]
    if isinstance(likelihood, Binomial):
        raw = sampled.get("row_raw", np.zeros((count, rows)))
        return study, mean + values["tau_within"][:, None] * raw
    return study, mean + _within(problem, values["tau_within"], mean, rng)


def _within(problem: Problem, tau: Array, mean: Array, rng: np.random.Generator) -> Array:
    """Return draws (N, K) of the within-study deviations, normal given the rest."""
    square = tau[:, None] ** 2
    residual = problem.rotate(problem.table.y - mean)
    total = problem.variances + square
    drawn = square / total * residual + np.sqrt(square * problem.variances / total) * rng.standard_normal(mean.shape)
    return problem.unrotate(drawn)


def _group_shift(
    problem: Problem, values: dict[str, Array], sampled: dict[str, Array], rng: np.random.Generator
) -> Array:
    """Return draws of the deviation of the group of each study (N, S) or row (N, K) from the average."""
    odds = sampled[GROUP_LOG_ODDS]
    if problem.gaps is None:
        odds = odds[:, 0]
    else:
        inside = np.stack([values[name] for name in problem.gaps.names], axis=1)[:, None]
        gap = np.argmax(((inside >= problem.gaps.lower) & (inside <= problem.gaps.upper)).all(axis=2), axis=1)
        odds = odds[np.arange(len(odds)), gap]
    upper = np.log(rng.random(odds.shape)) < -np.logaddexp(0.0, -odds)
    return (upper - values["share"][:, None]) * values["separation"][:, None]


def _curve(problem: Problem, values: dict[str, Array], sampled: dict[str, Array]) -> Array:
    """Return draws (N, K) of the mean effect of each row, random effects apart."""
    model, table, likelihood = problem.model, problem.table, problem.likelihood
    beta = np.stack([values[name] for name in problem.coefficients], axis=1)
    split, parts = len(model.coefficients), []
    exposed = np.isfinite(table.x0)
    filled = np.where(exposed, table.x0, model.exposure_range[0])
    arms = latent_arms(table, likelihood) if isinstance(likelihood, LatentExposure) else None
    for part in chunks(len(beta), len(table) * beta.shape[1]):
        x, x0 = table.x, filled
        if arms is not None:
            x, x0 = arms.exposures(sampled.get("exposure", np.empty((len(beta), 0)))[part])
        shape = {name: values[name][part] for name in model.shapes}
        own = beta[part, :split]
        difference = _mean(model.mean.columns, x, shape, model.exposure_range, own)
        difference -= exposed * _mean(model.mean.columns, x0, shape, model.exposure_range, own)
        parts.append(difference + beta[part, split:] @ problem.covariates.T)
    return np.concatenate(parts)


def _mean(
    columns: Columns, x: Array, shape: dict[str, Array], exposure_range: tuple[float, float], beta: Array
) -> Array:
    """Return draws (N, K) of b(x)'beta."""
    rows = columns(x, shape, exposure_range)
    return np.asarray(np.einsum("nkp,np->nk", np.broadcast_to(rows, (len(beta), *rows.shape[-2:])), beta))
