"""Which effects enter an analysis, and why each other one does not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import Field

from metaanalysis.effects.derived import FLAGS
from metaanalysis.errors import bad
from metaanalysis.studies.schema import Effect, Key, Record, Study
from metaanalysis.studies.vocabulary import Arm, Design, Domain, Family, Role, Stage, Verification

REASONS: Final[dict[str, str]] = {
    "excluded": "the study is excluded from all models",
    "no_effects": "the study has no effect",
    "study": "the study is not among those selected",
    "design": "design class not selected",
    "domain": "kind of work not selected",
    "vendor": "vendor involvement not selected, or unknown",
    "family": "outcome family not selected",
    "role": "role not selected",
    "stage": "outcome stage not selected",
    "verification": "not seen in the way asked for",
    "arm": "the arms' use of AI is not the one selected, or the treated arm used no AI",
    "effect": "the effect is not among those selected",
    "unusable": "marked as unusable in models",
    "not_derivable": "no estimate on the scale of the measure",
    "no_uncertainty": "an estimate without a usable standard error",
    "flag": "carries a flag that is not wanted",
    "no_exposure": "an arm has no value on the exposure axis",
}


class Selection(Record):
    """Which effects enter. A field left out does not restrict."""

    families: tuple[Family, ...] | None = Field(None, description="Outcome families; never pooled with one another.")
    roles: tuple[Role, ...] | None = Field(None, description="Roles.")
    stages: tuple[Stage, ...] | None = Field(None, description="Outcome stages.")
    verification: tuple[Verification, ...] | None = Field(None, description="How the number was seen.")
    designs: tuple[Design, ...] | None = Field(None, description="Design classes.")
    domains: tuple[Domain, ...] | None = Field(None, description="Kinds of work.")
    studies: tuple[Key, ...] | None = Field(None, description="Only these studies.")
    not_studies: tuple[Key, ...] | None = Field(None, description="Without these studies.")
    effects: tuple[str, ...] | None = Field(None, description="Only these effects, each as study/effect.")
    not_effects: tuple[str, ...] | None = Field(None, description="Without these effects, each as study/effect.")
    references: tuple[Arm, ...] | None = Field(None, description="Whether the reference arm used AI.")
    vendor: bool | None = Field(None, description="Only studies with (true) or without (false) the vendor behind them.")
    not_flags: tuple[str, ...] | None = Field(None, description="Without effects whose derivation has these flags.")
    require_exposure: bool = Field(True, description="Whether arms that used AI must have a value of the exposure.")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One effect that does not enter a table.

    Attributes
    ----------
    study, effect : str
        Study key, and effect identifier; the latter is empty for a study without effects.
    reason : str
        Key of `REASONS`: the first step at which the effect left.
    detail : str
        What exactly, e.g. the role it has.
    """

    study: str
    effect: str
    reason: str
    detail: str


def select(
    studies: Mapping[str, Study], selection: Selection
) -> tuple[tuple[tuple[Study, Effect], ...], tuple[LeftOut, ...]]:
    """Return the effects a selection admits, by what their records say, and those it does not.

    Parameters
    ----------
    studies : mapping of str to Study
        The dataset.
    selection : Selection
        What is wanted.

    Returns
    -------
    selected : tuple of (Study, Effect)
        By study key, then in the order of the file.
    left_out : tuple of LeftOut
        In the same order.

    Raises
    ------
    InputError
        If the selection names a study or an effect that is not in the dataset.
    """
    _require_known(studies, selection)
    selected: list[tuple[Study, Effect]] = []
    left: list[LeftOut] = []
    for key in sorted(studies):
        study = studies[key]
        whole = next(_study_reasons(study, selection), None)
        if whole is not None:
            left += [LeftOut(key, effect.id, *whole) for effect in study.effects] or [LeftOut(key, "", *whole)]
            continue
        for effect in study.effects:
            reason = next(_effect_reasons(key, effect, selection), None)
            if reason is None:
                selected.append((study, effect))
            else:
                left.append(LeftOut(key, effect.id, *reason))
    return tuple(selected), tuple(left)


def _study_reasons(study: Study, selection: Selection) -> Iterator[tuple[str, str]]:
    """Yield why no effect of a study enters, in the order of the flow diagram."""
    if study.excluded is not None:
        yield "excluded", study.excluded.category
    if not study.effects:
        yield "no_effects", ""
    if selection.studies is not None and study.key not in selection.studies:
        yield "study", "not named"
    if selection.not_studies is not None and study.key in selection.not_studies:
        yield "study", "named as left out"
    if selection.designs is not None and study.design not in selection.designs:
        yield "design", study.design
    if selection.domains is not None and study.domain not in selection.domains:
        yield "domain", study.domain
    if selection.vendor is not None and study.funding.vendor is not selection.vendor:
        known = {True: "vendor", False: "no vendor", None: "unknown"}
        yield "vendor", known[study.funding.vendor]


def _effect_reasons(key: str, effect: Effect, selection: Selection) -> Iterator[tuple[str, str]]:
    """Yield why an effect of an admitted study does not enter, in the order of the flow diagram."""
    for reason, value, admitted in (
        ("family", effect.family, selection.families),
        ("role", effect.role, selection.roles),
        ("stage", effect.stage, selection.stages),
        ("verification", effect.verification, selection.verification),
        ("arm", effect.reference, selection.references),
        ("effect", f"{key}/{effect.id}", selection.effects),
    ):
        if admitted is not None and value not in admitted:
            yield reason, value
    if effect.treated != "ai":
        yield "arm", "the treated arm used no AI"
    if selection.not_effects is not None and f"{key}/{effect.id}" in selection.not_effects:
        yield "effect", "named as left out"
    if effect.unusable is not None:
        yield "unusable", effect.unusable


def _require_known(studies: Mapping[str, Study], selection: Selection) -> None:
    """Refuse names of studies, effects and flags that do not exist."""
    for field in ("studies", "not_studies"):
        for key in getattr(selection, field) or ():
            if key not in studies:
                raise bad("selection", field, f"there is no study {key!r}", "Use the file names of data/studies.")
    for flag in selection.not_flags or ():
        if flag not in FLAGS:
            raise bad("selection", "not_flags", f"there is no flag {flag!r}", f"Choose among {', '.join(FLAGS)}.")
    known = {f"{key}/{effect.id}" for key, study in studies.items() for effect in study.effects}
    for field in ("effects", "not_effects"):
        for name in getattr(selection, field) or ():
            if name not in known:
                raise bad("selection", field, f"there is no effect {name!r}", "Write it as study/effect.")
