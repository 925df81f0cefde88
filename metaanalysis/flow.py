"""From the files to the analysis: how many studies and effects leave at each step, and why (after PRISMA 2020)."""

from collections import Counter
from collections.abc import Mapping, Sequence

from metaanalysis.effects.selection import REASONS, LeftOut
from metaanalysis.effects.table import EffectTable
from metaanalysis.studies.schema import Study
from metaanalysis.studies.vocabulary import MEANINGS

ORDER = tuple(REASONS)


def flow_rows(
    studies: Mapping[str, Study], table: EffectTable, left_out: Sequence[LeftOut]
) -> list[dict[str, str | int]]:
    """Return the flow as rows: a total at each step, after the reasons for leaving on the way to it.

    A study leaves where its effect that came furthest left.

    Parameters
    ----------
    studies : mapping of str to Study
        The whole dataset.
    table : EffectTable
        The effects analysed.
    left_out : sequence of LeftOut
        Every effect that is not in the table.
    """
    excluded = {key for key, study in studies.items() if study.excluded}
    sizes = {key: len(study.effects) for key, study in studies.items()}
    rows = [_row("identified", "", len(studies), sum(sizes.values()))]
    categories: Counter[str] = Counter(s.excluded.category for s in studies.values() if s.excluded)
    for category, count in categories.most_common():
        inside = [key for key in excluded if _category(studies[key]) == category]
        rows.append(_row("excluded", MEANINGS["exclusion"][category], count, sum(sizes[key] for key in inside)))
    included = len(studies) - len(excluded)
    rows.append(_row("included", "", included, sum(n for key, n in sizes.items() if key not in excluded)))
    rows += _leaving(table, [left for left in left_out if left.study not in excluded])
    rows.append(_row("analysed", "", len(table.studies), len(table)))
    return rows


def _leaving(table: EffectTable, left_out: Sequence[LeftOut]) -> list[dict[str, str | int]]:
    """Return one row for each reason for leaving between inclusion and analysis, the commonest first."""
    analysed = set(table.study)
    effects = Counter(left.reason for left in left_out if left.effect)
    furthest: dict[str, str] = {}
    for left in left_out:
        if left.study not in analysed:
            before = furthest.get(left.study, ORDER[0])
            furthest[left.study] = max(before, left.reason, key=ORDER.index)
    studies = Counter(furthest.values())
    reasons = sorted(set(effects) | set(studies), key=lambda reason: (-studies[reason], -effects[reason]))
    return [_row("left out", REASONS[reason], studies[reason], effects[reason]) for reason in reasons]


def _category(study: Study) -> str:
    return study.excluded.category if study.excluded else ""


def _row(step: str, reason: str, studies: int, effects: int) -> dict[str, str | int]:
    return {"step": step, "reason": reason, "studies": studies, "effects": effects}
