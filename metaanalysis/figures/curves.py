"""The curve: model average with the data and their exposure ranges, and every member by itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from metaanalysis.figures import style
from metaanalysis.results import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDS: Final = ("curves", "effects")
WIDTH: Final = style.PAGE
_TOP: Final = 6.6
_CELL: Final = 2.75


def draw(results: Results) -> "tuple[Figure, ...]":
    """Draw the model average over the data above, small multiples of the members below."""
    curves = results.frames["curves"]
    members = [m for m in dict.fromkeys(curves["model"]) if m != "average"]
    order = [m for m in _models(results) if m in members] or members
    depth = -(-len(order) // _columns(order))
    height = 1.45 + _TOP + (depth * _CELL + 0.75 if order else 0)
    with style.drawing():
        figure = style.new(WIDTH, height)
        top = style.place(figure, 1.35, height - _TOP - 0.5, WIDTH - 1.6, _TOP)
        draw_average(top, results)
        if order:
            _members(figure, results, order)
    return (figure,)


def draw_average(ax: "Axes", results: Results) -> None:
    """Draw the model average, its band and the data on an axes."""
    rows, curves = style.effects(results), results.frames["curves"]
    scale, kind = style.exposure(results), style.measure(results)
    average = _curve(curves, "average")
    low, high = _span(rows, average, style.data_end(results))
    ax.set_ylim(low, high)
    ax.set_xlim(scale.low - 0.035 * (scale.high - scale.low), scale.high)
    ax.axhline(0, color=style.MUTED, lw=0.6, zorder=1)
    _mark_end(ax, results, words=True)
    _line(ax, average, style.data_end(results), color=style.INK, lw=1.6, band=0.13)
    draw_data(ax, results, average)
    style.effect_axis(ax.yaxis, kind, low, high)
    ax.set_ylabel(style.effect_label(kind))
    ax.set_xlabel(scale.label)
    _key(ax, bool(rows["x0"].notna().any()))


def draw_data(ax: "Axes", results: Results, average: "pd.DataFrame") -> None:
    """Draw the effects: against no AI as points, between two ways of using AI as rises along the average."""
    import numpy as np

    rows, scale = style.effects(results), style.exposure(results)
    low, high = ax.get_ylim()
    absolute = rows[rows["x0"].isna()]
    if len(absolute):
        hues = [style.colour(scale, x) for x in absolute["x"]]
        at = dodged(list(absolute["x"]), list(absolute["y"]), 0.009 * (scale.high - scale.low))
        area = [1.2 * s for s in style.sizes(list(absolute["se"]))]
        ax.vlines(at, absolute["lower"].clip(low), absolute["upper"].clip(upper=high), colors=hues, lw=0.6, alpha=0.45)
        ax.hlines(absolute["y"], absolute["x_low"], absolute["x_high"], colors=hues, lw=0.7, alpha=0.4)
        ax.scatter(at, absolute["y"], s=area, c=hues, lw=0.4, edgecolors="white", zorder=4)
    contrasts = rows[rows["x0"].notna()]
    start = np.interp(contrasts["x0"], average["x"], average["mean"]) if len(contrasts) else []
    for x0, x, y, base in zip(contrasts["x0"], contrasts["x"], contrasts["y"], start, strict=True):
        hue = style.colour(scale, x)
        ax.plot([x0, x], [base, base + y], color=hue, lw=0.9, ls=(0, (3, 1.5)), zorder=3)
        ax.plot([x], [base + y], marker="o", ms=3.4, mfc="white", mec=hue, mew=0.9, lw=0, zorder=4)


def dodged(x: Sequence[float], y: Sequence[float], step: float) -> list[float]:
    """Return exposures with equal ones set apart by `step`, in the order of their effects, around the true one."""
    out = list(x)
    for value in set(x):
        group = sorted((i for i in range(len(x)) if x[i] == value), key=lambda i: y[i])
        narrow = min(step, 4 * step / max(len(group) - 1, 1))
        for rank, i in enumerate(group):
            out[i] = value + (rank - (len(group) - 1) / 2) * narrow
    return out


def describe(results: Results) -> str:
    """Return the alternative text."""
    scale, kind = style.exposure(results), style.measure(results)
    average = _curve(results.frames["curves"], "average")
    end = style.data_end(results)
    inside = average[average["x"] <= end]
    if inside.empty:
        return f"Effects against the {scale.label}, with the curve of every member of the model family."
    first, last = inside.iloc[0], inside.iloc[-1]

    def said(row: Any) -> str:
        return (
            f"{style.change(row['mean'], kind)} ({style.change(row['lower'], kind)} to "
            f"{style.change(row['upper'], kind)}) at {row['x']:g}"
        )

    return (
        f"{style.effect_label(kind).capitalize()} against the {scale.label}. The model average with its 95 % band "
        f"runs from {said(first)} to {said(last)}, where the data end; beyond it is drawn as extrapolation. "
        f"Below, one panel for each member of the model family."
    )


def _columns(order: Sequence[str]) -> int:
    """Return how many panels stand side by side."""
    return 3 if len(order) in (3, 5, 6, 9) else 4


def _models(results: Results) -> list[str]:
    models = results.frames.get("models")
    return list(models["model"]) if models is not None else []


def _curve(curves: "pd.DataFrame", model: str) -> "pd.DataFrame":
    return curves[curves["model"] == model].sort_values("x", kind="stable")


def _span(rows: "pd.DataFrame", average: "pd.DataFrame", end: float) -> tuple[float, float]:
    low, high = style.limits(list(rows["y"]), list(rows["lower"]), list(rows["upper"]), slack=0.15)
    inside = average[average["x"] <= end]
    if inside.empty:
        return low, high
    return min(low, float(inside["lower"].min())), max(high, float(inside["upper"].max()))


def _line(ax: "Axes", curve: "pd.DataFrame", end: float, *, color: str, lw: float, band: float) -> None:
    """Draw a curve solid where there are data and dotted beyond, its band paler there."""
    inside, beyond = curve[curve["x"] <= end], curve[curve["x"] >= end]
    for part, line, alpha in ((inside, "-", band), (beyond, (0, (1, 1.4)), band * 0.45)):
        ax.plot(part["x"], part["mean"], color=color, lw=lw, ls=line, zorder=3)
        ax.fill_between(part["x"], part["lower"], part["upper"], color=color, alpha=alpha, lw=0, zorder=2)


def _mark_end(ax: "Axes", results: Results, *, words: bool) -> None:
    end, scale = style.data_end(results), style.exposure(results)
    if end >= scale.high:
        return
    ax.axvspan(end, scale.high, facecolor="none", edgecolor=style.RULE, hatch="////", lw=0, zorder=0)
    ax.axvline(end, color=style.MUTED, lw=0.8, ls=(0, (4, 2)), zorder=1)
    if words:
        ax.text(
            end, 1.0, "data end ", transform=ax.get_xaxis_transform(), ha="right", va="top", fontsize=style.SMALL,
            color=style.MUTED,
        )  # fmt: skip


def _key(ax: "Axes", contrasts: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Any] = [
        Line2D([], [], color=style.INK, lw=1.6, label="model average"),
        Patch(color=style.INK, alpha=0.13, lw=0, label="95 % band"),
        Line2D([], [], marker="o", ms=3.6, color=style.MUTED, lw=0.8, label="against no AI, with coders’ range"),
    ]
    if contrasts:
        entries.append(
            Line2D([], [], marker="o", ms=3.4, mfc="white", color=style.MUTED, lw=0.9, ls=(0, (3, 1.5)),
                   label="between two ways of using AI")
        )  # fmt: skip
    ax.legend(
        handles=entries,
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=4,
        handlelength=2.0,
        columnspacing=1.3,
        borderaxespad=0.1,
    )


def _members(figure: "Figure", results: Results, order: list[str]) -> None:
    curves, scale, kind = results.frames["curves"], style.exposure(results), style.measure(results)
    end, average = style.data_end(results), _curve(results.frames["curves"], "average")
    known = results.frames.get("models")
    info = {} if known is None else {row["model"]: row for _, row in known.iterrows()}
    inside = curves[curves["x"] <= end]
    low, high = float(inside["lower"].min()), float(inside["upper"].max())
    gap, left, columns = 0.25, 1.35, _columns(order)
    width = (WIDTH - left - 0.25 - (columns - 1) * gap) / columns
    depth = -(-len(order) // columns)
    for index, model in enumerate(order):
        row, column = divmod(index, columns)
        bottom = 0.95 + (depth - 1 - row) * _CELL
        ax = style.place(figure, left + column * (width + gap), bottom, width, _CELL - 0.75)
        ax.set_xlim(scale.low, scale.high)
        ax.set_ylim(low - 0.05, high + 0.05)
        ax.axhline(0, color=style.RULE, lw=0.6, zorder=1)
        _mark_end(ax, results, words=False)
        ax.plot(average["x"], average["mean"], color=style.PRIOR, lw=0.8, zorder=2)
        family = str(info[model]["family"]) if model in info else "continuous"
        _line(ax, _curve(curves, model), end, color=style.FAMILY[family], lw=1.2, band=0.16)
        style.effect_axis(ax.yaxis, kind, low, high, apart=0.16)
        ax.set_xticks([scale.low, (scale.low + scale.high) / 2, scale.high])
        share = f"  {100 * info[model]['probability']:.0f} %" if model in info else ""
        ax.set_title(f"{model.replace('_', ' ')}{share}", loc="left", pad=2.5, color=style.FAMILY[family])
        lowest = index + columns >= len(order)
        ax.tick_params(labelleft=column == 0, labelbottom=lowest)
        if lowest and column == 0:
            ax.set_xlabel(scale.label, loc="left", fontsize=style.SMALL)


def draw_compact(results: Results) -> "Figure":
    """Draw the average with the data alone, small enough for a README."""
    with style.drawing():
        figure = style.new(16.0, 8.0)
        ax = style.place(figure, 1.4, 1.1, 14.3, 6.3)
        draw_average(ax, results)
    return figure
