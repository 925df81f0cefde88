"""The exposure of both arms of an effect, on the axis an analysis chooses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import nan
from typing import Literal, Protocol

from metaanalysis.errors import bad
from metaanalysis.studies.schema import Effect

PRACTICE = "practice"
NONE = "none"
SETTING = "setting:"
PRACTICE_RANGE = (0.0, 10.0)


class ArmExposure(Protocol):
    """Practice score of one arm: each coder's, their mean, and the range compatible with any of them."""

    @property
    def by_coder(self) -> Mapping[str, int]:
        """Each coder's score."""

    @property
    def value(self) -> float:
        """Mean of the coders."""

    @property
    def low(self) -> float:
        """Lowest plausible score."""

    @property
    def high(self) -> float:
        """Highest plausible score."""


class CodingSource(Protocol):
    """Where practice scores come from."""

    def exposure(self, study: str, effect: str, arm: Literal["treated", "comparison"]) -> ArmExposure | None:
        """Return the exposure of one arm, or None if nobody coded it."""


@dataclass(frozen=True, slots=True)
class ArmValue:
    """Exposure of one arm; NaN throughout where the arm was unexposed.

    Attributes
    ----------
    x, low, high : float
        The value used and its plausible range.
    by_coder : mapping of str to float
        Each coder's value.
    """

    x: float = nan
    low: float = nan
    high: float = nan
    by_coder: Mapping[str, float] = field(default_factory=dict)


UNEXPOSED = ArmValue()


def arm_values(
    study: str, effect: Effect, codings: CodingSource | None, *, axis: str = PRACTICE, coder: str = "mean"
) -> tuple[ArmValue, ArmValue] | str:
    """Return the exposure of the treated and of the reference arm, or which one is missing.

    Parameters
    ----------
    study : str
        Study key.
    effect : Effect
        The effect.
    codings : CodingSource or None
        Practice scores; needed for the practice axis only.
    axis : str
        ``"practice"``; ``"setting:NAME"`` for a number among the effect's named settings, with ``NAME_reference``
        for the other arm; ``"none"`` for no exposure at all (0 in the treated arm).
    coder : str
        One coder's scores, or ``"mean"``.

    Raises
    ------
    InputError
        If there is no such axis.
    """
    if axis == NONE:
        return ArmValue(0.0, 0.0, 0.0), UNEXPOSED
    if axis.startswith(SETTING):
        treated = _setting(effect, axis.removeprefix(SETTING))
        reference = _setting(effect, f"{axis.removeprefix(SETTING)}_reference")
    elif axis == PRACTICE:
        treated = _coded(study, effect, codings, "treated", coder)
        reference = _coded(study, effect, codings, "comparison", coder)
    else:
        raise bad("exposure", axis, "there is no such exposure axis", "Use practice, none, or setting:NAME.")
    if treated is None:
        return "the treated arm has no value"
    if effect.reference == "no_ai":
        return treated, UNEXPOSED
    return (treated, reference) if reference is not None else "the reference arm used AI and has no value"


def _setting(effect: Effect, name: str) -> ArmValue | None:
    """Return a numeric setting of an effect."""
    value = effect.setting.get(name)
    if value is None or isinstance(value, str):
        return None
    return ArmValue(float(value), float(value), float(value))


def _coded(
    study: str, effect: Effect, codings: CodingSource | None, arm: Literal["treated", "comparison"], coder: str
) -> ArmValue | None:
    """Return the practice score of an arm."""
    found = codings.exposure(study, effect.id, arm) if codings is not None else None
    if found is None or (coder != "mean" and coder not in found.by_coder):
        return None
    x = found.value if coder == "mean" else float(found.by_coder[coder])
    return ArmValue(x, found.low, found.high, {name: float(score) for name, score in found.by_coder.items()})
