"""Sensitivity of the verdict: the Bayes factor and the jump under every declared variant."""

from typing import TYPE_CHECKING, Final

from metaanalysis.figures import style
from metaanalysis.results import Results
from metaanalysis.verdict import odds

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDS: Final = ("sensitivity",)
WIDTH: Final = style.PAGE
PITCH: Final = 0.4
ROWS: Final = 50
_NAMES: Final = 8.0


def draw(results: Results) -> "tuple[Figure, ...]":
    """Draw one row for each variant: studies and effects, Bayes factor, model-averaged jump."""
    rows = results.frames["sensitivity"].reset_index(drop=True)
    pages = -(-len(rows) // ROWS)
    return tuple(_page(results, rows, rows.iloc[n * ROWS : (n + 1) * ROWS]) for n in range(pages))


def _page(results: Results, everything: "pd.DataFrame", rows: "pd.DataFrame") -> "Figure":
    slots, groups = _slots(rows)
    depth = slots[-1] + 1
    with style.drawing():
        figure = style.new(WIDTH, depth * PITCH + 1.6)
        names, main, jump = (
            style.place(figure, left, 1.05, width, depth * PITCH)
            for left, width in ((0, _NAMES), (_NAMES + 0.1, 4.8), (_NAMES + 5.35, WIDTH - _NAMES - 5.55))
        )
        for ax in (names, main, jump):
            ax.set_ylim(depth - 0.4, -0.6)
            style.bare(ax, keep=("bottom",) if ax is not names else ())
        _write_names(names, rows, slots, groups)
        style.evidence_axis(main, float(everything["log_bf"].abs().max()))
        main.errorbar(rows["log_bf"], slots, xerr=rows["error"], fmt="o", ms=3.4, color=style.INK, elinewidth=0.8)
        main.axvline(float(everything["log_bf"].iloc[0]), color=style.MUTED, lw=0.6, ls=(0, (2, 2)), zorder=1)
        main.set_xlabel("odds, discontinuous : continuous")
        _draw_jump(jump, rows, slots, style.measure(results))
        for ax, word in ((main, "evidence"), (jump, "averaged jump")):
            ax.text(0, -1.0, word, transform=ax.get_yaxis_transform(), va="bottom", weight="bold", fontsize=style.SMALL)
    return figure


def describe(results: Results) -> str:
    """Return the alternative text."""
    rows = results.frames["sensitivity"]
    order = rows["log_bf"].to_numpy().argsort()
    low, high = rows.iloc[int(order[0])], rows.iloc[int(order[-1])]
    return (
        f"Evidence under {len(rows)} variants of the analysis. It runs from {odds(low['log_bf'])} "
        f"({low['group']}: {low['variant']}) to {odds(high['log_bf'])} ({high['group']}: {high['variant']})."
    )


def _slots(rows: "pd.DataFrame") -> tuple[list[float], list[tuple[float, str]]]:
    slots: list[float] = []
    groups: list[tuple[float, str]] = []
    at, current = 0.0, None
    for group in rows["group"]:
        if group != current:
            at += 0.3 if groups else 0
            groups.append((at, group))
            current = group
        slots.append(at)
        at += 1
    return slots, groups


def _write_names(ax: "Axes", rows: "pd.DataFrame", slots: list[float], groups: list[tuple[float, str]]) -> None:
    ax.set_xlim(0, _NAMES)
    for at, group in groups:
        ax.text(0, at, style.shorten(group, 20), va="center", fontsize=style.SMALL, color=style.MUTED)
    for at, variant, studies, effects in zip(slots, rows["variant"], rows["studies"], rows["effects"], strict=True):
        ax.text(2.3, at, style.shorten(variant, 40), va="center", fontsize=style.SMALL)
        ax.text(
            _NAMES - 0.15,
            at,
            f"{studies} / {effects}",
            va="center",
            ha="right",
            fontsize=style.SMALL,
            color=style.MUTED,
        )
    ax.text(_NAMES - 0.15, -1.0, "studies / effects", ha="right", va="bottom",
            weight="bold", fontsize=style.SMALL)  # fmt: skip
    ax.text(0, -1.0, "what is varied", va="bottom", weight="bold", fontsize=style.SMALL)


def _draw_jump(ax: "Axes", rows: "pd.DataFrame", slots: list[float], kind: str) -> None:
    ax.axvline(0, color=style.MUTED, lw=0.6, zorder=0)
    ax.hlines(slots, rows["jump_lower"], rows["jump_upper"], color=style.INK, lw=0.9)
    ax.scatter(rows["jump"], slots, s=11, color=style.INK, lw=0, zorder=3)
    low, high = float(rows["jump_lower"].min()), float(rows["jump_upper"].max())
    pad = 0.06 * max(high - low, 0.2)
    ax.set_xlim(low - pad, high + pad)
    style.effect_axis(ax.xaxis, kind, low - pad, high + pad, apart=0.17)
    ax.set_xlabel(style.effect_label(kind))
