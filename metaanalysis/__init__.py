"""Exact Bayesian threshold meta-regression: a cliff in productivity gains from language models, or a curve.

The public interface in a few lines::

    import metaanalysis as ma
    table = ma.read_table("trials.csv", y="yi", v="vi", x="dose", study="trial")
    models = [ma.build_model(name, exposure_range=table.exposure_range) for name in ("flat", "linear", "step")]
    answer = ma.compare_models(table, models)
    answer.models()
    answer.grid_rows()

Names are resolved on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "EffectTable": "metaanalysis.effects.table",
    "InputError": "metaanalysis.errors",
    "Number": "metaanalysis.number",
    "NumericalError": "metaanalysis.errors",
    "build_model": "metaanalysis.models.model",
    "compare_models": "metaanalysis.compare",
    "read_table": "metaanalysis.effects.csv_table",
    "load_codings": "metaanalysis.studies.codings",
    "load_spec": "metaanalysis.spec",
    "load_studies": "metaanalysis.studies.load",
    "table_from_arrays": "metaanalysis.effects.table",
}

__all__ = sorted([*_PUBLIC, "__version__"])


def __getattr__(name: str) -> Any:
    """Import a public name where it lives (PEP 562)."""
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), "compare" if name == "compare_models" else name)
    raise AttributeError(f"module 'metaanalysis' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
