"""A model: mean function, priors, heterogeneity and covariates, as serialisable data without arrays."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from metaanalysis.errors import bad
from metaanalysis.models.mean_function import MeanFunction, Range, mean_function
from metaanalysis.models.priors import Prior, from_mapping, half_normal, normal, point

BETWEEN = half_normal(
    0.3, reason="Studies of one kind rarely differ by more than a factor of 1.8 (two sd) in their effect."
)
WITHIN = half_normal(0.2, reason="Effects of one study differ less than effects of different studies.")
COVARIATE = normal(0.0, 0.5, reason="A covariate may change productivity ratios by up to about 2.7, either way.")
Side = Literal["continuous", "discontinuous", "apart"]
COVARIATE_KINDS = ("categorical", "numeric", "se", "variance")


@dataclass(frozen=True, slots=True)
class Bias:
    """Extra between-study variance of the studies whose `column` takes one of the `classes`."""

    prior: Prior
    column: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Standard deviations of the true effects.

    Attributes
    ----------
    between : Prior
        Between studies, tau_between.
    within : Prior
        Between the effects of one study, tau_within.
    sample : Prior or None
        Between the samples of one study (a third level), tau_sample.
    bias : Bias or None
        Extra between-study variance of some design classes, tau_bias.
    """

    between: Prior = BETWEEN
    within: Prior = WITHIN
    sample: Prior | None = None
    bias: Bias | None = None

    @property
    def priors(self) -> dict[str, Prior]:
        """Priors by parameter name, in the engine's order."""
        named = {
            "tau_sample": self.sample,
            "tau_within": self.within,
            "tau_between": self.between,
            "tau_bias": self.bias.prior if self.bias else None,
        }
        return {name: prior for name, prior in named.items() if prior is not None}


