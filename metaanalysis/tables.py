"""Tables: frames in, rows of text out; the report, the README and the command line print the same ones."""

import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from metaanalysis.results import Results
from metaanalysis.verdict import BANDS, Evidence, answer

if TYPE_CHECKING:
    import pandas as pd

MINUS: Final = "\N{MINUS SIGN}"
SUPERSCRIPT: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
Align = Literal["left", "right", "center"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    head : str
        Heading.
    align : str
        Alignment of its cells.
    share : float
        Share of the free width the column takes; 0 if it is as wide as its widest cell.
    """

    head: str
    align: Align = "left"
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to be set: text only.

    Attributes
    ----------
    columns : tuple of Column
        The columns.
    rows : tuple of tuple of str
        The cells, one tuple for each row.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def data(self) -> dict[str, Any]:
        """Return the table as plain data for JSON."""
        return {
            "heads": [c.head for c in self.columns],
            "align": [c.align for c in self.columns],
            "shares": [c.share for c in self.columns],
            "rows": [list(row) for row in self.rows],
        }

    def markdown(self) -> str:
        """Return the table in Markdown."""
        rule = {"left": ":--", "right": "--:", "center": ":-:"}
        lines = [
            " | ".join(c.head.replace("\n", " ") for c in self.columns),
            " | ".join(rule[c.align] for c in self.columns),
            *(" | ".join(cell.replace("|", "\\|") for cell in row) for row in self.rows),
        ]
        return "\n".join(f"| {line} |" for line in lines) + "\n"


def number(value: Any, digits: int = 2, *, sign: bool = False) -> str:
    """Return a number as text with a true minus sign; an en dash where there is none."""
    if not _known(value):
        return "–"
    text = f"{float(value):{'+' if sign else ''}.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def interval(low: Any, high: Any, digits: int = 2) -> str:
    """Return the ends of an interval in brackets."""
    return f"[{number(low, digits)}, {number(high, digits)}]"


def factor(log_bf: Any) -> str:
    """Return a Bayes factor from its logarithm, to two significant digits or one decimal."""
    if not _known(log_bf):
        return "–"
    value = math.exp(max(min(float(log_bf), 700.0), -700.0))
    if value >= 1000 or value < 0.001:
        exponent = math.floor(float(log_bf) / math.log(10))
        mantissa = math.exp(float(log_bf) - exponent * math.log(10))
        return f"{mantissa:.1f} × 10{str(exponent).translate(SUPERSCRIPT)}"
    return f"{value:.0f}" if value >= 100 else f"{value:#.2g}".removesuffix(".")


def error(value: Any) -> str:
    """Return a numerical error to one digit, as a power of ten below a thousandth."""
    if not _known(value):
        return "–"
    if value == 0 or value >= 1e-3:
        return f"{value:.1g}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPT)}"


def words(identifier: str) -> str:
    """Return an identifier as words."""
    return identifier.replace("_", " ")


def tables(results: Results) -> dict[str, Table]:
    """Return every table the results allow, by name; a table whose frame is missing or empty is left out."""
    made: dict[str, Table] = {}
    for name, (frame, build) in _FROM_FRAMES.items():
        rows = results.frames.get(frame)
        if rows is not None and len(rows):
            made[name] = build(rows)
    declared = {**(results.spec.get("priors") or {}), **(results.spec.get("heterogeneity") or {})}
    if declared:
        made["priors"] = priors(declared)
    made["bands"] = bands()
    if "effects" in made:
        made["effects"] = effects(results.frames["effects"], results.frames.get("printed"))
    return made


def models(frame: "pd.DataFrame") -> Table:
    """Return the comparison of the members of the family."""
    columns = (
        Column("Member"),
        Column("Family"),
        Column("It says", share=1.0),
        Column("log evidence", "right"),
        Column("BF against\nflat", "right"),
        Column("Probability,\nfamilies equal", "right"),
        Column("Probability,\nmembers equal", "right"),
    )
    return Table(
        columns,
        tuple(
            (
                words(row["model"]),
                row["family"],
                row["says"],
                f"{number(row['log_evidence'], 3)} ± {error(row['error'])}",
                factor(row["log_bf"]),
                number(row["probability"]),
                number(row["probability_equal"]),
            )
            for _, row in frame.iterrows()
        ),
    )


def grid(frame: "pd.DataFrame") -> Table:
    """Return the evidence over the grid of prior scales."""
    columns = (
        Column("Prior scale", "right"),
        Column("Bayes factor", "right"),
        Column("log Bayes factor", "right"),
        Column("Numerical error", "right"),
        Column("Probability of\na discontinuity", "right"),
    )
    return Table(
        columns,
        tuple(
            (
                f"× {row['scale']:g}",
                factor(row["log_bf"]),
                number(row["log_bf"], sign=True),
                error(row["error"]),
                number(row["probability"]),
            )
            for _, row in frame.sort_values("scale").iterrows()
        ),
    )


def sensitivity(frame: "pd.DataFrame") -> Table:
    """Return the verdict under every declared variant."""
    columns = (
        Column("Varied"),
        Column("Variant", share=1.0),
        Column("Studies", "right"),
        Column("Effects", "right"),
        Column("Bayes factor", "right"),
        Column("Probability", "right"),
        Column("Jump, log points", "right"),
    )
    return Table(
        columns,
        tuple(
            (
                row["group"],
                row["variant"],
                str(row["studies"]),
                str(row["effects"]),
                factor(row["log_bf"]),
                number(row["probability"]),
                f"{number(row['jump'])} {interval(row['jump_lower'], row['jump_upper'])}",
            )
            for _, row in frame.iterrows()
        ),
    )


def parameters(frame: "pd.DataFrame") -> Table:
    """Return the posterior of every parameter beside its prior."""
    columns = (
        Column("Member"),
        Column("Parameter", share=1.0),
        Column("Mean", "right"),
        Column("SD", "right"),
        Column("Median", "right"),
        Column("95 % interval", "right"),
        Column("Prior 95 % interval", "right"),
    )
    rows = []
    previous = ""
    for _, row in frame.iterrows():
        shown = words(row["model"]) if row["model"] != previous else ""
        previous = row["model"]
        rows.append(
            (
                shown,
                words(row["parameter"]),
                number(row["mean"], 3),
                number(row["sd"], 3),
                number(row["median"], 3),
                interval(row["lower"], row["upper"], 3),
                interval(row["prior_lower"], row["prior_upper"]),
            )
        )
    return Table(columns, tuple(rows))


def flow(frame: "pd.DataFrame") -> Table:
    """Return the flow of studies and effects."""
    columns = (
        Column("Step"),
        Column("Reason for leaving", share=1.0),
        Column("Studies", "right"),
        Column("Effects", "right"),
    )
    rows = zip(frame["step"], frame["reason"], frame["studies"], frame["effects"], strict=True)
    return Table(columns, tuple((step, reason or "–", str(s), str(e)) for step, reason, s, e in rows))


def effects(frame: "pd.DataFrame", printed: "pd.DataFrame | None" = None) -> Table:
    """Return the table of effects for the appendix, ascending exposure.

    Parameters
    ----------
    frame : DataFrame
        The frame ``effects``.
    printed : DataFrame, optional
        One row for each effect with the columns `study`, `effect`, `outcome`, `printed` (the numbers as printed)
        and `coders` (the exposure by coder); joined where present.
    """
    extra: dict[tuple[str, str], Any] = {}
    if printed is not None and len(printed):
        extra = {(row["study"], row["effect"]): row for _, row in printed.iterrows()}
    columns = [Column("Study · effect", share=1.5)]
    columns += [Column("Outcome", share=1.1), Column("As printed", share=1.3)] if extra else []
    columns += [
        Column("Work; design", share=1.0),
        Column("Route; flags", share=1.0),
        Column("Exposure", "right"),
        Column("y (SE)", "right"),
        Column("Shrunken", "right"),
    ]
    rows = []
    for _, row in frame.sort_values(["x", "y", "study", "effect"], kind="stable").iterrows():
        more = extra.get((row["study"], row["effect"]))
        cells = [f"{row['label']} · {words(row['effect'])}"]
        if extra:
            cells += ["–", "–"] if more is None else [str(more["outcome"]), str(more["printed"])]
        cells += [
            f"{words(row['domain'])}; {words(row['design'])}",
            "; ".join(words(t) for t in (row["route"], row["flags"]) if t),
            _exposure(row) if more is None else str(more["coders"]),
            f"{number(row['y'], 3)} ({number(row['se'], 3)})",
            number(row["fitted"]),
        ]
        rows.append(tuple(cells))
    return Table(tuple(columns), tuple(rows))


def priors(declared: Mapping[str, Any]) -> Table:
    """Return the priors of an analysis with the reason of each, as its spec declares them."""
    columns = (Column("Parameter"), Column("Prior", share=0.8), Column("Reason", share=2.0))
    rows = []
    for name, prior in declared.items():
        reason = prior.get("reason", "–") if isinstance(prior, Mapping) else "–"
        rows.append((words(name), prior_text(prior), str(reason)))
    return Table(columns, tuple(rows))


def bands() -> Table:
    """Return the bands of evidence with the sentence each leads to, for the discontinuous side."""
    columns = (Column("Bayes factor", "right"), Column("Band"), Column("The report then says", share=1.0))
    rows = []
    for number_, band in enumerate(BANDS):
        high = BANDS[number_ + 1].low if number_ + 1 < len(BANDS) else None
        bounds = f"{band.low:g} to {high:g}" if high else f"above {band.low:g}"
        found = Evidence(band, "discontinuous" if number_ else "neither")
        rows.append((bounds, band.name, answer(found)))
    return Table(columns, tuple(rows))


def prior_text(prior: Any) -> str:
    """Return a prior as a distribution with its parameters, e.g. ``normal (mean 0, sd 0.5)``, or as a fixed value."""
    if not isinstance(prior, Mapping):
        return f"fixed at {_plain(prior)}"
    rest = ", ".join(f"{words(k)} {_plain(v)}" for k, v in prior.items() if k not in ("family", "reason"))
    family = words(str(prior.get("family", "declared")))
    return f"{family} ({rest})" if rest else family


def _plain(value: Any) -> str:
    return f"{value:g}".replace("-", MINUS) if isinstance(value, int | float) else str(value)


def _exposure(row: Any) -> str:
    shown = f"{row['x']:g}"
    if row["x_low"] != row["x"] or row["x_high"] != row["x"]:
        shown += f" ({row['x_low']:g}–{row['x_high']:g})"
    return f"{shown} against {row['x0']:g}" if _known(row["x0"]) else shown


def _known(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not math.isnan(value)


_FROM_FRAMES: Final[Mapping[str, tuple[str, Callable[["pd.DataFrame"], Table]]]] = {
    "models": ("models", models),
    "grid": ("grid", grid),
    "sensitivity": ("sensitivity", sensitivity),
    "parameters": ("parameters", parameters),
    "flow": ("flow", flow),
    "effects": ("effects", effects),
}


def rows_of(table: Table, head: str) -> Sequence[str]:
    """Return the cells of one column, by its heading.

    Raises
    ------
    KeyError
        If the table has no such column.
    """
    heads = [column.head for column in table.columns]
    if head not in heads:
        raise KeyError(f"no column {head!r}; known: {', '.join(heads)}")
    index = heads.index(head)
    return [row[index] for row in table.rows]
