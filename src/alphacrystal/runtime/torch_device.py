"""Devices of PyTorch: their names in settings, and whether PyTorch has them here."""

from __future__ import annotations

import inspect
import re
from typing import Annotated

from pydantic import AfterValidator

from alphacrystal.errors import PotentialError

AUTO = "auto"  # the GPU if PyTorch has one, else the CPU

#: Help text of the options.
DEVICE_HELP = "Device of the potential: auto (a GPU if there is one), cpu, cuda, cuda:N or mps."

_NAMES = re.compile(r"auto|cpu|mps|cuda(:[0-9]{1,3})?")


def device_name(text: str) -> str:
    """The name of a device, checked.

    Raises:
        ValueError: It is no name of a device.
    """
    if not _NAMES.fullmatch(text):
        raise ValueError(f"give auto, cpu, cuda, cuda:N or mps, not {text[:40]!r}")
    return text


#: Type of settings.
DeviceName = Annotated[str, AfterValidator(device_name)]


def check_device(device: str) -> None:
    """Refuse a device that PyTorch does not have here; PyTorch is not imported for "auto" and "cpu".

    Raises:
        PotentialError: Names the devices that PyTorch has.
    """
    if device != AUTO:
        torch_device(device)


def torch_device(device: str = AUTO) -> str:
    """PyTorch's name of a device: for "auto", "cuda" if PyTorch has a GPU, else "cpu".

    Args:
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        PotentialError: It is no name of a device, or PyTorch does not have it here.
    """
    try:
        device_name(device)
    except ValueError as error:
        raise PotentialError(f"A device cannot be chosen by this name: {error}.") from error
    if device == "cpu":
        return device
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == AUTO:
        return "cuda" if gpus else "cpu"
    known = ["cpu", *(f"cuda:{number}" for number in range(gpus))]
    if torch.backends.mps.is_available():
        known.append("mps")
    if (f"{device}:0" if device == "cuda" else device) not in known:
        raise PotentialError(
            f"PyTorch {torch.__version__} has no device {device} here: choose --device {AUTO} or "
            f"{' or '.join(known)}."
        )
    return device


def is_cpu(device: str) -> bool:
    """Whether the name of a device is that of a CPU."""
    return "cpu" in device.lower()


def takes_device(factory: object) -> bool:
    """Whether a function or class has a parameter ``device``."""
    try:
        return callable(factory) and "device" in inspect.signature(factory).parameters
    except (TypeError, ValueError):  # of compiled code
        return False
