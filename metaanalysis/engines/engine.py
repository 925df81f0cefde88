"""What every engine offers and what every fit can be asked, whoever made it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metaanalysis.effects.table import EffectTable
from metaanalysis.models.model import Model
from metaanalysis.number import Number

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Support:
    """Whether an engine can fit a model to a table.

    Attributes
    ----------
    ok : bool
        Yes or no.
    reason : str
        Why not; empty if it can.
    remedy : str
        What to do about it; empty if it can.
    """

    ok: bool
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class EngineRecord:
    """Which engine made a fit, and how.

    Attributes
    ----------
    name, version : str
        Engine and its version.
    settings : mapping
        Settings, plain data.
    nodes : int
        Quadrature nodes (or posterior draws) kept.
    seconds : float
        Wall time.
    """

    name: str
    version: str
    settings: Mapping[str, float | int | str]
    nodes: int
    seconds: float


class Marginal(Protocol):
    """The posterior distribution of one quantity."""

    @property
    def mean(self) -> float:
        """Posterior mean."""

    @property
    def sd(self) -> float:
        """Posterior standard deviation."""

    @property
    def error(self) -> float:
        """Bound on, or standard error of, the numerical error of a probability."""

    def probability_below(self, value: ArrayLike) -> Array:
        """Return the posterior probability of a value at or below `value`."""

    def quantile(self, p: ArrayLike) -> Array:
        """Return posterior quantiles."""

    def density(self, value: ArrayLike) -> Array:
        """Return the posterior density."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A curve with a pointwise band.

    Attributes
    ----------
    x : (G,) array
        Exposures.
    mean, sd, lower, upper : (G,) array
        Posterior mean, standard deviation, and ends of the pointwise credible interval.
    level : float
        Probability of the interval.
    """

    x: Array
    mean: Array
    sd: Array
    lower: Array
    upper: Array
    level: float


@dataclass(frozen=True, slots=True, eq=False)
class StudyEffects:
    """How far the true effects of each study lie from the curve.

    Attributes
    ----------
    study : tuple of str
        Study keys.
    mean, sd : (S,) array
        Posterior mean and standard deviation of the study's random effect.
    """

    study: tuple[str, ...]
    mean: Array
    sd: Array


@dataclass(frozen=True, slots=True, eq=False)
class EffectEstimates:
    """Shrunken estimates of the true effect of each row.

    Attributes
    ----------
    mean, sd, lower, upper : (K,) array
        Posterior mean, standard deviation, and ends of the credible interval.
    """

    mean: Array
    sd: Array
    lower: Array
    upper: Array


class Posterior(Protocol):
    """What an engine knows after fitting; `Fit` passes the questions on."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all parameters: coefficients, shape parameters, heterogeneity."""

    def marginal(self, name: str) -> Marginal:
        """Return the posterior of one parameter."""

    def contrast(self, x: Array, x0: Array, *, variance: Sequence[str] = ()) -> Sequence[Marginal]:
        """Return the posterior of b(x) - b(x0) at each pair, random effects of the named kinds added."""

    def curve(self, x: Array, x0: Array, *, level: float) -> Curve:
        """Return mean and pointwise band of b(x) - b(x0)."""

    def study_effects(self) -> StudyEffects:
        """Return the posterior of the study effects."""

    def effects(self, *, level: float) -> EffectEstimates:
        """Return the posterior of the true effect of each row."""

    def draws(self, count: int, *, seed: int) -> dict[str, Array]:
        """Return joint posterior draws of all parameters."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A model fitted to a table.

    Attributes
    ----------
    model : Model
        The model.
    table : EffectTable
        The table.
    log_evidence : Number or None
        Log marginal likelihood with its numerical error; None if a prior is improper or the engine has none.
    posterior : Posterior
        The posterior distribution.
    record : EngineRecord
        Engine, settings, time.
    diagnostics : mapping of str to float
        Engine-specific checks.
    """

    model: Model
    table: EffectTable
    log_evidence: Number | None
    posterior: Posterior
    record: EngineRecord
    diagnostics: Mapping[str, float] = field(default_factory=dict)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of all parameters: coefficients, shape parameters, heterogeneity."""
        return self.posterior.parameters

    def marginal(self, name: str) -> Marginal:
        """Return the posterior of one parameter.

        Raises
        ------
        InputError
            If the model has no such parameter.
        """
        return self.posterior.marginal(name)

    @property
    def jump(self) -> Marginal | None:
        """The posterior of the jump at the threshold; None for continuous models."""
        name = self.model.mean.jump
        return None if name is None else self.posterior.marginal(name)

    def contrast(self, x: ArrayLike, *, x0: ArrayLike | None = None) -> Sequence[Marginal]:
        """Return the posterior of the mean effect at exposures `x` against reference exposures `x0` (no AI)."""
        return self.posterior.contrast(*_pairs(x, x0))

    def curve(self, x: ArrayLike, *, x0: ArrayLike | None = None, level: float = 0.95) -> Curve:
        """Return the curve at exposures `x` against reference exposures `x0` (default no AI) with its band."""
        return self.posterior.curve(*_pairs(x, x0), level=level)

    def predictive(self, x: ArrayLike, *, x0: ArrayLike | None = None, within: bool = True) -> Sequence[Marginal]:
        """Return the distribution of the true effect of a new study at exposures `x`.

        Parameters
        ----------
        x, x0 : (G,) array_like
            Exposures of its treated and reference arms; by default the reference is unexposed.
        within : bool
            Whether the effect is one effect of the study (its within-study variation included) or the study's mean.
        """
        kinds = ("tau_between", "tau_sample", "tau_within") if within else ("tau_between",)
        return self.posterior.contrast(*_pairs(x, x0), variance=kinds)

    def study_effects(self) -> StudyEffects:
        """Return the posterior of each study's random effect."""
        return self.posterior.study_effects()

    def effects(self, *, level: float = 0.95) -> EffectEstimates:
        """Return the posterior of the true effect of each row (shrunken estimates)."""
        return self.posterior.effects(level=level)

    def draws(self, count: int, *, seed: int) -> dict[str, Array]:
        """Return joint posterior draws of all parameters."""
        return self.posterior.draws(count, seed=seed)

    def threshold_gaps(self) -> list[dict[str, float | bool]]:
        """Return prior and posterior probability of the threshold in each gap between observed exposures.

        Returns
        -------
        list of dict
            ``low``, ``high``, ``probability``, ``prior``, ``beyond`` (outside the observed exposures); empty for
            models without a free threshold.
        """
        prior = self.model.shapes.get("threshold")
        if prior is None or prior.fixed:
            return []
        exposures = observed_exposures(self.table)
        low, high = prior.support
        ends = np.concatenate([[low], exposures[(exposures > low) & (exposures < high)], [high]])
        posterior = np.diff(self.posterior.marginal("threshold").probability_below(ends))
        before = np.diff(prior.cdf(ends))
        return [
            {
                "low": float(ends[i]),
                "high": float(ends[i + 1]),
                "probability": float(posterior[i]),
                "prior": float(before[i]),
                "beyond": bool(ends[i] >= exposures[-1] or ends[i + 1] <= exposures[0]),
            }
            for i in range(len(posterior))
        ]

    def threshold_beyond(self) -> float | None:
        """Return the probability that the threshold lies outside the observed exposures; None without threshold."""
        gaps = self.threshold_gaps()
        return sum(float(gap["probability"]) for gap in gaps if gap["beyond"]) if gaps else None


def observed_exposures(table: EffectTable) -> Array:
    """Return the distinct exposures of treated and exposed reference arms, sorted."""
    exposures = np.concatenate([table.x, table.x0])
    return np.unique(exposures[np.isfinite(exposures)])


def _pairs(x: ArrayLike, x0: ArrayLike | None) -> tuple[Array, Array]:
    """Return exposures and reference exposures as arrays of one length."""
    treated = np.atleast_1d(np.asarray(x, float))
    reference = np.full(treated.shape, np.nan) if x0 is None else np.atleast_1d(np.asarray(x0, float))
    treated, reference = np.broadcast_arrays(treated, reference)
    return treated.astype(float), reference.astype(float)