@dataclass(frozen=True, slots=True)
class Covariate:
    """Columns beside the mean function.

    Attributes
    ----------
    kind : {"categorical", "numeric", "se", "variance"}
        Indicators of a column's values other than `baseline`; a numeric column less `centre`; the standard error
        (PET); the sampling variance (PEESE).
    column : str
        Column of the effect table; empty for ``se`` and ``variance``.
    prior : Prior
        Normal prior of each coefficient.
    baseline : str or None
        Value without an indicator; by default the most frequent one.
    centre : float
        Subtracted from a numeric column: the curve is shown at this value.
    """

    kind: Literal["categorical", "numeric", "se", "variance"]
    column: str = ""
    prior: Prior = COVARIATE
    baseline: str | None = None
    centre: float = 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """A mean function with priors, heterogeneity and covariates.

    Attributes
    ----------
    name : str
        Name of the mean function.
    exposure_range : (float, float)
        Range of the exposure scale, on which slopes are expressed.
    coefficients : mapping of str to Prior
        Priors of the mean function's coefficients: normal, Student-t, point or improper flat.
    shapes : mapping of str to Prior
        Priors of its shape parameters.
    heterogeneity : Heterogeneity
        Heterogeneity standard deviations.
    covariates : tuple of Covariate
        Further columns.
    """

    name: str
    exposure_range: Range
    coefficients: Mapping[str, Prior]
    shapes: Mapping[str, Prior]
    heterogeneity: Heterogeneity = field(default_factory=Heterogeneity)
    covariates: tuple[Covariate, ...] = ()

    @property
    def mean(self) -> MeanFunction:
        """The mean function."""
        return mean_function(self.name)

    @property
    def family(self) -> Side:
        """The side of the question that the model is on."""
        own = self.mean.family
        return "continuous" if own == "smooth" or own == "kink" else own

    @property
    def proper(self) -> bool:
        """Whether every prior is proper, so that evidence is defined."""
        priors = [*self.coefficients.values(), *self.shapes.values(), *self.heterogeneity.priors.values()]
        return all(prior.proper for prior in [*priors, *(c.prior for c in self.covariates)])

    @property
    def priors(self) -> dict[str, Prior]:
        """Priors of coefficients, shape parameters and heterogeneity, by parameter name."""
        return {**self.coefficients, **self.shapes, **self.heterogeneity.priors}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the model as data; equal models have equal fingerprints."""
        text = json.dumps(self.to_mapping(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def widened(self, factor: float, *, parameters: Sequence[str] | None = None) -> "Model":
        """Return the model with `factor` times wider priors on its coefficients, except the intercept's.

        Parameters
        ----------
        factor : float
            Multiplier of the prior standard deviations.
        parameters : sequence of str, optional
            Coefficients (or amplitudes) to widen; default all slopes, jumps, rises and amplitudes.
        """
        amplitudes = [shape.name for shape in self.mean.shapes if shape.kind == "amplitude"]
        sized = [c.name for c in self.mean.coefficients if c.name != "intercept" and not c.standardised]
        default = sized + amplitudes
        chosen = set(default if parameters is None else parameters)

        def change(priors: Mapping[str, Prior]) -> dict[str, Prior]:
            return {name: p.widened(factor) if name in chosen else p for name, p in priors.items()}

        return replace(self, coefficients=change(self.coefficients), shapes=change(self.shapes))

    def to_mapping(self) -> dict[str, Any]:
        """Return the model as plain data, fit for JSON or TOML."""
        het = self.heterogeneity
        levels: dict[str, Any] = {"between": het.between.to_mapping(), "within": het.within.to_mapping()}
        if het.sample:
            levels["sample"] = het.sample.to_mapping()
        if het.bias:
            bias = het.bias
            levels["bias"] = {"prior": bias.prior.to_mapping(), "column": bias.column, "classes": list(bias.classes)}
        return {
            "mean": self.name,
            "exposure_range": list(self.exposure_range),
            "priors": {name: prior.to_mapping() for name, prior in {**self.coefficients, **self.shapes}.items()},
            "heterogeneity": levels,
            "covariates": [_covariate_mapping(c) for c in self.covariates],
        }


def _covariate_mapping(covariate: Covariate) -> dict[str, Any]:
    """Return a covariate as plain data."""
    mapping: dict[str, Any] = {"kind": covariate.kind, "prior": covariate.prior.to_mapping()}
    if covariate.column:
        mapping["column"] = covariate.column
    if covariate.baseline is not None:
        mapping["baseline"] = covariate.baseline
    if covariate.kind == "numeric":
        mapping["centre"] = covariate.centre
    return mapping


PriorLike = Prior | Mapping[str, object]


def build_model(
    name: str,
    *,
    exposure_range: Range,
    priors: Mapping[str, PriorLike] | None = None,
    heterogeneity: Heterogeneity | Mapping[str, Any] | None = None,
    covariates: Sequence[Covariate | Mapping[str, Any]] = (),
    where: str = "model",
) -> Model:
    """Return a model: defaults of its mean function, changed where told.

    Parameters
    ----------
    name : str
        Mean function, a file name under ``models/mean``.
    exposure_range : (float, float)
        Range of the exposure scale.
    priors : mapping, optional
        Parameter name to `Prior` or to a mapping as in an analysis file. Names that this mean function does not have
        are an error unless another mean function has them, so that one mapping can serve the whole family.
    heterogeneity : Heterogeneity or mapping, optional
        ``between``, ``within``, ``sample``, ``bias``; a number or None fixes a level at that value.
    covariates : sequence of Covariate or mappings, optional
        Further columns.
    where : str
        File, for messages.

    Raises
    ------
    InputError
        On unknown names, or priors of a family that the parameter cannot have.
    """
    mean = mean_function(name)
    low, high = exposure_range
    if not low < high:
        raise bad(where, "exposure_range", f"{low:g} is not below {high:g}", "Give the ends of the exposure scale.")
    chosen = {key: _as_prior(value, where, f"priors.{key}") for key, value in (priors or {}).items()}
    _require_known(chosen, where)
    return Model(
        name=name,
        exposure_range=(float(low), float(high)),
        coefficients={c.name: _coefficient(chosen.get(c.name, c.prior), where, c.name) for c in mean.coefficients},
        shapes={s.name: _shape(chosen.get(s.name) or s.prior(exposure_range), where, s.name) for s in mean.shapes},
        heterogeneity=_heterogeneity(heterogeneity, where),
        covariates=tuple(_covariate(c, where) for c in covariates),
    )


def _as_prior(value: object, where: str, field: str) -> Prior:
    """Return a prior from a prior or a mapping."""
    if isinstance(value, Prior):
        return value
    if isinstance(value, Mapping):
        return from_mapping(value, where=where, field=field)
    raise bad(where, field, f"{value!r} is not a prior", 'Write {family = "normal", mean = 0, sd = 1, reason = "…"}.')


def _require_known(priors: Mapping[str, Prior], where: str) -> None:
    """Refuse names of parameters that no mean function has."""
    from metaanalysis.models.mean_function import mean_function_names

    means = [mean_function(name) for name in mean_function_names()]
    known = {c.name for m in means for c in m.coefficients} | {s.name for m in means for s in m.shapes}
    for name in priors:
        if name not in known:
            raise bad(
                where, f"priors.{name}", "no mean function has this parameter", f"Known: {', '.join(sorted(known))}."
            )


def _coefficient(prior: Prior, where: str, name: str) -> Prior:
    """Refuse priors that a coefficient cannot have."""
    if prior.family not in ("normal", "student_t", "point", "flat"):
        raise bad(
            where, f"priors.{name}", f"a coefficient cannot have a {prior.family} prior",
            "Use normal, student_t, point or flat.",
        )  # fmt: skip
    return prior


def _shape(prior: Prior, where: str, name: str) -> Prior:
    """Refuse improper priors of shape parameters."""
    if not prior.proper:
        raise bad(where, f"priors.{name}", "the prior is improper", "Give a proper prior, such as uniform.")
    return prior


def _level(value: object, where: str, field: str) -> Prior:
    """Return the prior of a heterogeneity standard deviation; a number fixes it."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = point(float(value), reason="Fixed by the analysis.")
    prior = _as_prior(value, where, field)
    if not prior.proper or prior.support[0] < 0:
        raise bad(
            where, field, f"{prior} cannot be the prior of a standard deviation", "Use half_normal, for instance."
        )
    return prior


