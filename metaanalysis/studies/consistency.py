"""Whether the printed numbers of a study contradict each other.

*Wrong* is what cannot be: an estimate outside its interval, a share above one. *Suspicious* has an innocent
explanation now and then; a curator who finds it writes ``accepted = { rule = "reason" }`` into the effect, or into
the study for all its effects, which silences the rule there. An acceptance that silences nothing is itself
reported, so that none outlives its cause. Of excluded studies, which enter no model, only what is wrong is reported.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from metaanalysis.studies.agreement import disagreements
from metaanalysis.studies.schema import Effect, Printed, Study
from metaanalysis.studies.uncertainty import CONVENTIONAL, half_unit

Severity = Literal["wrong", "suspicious"]

RULES: Final[dict[str, str]] = {
    "duplicate_id": "two effects of a study have one identifier",
    "duplicate_primary": "two primary effects stand for one sample, family and comparison",
    "overlapping_primaries": "primary effects of one family and comparison have samples that overlap",
    "no_primary": "no effect of an included study is primary",
    "primary_empty": "a primary effect has no number",
    "interval_order": "the interval's lower end is above its upper end",
    "outside_interval": "the estimate lies outside its interval",
    "level": "the interval's coverage is given as a fraction",
    "impossible_percent": "a percent change is below -100",
    "impossible_share": "a share is outside 0-1 or 0-100",
    "impossible_ratio": "a ratio is not positive",
    "count_above_n": "there are more successes than units",
    "count_share": "the share printed is not the count divided by the units",
    "sizes": "an arm has more units than the study has participants",
    "no_unit": "a difference has no unit",
    "sign_of_means": "the estimate and the arms' means point in opposite directions",
    "means_estimate": "the estimate and the arms' means differ by more than rounding and adjustment",
    "se_interval": "standard error and interval disagree on any scale",
    "se_p": "standard error and p-value disagree",
    "interval_p": "interval and p-value disagree on any scale",
    "p_bound": "the p-value equals a conventional bound",
    "p_twice": "both a p-value and a bound of it are given",
    "curated": "the curator's log ratio or its standard error does not follow from the printed numbers",
    "direction": "the direction called better does not fit the outcome",
    "accepted": "an acceptance names no rule, or silences nothing",
}
"""Rules by name."""

LESS_IS_BETTER: Final = re.compile(r"\b(time|duration|latency|minutes|seconds)\b", re.IGNORECASE)
RATE: Final = re.compile(r"\b(per|saved?|savings?|freed|share|overtime|real-time|part-time|on time|reduction)\b", re.I)
MORE_IS_BETTER: Final = re.compile(r"\b(throughput|completed|resolved|finished|merged|delivered)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or suspicious in the dataset.

    Attributes
    ----------
    severity : {"wrong", "suspicious"}
        Whether it cannot be right, or only rarely is.
    where : str
        The file.
    field : str
        The field inside it.
    problem : str
        What is the matter, in one sentence without a full stop.
    remedy : str
        What to do.
    rule : str
        Name of the rule, by which a curator may accept it.
    """

    severity: Severity
    where: str
    field: str
    problem: str
    remedy: str
    rule: str

    def __str__(self) -> str:
        place = f"{self.where}: {self.field}" if self.field else self.where
        return f"{self.severity}: {place}: {self.problem}. {self.remedy} [{self.rule}]"


Raw = tuple[Severity, str, str, str, str]
"""Severity, rule, field below the effect, problem, remedy."""


def check_study(study: Study, where: str) -> list[Finding]:
    """Return what is wrong or suspicious in one study, without what its curator accepted.

    Parameters
    ----------
    study : Study
        The study.
    where : str
        Its file, for the messages.
    """
    whole = list(_study_rules(study))
    broken = {raw[1] for raw in whole}
    findings = [_finding(where, "effects", raw) for raw in whole if raw[1] not in study.accepted]
    for effect in study.effects:
        place = f"effects[{effect.id}]"
        raws = list(_effect_rules(study, effect))
        broken |= {raw[1] for raw in raws}
        silenced = effect.accepted.keys() | study.accepted.keys()
        findings += [_finding(where, place, raw) for raw in raws if raw[1] not in silenced]
        findings += [_finding(where, place, raw) for raw in _idle(effect.accepted, {raw[1] for raw in raws})]
    findings += [_finding(where, "", raw) for raw in _idle(study.accepted, broken)]
    return [finding for finding in findings if finding.severity == "wrong" or study.excluded is None]


