"""The report: every number by name, the same bytes twice, nothing left without words for those who cannot see."""

import itertools
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typst

from metaanalysis import figures, report
from metaanalysis.errors import InputError
from metaanalysis.figures import style
from metaanalysis.results import Results

SOURCE = Path(__file__).resolve().parents[2] / "reports"
PROSE = SOURCE / "practice" / "prose.typ"
FRAMES = ("flow", "models", "grid", "curves", "threshold", "width", "parameters", "sensitivity")


@pytest.fixture(scope="module")
def built(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a built report; its parts are in ``build``."""
    folder = tmp_path_factory.mktemp("report")
    report.build(results, folder, build_dir=folder / "build", source=SOURCE)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the sources of the report, to be broken."""
    return Path(shutil.copytree(SOURCE, tmp_path / "source", ignore=shutil.ignore_patterns(".build", "*.pdf")))


def query(built: Path, selector: str, field: str | None = None) -> list[Any]:
    """Ask the set document for its elements."""
    folder = built / "build"
    found = typst.query(
        str(folder / "prose.typ"),
        selector,
        field=field,
        root=str(folder),
        font_paths=[style.font_folder()],
        ignore_system_fonts=True,
    )
    return json.loads(found)


def words(node: Any) -> str:
    """All text below a node of a query's answer."""
    if isinstance(node, dict):
        if node.get("func") == "space":
            return " "
        if isinstance(node.get("text"), str):
            return str(node["text"])
        return "".join(words(value) for value in node.values())
    return "".join(words(item) for item in node) if isinstance(node, list) else ""


def test_the_report_is_a_tagged_archival_pdf(built: Path) -> None:
    data = (built / "practice.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    for mark in (b"/MarkInfo", b"/StructTreeRoot", b"/Lang"):
        assert mark in data, mark
    assert b"pdfuaid" in data
    assert b"pdfaid" in data
    assert not list(built.glob(".practice*"))


def test_identical_results_give_identical_bytes(built: Path, results: Results, tmp_path: Path) -> None:
    again = report.build(results, tmp_path, build_dir=tmp_path / "elsewhere", source=SOURCE)
    assert again.read_bytes() == (built / "practice.pdf").read_bytes()
    one, two = (folder / "report.json" for folder in (built / "build", tmp_path / "elsewhere"))
    assert one.read_bytes() == two.read_bytes()


def test_different_numbers_give_a_different_report(built: Path, made_up: ModuleType, tmp_path: Path) -> None:
    other = made_up.with_numbers(made_up.results(), tau__between=0.9)
    pdf = report.build(other, tmp_path, build_dir=tmp_path / "build", source=SOURCE)
    assert pdf.read_bytes() != (built / "practice.pdf").read_bytes()


def test_every_figure_is_in_the_report_with_its_alternative_text(built: Path, results: Results) -> None:
    images = query(built, "image")
    assert [image["alt"] for image in images]
    assert {image["alt"] for image in images} == {figures.load(n).describe(results) for n in figures.available(results)}
    for equation in query(built, "math.equation"):
        assert equation["alt"]


def test_figures_and_tables_are_numbered_captioned_and_cross_referenced(built: Path) -> None:
    content = json.loads((built / "build" / "report.json").read_text(encoding="utf-8"))
    labels = {found["label"].strip("<>") for found in query(built, "figure")}
    assert labels == {f"fig-{n}" for n in content["figures"]} | {f"tab-{n}" for n in content["tables"]}
    assert all(words(found["caption"]) for found in query(built, "figure"))
    referred = {found["target"].strip("<>") for found in query(built, "ref")}
    appendix = {"tab-flow", "tab-grid", "tab-sensitivity", "tab-parameters"}
    assert labels - appendix <= referred


def test_headings_are_nested_and_the_language_is_english(built: Path) -> None:
    levels = [found["level"] for found in query(built, "heading")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert query(built, "heading.where(level: 1)")


def test_the_text_of_the_report_holds_the_numbers(built: Path, results: Results) -> None:
    text = words(query(built, "par"))
    text = re.sub(r"[\u202f\u00a0\s]+", " ", text)
    known = report.numbers(results)
    assert str(known["verdict.answer"]) in text
    assert str(known["verdict.sharpness.answer"]) in text
    assert str(known["verdict.odds.declared"]) in text
    assert "0.15" in text
    assert "+27 %" in text
    assert f"{known['k.effects']} measured productivity effects from {known['k.studies']} studies" in text


def test_the_bibliography_lists_every_study(built: Path, results: Results) -> None:
    content = json.loads((built / "build" / "report.json").read_text(encoding="utf-8"))
    assert len(content["references"]) == len(results.references)
    links = {found["dest"] for found in query(built, "link") if isinstance(found["dest"], str)}
    assert {entry["link"] for entry in content["references"]} <= links


@pytest.mark.parametrize("frame", FRAMES)
def test_a_missing_frame_leaves_its_part_out_and_the_report_is_still_set(
    frame: str, made_up: ModuleType, tmp_path: Path
) -> None:
    less = made_up.results(without=(frame,))
    assert report.build(less, tmp_path, build_dir=tmp_path / "build", source=SOURCE).is_file()


def test_a_family_without_jumps_says_that_it_tells_nothing_about_thresholds(
    made_up: ModuleType, tmp_path: Path
) -> None:
    base = made_up.results(without=("grid", "threshold", "width", "sensitivity"))
    gone = (
        "bf.",
        "probability.",
        "jump.",
        "sign.",
        "threshold.",
        "sharp.",
        "width.",
        "loso.",
        "primary_only.",
        "random",
    )
    bare = replace(base, numbers={k: v for k, v in base.numbers.items() if not k.startswith(gone)}, references=())
    report.build(bare, tmp_path, build_dir=tmp_path / "build", source=SOURCE)
    assert "says nothing about a threshold" in str(report.numbers(bare)["verdict.answer"])


def test_an_undated_report_is_set_too(made_up: ModuleType, tmp_path: Path) -> None:
    undated = made_up.with_numbers(made_up.results(), data__date=None)
    data = report.build(undated, tmp_path, build_dir=tmp_path / "build", source=SOURCE).read_bytes()
    assert b"pdfuaid" in data


def test_long_forests_go_over_several_pages(made_up: ModuleType, tmp_path: Path) -> None:
    many = made_up.results(130)
    report.build(many, tmp_path, build_dir=tmp_path / "build", source=SOURCE)
    content = json.loads((tmp_path / "build" / "report.json").read_text(encoding="utf-8"))
    parts = content["figures"]["forest"]
    assert len(parts) == 3
    assert parts[2]["alt"].endswith("Part 3 of 3.")
    assert all((tmp_path / "build" / part["file"]).is_file() for part in parts)


def test_an_unknown_number_is_one_clear_message_with_file_line_and_name(
    source: Path, results: Results, tmp_path: Path
) -> None:
    prose = source / "practice" / "prose.typ"
    prose.write_text(prose.read_text(encoding="utf-8") + '\n#num("no.such.number")\n', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        report.build(results, tmp_path, build_dir=tmp_path / "build", source=source)
    (fault,) = caught.value.faults
    line = prose.read_text(encoding="utf-8").count("\n")
    assert fault.where.endswith(f"prose.typ:{line}")
    assert fault.field == "no.such.number"
    assert not (tmp_path / "practice.pdf").exists()


def test_an_unknown_number_named_in_a_roundabout_way_is_found_as_well(
    source: Path, results: Results, tmp_path: Path
) -> None:
    prose = source / "practice" / "prose.typ"
    prose.write_text(prose.read_text(encoding="utf-8") + '\n#num("no.such." + "number")\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"prose\.typ: no\.such\.number: the prose asks for an unknown number"):
        report.build(results, tmp_path, build_dir=tmp_path / "build", source=source)


def test_a_number_without_a_value_must_be_asked_about_first(
    source: Path, results: Results, made_up: ModuleType, tmp_path: Path
) -> None:
    (source / "practice" / "prose.typ").write_text(
        '#import "page.typ": *\n#show: report\n= One\n#num("pooled.mean")\n', encoding="utf-8"
    )
    without = made_up.with_numbers(results, pooled__mean=None)
    with pytest.raises(InputError, match=r"pooled\.mean: number without a value\. .*#known"):
        report.build(without, tmp_path, build_dir=tmp_path / "build", source=source)


def test_prose_that_cannot_be_set_says_why(source: Path, results: Results, tmp_path: Path) -> None:
    (source / "practice" / "prose.typ").write_text("#nonsense", encoding="utf-8")
    with pytest.raises(InputError, match=r"cannot be set: unknown variable: nonsense"):
        report.build(results, tmp_path, build_dir=tmp_path / "build", source=source)


@pytest.mark.parametrize("name", ["page.typ", "methods.bib", "practice/prose.typ"])
def test_a_missing_source_is_named(name: str, source: Path, results: Results, tmp_path: Path) -> None:
    (source / name).unlink()
    with pytest.raises(InputError, match="the report needs this file"):
        report.build(results, tmp_path, build_dir=tmp_path / "build", source=source)


@pytest.mark.parametrize("prose", sorted(SOURCE.glob("*/prose.typ")), ids=lambda p: p.parent.name)
def test_no_digits_are_typed_into_prose(prose: Path) -> None:
    assert report.typed_digits(prose.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "caught"),
    [
        ("The ratio is 3.", True),
        ("In 25 studies", True),
        ('#num("bf.discontinuous", digits: 2)', False),
        ("@andrews1993 says so", False),
        ("// 12 lines of comment", False),
        ('#tab("effects", size: 6.8pt, [A caption])', False),
        ('#tab("effects", size: 6.8pt, [Caption 2])', True),
    ],
)
def test_the_lint_tells_digits_from_settings(text: str, caught: bool) -> None:
    assert bool(report.typed_digits(text)) is caught


def test_a_swallowed_semicolon_is_refused(source: Path, results: Results, tmp_path: Path) -> None:
    prose = source / "practice" / "prose.typ"
    prose.write_text(prose.read_text(encoding="utf-8") + '\nSo #num("tau.within"); and so on\n', encoding="utf-8")
    with pytest.raises(InputError, match="swallows the semicolon"):
        report.build(results, tmp_path, build_dir=tmp_path / "build", source=source)


def test_names_of_the_prose_are_known_with_their_parts() -> None:
    assert report.names_used('#num("a.b") and\n#estimate("c")') == [
        (1, "a.b"),
        (2, "c.mean"),
        (2, "c.lower"),
        (2, "c.upper"),
    ]
    assert report.names_guarded('#if known("a", "b.c") [x] else if equals("d", "y") [z]') >= {"a", "b.c", "d"}


def test_no_guard_of_the_prose_is_misspelt(results: Results) -> None:
    """A guard that never holds would hide its sentence for ever."""
    text = PROSE.read_text(encoding="utf-8")
    values = {"neither"}
    assert report.names_guarded(text) - values <= report.numbers(results).keys()


def test_numbers_are_rounded_sorted_and_complete(results: Results, made_up: ModuleType, tmp_path: Path) -> None:
    text = report.numbers_text(made_up.with_numbers(results, pooled__mean=0.123456789, x__nan=float("nan")))
    read = json.loads(text)
    assert list(read) == sorted(read)
    assert read["pooled.mean"] == 0.123457
    assert read["x.nan"] is None
    assert read["k.effects"] == 36
    assert read["bf.error"] == 1e-4
    assert "verdict.answer" in read
    report.write_numbers(results, tmp_path / "a" / "numbers.json")
    assert (tmp_path / "a" / "numbers.json").read_text(encoding="utf-8") == report.numbers_text(results)


def test_stale_names_exactly_what_changed(results: Results, made_up: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    assert report.stale(results, path) == sorted(report.numbers(results))
    report.write_numbers(results, path)
    assert report.stale(results, path) == []
    assert report.stale(made_up.with_numbers(results, tau__between=0.16), path) == ["tau.between"]
    assert report.stale(made_up.with_numbers(results, tau__between=0.15 + 1e-6), path) == []
    assert report.stale(made_up.with_numbers(results, bf__error=3e-7), path) == ["bf.error"]
    assert report.stale(made_up.with_numbers(results, sharp__error=3e-7), path) == []
    assert report.stale(made_up.with_numbers(results, k__effects=37), path) == ["k.effects"]
    assert report.stale(made_up.with_numbers(results, extra=None), path) == ["extra"]


def test_readme_figure_is_deterministic_and_needs_no_fonts(results: Results, tmp_path: Path) -> None:
    for name in ("one", "two"):
        report.write_readme_figure(results, tmp_path / name / "curve.svg")
    one, two = ((tmp_path / name / "curve.svg").read_bytes() for name in ("one", "two"))
    assert one == two
    assert b"<text" not in one
    assert len(one) < 200_000


def test_only_declared_figures_are_drawn_and_an_unknown_one_is_refused(results: Results, tmp_path: Path) -> None:
    declared = replace(results, spec={**results.spec, "figures": ["grid", "forest"]})
    assert set(report.write_figures(declared, tmp_path / "figures")) == {"grid", "forest"}
    odd = replace(results, spec={**results.spec, "figures": ["grdi"]})
    with pytest.raises(InputError, match=r"figures: there is no figure 'grdi'"):
        report.write_figures(odd, tmp_path / "more")
