"""Devices of PyTorch: names, and devices that PyTorch does not have."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from alphacrystal.config import make_config
from alphacrystal.errors import InputError, PotentialError
from alphacrystal.runtime.torch_device import check_device, takes_device, torch_device


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:0", "cuda:12", "mps"])
def test_names_of_devices_are_settings(name: str) -> None:
    assert make_config(device=name).device == name


@pytest.mark.parametrize(
    "name", ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", "meta", "cuda:0\n", "x" * 999]
)
def test_other_names_are_one_sentence(name: str) -> None:
    with pytest.raises(
        InputError, match="Setting device: give auto, cpu, cuda, cuda:N or mps, not"
    ) as caught:
        make_config(device=name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200
    with pytest.raises(PotentialError, match="give auto, cpu, cuda, cuda:N or mps"):
        torch_device(name)


def test_missing_device_names_the_present_ones() -> None:
    with pytest.raises(PotentialError, match=r"has no device cuda:999 here: choose --device auto or cpu"):
        check_device("cuda:999")


@pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU is the default")
def test_default_is_the_cpu_without_a_gpu() -> None:
    assert torch_device() == "cpu"
    with pytest.raises(PotentialError, match="has no device cuda here"):
        check_device("cuda")


def test_checks_of_the_usual_devices_do_not_import_torch() -> None:
    code = (
        "import sys; from alphacrystal.runtime.torch_device import check_device;"
        "check_device('auto'); check_device('cpu'); assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_parameter_of_a_factory_is_found() -> None:
    class Calculator:
        def __init__(self, device: str = "cpu") -> None:
            self.device = device

    assert takes_device(lambda device: device)
    assert takes_device(Calculator)
    assert not takes_device(lambda: None)
    assert not takes_device(Calculator())
    assert not takes_device(dict)  # compiled code
