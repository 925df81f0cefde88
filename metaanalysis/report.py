"""Reports: results and prose in, PDF out.

The prose of an analysis is ``reports/<analysis>/prose.typ``; it takes every number by name and holds no digits. The
design of all reports is ``reports/page.typ``. The same results give the same bytes.
"""

import json
import math
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from metaanalysis import verdict
from metaanalysis.citations import citations
from metaanalysis.errors import Fault, InputError, bad
from metaanalysis.files import atomic, display
from metaanalysis.results import Results, Value
from metaanalysis.tables import tables

DIGITS: Final = 6
"""Significant digits of the committed numbers: what different machines agree on."""
STANDARDS: Final = ("ua-1", "a-2a")
"""Accessible and archival; an archival PDF needs a date, so a report on undated data is accessible only."""
RELATIVE: Final = 1e-4
ABSOLUTE: Final = 2e-5
_EPOCH: Final = (2026, 1, 1)
_SHARED: Final = ("page.typ", "methods.bib")
_ENDS: Final = {"estimate": (".mean", ".lower", ".upper")}
_GUARD: Final = re.compile(r"\b(?:known|equals)\(([^)]*)\)")
_LOST: Final = re.compile(r"#[A-Za-z][\w-]*\([^()\n]*\);")
_LOOKUP: Final = re.compile(
    r"\b(num|count|said|sentence|percent|factor|tiny|change|estimate|value)\(\s*\"([^\"]+)\"\s*[,)]"
)
_ALLOWED: Final = re.compile(
    r"//[^\n]*|\bdigits:\s*\d|\bsize:\s*[\d.]+pt|\blevel:\s*\d|\bdepth:\s*\d|\bbelow:\s*[\d.]+em|\babove:\s*[\d.]+em"
    r"|@[\w-]+|<[\w-]+>|#import[^\n]*|numbering:\s*\"[^\"]*\"|#set text\(size: [\d.]+pt\)|text\(size: [\d.]+pt\)"
)


def numbers(results: Results) -> dict[str, Value]:
    """Return every number of the report by name: those of the analysis and the worded verdict."""
    grid, variants = results.frames.get("grid"), results.frames.get("sensitivity")
    pairs = [] if grid is None else list(zip(grid["log_bf"], grid["error"], strict=True))
    named: list[tuple[str, float, float]] = []
    if variants is not None and len(variants):
        labels = variants["group"] + ", " + variants["variant"]
        named = list(zip(labels, variants["log_bf"], variants["error"], strict=True))
    return {**results.numbers, **verdict.texts(results.numbers, pairs), **verdict.over_variants(named)}


def numbers_text(results: Results) -> str:
    """Return the numbers as the text of ``numbers.json``: sorted, floats to `DIGITS` significant digits."""
    plain = {name: _plain(name, value) for name, value in sorted(numbers(results).items())}
    return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_numbers(results: Results, path: Path) -> None:
    """Write ``numbers.json``."""
    _write(path, numbers_text(results).encode())


def stale(results: Results, path: Path) -> list[str]:
    """Return the names whose committed value differs from the results, sorted; all of them if there is no file.

    Floats agree if they differ by no more than machines with other arithmetic libraries do, `RELATIVE` or `ABSOLUTE`.
    """
    fresh = json.loads(numbers_text(results))
    if not path.is_file():
        return sorted(fresh)
    committed = json.loads(path.read_text(encoding="utf-8"))
    return sorted(
        name
        for name in fresh.keys() | committed.keys()
        if name not in fresh or name not in committed or not _agree(fresh[name], committed[name])
    )


def names_used(prose: str) -> list[tuple[int, str]]:
    """Return line and name of every number the prose looks up, in order."""
    found = []
    for match in _LOOKUP.finditer(prose):
        line = prose.count("\n", 0, match.start()) + 1
        found += [(line, match[2] + end) for end in _ENDS.get(match[1], ("",))]
    return found


