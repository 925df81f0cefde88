"""Log productivity ratio: ln(productivity with AI / productivity without), read from whatever was printed.

Routes in order of preference, all in the raw direction of the outcome (`metaanalysis.effects.derive` turns the sign
where less is better):

1. the estimate on a relative scale (log points, percent change, ratio), or a difference with a known base, with its
   standard error, interval or p-value (`metaanalysis.effects.printed`);
2. both arms' means with their standard errors or standard deviations (log response ratio, delta method, Hedges,
   Gurevitch & Curtis 1999, eq. 1), before the p-value where it gives the printed estimate, after it where it does
   not, because then the printed estimate is an adjusted one;
3. counts of both arms: finished work in ``n`` units (Poisson), or successes among ``n`` (binomial);
4. the curator's own computation on the log scale;
5. means or medians alone, which give an estimate without a standard error.

References
----------
Hedges, Gurevitch & Curtis (1999), Ecology 80(4), 1150-1156, doi:10.1890/0012-9658(1999)080[1150:TMAORR]2.0.CO;2.
"""

from math import hypot, log, sqrt

from metaanalysis.effects.choose import Y_ABSOLUTE, Y_RELATIVE
from metaanalysis.effects.derived import Route
from metaanalysis.effects.measure import Measure
from metaanalysis.effects.printed import DELTA_CRUDE, Reading, printed_routes
from metaanalysis.studies.agreement import is_odds_ratio
from metaanalysis.studies.schema import Effect, Printed


def _log(value: float) -> float | None:
    """Return the logarithm, or None where there is none."""
    return log(value) if value > 0 else None


def reading(printed: Printed) -> Reading | str:
    """Return how the printed scale is read as a log ratio, or why it cannot be.

    Parameters
    ----------
    printed : Printed
        The numbers as printed.
    """
    base = printed.mean_reference
    match printed.scale:
        case "log_points":
            return Reading("log_points", lambda v: v, lambda v: 1.0, "log points as printed", same=True)
        case "percent_change":
            return Reading(
                "percent_change", lambda v: _log(1 + v / 100), lambda v: 1 / (100 + v), "ln(1 + percent / 100)"
            )
        case "ratio" if is_odds_ratio(printed):
            return "an odds ratio is not a ratio of productivities"
        case "ratio":
            return Reading("ratio", _log, lambda v: 1 / v, "ln(ratio)")
        case "difference" | "proportion" | "percent" if base is not None and base > 0:
            if printed.scale != "difference" and not _is_difference(printed):
                return "the share printed is a level, not a difference from the base"
            return Reading(
                "difference",
                lambda v: log(base + v) - log(base) if base + v > 0 else None,
                lambda v: 1 / (base + v),
                f"ln((b + d) / b) with the base b = {base:g} taken as known",
                flags=("base_taken_as_known",),
            )
        case "difference" | "proportion" | "percent":
            return "a difference without a positive base has no ratio"
        case _:
            return f"the scale '{printed.scale}' has no ratio"


def _is_difference(printed: Printed) -> bool:
    """Return whether a share is a difference of shares: the treated arm's share, where printed, decides."""
    if printed.mean_treated is None or printed.mean_reference is None or printed.estimate is None:
        return True
    as_difference = abs(printed.mean_treated - printed.mean_reference - printed.estimate)
    return as_difference < abs(printed.mean_treated - printed.estimate)


def routes(effect: Effect) -> tuple[Route, ...] | str:
    """Return the routes to the log ratio in order of preference, raw direction, or why there is none.

    Parameters
    ----------
    effect : Effect
        The effect as printed.
    """
    printed = effect.printed
    read = reading(printed)
    direct = () if isinstance(read, str) else printed_routes(printed, read)
    arms = means_routes(printed)
    before = [r for r in direct if r.kind in ("se", "interval")]
    rest = [r for r in direct if r.kind not in ("se", "interval", "point", "bound")]
    with_se = [r for r in arms if r.se is not None]
    reproduces = bool(direct) and bool(with_se) and _same(direct[0].y, with_se[0].y)
    middle = [*with_se, *rest] if reproduces or not direct else [*rest, *with_se]
    last = [r for r in direct if r.kind in ("bound", "point")] + [r for r in arms if r.se is None]
    found = (*before, *middle, *count_routes(printed), *curated_routes(printed, direct), *last)
    if found:
        return found
    if not isinstance(read, str):
        return (
            "no estimate was printed"
            if printed.estimate is None
            else f"the printed value {printed.estimate:g} is impossible on the scale '{printed.scale}'"
        )
    return read


