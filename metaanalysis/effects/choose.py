"""Which route is taken, and what its rivals say of it.

The order of the routes is the measure's order of preference; the first with a standard error is taken, except that
an interval, or a standard error that had to be transformed, yields to a printed p-value it cannot reproduce. It then
gives way to the first other such route that does reproduce it, or else to the p-value itself: the authors' test was
made on their own scale, and a transformation that changes its outcome has changed the evidence. A standard error
printed on the measure's own scale, arms' data and counts are never overruled, only flagged.

Agreement means: standard errors within a factor of 0.8 to 1.25, and estimates within 0.02 + 0.1 |y|.
"""

from collections.abc import Sequence

from metaanalysis.effects.derived import Route, SeRoute
from metaanalysis.studies.uncertainty import CONVENTIONAL, from_rounded_p

SE_RATIO = 1.25
"""Standard errors further apart than this factor disagree."""

Y_ABSOLUTE = 0.02
"""Estimates may differ by this much on the measure's scale …"""

Y_RELATIVE = 0.1
"""… plus this share of the estimate."""


def choose(
    routes: Sequence[Route], *, p: float | None, own_scale: bool, rounding: float, se_route: SeRoute
) -> tuple[Route, tuple[str, ...]]:
    """Return the route taken and the flags that come from comparing it with the others.

    Parameters
    ----------
    routes : sequence of Route
        In order of preference; at least one.
    p : float or None
        The printed two-sided p-value.
    own_scale : bool
        Whether the printed scale is the measure's own.
    rounding : float
        Half a printed unit of the estimate on the measure's scale.
    se_route : {"default", "interval", "p", "bound"}
        Which standard error is wanted: by the order of preference; the interval's or the p-value's where there is
        one; or, where there is no other, the upper bound from ``p < bound``.
    """
    usable = [r for r in routes if r.se is not None and r.kind != "bound" and "p_imprecise" not in r.flags]
    bounds = [r for r in routes if r.kind == "bound"]
    if not usable:
        if se_route == "bound" and bounds:
            return bounds[0], ("se_bound_chosen",)
        extra = tuple(f for f in ("p_imprecise",) if any(f in r.flags for r in routes))
        point = next((r for r in routes if r.kind == "point"), routes[0])
        return point, extra + (("p_bound_only",) if bounds else ()) + _disagreement(point, routes, p, rounding)
    wanted = [r for r in usable if r.kind == se_route]
    taken, flags = (wanted[0], ()) if wanted else _reproducing(usable, p, own_scale, rounding)
    return taken, flags + _disagreement(taken, routes, p, rounding)


def agree(se_a: float, se_b: float) -> bool:
    """Return whether two standard errors lie within the factor `SE_RATIO`."""
    return 1 / SE_RATIO <= se_a / se_b <= SE_RATIO


def reproduces(route: Route, p: float, rounding: float) -> bool:
    """Return whether a route gives the printed p-value, allowing for rounding and the factor `SE_RATIO`.

    Of a p-value equal to a conventional bound only the upper side is believed.
    """
    assert route.se is not None
    smallest, largest = from_rounded_p(route.y, p, slack=rounding)
    return (p in CONVENTIONAL or smallest / SE_RATIO <= route.se) and route.se <= largest * SE_RATIO


def _reproducing(
    usable: Sequence[Route], p: float | None, own_scale: bool, rounding: float
) -> tuple[Route, tuple[str, ...]]:
    """Return the first route, or the one that reproduces the printed test where the first does not."""
    first = usable[0]
    by_p = next((r for r in usable if r.kind == "p"), None)
    transformed = first.kind == "interval" or (first.kind == "se" and not own_scale)
    if p is None or by_p is None or not transformed or reproduces(first, p, rounding):
        return first, ()
    rivals = [r for r in usable[1:] if r.kind in ("se", "interval") and reproduces(r, p, rounding)]
    return (rivals[0] if rivals else by_p), ("test_reproduced",)


def _disagreement(taken: Route, routes: Sequence[Route], p: float | None, rounding: float) -> tuple[str, ...]:
    """Return the flags that say how the other routes differ from the one taken."""
    flags: set[str] = set()
    intervals = [r.se for r in routes if r.kind == "interval" and r.se is not None]
    if len(intervals) > 1 and not agree(intervals[0], intervals[1]):
        flags.add("interval_scale_matters")
    for other in routes:
        if abs(other.y - taken.y) > Y_ABSOLUTE + Y_RELATIVE * abs(taken.y) + rounding:
            flags.add("routes_disagree")
        if other.se is None or taken.se is None or other.kind == "bound" or "p_imprecise" in other.flags:
            continue
        if agree(other.se, taken.se) or {other.kind, taken.kind} == {"interval"}:
            continue
        if other.kind == "p" and p is not None and reproduces(taken, p, rounding):
            continue
        flags.add("routes_disagree")
    return tuple(sorted(flags))
