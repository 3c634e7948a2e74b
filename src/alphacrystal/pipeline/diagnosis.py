"""Check an installation: versions, extras, potentials, processor, graphics card, and a short prediction."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from alphacrystal.errors import AlphaCrystalError

#: Cell length of rock salt in Å (PDF 5-628), and the relative error that the potential may have.
NACL_LENGTH, NACL_TOLERANCE = 5.640, 0.02
NACL_GROUP = 225
#: Extras that build the project itself, not its results.
DEVELOPMENT = {"dev", "docs", "elements", "optimade-server"}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the diagnosis.

    Attributes:
        name: Subject of the check.
        result: Its result in words.
        passed: False if predictions cannot be trusted; None for a fact that is neither good nor bad.
    """

    name: str
    result: str
    passed: bool | None = None


def diagnose(*, self_test: bool = True) -> list[Check]:
    """Facts of the installation, checks of the weights, and a prediction of rock salt.

    Args:
        self_test: Whether to predict NaCl, which takes some seconds.
    """
    checks = [*_programs(), *_machine(), *_extras(), *_potentials(), _weights()]
    if self_test:
        checks.append(_prediction())
    return checks


def _programs() -> list[Check]:
    from alphacrystal import __version__
    from alphacrystal.report import RunRecord

    versions = dict(RunRecord({}, seed=0).versions)
    python = versions.pop("python")
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [
        Check("AlphaCrystal", f"{__version__}, in {Path(__file__).parents[1]}"),
        Check("Python", f"{python}, {sys.executable}"),
        Check("Packages", listed),
    ]


def _machine() -> list[Check]:
    import torch

    from alphacrystal.report import RunRecord

    facts = RunRecord({}, seed=0).machine
    threads = [f"{name}={os.environ[name]}" for name in THREADS if name in os.environ]
    words = [f"PyTorch uses {torch.get_num_threads()}", *threads]
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none that PyTorch can use"
    return [
        Check("Processor", f"{facts['cpu']}, {facts['usable_cores']} of {facts['cores']} cores usable"),
        Check("Threads", ", ".join(words)),
        Check("Graphics card", gpu),
    ]


def _extras() -> list[Check]:
    """Extras by whether all their packages are installed, from the metadata of the distribution."""
    try:
        requirements = metadata.requires("alphacrystal") or []
    except metadata.PackageNotFoundError:
        return [Check("Extras", "unknown: AlphaCrystal is not installed as a package")]
    missing: dict[str, list[str]] = {}
    for requirement in requirements:
        match = re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)
        if match is None or match[1] in DEVELOPMENT:
            continue
        name = re.match(r"[\w.-]+", requirement)
        assert name is not None
        packages = missing.setdefault(match[1], [])
        if not _installed(name[0]):
            packages.append(name[0])
    complete = sorted(extra for extra, packages in missing.items() if not packages)
    absent = sorted(extra for extra, packages in missing.items() if packages)
    checks = [Check("Extras", ", ".join(complete) or "none")]
    if absent:
        install = f"pip install 'alphacrystal[{absent[0]}]'"
        checks.append(Check("Extras not installed", f"{', '.join(absent)} (for example {install})"))
    return checks


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _potentials() -> list[Check]:
    from alphacrystal.relaxation import POTENTIALS, registered_files

    ready = [
        spec.name
        for spec in POTENTIALS.built_in()
        if not spec.name.endswith(":") and all(find_spec(package) for package, _ in spec.packages)
    ]
    return [Check("Potentials", ", ".join([*ready, *registered_files()]))]


def _weights() -> Check:
    from alphacrystal.learn import MODEL_NAMES, load_model, models_folder

    try:
        for name in MODEL_NAMES:
            load_model(name, models_folder(None))
    except AlphaCrystalError as error:
        return Check("Weights", str(error), passed=False)
    return Check("Weights", f"{len(MODEL_NAMES)} networks agree with their model cards", passed=True)


def _prediction() -> Check:
    """Predict and relax NaCl in a temporary folder, and compare the first structure with rock salt."""
    from alphacrystal.pipeline.predict import predict

    begin = time.monotonic()
    name = "Prediction of NaCl"
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = predict(
                "NaCl", folder=Path(folder) / "run", candidates=4, max_atoms=2, page=False, workers=1
            )
        except AlphaCrystalError as error:
            return Check(name, str(error), passed=False)
    seconds = time.monotonic() - begin
    if not run.ranked:
        return Check(name, "no structure was found", passed=False)
    first = run.ranked[0]
    length = (4 * first.primitive.volume / len(first.primitive) * 2) ** (1 / 3)
    right = first.space_group_number == NACL_GROUP and abs(length / NACL_LENGTH - 1) < NACL_TOLERANCE
    found = f"space group {first.space_group_number}, a = {length:.3f} Å (measured: {NACL_LENGTH:.3f} Å)"
    return Check(name, f"{found}, {seconds:.1f} s", passed=right)


def all_passed(checks: Sequence[Check]) -> bool:
    """Whether no check failed."""
    return all(check.passed is not False for check in checks)
