"""Validate the whole dataset: every file, every reference between files, every printed number.

What is *wrong* makes a result false or a file unusable. What is *suspicious* has an innocent explanation, which
a curator writes into the record (``accepted``) to silence it.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from metaanalysis.errors import InputError
from metaanalysis.files import display
from metaanalysis.studies.benchmarks import load_moments, load_submissions
from metaanalysis.studies.claims import Claim, load_claims
from metaanalysis.studies.codings import COMPONENTS, Codings, load_codings, unresolved
from metaanalysis.studies.consistency import Finding, check_study
from metaanalysis.studies.dataset import load_dataset
from metaanalysis.studies.load import load_study
from metaanalysis.studies.schema import Study

CODED_ROLES = ("primary", "secondary", "subgroup")


def check_dataset(folder: Path) -> list[Finding]:
    """Return everything wrong or suspicious in a dataset folder.

    Parameters
    ----------
    folder : Path
        Holds ``studies/``, ``codings/``, ``claims.toml`` and ``benchmarks/``.
    """
    findings: list[Finding] = []
    studies = _load_each(folder / "studies", findings)
    codings: Codings | None = _attempt(lambda: load_codings(folder / "codings"), findings)
    claims = _attempt(lambda: load_claims(folder / "claims.toml"), findings)
    _attempt(lambda: load_dataset(folder), findings)
    _attempt(lambda: load_submissions(folder / "benchmarks" / "swebench_entries.csv"), findings)
    _attempt(lambda: load_moments(folder / "benchmarks" / "metr2025_developer_moments.csv"), findings)
    for key, study in studies.items():
        findings += check_study(study, display(folder / "studies" / f"{key}.toml"))
    findings += _duplicates(studies, folder)
    if codings is not None:
        findings += _codings(codings, studies, folder)
    if claims is not None:
        findings += _claims(claims, studies, folder)
    return findings


def _load_each(folder: Path, findings: list[Finding]) -> dict[str, Study]:
    """Load what can be loaded; a fault in one file does not hide those of another."""
    studies: dict[str, Study] = {}
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        findings.append(
            Finding("wrong", display(folder), "", "holds no study file", "Give the dataset's folder.", "present")
        )
    for path in paths:
        study = _attempt(lambda path=path: load_study(path), findings)  # type: ignore[misc]
        if study is not None:
            studies[study.key] = study
    return studies


def _attempt[T](load: Callable[[], T], findings: list[Finding]) -> T | None:
    try:
        return load()
    except InputError as error:
        findings += [
            Finding("wrong", fault.where, fault.field, fault.problem, fault.remedy, "schema") for fault in error.faults
        ]
        return None


def _duplicates(studies: Mapping[str, Study], folder: Path) -> Iterator[Finding]:
    """Two files with one DOI or arXiv identifier are one study."""
    for name in ("doi", "arxiv"):
        seen: dict[str, str] = {}
        for key, study in studies.items():
            identifier: Any = getattr(study.citation, name)
            if not identifier:
                continue
            first = seen.setdefault(identifier.lower(), key)
            if first != key:
                yield Finding(
                    "wrong",
                    display(folder / "studies" / f"{key}.toml"),
                    f"citation.{name}",
                    f"{identifier} is also that of {first}",
                    "Keep one file for each study and put all effects there.",
                    "duplicate_study",
                )


def _codings(codings: Codings, studies: Mapping[str, Study], folder: Path) -> Iterator[Finding]:
    """Check that references resolve, ranges make sense and arms that used AI are coded."""
    for coder, what in dict.fromkeys(unresolved(codings, studies)):
        yield Finding(
            "wrong",
            display(folder / "codings" / f"{coder}.toml"),
            "coding",
            f"{what} names no study or effect of the dataset",
            "Mend the key, or remove the record.",
            "reference",
        )
    for (coder, owner, effect, arm), record in codings.records.items():
        for component in COMPONENTS:
            highest = getattr(record.uncertain, component)
            if highest is not None and highest <= getattr(record, component):
                yield Finding(
                    "wrong",
                    display(folder / "codings" / f"{coder}.toml"),
                    f"coding[{owner}/{effect}, {arm}].uncertain.{component}",
                    f"{highest} is not above the coded value {getattr(record, component)}",
                    "Give the highest compatible value, or leave the component out.",
                    "uncertain",
                )
    for key, study in studies.items():
        if study.excluded is None:
            yield from _uncoded(codings, key, study, display(folder / "studies" / f"{key}.toml"))


def _uncoded(codings: Codings, key: str, study: Study, where: str) -> Iterator[Finding]:
    """Arms of included effects that some coder did not code."""
    for effect in study.effects:
        if effect.role not in CODED_ROLES or effect.family not in ("productivity", "success_rate", "quality"):
            continue
        if "uncoded" in effect.accepted or "uncoded" in study.accepted:
            continue
        if study.design == "benchmark" and effect.role == "subgroup":
            continue  # steps of a machine's own exposure (budget, date), which the codebook does not cover
        for arm, uses in (("treated", effect.treated), ("comparison", effect.reference)):
            if uses != "ai":
                continue
            done = codings.by_coder(key, effect.id, arm)  # type: ignore[arg-type]
            lacking = [coder.name for coder in codings.coders if coder.name not in done]
            if lacking:
                yield Finding(
                    "wrong" if effect.role == "primary" else "suspicious",
                    where,
                    f"effects[{effect.id}]",
                    f"the {arm} arm used AI but has no coding by {' and '.join(lacking)}",
                    "Code the arm in data/codings, or say that it used no AI.",
                    "uncoded",
                )


def _claims(claims: tuple[Claim, ...], studies: Mapping[str, Study], folder: Path) -> Iterator[Finding]:
    for claim in claims:
        for key in claim.studies:
            if key not in studies:
                yield Finding(
                    "wrong",
                    display(folder / "claims.toml"),
                    f"claim[{claim.id}].studies",
                    f"{key} is no study of the dataset",
                    "Mend the key, or remove it.",
                    "reference",
                )