def _finding(where: str, place: str, raw: Raw) -> Finding:
    """Return a finding at its place."""
    severity, rule, field, problem, remedy = raw
    return Finding(severity, where, ".".join(part for part in (place, field) if part), problem, remedy, rule)


def _idle(accepted: Mapping[str, str], broken: set[str]) -> Iterator[Raw]:
    """Report acceptances of rules of this file that silence nothing."""
    for rule in accepted:
        if rule in RULES and rule not in broken | {"overlapping_primaries"}:
            yield "wrong", "accepted", f"accepted.{rule}", "the rule is not broken here", "Remove the acceptance."


def overlap(a: str, b: str) -> bool:
    """Return whether two samples of one study share people: equal, or one a part of the other by its name."""
    return a == b or a.startswith(f"{b}_") or b.startswith(f"{a}_")


def _study_rules(study: Study) -> Iterator[Raw]:
    """Apply the rules on identifiers and primaries."""
    for identifier, times in Counter(effect.id for effect in study.effects).items():
        if times > 1:
            yield "wrong", "duplicate_id", "", f"the identifier {identifier!r} is used {times} times", "Rename one."
    primaries = [effect for effect in study.effects if effect.role == "primary"]
    if study.excluded is None and study.effects and not primaries:
        remedy = "Make one effect for each independent sample primary, or exclude the study with a reason."
        yield "suspicious", "no_primary", "", "no effect is primary", remedy
    for i, one in enumerate(primaries):
        for two in primaries[i + 1 :]:
            if (one.family, one.comparison) != (two.family, two.comparison) or not overlap(one.sample, two.sample):
                continue
            names = f"{one.id} and {two.id}"
            if one.sample == two.sample:
                problem = f"{names} are both primary for the sample {one.sample!r}, family and comparison"
                yield "wrong", "duplicate_primary", "", problem, "Make one of them secondary."
            elif not {"overlapping_primaries"} & (one.accepted.keys() | two.accepted.keys()):
                problem = f"{names} are both primary and their samples {one.sample!r} and {two.sample!r} overlap"
                yield "suspicious", "overlapping_primaries", "", problem, "Make the part a subgroup."


def _effect_rules(study: Study, effect: Effect) -> Iterator[Raw]:
    """Apply all rules on one effect."""
    printed = effect.printed
    yield from _interval(printed)
    yield from _range_of_scale(printed)
    yield from _counts(effect)
    yield from _against_study(study, effect)
    yield from _p_values(printed)
    for rule, problem, factor in disagreements(printed):
        severity: Severity = "wrong" if factor > 2 and rule != "curated" else "suspicious"
        remedy = "Look at the source again: digits, scale (log or linear), coverage, clustering, direction."
        yield severity, rule, "printed", problem, remedy
    yield from _direction(effect)


def _interval(printed: Printed) -> Iterator[Raw]:
    """Apply the rules on an interval alone."""
    low, high, estimate = printed.lower, printed.upper, printed.estimate
    if printed.level < 1:
        yield "wrong", "level", "printed.level", f"{printed.level:g} is a fraction", "Write percent, such as 95."
    if low is not None and high is not None and low > high:
        yield "wrong", "interval_order", "printed", f"lower {low:g} is above upper {high:g}", "Swap them."
    elif estimate is not None:
        below = low is not None and estimate + half_unit(estimate) < low - half_unit(low)
        above = high is not None and estimate - half_unit(estimate) > high + half_unit(high)
        if below or above:
            end = f"{low:g} to {high:g}" if low is not None and high is not None else f"{low if below else high:g}"
            problem = f"the estimate {estimate:g} lies outside its interval {end}"
            yield "wrong", "outside_interval", "printed", problem, "Check sign, scale and digits of all three."
    if printed.range_low is not None and printed.range_high is not None and printed.range_low > printed.range_high:
        problem = f"range_low {printed.range_low:g} is above range_high {printed.range_high:g}"
        yield "wrong", "interval_order", "printed", problem, "Swap them."


