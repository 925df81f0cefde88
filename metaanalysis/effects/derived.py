"""What became of one printed effect: the estimate, its standard error, and every way they could have been had."""

from dataclasses import dataclass, replace
from typing import Final, Literal

SeRoute = Literal["default", "interval", "p", "bound"]
Kind = Literal["se", "interval", "arms", "counts", "p", "curated", "bound", "point"]

FLAGS: Final[dict[str, str]] = {
    "routes_disagree": "standard errors or estimates from different printed numbers differ beyond rounding",
    "test_reproduced": "another route was overruled because only this one reproduces the printed p-value",
    "interval_scale_matters": "the interval read on the log scale and on its own scale gives different errors",
    "approximate": "the source says about, over or up to, or rounds coarsely",
    "digitised": "read off a figure",
    "base_taken_as_known": "a difference was divided by a base whose own error is ignored",
    "one_half_added": "a cell was empty, so one half was added to every cell",
    "p_bound_only": "only an upper bound of p is printed, hence only an upper bound of the standard error",
    "p_imprecise": "p is printed too coarsely, or is too near 1, to give a standard error",
    "p_may_be_bound": "the p-value equals a conventional bound, so the true one may be smaller",
    "poisson_assumed": "counts were taken as Poisson: clustering and overdispersion are ignored",
    "binomial_assumed": "shares were taken as binomial: clustering is ignored",
    "medians": "a ratio of medians stands for a ratio of means",
    "curated": "the number on the log scale is the curator's computation, not the code's",
    "delta_crude": "the standard error exceeds 0.4 of the quantity whose logarithm was taken",
    "se_bound_chosen": "the upper bound of the standard error was asked for and used",
}


@dataclass(frozen=True, slots=True)
class Route:
    """One way from printed numbers to an estimate.

    Attributes
    ----------
    name : str
        Which numbers, e.g. ``"percent_change_interval"``.
    kind : str
        What the standard error rests on; ``"point"`` where there is none.
    y : float
        Estimate on the scale of the measure.
    se : float or None
        Its standard error.
    flags : tuple of str
        Keys of `FLAGS`.
    how : str
        The computation in words.
    """

    name: str
    kind: Kind
    y: float
    se: float | None = None
    flags: tuple[str, ...] = ()
    how: str = ""

    def reversed(self) -> "Route":
        """Return the route with the opposite sign, for outcomes of which less is better."""
        return replace(self, y=0.0 - self.y)


@dataclass(frozen=True, slots=True)
class DerivedEffect:
    """One effect on the scale of a measure, positive where the treated arm did better.

    Attributes
    ----------
    study, effect : str
        Study key and effect identifier.
    measure : str
        Name of the measure.
    y, se : float or None
        Estimate and standard error; None where not derivable.
    route : str
        Name of the route taken; empty where not derivable.
    alternatives : tuple of Route
        All routes, the one taken included, in the order of preference.
    flags : tuple of str
        Keys of `FLAGS`, sorted.
    reason : str
        Why `y` or `se` is missing; empty if neither is.
    sentence : str
        The derivation in words.
    """

    study: str
    effect: str
    measure: str
    y: float | None
    se: float | None
    route: str
    alternatives: tuple[Route, ...]
    flags: tuple[str, ...]
    reason: str
    sentence: str

    @property
    def usable(self) -> bool:
        """Whether the effect has an estimate and a standard error."""
        return self.y is not None and self.se is not None
