"""The reduced import of torch: complete for predictions, and completed when something needs the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest

REDUCED = (
    "from alphacrystal.runtime.torch_setup import reduce_import_time; reduce_import_time(); "
    "import torch, sys; "
)


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", REDUCED + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_random_generators_and_gradients_work() -> None:
    run(
        "numbers = torch.rand(3, generator=torch.Generator().manual_seed(0)).requires_grad_(True); "
        "(gradient,) = torch.autograd.grad((numbers**2).sum(), numbers); "
        "assert torch.equal(gradient, 2 * numbers.detach()); "
        "assert 'torch._meta_registrations' not in sys.modules"
    )


@pytest.mark.parametrize(
    "module", ["torch._decomp", "torch._dynamo", "torch._prims.rng_prims", "torch._refs.nn.functional"]
)
def test_modules_of_the_compiler_import_what_was_deferred(module: str) -> None:
    run(
        f"import {module}; assert 'torch._meta_registrations' in sys.modules; "
        f"assert sys.modules['{module}'] is {module}"
    )


def test_a_network_can_be_exported() -> None:
    run(
        "torch.export.export(torch.nn.Linear(3, 3), (torch.ones(2, 3),)); "
        "assert 'torch._meta_registrations' in sys.modules"
    )


def test_nothing_stays_in_the_import_system_of_a_process_without_torch() -> None:
    code = (
        "import sys; import torch; before = list(sys.meta_path); "
        "from alphacrystal.runtime.torch_setup import reduce_import_time; reduce_import_time(); "
        "assert sys.meta_path == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
