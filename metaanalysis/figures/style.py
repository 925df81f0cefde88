"""The one look of every figure, and the few pieces that several figures share.

Colours are Okabe and Ito's (2008) for families and viridis for the exposure, so that hue never carries a meaning
alone for a colour-blind reader: families differ in line style as well, and exposure is also a position.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from metaanalysis.results import Results
from metaanalysis.verdict import BANDS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE: Final = 16.6
"""Width of the text block in print, cm."""
INK: Final = "#1a1a1a"
MUTED: Final = "#6b6b6b"
RULE: Final = "#c8c8c8"
PALE: Final = "#efefef"
CONTINUOUS: Final = "#0072b2"
DISCONTINUOUS: Final = "#d55e00"
PRIOR: Final = "#999999"
FAMILY: Final = {"continuous": CONTINUOUS, "discontinuous": DISCONTINUOUS}
SMALL: Final = 6.2
TEXT: Final = 7.0
PERCENT_TICKS: Final = (
    (0.45, (-30, -20, -10, 0, 10, 20, 30)),
    (0.9, (-50, -40, -20, 0, 20, 40, 60)),
    (math.inf, (-90, -75, -50, -25, 0, 25, 50, 100, 200, 400, 900)),
)
"""Ticks in percent for axes up to a length on the log scale."""
MINUS: Final = "\N{MINUS SIGN}"
_SETTINGS: Final[dict[str, Any]] = {
    "font.family": ["DejaVu Sans"],
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "text.color": INK,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "hatch.linewidth": 0.4,
    "svg.hashsalt": "metaanalysis",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


@dataclass(frozen=True, slots=True)
class Exposure:
    """The exposure axis of an analysis.

    Attributes
    ----------
    label : str
        Axis label.
    low, high : float
        Ends of the declared scale.
    bands : tuple of (name, low, high)
        Named levels of the scale, ascending; empty if the analysis declares none.
    """

    label: str
    low: float
    high: float
    bands: tuple[tuple[str, float, float], ...] = ()


def exposure(results: Results) -> Exposure:
    """Return the exposure axis an analysis declares."""
    declared = results.spec.get("exposure") or {}
    bands = tuple((str(b["name"]), float(b["low"]), float(b["high"])) for b in declared.get("bands") or ())
    return Exposure(
        label=str(declared.get("label", "exposure")),
        low=float(declared.get("low", 0)),
        high=float(declared.get("high", 10)),
        bands=bands,
    )


def measure(results: Results) -> str:
    """Return the effect measure an analysis declares."""
    return str((results.spec.get("table") or {}).get("measure", "log_ratio"))


@contextmanager
def drawing() -> Iterator[None]:
    """Draw and save inside this context: the package's settings, restored on leaving."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast(Any, _SETTINGS))
        yield


def new(width: float, height: float) -> "Figure":
    """Return an empty figure of the given size in centimetres, without any global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 2.54, height / 2.54))
    FigureCanvasAgg(figure)
    return figure


def save(figure: "Figure", path: Path, *, outlines: bool = False) -> None:
    """Write a figure as SVG, PDF or PNG by the file's ending; identical bytes for identical figures.

    Parameters
    ----------
    figure : Figure
        What to write.
    path : Path
        Where; the ending decides the format.
    outlines : bool
        Write text as outlines, for viewers that lack the fonts.
    """
    import matplotlib as mpl

    kind = path.suffix.removeprefix(".")
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    with mpl.rc_context({"svg.fonttype": "path" if outlines else "none"}):
        figure.savefig(path, format=kind, dpi=200, metadata=undated)


def place(figure: "Figure", left: float, bottom: float, width: float, height: float, **options: Any) -> "Axes":
    """Add axes at a place given in centimetres from the lower left corner."""
    w, h = (side * 2.54 for side in figure.get_size_inches())
    return figure.add_axes((left / w, bottom / h, width / w, height / h), **options)


def bare(ax: "Axes", *, keep: Sequence[str] = ()) -> None:
    """Remove spines, and the ticks of the sides that are not kept."""
    for side, spine in ax.spines.items():
        spine.set_visible(side in keep)
    if "bottom" not in keep:
        ax.set_xticks([])
    if "left" not in keep:
        ax.set_yticks([])


def colour(scale: Exposure, value: float) -> str:
    """Return the colour of an exposure: of its band where bands are declared, else of its place on the scale."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    share = (value - scale.low) / (scale.high - scale.low)
    if scale.bands:
        index = next((i for i, (_, _, high) in enumerate(scale.bands) if value <= high), len(scale.bands) - 1)
        share = index / max(len(scale.bands) - 1, 1)
    return to_hex(colormaps["viridis"](0.05 + 0.72 * min(max(share, 0.0), 1.0)))


def change(value: float, kind: str = "log_ratio", *, digits: int = 0) -> str:
    """Return an effect as the reader sees it: a signed percent change, a ratio, or the number itself."""
    if math.isnan(value):
        return "–"
    if kind == "log_ratio":
        shown = f"{100 * math.expm1(value):+.{digits}f}"
        return shown.lstrip("+-") if float(shown) == 0 else shown.replace("-", MINUS)
    if kind == "log_odds_ratio":
        return f"{math.exp(value):.2f}"
    return f"{value:+.2f}".replace("-", MINUS)


