"""Codings of the architectural-practice score, by independent coders, and the exposure they imply.

A coding record covers all effects of a study or a list of them; a list overrides ``"all"``. Nothing is averaged
in the files: the coders' disagreement and their ``uncertain`` ranges are the exposure's measurement error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from metaanalysis.errors import InputError, bad
from metaanalysis.files import collect, display, read_toml
from metaanalysis.studies.load import DATA
from metaanalysis.studies.schema import EffectId, Key, Record, Study, Text
from metaanalysis.studies.validate import validated

COMPONENTS = ("decompose", "workflow", "evaluate", "integrate", "adapt")
Points = Annotated[int, Field(ge=0, le=2)]
Side = Literal["treated", "comparison"]


class Coder(Record):
    """Who coded, and how."""

    name: Key = Field(description="Name of the coder; the file's name.")
    kind: Literal["automated", "human"] = Field(description="Whether a person or a program coded.")
    blind: bool = Field(description="Whether results were hidden from the coder.")
    note: Text = Field(description="How the coding was made.")


class Uncertain(Record):
    """Highest value compatible with the description, for components that are not fully reported."""

    decompose: Points | None = Field(None, description="Highest value compatible for `decompose`.")
    workflow: Points | None = Field(None, description="Highest value compatible for `workflow`.")
    evaluate: Points | None = Field(None, description="Highest value compatible for `evaluate`.")
    integrate: Points | None = Field(None, description="Highest value compatible for `integrate`.")
    adapt: Points | None = Field(None, description="Highest value compatible for `adapt`.")


class Coding(Record):
    """Score of one arm of some effects of a study."""

    study: Key = Field(description="Key of the study.")
    effects: Literal["all"] | list[EffectId] = Field(description="`all`, or the effects covered.")
    arm: Side = Field(description="The treated arm, or the comparison arm where it used AI too.")
    decompose: Points = Field(description="Goals split into subtasks a model can do.")
    workflow: Points = Field(description="Multi-step or agentic chains.")
    evaluate: Points = Field(description="Outputs checked against known failure modes.")
    integrate: Points = Field(description="Data, APIs and tools bound to the model.")
    adapt: Points = Field(description="Working model of what the AI can and cannot do.")
    uncertain: Uncertain = Field(
        default_factory=lambda: Uncertain.model_validate({}),
        description="Component = highest compatible value.",
    )
    reason: Text = Field(description="Why, in the coder's words.")

    @property
    def score(self) -> int:
        """Sum of the components, 0–10."""
        return sum(getattr(self, component) for component in COMPONENTS)

    @property
    def highest(self) -> int:
        """Highest score compatible with the description."""
        return sum(max(getattr(self, component), getattr(self.uncertain, component) or 0) for component in COMPONENTS)


class CodingFile(Record):
    """One coder's file."""

    coder: Coder = Field(description="Who coded.")
    coding: list[Coding] = Field(description="The records.")


@dataclass(frozen=True, slots=True)
class Exposure:
    """Practice score of one arm.

    Attributes
    ----------
    by_coder : mapping of str to int
        Each coder's score, 0–10.
    low, high : float
        Lowest and highest score compatible with any coder.
    """

    by_coder: Mapping[str, int]
    low: float
    high: float

    @property
    def value(self) -> float:
        """Mean of the coders' scores."""
        return sum(self.by_coder.values()) / len(self.by_coder)


@dataclass(frozen=True, slots=True)
class Codings:
    """The codings of all coders.

    Attributes
    ----------
    coders : tuple of Coder
        The coders, in the order of their files.
    records : mapping of (coder, study, effect or ``"all"``, arm) to Coding
        Every record by what it covers.
    """

    coders: tuple[Coder, ...]
    records: Mapping[tuple[str, str, str, str], Coding]

    def by_coder(self, study: str, effect: str, arm: Side) -> dict[str, Coding]:
        """Return each coder's record for one arm of an effect; coders without one are left out."""
        found = {}
        for coder in self.coders:
            record = self.records.get((coder.name, study, effect, arm)) or self.records.get(
                (coder.name, study, "all", arm)
            )
            if record is not None:
                found[coder.name] = record
        return found

    def exposure(self, study: str, effect: str, arm: Side) -> Exposure | None:
        """Return the exposure of one arm of an effect, or None if no coder coded it."""
        records = self.by_coder(study, effect, arm)
        if not records:
            return None
        return Exposure(
            by_coder={name: record.score for name, record in records.items()},
            low=min(record.score for record in records.values()),
            high=max(record.highest for record in records.values()),
        )


def load_codings(folder: Path = DATA / "codings") -> Codings:
    """Load every coder's file of a folder.

    Raises
    ------
    InputError
        On faults in any file, and on two records of one coder that cover the same arm of the same effect.
    """
    coders: list[Coder] = []
    records: dict[tuple[str, str, str, str], Coding] = {}
    errors: list[InputError] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            file = validated(CodingFile, read_toml(path), path)
            _index(file, path, records)
            coders.append(file.coder)
        except InputError as error:
            errors.append(error)
    collect(errors)
    return Codings(tuple(coders), records)


def _index(file: CodingFile, path: Path, records: dict[tuple[str, str, str, str], Coding]) -> None:
    """Add one file's records."""
    name = file.coder.name
    if name != path.name.removesuffix(".toml"):
        raise bad(display(path), "coder.name", f"is {name!r}", "Use the file's name without .toml.")
    for record in file.coding:
        for effect in ["all"] if record.effects == "all" else record.effects:
            key = (name, record.study, effect, record.arm)
            if key in records:
                raise bad(
                    display(path),
                    f"coding[{record.study}/{effect}, {record.arm}]",
                    "is there twice",
                    "Keep one record for each arm of an effect.",
                )
            records[key] = record


def unresolved(codings: Codings, studies: Mapping[str, Study]) -> list[tuple[str, str]]:
    """List the records that name a study or effect that is not there, as (coder, what)."""
    missing = []
    for coder, study, effect, _arm in codings.records:
        if study not in studies:
            missing.append((coder, study))
        elif effect != "all" and effect not in {e.id for e in studies[study].effects}:
            missing.append((coder, f"{study}/{effect}"))
    return missing
