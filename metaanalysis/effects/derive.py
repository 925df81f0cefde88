"""From one printed effect to a `DerivedEffect`."""

from math import isfinite

from metaanalysis.effects.choose import choose
from metaanalysis.effects.derived import DerivedEffect, Route, SeRoute
from metaanalysis.effects.measures import measure as find
from metaanalysis.effects.measures.log_ratio import reading
from metaanalysis.effects.printed import slack
from metaanalysis.errors import bad
from metaanalysis.studies.schema import Effect, Printed


def derive(
    study_key: str, effect: Effect, measure: str = "log_ratio", *, se_route: SeRoute = "default"
) -> DerivedEffect:
    """Return an effect on the scale of a measure, positive where the treated arm did better.

    Parameters
    ----------
    study_key : str
        Key of the study.
    effect : Effect
        The effect as printed; any valid record is accepted, and one that cannot be derived says why.
    measure : str
        Name of a measure that is read from printed records.
    se_route : {"default", "interval", "p", "bound"}
        Which standard error is wanted, see `metaanalysis.effects.choose.choose`.

    Returns
    -------
    DerivedEffect
        With `y` and `se` None, and a reason, where not derivable.

    Raises
    ------
    InputError
        If the measure does not exist or is not read from printed records.
    """
    rule = find(measure)
    if rule.routes is None:
        raise bad("measure", measure, "it is not read from printed records", "Choose log_ratio or log_odds_ratio.")
    raw = _representable(rule.routes(effect))
    if isinstance(raw, str):
        return DerivedEffect(study_key, effect.id, measure, None, None, "", (), (), raw, f"Not derivable: {raw}.")
    printed = effect.printed
    taken, compared = choose(
        raw,
        p=printed.p,
        own_scale=printed.scale == "log_points" and measure == "log_ratio",
        rounding=_rounding(printed, measure),
        se_route=se_route,
    )
    signed = tuple(route.reversed() if effect.better == "lower" else route for route in raw)
    chosen = signed[raw.index(taken)]
    flags = tuple(sorted({*chosen.flags, *compared, *_source_flags(printed)}))
    reason = "" if chosen.se is not None else _why_no_error(signed, flags)
    sentence = _sentence(chosen, signed, turned=effect.better == "lower", reason=reason)
    return DerivedEffect(
        study_key, effect.id, measure, chosen.y, chosen.se, chosen.name, signed, flags, reason, sentence
    )


def _representable(routes: tuple[Route, ...] | str) -> tuple[Route, ...] | str:
    """Return the routes whose numbers are finite and whose standard error, if any, is positive."""
    if isinstance(routes, str):
        return routes
    sound = tuple(r for r in routes if isfinite(r.y) and (r.se is None or (isfinite(r.se) and r.se > 0)))
    return sound or "the printed numbers are too large or too small to compute with"


def _rounding(printed: Printed, measure: str) -> float:
    """Return half a printed unit of the estimate on the measure's scale, 0 where the scale is another one."""
    read = reading(printed)
    if measure != "log_ratio" or isinstance(read, str) or printed.estimate is None:
        return 0.0
    return slack(read, printed.estimate) if read.value(printed.estimate) is not None else 0.0


def _source_flags(printed: Printed) -> tuple[str, ...]:
    """Return the flags the record itself carries."""
    return tuple(name for name in ("approximate", "digitised") if getattr(printed, name))


def _why_no_error(routes: tuple[Route, ...], flags: tuple[str, ...]) -> str:
    """Return why there is an estimate but no standard error."""
    if any(route.kind == "bound" for route in routes):
        return "only an upper bound of p is printed, so the standard error is known only to be smaller"
    if "p_imprecise" in flags:
        return "p is printed too coarsely, or is too near 1, to give a standard error"
    return "no standard error, interval, p-value, or data of the arms is printed"


def _sentence(chosen: Route, routes: tuple[Route, ...], *, turned: bool, reason: str) -> str:
    """Return the derivation in words."""
    sign = ", sign turned because less is better" if turned else ""
    error = f" (SE {chosen.se:.3f})" if chosen.se is not None else ""
    others = [r for r in routes if r is not chosen and r.se is not None]
    rivals = "; ".join(f"{r.name} {r.y:.3f} (SE {r.se:.3f})" for r in others)
    tail = f" Other routes: {rivals}." if rivals else ""
    why = f" No standard error: {reason}." if reason else ""
    return f"{chosen.y:.3f}{error}: {chosen.how}{sign}.{why}{tail}"
