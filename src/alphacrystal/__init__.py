"""AlphaCrystal: crystal structure prediction from a formula."""

import typing as _typing

if _typing.TYPE_CHECKING:
    from alphacrystal.composition import parse_formula
    from alphacrystal.config import PredictConfig
    from alphacrystal.errors import AlphaCrystalError, InputError
    from alphacrystal.exploration import explore
    from alphacrystal.pipeline.evaluation import evaluate
    from alphacrystal.pipeline.inspection import inspect
    from alphacrystal.pipeline.layers import layers
    from alphacrystal.pipeline.predict import predict
    from alphacrystal.pipeline.pressure_series import predict_pressures
    from alphacrystal.pipeline.relax_files import rank, relax

__version__ = "0.2.0"
"""Version of the package."""

__all__ = [
    "AlphaCrystalError",
    "InputError",
    "PredictConfig",
    "__version__",
    "evaluate",
    "explore",
    "inspect",
    "layers",
    "parse_formula",
    "predict",
    "predict_pressures",
    "rank",
    "relax",
]

_MODULES = {
    "AlphaCrystalError": "alphacrystal.errors",
    "InputError": "alphacrystal.errors",
    "PredictConfig": "alphacrystal.config",
    "evaluate": "alphacrystal.pipeline.evaluation",
    "explore": "alphacrystal.exploration",
    "inspect": "alphacrystal.pipeline.inspection",
    "layers": "alphacrystal.pipeline.layers",
    "parse_formula": "alphacrystal.composition",
    "predict": "alphacrystal.pipeline.predict",
    "predict_pressures": "alphacrystal.pipeline.pressure_series",
    "rank": "alphacrystal.pipeline.relax_files",
    "relax": "alphacrystal.pipeline.relax_files",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import alphacrystal` stays quick."""
    if name not in _MODULES:
        raise AttributeError(f"module 'alphacrystal' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """Names for completion, those that are not yet imported too."""
    return sorted({*globals(), *__all__})
