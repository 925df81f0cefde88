"""The analysis spec: one TOML file that declares a question and everything done to answer it.

Selection, exposure, models, priors, comparisons and sensitivity analyses each carry a reason. The order of the
pipeline is not declared: it lives in `metaanalysis.analysis`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from metaanalysis.effects.derived import SeRoute
from metaanalysis.effects.selection import Selection
from metaanalysis.errors import Fault, InputError, bad
from metaanalysis.files import display, read_toml
from metaanalysis.models.model import Model, build_model
from metaanalysis.studies.load import DATA
from metaanalysis.studies.schema import Key, Record, Text
from metaanalysis.studies.validate import validated

ANALYSES = DATA.parent / "analyses"
Column = Annotated[str, Field(min_length=1)]


class Columns(Record):
    """Which columns of a CSV table hold what."""

    y: Column = Field(description="Effect estimate.")
    v: Column | None = Field(None, description="Sampling variance; or give `se`.")
    se: Column | None = Field(None, description="Standard error; or give `v`.")
    x: Column = Field(description="Exposure of the treated arm.")
    x0: Column | None = Field(None, description="Exposure of the reference arm; empty cells mean unexposed.")
    study: Column | None = Field(None, description="Study label; default: every row its own study.")
    sample: Column | None = Field(None, description="Sample within study.")
    effect: Column | None = Field(None, description="Effect label.")


class Table(Record):
    """Where the effects come from and how they depend on each other."""

    source: Literal["studies", "csv"] = Field("studies", description="The curated dataset, or a CSV file.")
    path: str | None = Field(None, description="The CSV file, relative to the spec.")
    columns: Columns | None = Field(None, description="Columns of the CSV file.")
    measure: Literal["log_ratio", "log_odds_ratio", "effect"] = Field("log_ratio", description="Effect measure.")
    selection: Selection = Field(
        default_factory=lambda: Selection.model_validate({}), description="Which effects enter."
    )
    reason: Text | None = Field(None, description="Why this selection.")
    rho: float = Field(0.0, gt=-1, lt=1, description="Sampling correlation of effects on the same people.")
    rho_reason: Text | None = Field(None, description="Why this correlation.")
    se_route: SeRoute = Field("default", description="Which route to the standard error where several exist.")

    @model_validator(mode="after")
    def _complete(self) -> "Table":
        if self.source == "csv" and (self.path is None or self.columns is None):
            raise ValueError("a csv table needs path and columns")
        if self.columns is not None and (self.columns.v is None) == (self.columns.se is None):
            raise ValueError("columns needs either v or se")
        return self


class Band(Record):
    """A named part of the exposure axis, for description only."""

    name: Text = Field(description="Name.")
    low: float = Field(description="Low end.")
    high: float = Field(description="High end.")


class ExposureAxis(Record):
    """The exposure axis."""

    label: Text = Field(description="Axis label.")
    axis: str = Field("practice", description="`practice`, or `setting:NAME` for a number among the effects' settings.")
    low: float = Field(description="Low end of the scale.")
    high: float = Field(description="High end of the scale: slopes are per whole scale.")
    coder: Key | Literal["mean"] = Field("mean", description="Whose codings: one coder's, or the coders' mean.")
    bands: list[Band] = Field(default_factory=list, description="Named parts of the axis, for description only.")
    reason: Text | None = Field(None, description="Why this axis.")

    @model_validator(mode="after")
    def _ordered(self) -> "ExposureAxis":
        if not self.low < self.high:
            raise ValueError("low must be below high")
        return self


class PriorGrid(Record):
    """Multipliers on the standard deviations of slopes and jumps; evidence is never shown without them."""

    scales: list[Annotated[float, Field(gt=0)]] = Field(min_length=3, description="Multipliers; 1 must be among them.")
    reason: Text = Field(description="Why this range.")

    @model_validator(mode="after")
    def _one(self) -> "PriorGrid":
        if 1 not in self.scales:
            raise ValueError("the multiplier 1 (the declared priors) must be in scales")
        return self


class Sides(Record):
    """How the two sides of the question are weighed beforehand."""

    discontinuous: float = Field(0.5, gt=0, lt=1, description="Prior probability of the discontinuous side.")
    reason: Text | None = Field(None, description="Why this probability.")


class Variant(Record):
    """One sensitivity analysis: the main analysis with these changes."""

    group: Text = Field(description="What is varied.")
    name: Text = Field(description="Name of the variant.")
    selection: Selection = Field(default_factory=lambda: Selection.model_validate({}), description="Replaces fields.")
    coder: Key | Literal["mean"] | None = Field(None, description="Whose codings.")
    rho: float | None = Field(None, gt=-1, lt=1, description="Correlation within a sample.")
    se_route: SeRoute | None = Field(None, description="Route to the standard error.")


class Spec(Record):
    """An analysis."""

    name: Key = Field(description="The file's name without .toml; added when the file is read.")
    title: Text = Field(description="Title.")
    question: Text = Field(description="The question, as a reader would ask it.")
    table: Table = Field(description="Where the effects come from and which enter.")
    exposure: ExposureAxis = Field(description="The exposure axis.")
    models: list[Text] = Field(min_length=2, description="Members of the model family to compare.")
    models_reason: Text | None = Field(None, description="Why these members.")
    figures: list[Text] | None = Field(None, description="Figures of the report; default all that can be drawn.")
    priors: dict[Text, dict[str, Any]] = Field(description="Priors by parameter: family, its parameters, reason.")
    heterogeneity: dict[Literal["between", "within", "sample", "bias"], Any] = Field(
        description="Priors of the heterogeneity standard deviations; a number fixes a level at that value."
    )
    sides: Sides = Field(
        default_factory=lambda: Sides.model_validate({}), description="Prior weight of the two sides of the question."
    )
    grid: PriorGrid = Field(description="Prior widths over which the evidence is shown.")
    sensitivity: list[Variant] = Field(default_factory=list, description="Sensitivity analyses.")

    @model_validator(mode="after")
    def _unique(self) -> "Spec":
        if len(set(self.models)) < len(self.models):
            raise ValueError("a model is listed twice in models")
        return self


def load_spec(path: Path) -> Spec:
    """Load an analysis spec.

    Raises
    ------
    InputError
        If the file cannot be read or a field is wrong, missing or unknown.
    """
    data = read_toml(path)
    if "name" in data:
        raise bad(display(path), "name", "is not written in the file", "Remove it: the file's name is the name.")
    return validated(Spec, {"name": path.name.removesuffix(".toml"), **data}, path)


def build_models(spec: Spec) -> dict[str, Model]:
    """Return the members of the family that a spec declares, by name."""
    where = f"{spec.name}.toml"
    return {
        name: build_model(
            name,
            exposure_range=(spec.exposure.low, spec.exposure.high),
            priors=spec.priors,
            heterogeneity={str(level): prior for level, prior in spec.heterogeneity.items()},
            where=where,
        )
        for name in spec.models
    }


def find_specs(names: list[str], folder: Path = ANALYSES) -> list[Path]:
    """Return the spec files of the named analyses; all of the folder if none is named.

    A name that ends in ``.toml`` is taken as a path, so that any spec can be run.

    Raises
    ------
    InputError
        If a named analysis is not there.
    """
    if not names:
        return sorted(folder.glob("*.toml"))
    paths, faults = [], []
    for name in names:
        path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
        if path.is_file():
            paths.append(path)
        else:
            known = ", ".join(sorted(p.stem for p in folder.glob("*.toml")))
            faults.append(Fault(name, "", "there is no such analysis", f"Known are {known}; or give a .toml file."))
    if faults:
        raise InputError(*faults)
    return paths
