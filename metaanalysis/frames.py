"""The tidy frames that figures, tables and the report see: every column with its unit and meaning.

A frame is a pandas ``DataFrame`` with exactly the columns of its schema. `conform` is the only door: what passes
it can be drawn, tabulated and written without further checks.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd

Schema = Mapping[str, str]

EFFECTS: Final[Schema] = {
    "study": "study key",
    "label": "author and year, for display",
    "effect": "effect identifier",
    "y": "log productivity ratio (positive is better)",
    "se": "standard error of y",
    "lower": "lower end of the 95 % interval of y",
    "upper": "upper end of the 95 % interval of y",
    "x": "practice score of the treated arm, mean of the coders",
    "x_low": "lowest plausible score over coders and their uncertain ranges",
    "x_high": "highest plausible score over coders and their uncertain ranges",
    "x0": "practice score of the reference arm; missing where it used no AI",
    "domain": "kind of work",
    "design": "design class",
    "randomised": "whether the contrast was randomised",
    "vendor": "whether the tool's vendor is behind the study; missing if unknown",
    "verification": "primary or secondary",
    "route": "how y and se were derived from the printed numbers",
    "flags": "what to know about the derivation, separated by spaces",
    "fitted": "posterior mean of the effect of this row (model-averaged shrinkage estimate)",
    "fitted_lower": "lower end of its 95 % interval",
    "fitted_upper": "upper end of its 95 % interval",
}
FLOW: Final[Schema] = {
    "step": "step of the flow: identified, excluded, included, effects, analysed …",
    "reason": "reason for leaving at this step; empty for the totals",
    "studies": "number of studies",
    "effects": "number of effects",
}
MODELS: Final[Schema] = {
    "model": "member of the family",
    "family": "continuous or discontinuous",
    "says": "what the member says about the curve",
    "log_evidence": "log marginal likelihood",
    "error": "numerical error of log_evidence",
    "log_bf": "log Bayes factor against `flat`",
    "probability": "posterior probability, equal prior weight for the two families",
    "probability_equal": "posterior probability, equal prior weight for every member",
}
GRID: Final[Schema] = {
    "scale": "multiplier on the prior standard deviations of slopes and jumps",
    "log_bf": "log Bayes factor, discontinuous against continuous family",
    "error": "numerical error of log_bf",
    "probability": "posterior probability of the discontinuous family from even odds",
}
CURVES: Final[Schema] = {
    "model": "member of the family, or `average`",
    "x": "practice score",
    "mean": "posterior mean of the log productivity ratio against no AI",
    "lower": "lower end of the pointwise 95 % interval",
    "upper": "upper end of the pointwise 95 % interval",
}
THRESHOLD: Final[Schema] = {
    "model": "member of the family",
    "low": "lower end of the interval of thresholds",
    "high": "upper end of the interval of thresholds",
    "probability": "posterior probability that the threshold lies in it",
    "prior": "prior probability that the threshold lies in it",
    "beyond": "whether the interval lies beyond the observed exposures",
}
WIDTH: Final[Schema] = {
    "width": "10–90 % transition width of the logistic member, in score points",
    "density": "posterior density per log10 score point",
    "prior": "prior density per log10 score point",
}
PARAMETERS: Final[Schema] = {
    "model": "member of the family",
    "parameter": "name of the parameter",
    "mean": "posterior mean",
    "sd": "posterior standard deviation",
    "median": "posterior median",
    "lower": "lower end of the 95 % interval",
    "upper": "upper end of the 95 % interval",
    "prior_lower": "lower end of the prior's 95 % interval",
    "prior_upper": "upper end of the prior's 95 % interval",
}
SENSITIVITY: Final[Schema] = {
    "group": "what is varied",
    "variant": "the variant",
    "studies": "number of studies",
    "effects": "number of effects",
    "log_bf": "log Bayes factor, discontinuous against continuous family",
    "error": "its numerical error",
    "probability": "posterior probability of the discontinuous family from even odds",
    "jump": "posterior mean of the model-averaged jump, zero under continuous members",
    "jump_lower": "lower end of its 95 % interval",
    "jump_upper": "upper end of its 95 % interval",
}
PRINTED: Final[Schema] = {
    "study": "study key",
    "effect": "effect identifier",
    "outcome": "what was measured",
    "printed": "the numbers as printed",
    "coders": "practice score by coder; of the reference arm too where it used AI",
}
SCHEMAS: Final[Mapping[str, Schema]] = {
    "effects": EFFECTS,
    "flow": FLOW,
    "models": MODELS,
    "grid": GRID,
    "curves": CURVES,
    "threshold": THRESHOLD,
    "width": WIDTH,
    "parameters": PARAMETERS,
    "sensitivity": SENSITIVITY,
    "printed": PRINTED,
}


def conform(name: str, rows: Iterable[Mapping[str, Any]]) -> "pd.DataFrame":
    """Return rows as the frame `name`, columns in the schema's order.

    Raises
    ------
    KeyError
        If there is no such frame.
    ValueError
        If a row lacks a column of the schema or has one more: a programming error, not a user's.
    """
    import pandas as pd

    schema = SCHEMAS[name]
    listed = [dict(row) for row in rows]
    for row in listed:
        if row.keys() != schema.keys():
            odd = sorted(row.keys() ^ schema.keys())
            raise ValueError(f"frame {name!r}: columns {odd} are missing or unknown")
    return pd.DataFrame(listed, columns=list(schema))