def _range_of_scale(printed: Printed) -> Iterator[Raw]:
    """Apply the rules on values that cannot be."""
    three = {"estimate": printed.estimate, "lower": printed.lower, "upper": printed.upper}
    given = {name: value for name, value in three.items() if value is not None}
    means = {"mean_treated": printed.mean_treated, "mean_reference": printed.mean_reference}
    if printed.scale == "percent_change":
        for name, value in given.items():
            if value < -100:
                severity: Severity = "suspicious" if name == "lower" else "wrong"
                problem = f"{value:g} percent is a fall by more than everything"
                yield severity, "impossible_percent", f"printed.{name}", problem, "Check the scale and the sign."
    if printed.scale == "ratio":
        for name, value in given.items():
            if value <= 0:
                problem = f"{value:g} is no ratio"
                yield "wrong", "impossible_ratio", f"printed.{name}", problem, "Is it a difference or log points?"
    if printed.scale in ("proportion", "percent"):
        whole = 1.0 if printed.scale == "proportion" else 100.0
        for name, value in given.items():
            if name == "estimate" and abs(value) > whole:
                problem = f"{value:g} is no {printed.scale}"
                yield "wrong", "impossible_share", f"printed.{name}", problem, "Is the scale another one?"
        for name, mean in means.items():
            if mean is not None and not 0 <= mean <= whole:
                problem = f"{mean:g} is no {printed.scale}"
                yield "wrong", "impossible_share", f"printed.{name}", problem, "Is the scale another one?"


def _counts(effect: Effect) -> Iterator[Raw]:
    """Apply the rules on counts and shares."""
    printed = effect.printed
    share = printed.scale in ("proportion", "percent") or effect.family == "success_rate"
    for count, n, name in (
        (printed.count, printed.n, "count"),
        (printed.count_treated, printed.n_treated, "count_treated"),
        (printed.count_reference, printed.n_reference, "count_reference"),
    ):
        if share and count is not None and n is not None and count > n:
            problem = f"{count} of {n} is impossible"
            yield "wrong", "count_above_n", f"printed.{name}", problem, "Check both numbers."
    whole = {"proportion": 1.0, "percent": 100.0}.get(printed.scale)
    if whole and printed.count is not None and printed.n and printed.estimate is not None:
        expected = whole * printed.count / printed.n
        if abs(expected - printed.estimate) > 1.01 * half_unit(printed.estimate):
            nearest = round(printed.estimate * printed.n / whole) == printed.count
            problem = f"{printed.count} of {printed.n} is {expected:.4g}, not {printed.estimate:g}"
            remedy = "Check count, units and share."
            yield "suspicious" if nearest else "wrong", "count_share", "printed", problem, remedy


def _against_study(study: Study, effect: Effect) -> Iterator[Raw]:
    """Apply the rules that compare an effect with its study or its role, or need the unit."""
    printed = effect.printed
    n1, n0, total = printed.n_treated, printed.n_reference, study.participants.n
    if n1 is not None and n0 is not None and total is not None and max(n1, n0) > total:
        problem = f"the arms have {n1} and {n0} units, the study {total} participants"
        yield "suspicious", "sizes", "printed", problem, "If the units differ (tasks, not people), accept it saying so."
    if printed.scale == "difference" and printed.unit is None and printed.estimate is not None:
        yield "suspicious", "no_unit", "printed.unit", "a difference has no unit", "Name the unit as printed."
    if effect.role == "primary" and printed.estimate is None and printed.log_estimate is None:
        others = (printed.mean_treated, printed.median_treated, printed.count_treated, printed.range_low)
        if all(value is None for value in others) and effect.unusable is None:
            problem = "a primary effect has no number"
            yield "suspicious", "primary_empty", "printed", problem, "Choose another primary, or say unusable = why."


def _p_values(printed: Printed) -> Iterator[Raw]:
    """Apply the rules on the p-value alone."""
    if printed.p is not None and printed.p_below is not None:
        yield "suspicious", "p_twice", "printed", "both p and p_below are given", "Keep the more precise one."
    if printed.p in CONVENTIONAL:
        problem = f"p = {printed.p:g} looks like the bound p < {printed.p:g}"
        yield "suspicious", "p_bound", "printed.p", problem, "Write p_below if so, else accept it saying it is exact."


def _direction(effect: Effect) -> Iterator[Raw]:
    """Compare the direction called better with the words of the outcome; productivity only."""
    if effect.family != "productivity":
        return
    text = effect.outcome
    if effect.better == "higher" and LESS_IS_BETTER.search(text) and not RATE.search(text):
        problem = f"higher is called better of {text!r}"
        yield "suspicious", "direction", "better", problem, "Of times, lower is better."
    if effect.better == "lower" and MORE_IS_BETTER.search(text) and not LESS_IS_BETTER.search(text):
        problem = f"lower is called better of {text!r}"
        yield "suspicious", "direction", "better", problem, "Of finished work, higher is better."
