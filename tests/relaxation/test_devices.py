"""CHGNet on another device than the processor."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pymatgen.core import Structure
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from alphacrystal.crystal import Crystal, symmetrise_crystal
from alphacrystal.relaxation import CHGNetPotential
from alphacrystal.relaxation.potentials.chgnet.graph_batch import join_graphs
from alphacrystal.relaxation.potentials.chgnet.network import CHGNetNetwork
from alphacrystal.relaxation.potentials.chgnet.quotient_graph import build_quotient_graph

Textbook = dict[str, Callable[..., Structure]]


class Results(TorchDispatchMode):
    """Collects the results of all operations of PyTorch, also of the backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.tensors: list[torch.Tensor] = []

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        result = function(*arguments, **(options or {}))
        self.tensors += [item for item in tree_leaves(result) if isinstance(item, torch.Tensor)]
        return result


def test_no_array_is_left_in_the_processors_memory(textbook: Textbook) -> None:
    # torch's device "meta" computes shapes alone and refuses to meet arrays of the processor.
    package = find_spec("chgnet")
    assert package is not None
    assert package.origin is not None
    file = Path(package.origin).parent / "pretrained/0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar"
    checkpoint = torch.load(file, map_location="cpu", weights_only=True)["model"]
    network = CHGNetNetwork(checkpoint["state_dict"], checkpoint["model_args"], "meta")
    crystals = [symmetrise_crystal(Crystal.from_structure(textbook[n]()), 0.01) for n in ("rutile", "quartz")]
    reach = (network.cutoff, network.angle_cutoff)
    graphs = [build_quotient_graph(c, c.symmetry, *reach) for c in crystals if c.symmetry is not None]
    joined = join_graphs(crystals, graphs, *reach)
    graph = joined.graph.to(network.device)
    vectors = torch.from_numpy(joined.vectors.astype(np.float32)).to("meta").requires_grad_(True)
    with Results() as results:
        energies = network.site_energies(graph, vectors)
        (gradient,) = torch.autograd.grad(energies.sum(), vectors)
    assert (energies.shape, gradient.shape) == (graph.orbit_numbers.shape, vectors.shape)
    assert len(results.tensors) > 500
    assert {tensor.device.type for tensor in results.tensors} == {"meta"}
    # Apple's GPUs have no float64.
    assert {tensor.dtype for tensor in results.tensors} <= {torch.float32, torch.int64, torch.bool}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no graphics card")
def test_graphics_card_gives_what_the_processor_gives(textbook: Textbook) -> None:
    crystals = [textbook[name]() for name in ("rutile", "wurtzite", "Zr4Al3")]
    own, other = (CHGNetPotential.load(device=device).evaluate(crystals) for device in ("cpu", "cuda"))
    assert other.energies == pytest.approx(own.energies, abs=1e-4)
    for mine, theirs in zip(own.forces, other.forces, strict=True):
        assert theirs == pytest.approx(mine, abs=1e-3)
    assert other.stresses == pytest.approx(own.stresses, abs=1e-5)