def _heterogeneity(value: Heterogeneity | Mapping[str, Any] | None, where: str) -> Heterogeneity:
    """Return heterogeneity from its mapping."""
    if value is None:
        return Heterogeneity()
    if isinstance(value, Heterogeneity):
        for name, prior in value.priors.items():
            _level(prior, where, f"heterogeneity.{name}")
        return value
    unknown = sorted(set(value) - {"between", "within", "sample", "bias"})
    if unknown:
        remedy = "Use between, within, sample and bias."
        raise bad(where, f"heterogeneity.{unknown[0]}", "there is no such level", remedy)
    bias = value.get("bias")
    if isinstance(bias, Mapping):
        prior = _level(bias.get("prior"), where, "heterogeneity.bias.prior")
        column, classes = bias.get("column"), bias.get("classes")
        if not isinstance(column, str) or not isinstance(classes, Sequence) or isinstance(classes, str) or not classes:
            remedy = 'Write {prior = {…}, column = "design", classes = ["before_after"]}.'
            raise bad(where, "heterogeneity.bias", "column and classes are needed", remedy)
        bias = Bias(prior, column, tuple(str(c) for c in classes))
    return Heterogeneity(
        between=_level(value.get("between", BETWEEN), where, "heterogeneity.between"),
        within=_level(value.get("within", WITHIN), where, "heterogeneity.within"),
        sample=_level(value["sample"], where, "heterogeneity.sample") if value.get("sample") is not None else None,
        bias=bias,
    )


def _covariate(value: Covariate | Mapping[str, Any], where: str) -> Covariate:
    """Return a covariate from its mapping."""
    if isinstance(value, Covariate):
        return value
    kind, column = value.get("kind"), str(value.get("column", ""))
    field = f"covariates.{column or kind}"
    if kind not in COVARIATE_KINDS:
        raise bad(where, field, f"the kind {kind!r} is unknown", f"Use one of {', '.join(COVARIATE_KINDS)}.")
    if (kind in ("categorical", "numeric")) != bool(column):
        raise bad(where, field, "column is needed for categorical and numeric covariates only", "Add or drop it.")
    prior = (
        _coefficient(_as_prior(value["prior"], where, f"{field}.prior"), where, field)
        if "prior" in value
        else COVARIATE
    )
    baseline = value.get("baseline")
    return Covariate(kind, column, prior, None if baseline is None else str(baseline), float(value.get("centre", 0.0)))
