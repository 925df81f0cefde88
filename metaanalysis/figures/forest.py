"""Forest plot: every effect with its exposure, interval, shrinkage estimate and printed values."""

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from metaanalysis.figures import style
from metaanalysis.results import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDS: Final = ("effects",)
WIDTH: Final = style.PAGE
PITCH: Final = 0.315
ROWS: Final = 60
_HEAD: Final = 0.55
_FOOT: Final = 1.2
_SUMMARY: Final = (("pooled", "pooled mean, practice ignored"), ("prediction", "a new study: prediction interval"))


def draw(results: Results) -> "tuple[Figure, ...]":
    """Draw the effects in ascending order of exposure, at most `ROWS` to a page."""
    rows = ordered(style.effects(results))
    pages = -(-len(rows) // ROWS)
    span = style.limits(list(rows["y"]), list(rows["lower"]), list(rows["upper"]))
    return tuple(_page(results, rows.iloc[n * ROWS : (n + 1) * ROWS], span, last=n == pages - 1) for n in range(pages))


def ordered(effects: "pd.DataFrame") -> "pd.DataFrame":
    """Return the effects as they are drawn: ascending exposure, then ascending effect."""
    return effects.sort_values(["x", "y", "study", "effect"], kind="stable").reset_index(drop=True)


def describe(results: Results) -> str:
    """Return the alternative text."""
    rows = style.effects(results)
    kind = style.measure(results)
    scale = style.exposure(results)
    low, high = (style.change(float(end), kind) for end in (rows["y"].min(), rows["y"].max()))
    above, below = int((rows["lower"] > 0).sum()), int((rows["upper"] < 0).sum())
    return (
        f"Forest plot of {len(rows)} effects from {rows['study'].nunique()} studies in ascending order of the "
        f"{scale.label}, from {rows['x'].min():g} to {rows['x'].max():g}. {above} intervals lie wholly above no "
        f"change and {below} wholly below. Estimates run from {low} to {high} ({style.effect_label(kind)}). "
        f"The table of effects in the appendix gives every value."
    )


def row_labels(rows: "pd.DataFrame") -> list[str]:
    """Return author and year of each row, with the effect where a study has several."""
    several = rows["study"].duplicated(keep=False)
    labels = []
    for label, effect, more in zip(rows["label"], rows["effect"], several, strict=True):
        if not more:
            labels.append(style.shorten_label(label, 44))
            continue
        name = style.shorten_label(label, 27)
        labels.append(f"{name} · {style.shorten(effect.replace('_', ' '), 42 - len(name))}")
    return labels


def _page(results: Results, rows: "pd.DataFrame", span: tuple[float, float], *, last: bool) -> "Figure":
    scale, kind = style.exposure(results), style.measure(results)
    summary = [s for s in _SUMMARY if last and results.numbers.get(f"{s[0]}.lower") is not None]
    slots, spacers = _slots(rows, scale)
    depth = slots[-1] + 1 + (len(summary) + 0.6 if summary else 0)
    height = depth * PITCH + _HEAD + _FOOT
    with style.drawing():
        figure = style.new(WIDTH, height)
        names, strip, main, values = (
            style.place(figure, left, _FOOT, width, depth * PITCH)
            for left, width in ((0, 5.6), (5.75, 2.3), (8.35, 5.2), (13.6, WIDTH - 13.6))
        )
        for ax in (names, strip, main, values):
            ax.set_ylim(depth - 0.4, -0.6)
            style.bare(ax, keep=("bottom",) if ax in (strip, main) else ())
        colours = [style.colour(scale, x) for x in rows["x"]]
        _write_names(names, rows, slots, spacers)
        _draw_strip(strip, rows, slots, colours, scale)
        _draw_effects(main, rows, slots, colours, span, kind)
        _write_values(values, rows, slots, kind)
        _draw_summary(results, (names, main, values), summary, slots[-1] + 1.6, kind)
        _head((names, strip, main, values), kind)
        for spacer, _ in spacers:
            main.axhline(spacer, color=style.PALE, lw=0.6, zorder=0)
    return figure


def _slots(rows: "pd.DataFrame", scale: style.Exposure) -> tuple[list[float], list[tuple[float, str]]]:
    """Return the vertical place of each row and of the heading of each band."""
    slots: list[float] = []
    headings: list[tuple[float, str]] = []
    at, current = 0.0, None
    for x in rows["x"]:
        band = next((b for b in scale.bands if x <= b[2]), None)
        if band is not None and band != current:
            at += 0.25 if headings else 0
            headings.append((at, band[0]))
            current, at = band, at + 1
        slots.append(at)
        at += 1
    return slots, headings


def _head(axes: "tuple[Axes, ...]", kind: str) -> None:
    unit = {"log_ratio": "%", "log_odds_ratio": "odds ratio"}.get(kind, "effect")
    words = ("study · effect", "exposure", "estimate and 95 % interval", f"{unit} [95 % interval]")
    for ax, word in zip(axes, words, strict=True):
        x, side = (1.0, "right") if ax is axes[3] else (0.0, "left")
        place = ax.get_yaxis_transform()
        ax.text(x, -1.15, word, transform=place, va="bottom", ha=side, weight="bold", fontsize=style.SMALL)


def _write_names(
    ax: "Axes", rows: "pd.DataFrame", slots: Sequence[float], headings: Sequence[tuple[float, str]]
) -> None:
    ax.set_xlim(0, 1)
    for at, name in zip(slots, row_labels(rows), strict=True):
        ax.text(0, at, name, va="center", fontsize=style.SMALL)
    for at, name in headings:
        ax.text(0, at, name, va="center", fontsize=style.SMALL, weight="bold", color=style.MUTED)


def _draw_strip(
    ax: "Axes", rows: "pd.DataFrame", slots: Sequence[float], colours: Sequence[str], scale: style.Exposure
) -> None:
    ax.set_xlim(scale.low - 0.03 * (scale.high - scale.low), scale.high)
    ax.hlines(slots, scale.low, scale.high, color=style.PALE, lw=0.5, zorder=0)
    ax.hlines(slots, rows["x_low"], rows["x_high"], colors=colours, lw=1.4, alpha=0.45)
    ax.scatter(rows["x"], slots, s=9, c=colours, lw=0, zorder=3, label="treated")
    ax.scatter(rows["x0"], slots, s=9, facecolors="white", edgecolors=colours, lw=0.8, zorder=2, label="reference")
    ax.set_xlabel(textwrap.fill(scale.label, 22), fontsize=style.SMALL)


def _draw_effects(
    ax: "Axes",
    rows: "pd.DataFrame",
    slots: Sequence[float],
    colours: Sequence[str],
    span: tuple[float, float],
    kind: str,
) -> None:
    low, high = span
    ax.set_xlim(low, high)
    ax.vlines(0, -0.5, ax.get_ylim()[0], color=style.MUTED, lw=0.6, zorder=0)
    ax.hlines(slots, rows["lower"].clip(low), rows["upper"].clip(upper=high), colors=colours, lw=0.9)
    ax.scatter(rows["y"], slots, s=style.sizes(list(rows["se"])), c=colours, marker="s", lw=0, zorder=3)
    ax.scatter(rows["fitted"], slots, s=22, c=style.INK, marker="|", lw=0.9, zorder=4)
    for at, lower, upper, hue in zip(slots, rows["lower"], rows["upper"], colours, strict=True):
        for beyond, edge, mark in ((lower < low, low, "<"), (upper > high, high, ">")):
            if beyond:
                ax.plot([edge], [at], marker=mark, ms=3, color=hue, clip_on=False, lw=0)
    style.effect_axis(ax.xaxis, kind, low, high)
    ax.set_xlabel(style.effect_label(kind), fontsize=style.SMALL)


def _write_values(ax: "Axes", rows: "pd.DataFrame", slots: Sequence[float], kind: str) -> None:
    ax.set_xlim(0, 1)
    for at, y, lower, upper in zip(slots, rows["y"], rows["lower"], rows["upper"], strict=True):
        _value(ax, at, (y, lower, upper), kind)


def _value(ax: "Axes", at: float, numbers: Sequence[float], kind: str, **options: Any) -> None:
    y, lower, upper = (style.change(float(v), kind) for v in numbers)
    ax.text(0.36, at, y, va="center", ha="right", fontsize=style.SMALL, **options)
    ax.text(1.0, at, f"[{lower}, {upper}]", va="center", ha="right", fontsize=style.SMALL, **options)


def _draw_summary(
    results: Results, axes: "tuple[Axes, Axes, Axes]", summary: Sequence[tuple[str, str]], top: float, kind: str
) -> None:
    names, main, values = axes
    for offset, (name, words) in enumerate(summary):
        at = top + offset
        mean, lower, upper = (_number(results, f"{name}.{end}") for end in ("mean", "lower", "upper"))
        names.text(0, at, words, va="center", fontsize=style.SMALL, weight="bold")
        if name == "pooled":
            main.fill([lower, mean, upper, mean], [at, at - 0.32, at, at + 0.32], color=style.INK, lw=0)
        else:
            low, high = main.get_xlim()
            main.hlines(at, max(lower, low), min(upper, high), color=style.INK, lw=2.2)
        _value(values, at, (mean, lower, upper), kind, weight="bold")


def _number(results: Results, name: str) -> float:
    value = results.numbers.get(name)
    return float(value) if isinstance(value, int | float) else math.nan