def effect_label(kind: str) -> str:
    """Return the label of the effect axis."""
    return {"log_ratio": "change in productivity (%)", "log_odds_ratio": "odds ratio"}.get(kind, "effect")


def effect_axis(axis: Any, kind: str, low: float, high: float, *, apart: float = 0.065) -> None:
    """Label an axis on the log scale with the values a reader knows, at least `apart` of its length between them."""
    if kind == "log_ratio":
        choice = next(listed for longest, listed in PERCENT_TICKS if high - low <= longest)
        places = {math.log1p(t / 100): change(math.log1p(t / 100)) for t in choice}
    elif kind == "log_odds_ratio":
        places = {math.log(t): f"{t:g}" for t in (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0)}
    else:
        return
    kept: list[float] = []
    for place_ in sorted((p for p in places if low <= p <= high), key=abs):
        if all(abs(place_ - other) >= apart * (high - low) for other in kept):
            kept.append(place_)
    axis.set_ticks(sorted(kept), [places[p] for p in sorted(kept)])


def limits(
    y: Sequence[float], lower: Sequence[float], upper: Sequence[float], slack: float = 0.35
) -> tuple[float, float]:
    """Return axis limits that show every estimate and let only very wide intervals run off the edge."""
    low = max(min(lower), min(y) - slack)
    high = min(max(upper), max(y) + slack)
    pad = 0.03 * (high - low)
    return low - pad, high + pad


def sizes(se: Sequence[float], smallest: float = 4.0, largest: float = 26.0) -> list[float]:
    """Return marker areas in square points, proportional to the precision 1/SE between two bounds."""
    precise = [1 / value for value in se]
    unit = sorted(precise)[len(precise) // 2]
    return [min(max(9.0 * value / unit, smallest), largest) for value in precise]


def evidence_axis(
    ax: "Axes", reach: float, *, which: Literal["x", "y"] = "x", inner: bool = True
) -> tuple[float, float]:
    """Shade an axis of log Bayes factors by evidence band and label it with odds.

    Parameters
    ----------
    ax : Axes
        Where.
    reach : float
        Largest absolute log Bayes factor to be shown; the axis is symmetric around even odds.
    which : str
        The axis that carries the log Bayes factor.
    inner : bool
        Whether to name the bands on the axes.

    Returns
    -------
    (float, float)
        The limits of the axis.
    """
    edge = max(reach * 1.12, math.log(12.0))
    stops = [math.log(band.low) for band in BANDS] + [math.inf]
    span = ax.axvspan if which == "x" else ax.axhspan
    for number, band in enumerate(BANDS):
        low, high = stops[number], min(stops[number + 1], edge)
        if low >= edge:
            break
        for sign, hue in ((1, DISCONTINUOUS), (-1, CONTINUOUS)):
            span(sign * low, sign * high, color=hue, alpha=0.055 * number, lw=0)
        if inner:
            _name_band(ax, band.name, low, high, which)
    (ax.axvline if which == "x" else ax.axhline)(0, color=MUTED, lw=0.6)
    odds = [o for o in (1, 3, 10, 30, 100, 1000, 10000) if math.log(o) <= edge]
    ticks = [-math.log(o) for o in reversed(odds[1:])] + [math.log(o) for o in odds]
    words = [f"1:{o}" for o in reversed(odds[1:])] + [f"{o}:1" for o in odds]
    (ax.xaxis if which == "x" else ax.yaxis).set_ticks(ticks, words)
    (ax.set_xlim if which == "x" else ax.set_ylim)(-edge, edge)
    return -edge, edge


def _name_band(ax: "Axes", name: str, low: float, high: float, which: str) -> None:
    style: dict[str, Any] = {"fontsize": SMALL - 0.7, "color": MUTED, "clip_on": True}
    if which == "y" and high - low > 0.35:
        for sign in (-1, 1):
            y = 0.0 if low == 0 else sign * (low + high) / 2
            ax.text(
                1.01, y, name, va="center", ha="left", transform=ax.get_yaxis_transform(), **style | {"clip_on": False}
            )
            if low == 0:
                break


def shorten(text: str, most: int) -> str:
    """Return the text, cut with an ellipsis to at most `most` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def shorten_label(label: str, most: int) -> str:
    """Return an author-year label cut to at most `most` characters, the year kept."""
    names, _, year = label.rpartition(" ")
    if len(label) <= most or not year.isdigit():
        return shorten(label, most)
    return f"{shorten(names, most - len(year) - 1)} {year}"


def effects(results: Results) -> "pd.DataFrame":
    """Return the effects with numbers as floats, whatever a column without any was read as."""
    numeric = ("y", "se", "lower", "upper", "x", "x_low", "x_high", "x0", "fitted", "fitted_lower", "fitted_upper")
    return results.frames["effects"].astype(dict.fromkeys(numeric, float))


def data_end(results: Results) -> float:
    """Return the highest exposure any effect of the analysis has."""
    return float(results.frames["effects"]["x"].max())


def font_folder() -> str:
    """Return the folder of the fonts the figures are set in, for the program that sets the report."""
    import matplotlib as mpl

    return str(Path(mpl.get_data_path()) / "fonts" / "ttf")
