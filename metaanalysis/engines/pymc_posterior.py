"""The posterior of the PyMC engine: draws, and what follows from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metaanalysis.engines.engine import Curve, EffectEstimates, Marginal, StudyEffects
from metaanalysis.engines.marginals import MixtureMarginal, PointMarginal
from metaanalysis.engines.pymc_likelihoods import StudentT, TwoGroups
from metaanalysis.engines.pymc_marginals import DrawMarginal
from metaanalysis.engines.pymc_problem import Problem
from metaanalysis.errors import bad
from metaanalysis.models.design import contrast

Array = NDArray[np.float64]
CHUNK = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class DrawPosterior:
    """Joint posterior draws.

    Attributes
    ----------
    problem : Problem
        Model on table.
    tree : xarray.DataTree
        The draws as ArviZ sees them: groups ``posterior``, ``sample_stats``, ``observed_data``.
    chains : int
        Number of chains.
    values : mapping of str to (N,) array
        Draws of all parameters, chain after chain; constants repeated.
    study_effect : (N, S) array
        Draws of the study effects.
    true_effect : (N, K) array
        Draws of the true effect of each row.
    seed : int
        Seed of what is drawn in addition.
    """

    problem: Problem
    tree: Any
    chains: int
    values: dict[str, Array]
    study_effect: Array
    true_effect: Array
    seed: int

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all parameters: coefficients, shape parameters, heterogeneity, those of the likelihood."""
        return self.problem.parameters

    def marginal(self, name: str) -> Marginal:
        """Return the posterior of one parameter.

        Raises
        ------
        InputError
            If the model has no such parameter.
        """
        if name not in self.parameters:
            known = ", ".join(self.parameters)
            raise bad(self.problem.model.name, name, "the model has no such parameter", f"Parameters: {known}.")
        prior = {**self.problem.model.shapes, **self.problem.priors}[name]
        return PointMarginal(prior["value"]) if prior.fixed else self._marginal(self.values[name], prior.support)

    def _marginal(self, values: Array, support: tuple[float, float] = (-np.inf, np.inf)) -> DrawMarginal:
        """Return draws (N,) as a marginal."""
        return DrawMarginal(values.reshape(self.chains, -1), support)

    def _contrasts(self, x: Array, x0: Array) -> Array:
        """Return draws (N, G) of b(x) - b(x0)."""
        model = self.problem.model
        beta = np.stack([self.values[name] for name in model.coefficients], axis=1)
        parts = []
        for part in chunks(len(beta), x.size * beta.shape[1]):
            shape = {name: self.values[name][part] for name in model.shapes}
            rows = contrast(model, x, x0, shape)
            parts.append(np.einsum("ngp,np->ng", np.broadcast_to(rows, (len(beta[part]), *rows.shape[1:])), beta[part]))
        return np.concatenate(parts)

    def contrast(self, x: Array, x0: Array, *, variance: Sequence[str] = ()) -> Sequence[Marginal]:
        """Return the posterior of b(x) - b(x0) at each pair, random effects of the named kinds added."""
        draws = self._contrasts(x, x0)
        if not variance:
            return [self._marginal(column) for column in draws.T]
        shift, sd = self._random(variance)
        weights = np.full(len(draws), 1 / len(draws))
        return [
            MixtureMarginal(weights, column + shift, sd, self._marginal(column + shift).error) for column in draws.T
        ]

    def _random(self, kinds: Sequence[str]) -> tuple[Array, Array]:
        """Return draws (N,) of mean and standard deviation of a new random effect of some kinds together."""
        rng = np.random.default_rng([self.seed, 2])
        count, likelihood = len(self.study_effect), self.problem.likelihood
        shift, square = np.zeros(count), np.zeros(count)
        for kind in kinds:
            own = self.values.get(kind, np.zeros(count)) ** 2
            if kind == "tau_between" and isinstance(likelihood, StudentT):
                half = self.values["nu"] / 2
                own = own * half / np.maximum(rng.gamma(half), 1e-300)
            square += own
        if isinstance(likelihood, TwoGroups):
            level = "tau_between" if likelihood.level == "study" else "tau_within"
            upper = rng.random(count) < self.values["share"]
            shift += np.where(level in kinds, (upper - self.values["share"]) * self.values["separation"], 0.0)
        return shift, np.sqrt(square)

    def curve(self, x: Array, x0: Array, *, level: float) -> Curve:
        """Return mean and pointwise band of b(x) - b(x0)."""
        draws = self._contrasts(x, x0)
        lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return Curve(x, draws.mean(axis=0), draws.std(axis=0, ddof=1), lower, upper, level)

    def study_effects(self) -> StudyEffects:
        """Return the posterior of the study effects."""
        draws = self.study_effect
        return StudyEffects(self.problem.table.studies, draws.mean(axis=0), draws.std(axis=0, ddof=1))

    def effects(self, *, level: float) -> EffectEstimates:
        """Return the posterior of the true effect of each row."""
        draws = self.true_effect
        lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        return EffectEstimates(draws.mean(axis=0), draws.std(axis=0, ddof=1), lower, upper)

    def draws(self, count: int, *, seed: int) -> dict[str, Array]:
        """Return joint posterior draws of all parameters, picked among those sampled (repeated if they run out)."""
        rng = np.random.default_rng(seed)
        total = len(self.study_effect)
        index = rng.choice(total, size=count, replace=count > total)
        return {name: self.values[name][index] for name in self.parameters}


def chunks(count: int, size: int) -> Iterator[slice]:
    """Yield slices of `count` draws such that draws times `size` numbers stay bounded."""
    step = max(1, CHUNK // max(size, 1))
    for start in range(0, count, step):
        yield slice(start, start + step)
