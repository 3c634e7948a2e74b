"""Our networks answer on one thread, whatever torch is set to."""

import pytest
import torch

from alphacrystal.runtime.torch_setup import one_torch_thread


@pytest.fixture
def two_threads() -> None:
    """Torch set to two threads, as on a machine with two processors."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_one_thread_inside_and_as_before_after_it() -> None:
    with one_torch_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with pytest.raises(ValueError, match="mine"), one_torch_thread():
        raise ValueError("mine")
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_as_a_decorator_again_and_again() -> None:
    threads = one_torch_thread()(torch.get_num_threads)
    assert [threads(), threads()] == [1, 1]
    assert torch.get_num_threads() == 2
