"""The printed numbers of an effect as one line of text, as a reader would quote them."""

from metaanalysis.studies.schema import Printed

MINUS = "\N{MINUS SIGN}"
UNITS = {
    "percent_change": " %",
    "percent": " %",
    "log_points": " log points",
    "standardised": " SD",
    "proportion": "",
    "ratio": " (ratio)",
    "none": "",
}


def printed_text(printed: Printed) -> str:
    """Return the estimate with whatever uncertainty, means and sizes are printed beside it."""
    parts = [part for part in (_estimate(printed), *_uncertainty(printed), *_arms(printed), _sizes(printed)) if part]
    return "; ".join(parts)


def _estimate(printed: Printed) -> str:
    if printed.estimate is None:
        return ""
    unit = UNITS.get(printed.scale, f" {printed.unit}" if printed.unit else "")
    about = "about " if printed.approximate else ""
    return f"{about}{_number(printed.estimate)}{unit}"


def _uncertainty(printed: Printed) -> list[str]:
    """Return interval, standard error and p-value."""
    parts = []
    if printed.lower is not None and printed.upper is not None:
        level = "" if printed.level == 95 else f" ({printed.level:g} %)"
        parts.append(f"[{_number(printed.lower)}, {_number(printed.upper)}]{level}")
    if printed.se is not None:
        parts.append(f"SE {_number(printed.se)}")
    if printed.p is not None:
        parts.append(f"p = {_number(printed.p)}")
    elif printed.p_below is not None:
        parts.append(f"p < {_number(printed.p_below)}")
    if printed.log_estimate is not None:
        error = f" (SE {_number(printed.log_se)})" if printed.log_se is not None else ""
        parts.append(f"{_number(printed.log_estimate)}{error} log points")
    return parts


def _arms(printed: Printed) -> list[str]:
    """Return means or medians of the arms with their errors."""
    parts = []
    for kind in ("mean", "median"):
        treated, reference = getattr(printed, f"{kind}_treated"), getattr(printed, f"{kind}_reference")
        if treated is not None and reference is not None:
            parts.append(f"{kind}s {_number(treated)} and {_number(reference)}")
        elif reference is not None:
            parts.append(f"base {_number(reference)}")
    for kind, name in (("sd", "SDs"), ("se", "SEs")):
        treated, reference = getattr(printed, f"{kind}_treated"), getattr(printed, f"{kind}_reference")
        if treated is not None and reference is not None:
            parts.append(f"{name} {_number(treated)} and {_number(reference)}")
    if printed.count is not None:
        parts.append(f"{printed.count} successes")
    if printed.count_treated is not None and printed.count_reference is not None:
        parts.append(f"{printed.count_treated} and {printed.count_reference} successes")
    return parts


def _sizes(printed: Printed) -> str:
    if printed.n_treated is not None and printed.n_reference is not None:
        return f"n = {printed.n_treated} and {printed.n_reference}"
    return f"n = {printed.n}" if printed.n is not None else ""


def _number(value: float) -> str:
    return f"{value:g}".replace("-", MINUS)
