"""Number of torch threads for small tensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Run torch on one thread inside the block; also a decorator of functions.

    The networks compute thousands of small products. Two threads take about as long for each, and on a busy
    machine the threads wait for each other many times longer than they compute. With one thread the results
    do not depend on the number of processors either.
    """
    import torch

    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
