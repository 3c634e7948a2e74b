"""How many threads torch uses for tensors as small as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch work on one thread; also a decorator of functions.

    The networks compute thousands of small products. Shared by two threads each takes about as long, and on a
    busy machine the threads wait for each other many times longer than they work. The answers then do not
    depend on the number of processors either.
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