def typed_digits(prose: str) -> list[tuple[int, str]]:
    """Return line number and line of every digit typed into prose, settings and comments apart."""
    blanked = _ALLOWED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), prose)
    lines = prose.splitlines()
    return [
        (number, lines[number - 1].strip())
        for number, line in enumerate(blanked.splitlines(), start=1)
        if re.search(r"\d", line)
    ]


def names_guarded(prose: str) -> set[str]:
    """Return the names the prose asks about before using them; these alone may be missing."""
    return {name for match in _GUARD.finditer(prose) for name in re.findall(r"\"([^\"]+)\"", match[1])}


def check_prose(prose: Path, known: Mapping[str, Value]) -> None:
    """Refuse prose that looks up a number the analysis does not have, types one itself, or loses a semicolon.

    Raises
    ------
    InputError
        With one fault for each unknown name and each line at fault.
    """
    text = prose.read_text(encoding="utf-8")
    have = known.keys() | names_guarded(text)
    faults = [
        Fault(
            f"{display(prose)}:{line}",
            name,
            "the prose names a number that the analysis does not have",
            "Correct the name, or let the analysis compute it.",
        )
        for line, name in dict.fromkeys(names_used(text))
        if name not in have
    ]
    faults += [
        Fault(f"{display(prose)}:{line}", "", f"digits are typed into the prose: {shown}", "Take the number by name.")
        for line, shown in typed_digits(text)
    ]
    faults += [
        Fault(
            f"{display(prose)}:{text.count(chr(10), 0, match.start()) + 1}",
            "",
            f"Typst swallows the semicolon after {match[0][:-1]}",
            "Write a full stop, a comma or a dash.",
        )
        for match in _LOST.finditer(text)
    ]
    if faults:
        raise InputError(*faults)


def build(results: Results, out_dir: Path, *, build_dir: Path, source: Path | None = None) -> Path:
    """Draw the figures, write the numbers and tables, and set the report.

    Parameters
    ----------
    results : Results
        The analysis.
    out_dir : Path
        Where the PDF goes, as ``<analysis>.pdf``; it appears whole or not at all.
    build_dir : Path
        Where everything the PDF is made of is left: figures, ``report.json``, bibliography, design and prose.
    source : Path, optional
        Folder with ``page.typ``, ``methods.bib`` and ``<analysis>/prose.typ``; `out_dir` if not given.

    Returns
    -------
    Path
        The PDF.

    Raises
    ------
    InputError
        If the prose is missing, names an unknown number, holds typed digits or cannot be set.
    """
    source = out_dir if source is None else source
    prose = source / results.name / "prose.typ"
    for path in (*(source / name for name in _SHARED), prose):
        if not path.is_file():
            raise bad(display(path), "", "the report needs this file and it is not there", "Restore or write it.")
    known = numbers(results)
    check_prose(prose, known)
    build_dir.mkdir(parents=True, exist_ok=True)
    for path in (*(source / name for name in _SHARED), prose):
        shutil.copyfile(path, build_dir / path.name)
    content = _content(results, known, write_figures(results, build_dir / "figures"))
    _write(build_dir / "report.json", _json(content).encode())
    pdf = _set(build_dir, display(prose), content["date"])
    target = out_dir / f"{results.name}.pdf"
    _write(target, pdf)
    return target


