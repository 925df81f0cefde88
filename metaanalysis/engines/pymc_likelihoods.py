"""What the PyMC engine can assume where the exact engine assumes normal effects and normal sampling errors.

Each departure from the normal model is a record of plain data: the priors of its own parameters with their reasons,
and the columns of the effect table that it reads. One departure per fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from metaanalysis.models.priors import Prior, gamma, half_normal, normal, uniform

SHAPE_OF_TAILS = gamma(
    2.0, 0.1, reason="From heavy tails to nearly normal ones, mean 20 (Juárez and Steel 2010); few studies say more."
)
WEIGHT = uniform(0.0, 1.0, reason="Less significant results are at most as likely to be published, by any factor.")
BASELINE = normal(0.0, 2.0, reason="Success rates of the reference arm from about 2 to 98 %.")
SHARE = uniform(0.0, 1.0, reason="Either group may be of any size.")
SEPARATION = half_normal(0.5, reason="The second group gains up to about 2.7 times as much (two sd).")


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal effects and normal sampling errors: the model of the exact engine."""

    @property
    def name(self) -> str:
        """Name of the departure."""
        return "normal"

    @property
    def priors(self) -> Mapping[str, Prior]:
        """Priors of its own parameters."""
        return {}


@dataclass(frozen=True, slots=True)
class StudentT:
    """Between-study effects follow Student's t, scaled by tau_between, so that a far-off study pulls less.

    Attributes
    ----------
    nu : Prior
        Degrees of freedom; infinity is the normal model. tau_between is then the scale, not the standard deviation.
    """

    nu: Prior = SHAPE_OF_TAILS

    @property
    def name(self) -> str:
        """Name of the departure."""
        return "student_t"

    @property
    def priors(self) -> Mapping[str, Prior]:
        """Priors of its own parameters."""
        return {"nu": self.nu}


@dataclass(frozen=True, slots=True)
class Selection:
    """Studies are published with a probability that is a step function of their p-value (Hedges 1992).

    The p-value is that of the study's own mean, its effects combined with inverse-covariance weights; a study with one
    effect has that effect's. A selected study carries all its effects. Curve and heterogeneity describe all studies,
    published or not. Up to a factor the weight of p-values below the first cutpoint is one.

    Attributes
    ----------
    cutpoints : tuple of float
        Increasing p-values at which the weight changes.
    sides : {1, 2}
        One-sided p-values (small for large positive effects) or two-sided ones.
    weights : Prior or tuple of Prior
        Prior of the weight of each later interval: one for all, or one each. Point priors fix the weights.
    """

    cutpoints: tuple[float, ...] = (0.025,)
    sides: Literal[1, 2] = 1
    weights: Prior | tuple[Prior, ...] = WEIGHT

    @property
    def name(self) -> str:
        """Name of the departure."""
        return f"selection, {'one' if self.sides == 1 else 'two'}-sided"

    @property
    def priors(self) -> Mapping[str, Prior]:
        """Priors of its own parameters: ``weight_1`` for the second interval, and so on."""
        count = len(self.cutpoints)
        each = self.weights if isinstance(self.weights, tuple) else (self.weights,) * count
        return {f"weight_{i + 1}": prior for i, prior in enumerate(each)}


@dataclass(frozen=True, slots=True)
class Binomial:
    """Success counts of two arms with a binomial likelihood; the effect is the log odds ratio.

    The log odds of the reference arm of every row are a parameter of their own; estimates and sampling variances of
    the table are not used.

    Attributes
    ----------
    events, size, reference_events, reference_size : str
        Columns of the effect table.
    baseline : Prior
        Log odds of the reference arm.
    """

    events: str = "events"
    size: str = "size"
    reference_events: str = "reference_events"
    reference_size: str = "reference_size"
    baseline: Prior = BASELINE

    @property
    def name(self) -> str:
        """Name of the departure."""
        return "binomial"

    @property
    def priors(self) -> Mapping[str, Prior]:
        """Priors of its own parameters (the reference arms' log odds apart)."""
        return {}

    @property
    def columns(self) -> tuple[str, str, str, str]:
        """Columns read: events and size of the treated arm, then of the reference arm."""
        return (self.events, self.size, self.reference_events, self.reference_size)


@dataclass(frozen=True, slots=True)
class LatentExposure:
    """Exposures are known up to their plausible range only, which is integrated over.

    Arms of one study with the same exposure and the same range are taken to be the same arm.

    Attributes
    ----------
    distribution : {"triangular", "uniform"}
        Over the range, with its peak at the coded value; or equally plausible everywhere.
    low, high, reference_low, reference_high : str
        Columns of the effect table with the ranges of both arms; a missing range makes the exposure known.
    """

    distribution: Literal["triangular", "uniform"] = "triangular"
    low: str = "x_low"
    high: str = "x_high"
    reference_low: str = "x0_low"
    reference_high: str = "x0_high"

    @property
    def name(self) -> str:
        """Name of the departure."""
        return f"latent exposure, {self.distribution}"

    @property
    def priors(self) -> Mapping[str, Prior]:
        """Priors of its own parameters (the exposures apart)."""
        return {}


@dataclass(frozen=True, slots=True)
class TwoGroups:
    """Studies, or effects (persons, say), come from two groups, one of which gains more than the other.

    The curve remains the average over both groups: their deviations from it are -share * separation and
    (1 - share) * separation.

    Attributes
    ----------
    level : {"study", "effect"}
        What the groups are made of; for effects their sampling errors must be independent.
    share : Prior
        Share of the group that gains more.
    separation : Prior
        Difference between the means of the groups, not negative.
    """

    level: Literal["study", "effect"] = "study"
    share: Prior = SHARE
    separation: Prior = SEPARATION

    @property
    def name(self) -> str:
        """Name of the departure."""
        return f"two groups of {'studies' if self.level == 'study' else 'effects'}"

    @property
    def priors(self) -> Mapping[str, Prior]:
        """Priors of its own parameters."""
        return {"share": self.share, "separation": self.separation}


Likelihood = Normal | StudentT | Selection | Binomial | LatentExposure | TwoGroups
NORMAL = Normal()
