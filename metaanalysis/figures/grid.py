"""Evidence against the width of the priors: the Bayes factor at every declared prior scale."""

import math
from typing import TYPE_CHECKING, Final

from metaanalysis.figures import style
from metaanalysis.results import Results
from metaanalysis.verdict import odds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEEDS: Final = ("grid",)
WIDTH: Final = 12.0


def draw(results: Results) -> "tuple[Figure, ...]":
    """Draw the log Bayes factor of the discontinuous against the continuous family over the prior scales."""
    grid = results.frames["grid"].sort_values("scale")
    with style.drawing():
        figure = style.new(WIDTH, 6.4)
        ax = style.place(figure, 1.5, 1.1, 8.6, 5.0)
        style.evidence_axis(ax, float(grid["log_bf"].abs().max()), which="y")
        ax.errorbar(
            grid["scale"], grid["log_bf"], yerr=grid["error"], color=style.INK, marker="o", ms=3.2, lw=1.1,
            elinewidth=0.8, zorder=3,
        )  # fmt: skip
        declared = grid[grid["scale"] == 1]
        ax.plot(declared["scale"], declared["log_bf"], marker="o", ms=7, mfc="none", mec=style.INK, mew=0.9, lw=0)
        ax.axvline(1, color=style.RULE, lw=0.6, zorder=0)
        ax.set_xscale("log", base=2)
        ax.set_xticks(list(grid["scale"]), [f"× {s:g}" for s in grid["scale"]])
        ax.minorticks_off()
        pad = (grid["scale"].max() / grid["scale"].min()) ** 0.06
        ax.set_xlim(grid["scale"].min() / pad, grid["scale"].max() * pad)
        ax.set_xlabel("prior standard deviation of slopes and jumps, as a multiple of the declared one")
        ax.set_ylabel("odds, discontinuous : continuous")
        _sides(ax)
    return (figure,)


def _sides(ax: "object") -> None:
    for y, words, hue, va in (
        (0.985, "favours a discontinuity", style.DISCONTINUOUS, "top"),
        (0.015, "favours a continuous curve", style.CONTINUOUS, "bottom"),
    ):
        ax.text(0.015, y, words, transform=ax.transAxes, va=va, color=hue, fontsize=style.SMALL)  # type: ignore[attr-defined]


def describe(results: Results) -> str:
    """Return the alternative text."""
    grid = results.frames["grid"].sort_values("scale")
    parts = ", ".join(
        f"{odds(log_bf)} at {scale:g} times the declared prior width"
        for scale, log_bf in zip(grid["scale"], grid["log_bf"], strict=True)
        if not math.isnan(log_bf)
    )
    return f"Line of the evidence over the declared prior scales, bands of evidence shaded: {parts}."
