"""The PyMC engine: Markov chain Monte Carlo for what is not conditionally normal.

NUTS (by nutpie) samples the hierarchical model; thresholds at which the curve jumps are summed out over the gaps
between observed exposures. The log evidence comes from bridge sampling of the marginal model, random effects integrated
out. Fits whose chains did not converge are refused, not returned.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import numpy as np

from metaanalysis.effects.table import EffectTable
from metaanalysis.engines.engine import EngineRecord, Fit, Support
from metaanalysis.engines.pymc_bridge import bridge
from metaanalysis.engines.pymc_convergence import ConvergenceError, diagnose, require_convergence
from metaanalysis.engines.pymc_finish import finish
from metaanalysis.engines.pymc_likelihoods import NORMAL, Likelihood
from metaanalysis.engines.pymc_marginal import log_posterior, no_evidence, to_coordinates
from metaanalysis.engines.pymc_model import build
from metaanalysis.engines.pymc_posterior import DrawPosterior
from metaanalysis.engines.pymc_problem import Problem, prepare
from metaanalysis.engines.pymc_supports import supports as _supports
from metaanalysis.errors import Fault, NumericalError, UnsupportedError, bad
from metaanalysis.models.model import Model
from metaanalysis.number import Number

__all__ = ["NORMAL", "ConvergenceError", "Likelihood", "data_tree", "fit", "supports"]
EVIDENCE_ERROR = 0.1
SMALL = 5000  # effects times gaps below which compiled code is not optimised


def supports(
    model: Model, table: EffectTable, *, likelihood: Likelihood = NORMAL, allow_unidentified: bool = False
) -> Support:
    """Return whether the PyMC engine can fit `model` to `table`, and if not why and what to do.

    Thresholds at which the curve jumps are discontinuous for NUTS. They are summed out exactly over the gaps between
    observed exposures, so step models are supported unless exposures are latent.
    """
    return _supports(model, table, likelihood, allow_unidentified=allow_unidentified)


def fit(
    model: Model,
    table: EffectTable,
    *,
    likelihood: Likelihood = NORMAL,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int = 1,
    cores: int | None = None,
    target_accept: float = 0.95,
    evidence: bool = True,
    require: bool = True,
    progress: bool = False,
    allow_unidentified: bool = False,
) -> Fit:
    """Fit a model by Markov chain Monte Carlo.

    Parameters
    ----------
    model : Model
        Any model whose shape parameters can be sampled or summed out; `supports` says.
    table : EffectTable
        Effects with their known covariance, or counts in its columns.
    likelihood : Likelihood
        Normal effects and errors, or one of the departures of `pymc_likelihoods`.
    draws, tune, chains : int
        Draws kept and tuning steps of each chain, and number of chains.
    seed : int
        Seed of everything random; equal seeds give equal draws.
    cores : int, optional
        Chains at a time; default all processors, at most `chains`.
    target_accept : float
        Acceptance rate that the step size is tuned to.
    evidence : bool
        Whether to compute the log evidence, where the marginal model allows it.
    require : bool
        Whether chains that did not converge are an error. If not, ``diagnostics["converged"]`` is zero for them.
    progress : bool
        Whether to show progress.
    allow_unidentified : bool
        Fit although the data say nothing about some parameter.

    Returns
    -------
    Fit
        `posterior` is a `DrawPosterior` with the ArviZ tree of draws as ``tree``; see `data_tree`.

    Raises
    ------
    UnsupportedError
        If the model cannot be fitted to the table; the message says why.
    ConvergenceError
        If R-hat, effective sample sizes, divergences or E-BFMI miss their limits.
    NumericalError
        If the error of the log evidence is above 0.1.
    """
    started = time.perf_counter()
    support = _supports(model, table, likelihood, allow_unidentified=allow_unidentified)
    if not support.ok:
        raise UnsupportedError(Fault(table.name, model.name, support.reason, support.remedy))
    _require_settings(draws=draws, tune=tune, chains=chains)
    where = f"{table.name}: {model.name}"
    problem = prepare(model, table, likelihood)
    settings = {"draws": draws, "tune": tune, "chains": chains, "seed": seed, "target_accept": target_accept}
    tree = _sample(problem, settings, cores=cores or min(chains, os.cpu_count() or 1), progress=progress)
    posterior = finish(problem, tree, seed=seed)
    convergence = diagnose(posterior.tree)
    if require:
        require_convergence(convergence, where)
    missing = no_evidence(problem) if evidence else "not asked for"
    value = None if missing else _evidence(posterior, seed=seed, where=where)
    record = EngineRecord(
        "pymc",
        "1",
        {
            "likelihood": likelihood.name,
            **settings,
            **{f"version_{name}": version(name) for name in ("pymc", "nutpie", "arviz")},
            **({"no_evidence": missing} if missing else {}),
        },
        draws * chains,
        time.perf_counter() - started,
    )
    return Fit(model, table, value, posterior, record, convergence.numbers)


def data_tree(fit: Fit) -> Any:
    """Return the ArviZ tree of a fit: ``posterior``, ``sample_stats`` and ``observed_data``.

    Raises
    ------
    InputError
        If another engine made the fit, which has no draws.
    """
    if not isinstance(fit.posterior, DrawPosterior):
        raise bad(fit.table.name, fit.model.name, f"a fit of the {fit.record.name} engine has no tree", "Use `draws`.")
    return fit.posterior.tree


def _require_settings(**counts: int) -> None:
    """Refuse numbers of draws, tuning steps or chains that diagnostics cannot be computed from."""
    least = {"draws": 100, "tune": 100, "chains": 2}
    for name, count in counts.items():
        if count < least[name]:
            raise bad("fit", name, f"{count} is too few", f"Use at least {least[name]}.")


def _sample(problem: Problem, settings: Mapping[str, float], *, cores: int, progress: bool) -> Any:
    """Return the sampler's draws as a tree."""
    import pymc as pm

    size = len(problem.table) * (1 if problem.gaps is None else len(problem.gaps.lower))
    with build(problem), _compiler(optimise=size > SMALL):
        return pm.sample(
            draws=int(settings["draws"]),
            tune=int(settings["tune"]),
            chains=int(settings["chains"]),
            cores=cores,
            random_seed=int(settings["seed"]),
            nuts_sampler="nutpie",
            nuts={"target_accept": settings["target_accept"]},
            progressbar=progress,
            quiet=not progress,
            compute_convergence_checks=False,
        )


@contextmanager
def _compiler(*, optimise: bool) -> Iterator[None]:
    """Compile with or without optimisation, which for small models takes longer than it saves."""
    import numba

    config: Any = numba.config
    before = config.OPT
    if not optimise:
        config.OPT = type(before)(0)
    try:
        yield
    finally:
        config.OPT = before


def _evidence(posterior: DrawPosterior, *, seed: int, where: str) -> Number:
    """Return the log evidence with its error."""
    problem = posterior.problem
    if not problem.free:
        return Number(float(log_posterior(problem)(np.zeros((1, 0)))[0]), 0.0)
    coordinates = [to_coordinates(posterior.values[name], prior) for name, prior in problem.free.items()]
    points = np.stack(coordinates, axis=1).reshape(posterior.chains, -1, len(coordinates))
    found = bridge(log_posterior(problem), points, seed=seed)
    if found.error > EVIDENCE_ERROR:
        raise NumericalError(
            f"{where}: the log evidence is known to {found.error:.2g} only, not to {EVIDENCE_ERROR}. Raise draws."
        )
    return found
