"""The record of one study: what its source printed, and where.

One file per study in ``data/studies``; the file's name is the study's key. Every field is described here once;
``data/README.md`` and the JSON Schema for editors are generated from these descriptions.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from metaanalysis.studies.vocabulary import (
    Arm,
    Autonomy,
    Design,
    Domain,
    Exclusion,
    Family,
    Role,
    Scale,
    Stage,
    Verification,
)

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]*$", max_length=60)]
EffectId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$", max_length=60)]
Count = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    """Base of every record: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class Citation(Record):
    """How to cite the source and where to find it."""

    authors: list[Text] = Field(min_length=1, description="Authors in order, or the organisation.")
    year: int = Field(ge=2000, le=2100, description="Year of the version used.")
    title: Text = Field(description="Title of the source.")
    venue: Text | None = Field(None, description="Journal, series, or kind of publication.")
    doi: Text | None = Field(None, description="DOI without the resolver's address.")
    arxiv: Text | None = Field(None, description="arXiv identifier.")
    url: Text | None = Field(None, description="Public address.")


class Participants(Record):
    """Who or what was studied."""

    n: Count | None = Field(None, description="Number of units in the whole study.")
    unit: Text = Field(description="What one unit is.")
    population: Text = Field(description="Who they are and where.")
    clusters: Text | None = Field(None, description="Clusters of randomisation or observation, as reported.")


class Funding(Record):
    """Who stands behind the study."""

    vendor: bool | None = Field(None, description="Whether authors or funders sell the tool; absent if unknown.")
    who: Text | None = Field(None, description="Names of funders and affiliated authors.")


class Practice(Record):
    """How the AI was used, as the source describes it; the coders read this, and no result."""

    autonomy: Autonomy = Field(description="Kind of tool as it was used.")
    workflow: Text | None = Field(None, description="How the tool was built into the work.")
    training: Text | None = Field(None, description="Training, tips or playbooks given.")
    experience: Text | None = Field(None, description="Prior AI experience of the people.")


class Graded(Record):
    """A graded exposure inside the study: what it is and how much of it could be read."""

    exposure: Text = Field(description="The exposure that is graded.")
    levels: Count | None = Field(None, description="Number of levels in the source.")
    levels_seen: Count | None = Field(None, description="Number of levels whose values were read.")
    monotone: Text | None = Field(None, description="Whether returns rise steadily along it, as reported.")
    note: Text | None = Field(None, description="Remarks.")


class Excluded(Record):
    """Why no effect of the study may enter a model."""

    category: Exclusion = Field(description="Reason, for the flow diagram.")
    reason: Text = Field(description="The reason in words; what a later reviewer would have to find.")


class Printed(Record):
    """The numbers as printed, on the scale on which they were printed."""

    scale: Scale = Field(description="Scale of `estimate`, `lower`, `upper`, `se`.")
    unit: Text | None = Field(None, description="Unit of a difference or level.")
    estimate: float | None = Field(None, description="The estimate.")
    lower: float | None = Field(None, description="Lower end of the interval.")
    upper: float | None = Field(None, description="Upper end of the interval.")
    level: float = Field(95, gt=0, lt=100, description="Coverage of the interval in percent.")
    se: float | None = Field(None, gt=0, description="Standard error on the same scale.")
    p: float | None = Field(None, ge=0, le=1, description="Two-sided p-value of no effect.")
    p_below: float | None = Field(None, gt=0, le=1, description="Upper bound, where only p < bound is printed.")
    log_estimate: float | None = Field(None, description="The same contrast in log points, raw direction.")
    log_se: float | None = Field(None, gt=0, description="Standard error of `log_estimate`.")
    n: Count | None = Field(None, description="Units in the estimate, or trials behind a share.")
    n_treated: Count | None = Field(None, description="Units in the treated arm.")
    n_reference: Count | None = Field(None, description="Units in the reference arm.")
    mean_treated: float | None = Field(None, description="Mean in the treated arm.")
    mean_reference: float | None = Field(None, description="Mean in the reference arm, or the base of a difference.")
    sd_treated: float | None = Field(None, gt=0, description="Standard deviation in the treated arm.")
    sd_reference: float | None = Field(None, gt=0, description="Standard deviation in the reference arm.")
    se_treated: float | None = Field(None, gt=0, description="Standard error of the treated mean.")
    se_reference: float | None = Field(None, gt=0, description="Standard error of the reference mean.")
    median_treated: float | None = Field(None, description="Median in the treated arm.")
    median_reference: float | None = Field(None, description="Median in the reference arm.")
    count: Count | None = Field(None, description="Successes among `n`.")
    count_treated: Count | None = Field(None, description="Successes in the treated arm.")
    count_reference: Count | None = Field(None, description="Successes in the reference arm.")
    range_low: float | None = Field(None, description="Low end of a range over settings; not an interval.")
    range_high: float | None = Field(None, description="High end of a range over settings; not an interval.")
    approximate: bool = Field(False, description="The source says about, over, up to, or rounds coarsely.")
    digitised: bool = Field(False, description="Read off a figure.")
    also: dict[Text, float | int | bool | str] = Field(
        default_factory=dict, description="Further numbers printed beside the estimate, by name."
    )
    note: Text | None = Field(None, description="Remarks on the numbers.")