def _same(y: float, other: float) -> bool:
    """Return whether two estimates agree as `choose` understands it."""
    return abs(y - other) <= Y_ABSOLUTE + Y_RELATIVE * abs(y)


def means_routes(printed: Printed) -> tuple[Route, ...]:
    """Return the routes from both arms' means and from their medians.

    Parameters
    ----------
    printed : Printed
        The numbers as printed: means, with standard errors, or standard deviations and sizes.
    """
    found = []
    treated, reference = printed.mean_treated, printed.mean_reference
    if treated is not None and reference is not None and treated > 0 and reference > 0:
        y = log(treated) - log(reference)
        words = f"ln({treated:g} / {reference:g})"
        relative = [
            _relative_error(treated, printed.se_treated, printed.sd_treated, printed.n_treated),
            _relative_error(reference, printed.se_reference, printed.sd_reference, printed.n_reference),
        ]
        if relative[0] is not None and relative[1] is not None:
            crude = ("delta_crude",) if max(relative[0], relative[1]) > DELTA_CRUDE else ()
            how = f"{words}; both arms' standard errors by the delta method"
            found.append(Route("means", "arms", y, hypot(relative[0], relative[1]), crude, how))
        else:
            found.append(Route("means_estimate", "point", y, None, (), words))
    if (
        printed.median_treated is not None
        and printed.median_reference is not None
        and printed.median_treated > 0
        and printed.median_reference > 0
    ):
        y = log(printed.median_treated) - log(printed.median_reference)
        words = f"ln({printed.median_treated:g} / {printed.median_reference:g}), medians"
        found.append(Route("medians_estimate", "point", y, None, ("medians",), words))
    return tuple(found)


def _relative_error(mean: float, se: float | None, sd: float | None, n: int | None) -> float | None:
    """Return the relative standard error of a mean."""
    if se is not None:
        return se / mean
    return sd / sqrt(n) / mean if sd is not None and n else None


def count_routes(printed: Printed) -> tuple[Route, ...]:
    """Return the route from both arms' counts.

    Counts of a share are successes among `n` units (binomial, log risk ratio); other counts are finished pieces of
    work by `n` units or in `n` units of time (Poisson, log rate ratio), equal exposure where no `n` is printed.

    Parameters
    ----------
    printed : Printed
        The numbers as printed.
    """
    treated, reference = printed.count_treated, printed.count_reference
    if treated is None or reference is None:
        return ()
    n1, n0 = printed.n_treated, printed.n_reference
    binomial = printed.scale in ("proportion", "percent")
    if binomial and not (n1 and n0 and treated <= n1 and reference <= n0):
        return ()
    half = 0.5 if treated == 0 or reference == 0 else 0.0
    share = 2 * half if binomial else 0.0
    a, c = treated + half, reference + half
    size1, size0 = (n1 + share, n0 + share) if n1 and n0 else (1.0, 1.0)
    variance = 1 / a + 1 / c - (1 / size1 + 1 / size0 if binomial else 0.0)
    if variance <= 0:
        return ()
    flags = ("binomial_assumed" if binomial else "poisson_assumed", *(("one_half_added",) if half else ()))
    words = f"ln of the ratio of {treated} in {n1 or 'equal'} to {reference} in {n0 or 'equal'}"
    return (Route("counts", "counts", log((a / size1) / (c / size0)), sqrt(variance), flags, words),)


def curated_routes(printed: Printed, direct: tuple[Route, ...]) -> tuple[Route, ...]:
    """Return the route from the curator's own numbers on the log scale.

    Parameters
    ----------
    printed : Printed
        The numbers; `log_estimate` is used where given, else the estimate of the first of `direct`.
    direct : tuple of Route
        Routes from the printed estimate.
    """
    y = printed.log_estimate if printed.log_estimate is not None else (direct[0].y if direct else None)
    if y is None or (printed.log_estimate is None and printed.log_se is None):
        return ()
    if printed.log_se is None:
        return (Route("curated_estimate", "point", y, None, ("curated",), "log ratio worked by the curator"),)
    how = "log ratio and standard error worked by the curator"
    return (Route("curated", "curated", y, printed.log_se, ("curated",), how),)


MEASURE = Measure("log_ratio", "log productivity ratio", routes=routes, back="exp", code="ROM")