def write_figures(results: Results, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Draw every figure the results allow as SVG and return file, alternative text and width of each page."""
    from metaanalysis import figures
    from metaanalysis.figures import style

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made: dict[str, list[dict[str, Any]]] = {}
    for name in _wanted(results, figures.names(), figures.available(results)):
        module = figures.load(name)
        alt, pages = module.describe(results), module.draw(results)
        made[name] = []
        for number, page in enumerate(pages, start=1):
            path = folder / (f"{name}.svg" if len(pages) == 1 else f"{name}-{number}.svg")
            with style.drawing():
                style.save(page, path)
            part = f" Part {number} of {len(pages)}." if len(pages) > 1 else ""
            made[name].append({"file": f"{folder.name}/{path.name}", "alt": alt + part, "width": module.WIDTH})
    return made


def _wanted(results: Results, known: Sequence[str], available: Sequence[str]) -> list[str]:
    """Return the figures that the analysis declares and the results allow; all of these where it declares none."""
    declared = results.spec.get("figures")
    for name in declared or ():
        if name not in known:
            raise bad(f"{results.name}.toml", "figures", f"there is no figure {name!r}", f"Known: {', '.join(known)}.")
    return [name for name in available if declared is None or name in declared]


def write_readme_figure(results: Results, path: Path) -> None:
    """Write the curve with the data as one compact, self-contained figure; the ending decides the format."""
    from metaanalysis.figures import curves, style

    path.parent.mkdir(parents=True, exist_ok=True)
    with style.drawing():
        style.save(curves.draw_compact(results), path, outlines=True)


def _content(results: Results, known: Mapping[str, Value], figures: Mapping[str, Any]) -> dict[str, Any]:
    day = _day(known.get("data.date"))
    stamp = [
        f"{name} {known[key]}"
        for name, key in (("data", "data.version"), ("package", "package.version"))
        if known.get(key)
    ]
    if day:
        stamp.insert(0, f"{day[2]} {date(*day):%B} {day[0]}")
    return {
        "title": results.title,
        "question": results.question,
        "date": day,
        "stamp": " · ".join(stamp),
        "measure": (results.spec.get("table") or {}).get("measure", "log_ratio"),
        "numbers": {name: _finite(value) for name, value in sorted(known.items())},
        "spec": results.spec,
        "figures": figures,
        "tables": {name: table.data() for name, table in tables(results).items()},
        "references": [asdict(entry) for entry in citations(results.references)],
    }


def _set(build_dir: Path, shown: str, day: list[int] | None) -> bytes:
    """Compile the prose to a tagged PDF, offline and without fonts of the machine."""
    import typst

    from metaanalysis.figures import style

    year, month, of_month = day or _EPOCH
    try:
        return typst.compile(
            str(build_dir / "prose.typ"),
            root=str(build_dir),
            font_paths=[style.font_folder()],
            ignore_system_fonts=True,
            pdf_standards=list(STANDARDS if day else STANDARDS[:1]),
            timestamp=datetime(year, month, of_month, tzinfo=UTC),
        )
    except typst.TypstError as error:
        found = re.search(
            r"(unknown number|number without a value|nothing declared in the spec): ([^\s\"]+)", str(error)
        )
        if found:
            remedy = (
                'Correct the name, or ask with #known("…") first.'
                if "number" in found[1]
                else 'Declare it, or ask with #declares("…") first.'
            )
            raise bad(
                shown, found[2], f"the prose asks for an {found[1]}" if found[1][0] == "u" else f"{found[1]}", remedy
            ) from None
        raise bad(shown, "", f"the report cannot be set: {error.message}", "Correct the prose or page.typ.") from error


def _day(value: Value) -> list[int] | None:
    if not isinstance(value, str):
        return None
    found = date.fromisoformat(value)
    return [found.year, found.month, found.day]


def _plain(name: str, value: Value) -> Value:
    """Return a number as committed: six digits, a numerical error as the power of ten that bounds it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if not math.isfinite(value):
        return None
    if "error" in name.split(".") and value > 0:
        return float(f"1e{math.ceil(math.log10(value))}")
    return float(f"{float(value):.{DIGITS}g}")


def _agree(fresh: Value, committed: Value) -> bool:
    if isinstance(fresh, float) and isinstance(committed, float):
        return math.isclose(fresh, committed, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return fresh == committed and type(fresh) is type(committed)


def _finite(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, default=_scalar)


def _scalar(value: Any) -> Any:
    """Return a NumPy scalar or a mapping type JSON does not know as plain data."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return value.item()


def _write(path: Path, data: bytes) -> None:
    with atomic(path, "wb") as stream:
        stream.write(data)
