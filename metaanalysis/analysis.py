"""From a spec to results: the only place that knows the order of the pipeline.

Table, models, comparison over the prior grid, leave-one-study-out, sensitivity analyses, frames, numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaanalysis import __version__, framing
from metaanalysis.compare import Comparison, compare
from metaanalysis.effects.csv_table import read_table
from metaanalysis.effects.printed_text import printed_text
from metaanalysis.effects.selection import LeftOut, Selection
from metaanalysis.effects.table import EffectTable
from metaanalysis.effects.tabulate import tabulate
from metaanalysis.errors import InputError, MetaAnalysisError, bad
from metaanalysis.flow import flow_rows
from metaanalysis.frames import conform
from metaanalysis.headlines import headline_numbers
from metaanalysis.models.model import Model
from metaanalysis.results import Results, Value
from metaanalysis.spec import Spec, Table, Variant, build_models
from metaanalysis.studies.codings import Codings, load_codings
from metaanalysis.studies.dataset import fingerprint, load_dataset
from metaanalysis.studies.load import DATA, load_studies
from metaanalysis.studies.schema import Study

Progress = Callable[[str], None]
Row = dict[str, Any]
VARIANT_TOLERANCE = 1e-4
"""Accepted numerical error of log evidence in sensitivity analyses, far below what any wording turns on."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What an analysis starts from.

    Attributes
    ----------
    table : EffectTable
        The effects analysed.
    left_out : tuple of LeftOut
        Effects of the dataset that are not; empty for a CSV table.
    studies : mapping of str to Study
        The dataset; empty for a CSV table.
    codings : Codings or None
        Practice scores; None for a CSV table.
    """

    table: EffectTable
    left_out: tuple[LeftOut, ...]
    studies: Mapping[str, Study]
    codings: Codings | None


def run_analysis(spec: Spec, *, folder: Path, data: Path = DATA, progress: Progress = lambda _: None) -> Results:
    """Run an analysis.

    Parameters
    ----------
    spec : Spec
        The declared analysis.
    folder : Path
        Where relative paths of the spec start.
    data : Path
        Folder of the dataset.
    progress : callable
        Told what is being done.

    Raises
    ------
    InputError
        If the data or the spec cannot be used.
    NumericalError
        If a result misses its stated accuracy.
    """
    progress(f"{spec.name}: reading the evidence")
    evidence = gather(spec, folder=folder, data=data)
    models = build_models(spec)
    progress(
        f"{spec.name}: {len(models)} models on {len(evidence.table)} effects, {len(spec.grid.scales)} prior widths"
    )
    comparison = compare(evidence.table, models, prior_grid=spec.grid.scales, family_prior=spec.sides.discontinuous)
    progress(f"{spec.name}: leaving out each of {len(evidence.table.studies)} studies")
    without = leave_one_out(evidence.table, models)
    sensitivity = [_sensitivity_row("declared", "as declared", evidence.table, comparison)]
    for number, variant in enumerate(spec.sensitivity, start=1):
        progress(f"{spec.name}: sensitivity analysis {number} of {len(spec.sensitivity)}, {variant.name}")
        sensitivity.append(_run_variant(spec, variant, evidence, models))
    sensitivity += _extremes(without, comparison)
    frames = _frames(evidence, comparison, sensitivity)
    return Results(
        name=spec.name,
        title=spec.title,
        question=spec.question,
        numbers=_versions(evidence, data)
        | headline_numbers(evidence.table, evidence.studies, comparison, without, sensitivity),
        frames={name: conform(name, rows) for name, rows in frames.items()},
        spec=spec.model_dump(mode="json", exclude_none=True),
        references=_references(evidence),
    )


def gather(spec: Spec, *, folder: Path, data: Path = DATA) -> Evidence:
    """Return the effect table of a spec, from the curated dataset or from a CSV file."""
    if spec.table.source == "csv":
        return Evidence(_csv(spec, spec.table, folder), (), {}, None)
    studies, codings = load_studies(data / "studies"), load_codings(data / "codings")
    table, left_out = _tabulated(spec, studies, codings, Variant(group="-", name="-"))
    return Evidence(table, left_out, studies, codings)


def leave_one_out(table: EffectTable, models: Mapping[str, Model]) -> dict[str, Comparison]:
    """Return the comparison at the declared priors without each study in turn, by study.

    A study whose omission makes the question unanswerable (no exposure left on one side) is left out of the result.
    """
    if len(table.studies) < 3:
        return {}
    results = {}
    for study in table.studies:
        try:
            results[study] = compare(table.without(study), models, prior_grid=[1.0], tolerance=VARIANT_TOLERANCE)
        except InputError:
            continue
    return results


def _tabulated(
    spec: Spec, studies: Mapping[str, Study], codings: Codings, variant: Variant
) -> tuple[EffectTable, tuple[LeftOut, ...]]:
    """Return the effect table of the main analysis or of a variant."""
    table = spec.table
    changes = variant.selection.model_dump(exclude_unset=True)
    selection = Selection.model_validate({**table.selection.model_dump(exclude_unset=True), **changes})
    return tabulate(
        studies,
        codings,
        selection,
        measure=table.measure,
        exposure=spec.exposure.axis,
        coder=variant.coder or spec.exposure.coder,
        rho=table.rho if variant.rho is None else variant.rho,
        se_route=variant.se_route or table.se_route,
        exposure_range=(spec.exposure.low, spec.exposure.high),
        name=spec.name,
    )


def _csv(spec: Spec, table: Table, folder: Path) -> EffectTable:
    """Return the table of a CSV file."""
    if table.path is None or table.columns is None:
        raise bad(f"{spec.name}.toml", "table", "a csv table needs path and columns", "Add them.")
    return read_table(
        folder / table.path,
        **table.columns.model_dump(),
        rho=table.rho,
        measure=table.measure,
        exposure_range=(spec.exposure.low, spec.exposure.high),
    )


def _run_variant(spec: Spec, variant: Variant, evidence: Evidence, models: Mapping[str, Model]) -> Row:
    """Return one sensitivity analysis as a row."""
    if evidence.codings is None:
        raise bad(f"{spec.name}.toml", "sensitivity", "a csv table cannot be selected from", "Remove the variants.")
    try:
        table, _ = _tabulated(spec, evidence.studies, evidence.codings, variant)
        comparison = compare(table, models, prior_grid=[1.0], tolerance=VARIANT_TOLERANCE)
    except MetaAnalysisError as error:
        raise bad(f"{spec.name}.toml", f"sensitivity[{variant.name}]", f"cannot be run: {error}", "Mend it.") from None
    return _sensitivity_row(variant.group, variant.name, table, comparison)


def _extremes(without: Mapping[str, Comparison], comparison: Comparison) -> list[Row]:
    """Return the omissions of one study that move the Bayes factor furthest each way."""
    usable = {study: c for study, c in without.items() if c.log_bf is not None}
    if not usable or comparison.log_bf is None:
        return []
    low = min(usable, key=lambda study: usable[study].log_bf.value)  # type: ignore[union-attr]
    high = max(usable, key=lambda study: usable[study].log_bf.value)  # type: ignore[union-attr]
    labels = framing.labels(comparison.table)
    return [
        _sensitivity_row("leave one study out", f"without {labels[study]}", usable[study].table, usable[study])
        for study in dict.fromkeys((low, high))
    ]


def _sensitivity_row(group: str, variant: str, table: EffectTable, comparison: Comparison) -> Row:
    log_bf = comparison.log_bf
    if log_bf is None:
        raise bad(
            table.name, "models", "one side of the question has no member", "Add a discontinuous and a continuous one."
        )
    jump = comparison.jump()
    lower, upper = (float(q) for q in jump.quantile([0.025, 0.975]))
    return {
        "group": group,
        "variant": variant,
        "studies": len(table.studies),
        "effects": len(table),
        "log_bf": log_bf.value,
        "error": log_bf.error,
        "probability": comparison.declared.probability,
        "jump": float(jump.mean),
        "jump_lower": lower,
        "jump_upper": upper,
    }


def _frames(evidence: Evidence, comparison: Comparison, sensitivity: Sequence[Row]) -> dict[str, Sequence[Row]]:
    """Return the rows of every frame."""
    table = evidence.table
    flow = flow_rows(evidence.studies, table, evidence.left_out) if evidence.studies else []
    return {
        "effects": framing.effect_rows(table, comparison),
        "flow": flow,
        "models": comparison.models(),
        "grid": comparison.grid_rows(),
        "curves": framing.curve_rows(comparison, framing.axis(table)),
        "threshold": framing.threshold_rows(comparison.fits),
        "width": framing.width_rows(comparison.fits.get("logistic")),
        "parameters": framing.parameter_rows(comparison.fits),
        "sensitivity": sensitivity,
        "printed": _printed(evidence),
    }


def _printed(evidence: Evidence) -> list[Row]:
    """Return what each analysed effect printed, and the exposure by coder."""
    rows = []
    for study, identifier in zip(evidence.table.study, evidence.table.effect, strict=True):
        if study not in evidence.studies or evidence.codings is None:
            continue
        effect = next(e for e in evidence.studies[study].effects if e.id == identifier)
        sides = [evidence.codings.exposure(study, identifier, arm) for arm in ("treated", "comparison")]
        shown = [" / ".join(str(score) for score in side.by_coder.values()) for side in sides if side is not None]
        coders = " against ".join(shown if effect.reference == "ai" else shown[:1])
        rows.append(
            {
                "study": study,
                "effect": identifier,
                "outcome": effect.outcome,
                "printed": printed_text(effect.printed),
                "coders": coders,
            }
        )
    return rows


def _versions(evidence: Evidence, data: Path) -> dict[str, Value]:
    """Return the versions of package and data; a CSV table has no dataset."""
    numbers: dict[str, Value] = {"package.version": __version__}
    if evidence.studies:
        record = load_dataset(data)
        numbers |= {"data.version": f"{record.version} ({fingerprint(data)[:8]})", "data.date": record.date.isoformat()}
    return numbers


def _references(evidence: Evidence) -> tuple[Mapping[str, Any], ...]:
    """Return the citations of the analysed studies."""
    return tuple(
        {"key": key, **evidence.studies[key].citation.model_dump()}
        for key in evidence.table.studies
        if key in evidence.studies
    )
