"""Where and how sharp: posterior of the threshold beside the posterior of the transition width, both with priors.

The two are one figure on purpose: a precisely located threshold is no evidence of a sharp one, so neither is shown
without the other.
"""

from typing import TYPE_CHECKING, Final

from metaanalysis.figures import style
from metaanalysis.results import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEEDS: Final = ("threshold", "effects")
WIDTH: Final = style.PAGE
_ROW: Final = 1.75


def draw(results: Results) -> "tuple[Figure, ...]":
    """Draw the threshold of each member on the left and, where it was estimated, the width on the right."""
    frame = results.frames["threshold"]
    models = _ordered(results)
    width = results.frames.get("width")
    wide = width is None or width.empty
    inner = max(len(models) * _ROW, 3.6)
    left_width = (WIDTH - 1.4) if wide else 9.6
    with style.drawing():
        figure = style.new(WIDTH, inner + 1.75)
        row = inner / len(models)
        tallest = float((frame["probability"] / (frame["high"] - frame["low"])).max())
        for index, model in enumerate(models):
            ax = style.place(figure, 1.3, 1.1 + (len(models) - 1 - index) * row, left_width, row - 0.32)
            _location(ax, results, model, tallest, last=index == len(models) - 1)
            if index == 0:
                ax.set_title("(a) where: threshold", loc="left", pad=9, weight="bold")
        if not wide and width is not None:
            ax = style.place(figure, 12.2, 1.1, WIDTH - 12.5, inner - 0.32)
            _sharpness(ax, width)
    return (figure,)


def describe(results: Results) -> str:
    """Return the alternative text."""
    frame = results.frames["threshold"]
    parts = []
    for model, rows in frame.groupby("model", sort=False):
        best = rows.iloc[int((rows["probability"] / rows["prior"]).to_numpy().argmax())]
        beyond = float(rows.loc[rows["beyond"].astype(bool), "probability"].sum())
        parts.append(
            f"{str(model).replace('_', ' ')}: interval most favoured over its prior {best['low']:g} to "
            f"{best['high']:g} with probability {best['probability']:.2f} (prior {best['prior']:.2f}), "
            f"{beyond:.2f} beyond the data"
        )
    width = results.frames.get("width")
    tail = ""
    if width is not None and not width.empty:
        ratio = (width["density"] / width["prior"].where(width["prior"] > 0)).dropna()
        tail = (
            f" Beside it the transition width of the logistic member from {width['width'].min():.1f} to "
            f"{width['width'].max():.0f} score points; posterior over prior density lies between "
            f"{ratio.min():.2f} and {ratio.max():.2f}."
        )
    return f"Posterior of the threshold with its prior. {'; '.join(parts)}.{tail}"


def _location(ax: "Axes", results: Results, model: str, tallest: float, *, last: bool) -> None:
    frame, scale = results.frames["threshold"], style.exposure(results)
    rows = frame[frame["model"] == model].sort_values("low")
    span = rows["high"] - rows["low"]
    edges = [*rows["low"], float(rows["high"].iloc[-1])]
    hue = style.FAMILY[_family(results, model)]
    ax.stairs(list(rows["probability"] / span), edges, fill=True, color=hue, alpha=0.45, lw=0)
    ax.stairs(list(rows["prior"] / span), edges, color=style.INK, lw=0.9, ls=(0, (3, 1.5)), baseline=None)
    end = style.data_end(results)
    if end < scale.high:
        ax.axvspan(end, scale.high, facecolor="none", edgecolor=style.RULE, hatch="////", lw=0, zorder=0)
        ax.axvline(end, color=style.MUTED, lw=0.8, ls=(0, (4, 2)))
    seen = results.frames["effects"]["x"]
    ax.plot(seen, [0] * len(seen), marker="|", ms=4, mew=0.5, lw=0, color=style.INK, alpha=0.6, clip_on=False)
    ax.set_xlim(scale.low, scale.high)
    ax.set_ylim(0, tallest * 1.08)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.tick_params(labelbottom=last)
    ax.text(
        -0.012, 0.5, model.replace("_", "\n"), transform=ax.transAxes, ha="right", va="center", color=hue,
        fontsize=style.SMALL,
    )  # fmt: skip
    if last:
        ax.set_xlabel(scale.label)


def _sharpness(ax: "Axes", width: "pd.DataFrame") -> None:
    width = width.sort_values("width")
    ax.fill_between(width["width"], width["density"], color=style.CONTINUOUS, alpha=0.35, lw=0, label="posterior")
    ax.plot(width["width"], width["prior"], color=style.INK, lw=0.9, ls=(0, (3, 1.5)), label="prior")
    ax.set_xscale("log")
    ticks = [t for t in (0.1, 0.3, 1, 3, 10, 30, 100) if width["width"].min() <= t <= width["width"].max()]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
    ax.set_xlim(width["width"].min(), width["width"].max())
    ax.set_ylim(0, 1.3 * max(width["density"].max(), width["prior"].max()))
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("10–90 % width, score points")
    ax.set_title("(b) how sharp: width", loc="left", pad=9, weight="bold")
    ax.legend(loc="upper right", handlelength=2)


def _ordered(results: Results) -> list[str]:
    """Return the members that have a threshold, in the order of the comparison."""
    here = list(dict.fromkeys(results.frames["threshold"]["model"]))
    known = results.frames.get("models")
    order = [] if known is None else list(known["model"])
    return sorted(here, key=lambda model: order.index(model) if model in order else len(order))


def _family(results: Results, model: str) -> str:
    models = results.frames.get("models")
    if models is None or models.empty:
        return "continuous"
    found = models.loc[models["model"] == model, "family"]
    return str(found.iloc[0]) if len(found) else "continuous"