class Effect(Record):
    """One contrast of one outcome."""

    id: EffectId = Field(description="Identifier, unique inside the study.")
    outcome: Text = Field(description="What was measured.")
    family: Family = Field(description="Family of outcomes; families are never pooled with one another.")
    stage: Stage = Field(description="How near to delivered work the outcome is.")
    better: Annotated[str, StringConstraints(pattern="^(higher|lower)$")] = Field(
        description="Which direction is better: higher or lower."
    )
    comparison: Text = Field(description="Treated arm versus reference arm, in words.")
    treated: Arm = Field("ai", description="Whether the treated arm used AI.")
    reference: Arm = Field("no_ai", description="Whether the reference arm used AI.")
    subgroup: Text | None = Field(None, description="Part of the sample, or step of a graded exposure.")
    setting: dict[Text, float | int | str] = Field(
        default_factory=dict, description="Named settings (model, scaffold, date, hours, quantile, …)."
    )
    sample: Key = Field(
        "main", description="Effects on the same people share a sample; disjoint subgroups have their own."
    )
    role: Role = Field(description="What the estimate stands for.")
    where: Text = Field(description="Place in the source: table, figure, section, sentence.")
    verification: Verification = Field(description="How the number was seen.")
    seen_at: list[Text] = Field(default_factory=list, description="Public addresses where it was read.")
    derived: Text | None = Field(
        None, description="Set where the number is the extractor's own computation, with how; else printed."
    )
    unusable: Text | None = Field(
        None, description="Why the estimate must stay out of models although a standard error could be had."
    )
    accepted: dict[Text, Text] = Field(
        default_factory=dict,
        description="Rules of `metaanalysis check` that this effect breaks with good reason: rule = reason.",
    )
    note: Text | None = Field(None, description="Remarks.")
    printed: Printed = Field(description="The numbers as printed.")


class Study(Record):
    """One study: a source, its design, and everything it estimates."""

    key: Key = Field(description="The file's name without .toml; added when the file is read.")
    citation: Citation = Field(description="How to cite the source.")
    design: Design = Field(description="Design class.")
    domain: Domain = Field(description="Kind of work.")
    setting: Text | None = Field(None, description="The work in the source's own terms.")
    tool: Text | None = Field(None, description="The AI tool.")
    model_generation: Text | None = Field(None, description="Language models behind the tool.")
    period: Text | None = Field(None, description="When the data were collected.")
    risk_notes: Text | None = Field(None, description="Threats to validity that the source or the reader saw.")
    notes: Text | None = Field(None, description="Remarks, earlier versions, differences between extractions.")
    participants: Participants = Field(description="Who or what was studied.")
    funding: Funding = Field(
        default_factory=lambda: Funding.model_validate({}), description="Who stands behind the study."
    )
    practice: Practice = Field(description="How the AI was used, as the source describes it.")
    graded: Graded | None = Field(None, description="Graded exposure inside the study.")
    excluded: Excluded | None = Field(None, description="Present if no effect may enter a model.")
    accepted: dict[Text, Text] = Field(
        default_factory=dict,
        description="Rules of `metaanalysis check` that all effects may break with good reason: rule = reason.",
    )
    effects: list[Effect] = Field(default_factory=list, description="Every effect, as printed.")
