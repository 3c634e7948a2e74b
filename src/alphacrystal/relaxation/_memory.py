"""Batches that fit into memory: their limits, and the answer to an evaluation that runs out of memory.

A batch that runs out of memory is evaluated again in parts. The number of atoms that was too large is kept
for the rest of the process, so that later batches are smaller from the start.
"""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Sequence, Sized
from typing import Protocol, TypeVar

from alphacrystal.runtime.torch_device import is_cpu

#: Atoms of a batch on an accelerator, an estimate: CHGNet should take between one and two gigabytes for them
#: in cells without symmetry (170 messages and angles for each atom of Zr4Al3, a few kilobytes for each).
ACCELERATOR_ATOMS = 2000

#: Parts of messages, in lower case: of PyTorch's allocators (CUDA, ROCm, XPU, MPS, CPU), of cuBLAS and cuDNN,
#: and of JAX.
_MESSAGES = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "alloc_failed",
    "resource_exhausted",
)

#: Most atoms of a batch, by name of the model; only where a batch has run out of memory.
_LIMITS: dict[str, int] = {}

T = TypeVar("T", bound=Sized)


class NamedModel(Protocol):
    """A potential or an energy model."""

    name: str


def device_of(model: object) -> str:
    """PyTorch's name of the device on which a model computes: its ``device``, "cpu" without one."""
    return str(getattr(model, "device", None) or "cpu")


def on_accelerator(model: object) -> bool:
    """Whether a model computes on another device than the CPU."""
    return not is_cpu(device_of(model))


def within_memory(model: NamedModel, structures: Sequence[T]) -> list[Sequence[T]]:
    """Divide structures into consecutive batches that are expected to fit into memory.

    Without an accelerator all of them are one batch until one has run out of memory.

    Args:
        model: Evaluates them.
        structures: Crystals or structures; their length is the number of atoms.
    """
    limit = _LIMITS.get(model.name, ACCELERATOR_ATOMS if on_accelerator(model) else math.inf)
    batches: list[Sequence[T]] = []
    begin = atoms = 0
    for index, structure in enumerate(structures):
        if index > begin and atoms + len(structure) > limit:
            batches.append(structures[begin:index])
            begin, atoms = index, 0
        atoms += len(structure)
    return [*batches, structures[begin:]]


def lower_limit(model: NamedModel, structures: Sequence[Sized]) -> None:
    """Allow no more atoms than the larger half of a batch that has run out of memory.

    Args:
        model: Ran out of memory.
        structures: The batch, at least two.
    """
    middle = len(structures) // 2
    larger = max(sum(map(len, structures[:middle])), sum(map(len, structures[middle:])))
    _LIMITS[model.name] = min(larger, _LIMITS.get(model.name, larger))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory is missing, on the CPU or on an accelerator."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in _MESSAGES)


def memory_reason(name: str, atoms: int) -> str:
    """The clause for a single structure that does not fit into memory."""
    plural = "" if atoms == 1 else "s"
    return f"the memory is too small for the potential {name} with {atoms} atom{plural}"


def release_memory() -> None:
    """Return memory that nothing uses to the accelerator; call it outside of the ``except`` block.

    The exception refers to the arrays of the failed evaluation. The CPU needs nothing: its arrays are freed
    with their last reference.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return
    for memory, in_use in (
        (torch.cuda, torch.cuda.is_initialized()),
        (torch.mps, torch.backends.mps.is_available()),
    ):
        if in_use:
            gc.collect()
            memory.empty_cache()
