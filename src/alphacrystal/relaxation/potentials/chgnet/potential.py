"""CHGNet as a potential: weights from chgnet's wheel, evaluation on quotient graphs in batches."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import Crystal, StructureLike, as_structures, identity_symmetry
from alphacrystal.errors import PotentialError
from alphacrystal.relaxation._potential import Evaluation, check_elements
from alphacrystal.relaxation.potentials.chgnet.quotient_graph import (
    GraphError,
    QuotientGraph,
    build_quotient_graph,
)
from alphacrystal.runtime.torch_device import AUTO, is_cpu, torch_device

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

    from alphacrystal.relaxation.potentials.chgnet.network import CHGNetNetwork

#: Elements of MPtrj, on which both models were trained: 1-94 without Po, At, Rn, Fr and Ra.
_ATOMIC_NUMBERS = frozenset(range(1, 95)) - frozenset(range(84, 89))

#: Where each model's weights are inside the chgnet package.
_CHECKPOINTS = {
    "chgnet": "pretrained/0.3.0/chgnet_0.3.0_e29f68s314m37.pth.tar",
    "chgnet-r2scan": "pretrained/r2scan/chgnet_r2scan_transfer_learning_e15f36s161m23.pth.tar",
}

#: Messages plus angles evaluated at once on a CPU; larger batches fall out of the cache and run slower.
_MAX_BATCH_COST = 16_000

#: The same on an accelerator, where only memory limits it: an estimated few kilobytes each.
_ACCELERATOR_BATCH_COST = 400_000

#: Parameters of glibc's mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

#: Blocks up to this size come from the heap (the largest value glibc takes everywhere), and so much freed
#: memory stays with the process, in bytes.
_LARGEST_HEAP_BLOCK = 32 << 20
_KEPT = 512 << 20


@dataclass(slots=True)
class _Workspace:
    """Data of a crystal that the potential keeps between two evaluations."""

    graph: QuotientGraph


class CHGNetPotential:
    """CHGNet 0.3.0 (MPtrj, PBE with MP2020 corrections in its energies) or its r2SCAN transfer.

    Attributes:
        name: Name on the command line and in results.
        supported_elements: Symbols of the supported elements.
        device: PyTorch's name of the device of the network.
    """

    def __init__(self, name: str, network: CHGNetNetwork) -> None:
        self.name = name
        self.device = str(network.device)
        self._network = network
        self._batch_cost = _MAX_BATCH_COST if is_cpu(self.device) else _ACCELERATOR_BATCH_COST
        self.supported_elements = supported_symbols()

    @classmethod
    def load(cls, name: str = "chgnet", device: str = AUTO) -> CHGNetPotential:
        """Read the weights from the installed chgnet wheel; chgnet itself is not imported (it takes seconds).

        Args:
            name: "chgnet" or "chgnet-r2scan".
            device: See `load_potential`.

        Raises:
            PotentialError: chgnet is not installed or holds no such weights, or PyTorch has no such device.
        """
        import torch

        from alphacrystal.relaxation.potentials.chgnet.network import CHGNetNetwork

        keep_freed_memory()
        package = find_spec("chgnet")
        if package is None or package.origin is None:
            raise PotentialError(
                "The potential chgnet needs the package chgnet: pip install 'chgnet>=0.4.2,<0.5'."
            )
        path = Path(package.origin).parent / _CHECKPOINTS[name]
        device = torch_device(device)
        try:
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)["model"]
            network = CHGNetNetwork(checkpoint["state_dict"], checkpoint["model_args"], device)
        except (OSError, KeyError, ValueError) as error:
            raise PotentialError(
                f"The weights of the potential {name} cannot be read from the installed chgnet package "
                f"({error}); reinstall it with: pip install --force-reinstall 'chgnet>=0.4.2,<0.5'."
            ) from error
        return cls(name, network)

    def evaluate(self, structures: Sequence[StructureLike]) -> Evaluation:
        """Energies, forces and stresses; see `Potential.evaluate`."""
        crystals = as_structures(structures)
        check_elements(crystals, self)
        return self.evaluate_crystals([Crystal.from_structure(crystal) for crystal in crystals])

    def evaluate_crystals(self, crystals: Sequence[Crystal]) -> Evaluation:
        """Energies, forces and stresses; see `CrystalPotential.evaluate_crystals`."""
        energies = np.full(len(crystals), np.nan)
        forces = [np.full((len(c), 3), np.nan) for c in crystals]
        stresses = np.full((len(crystals), 3, 3), np.nan)
        failures: list[str | None] = [None] * len(crystals)
        graphs: dict[int, QuotientGraph] = {}
        cost = 0
        for index, crystal in enumerate(crystals):
            try:
                graph = self._graph(crystal)
            except GraphError as error:
                failures[index] = str(error)
                continue
            graphs[index] = graph
            cost += len(graph.message_bond) + len(graph.angle_apex)
            if cost > self._batch_cost:
                self._evaluate_batch(crystals, graphs, energies, forces, stresses)
                graphs, cost = {}, 0
        if graphs:
            self._evaluate_batch(crystals, graphs, energies, forces, stresses)
        for i in np.flatnonzero(~np.isfinite(energies)).tolist():
            failures[i] = failures[i] or "the potential returned no finite energy"
        return Evaluation(energies, forces, stresses, tuple(failures))

    def calculator(self) -> Calculator:
        """An ASE calculator; see `Potential.calculator`."""
        from alphacrystal.relaxation._ase import PotentialCalculator

        return PotentialCalculator(self)

    def _graph(self, crystal: Crystal) -> QuotientGraph:
        network = self._network
        cutoffs = (network.cutoff, network.angle_cutoff)
        if isinstance(crystal.workspace, _Workspace) and crystal.workspace.graph.covers(crystal, cutoffs):
            return crystal.workspace.graph
        symmetry = crystal.symmetry or identity_symmetry(crystal)
        graph = build_quotient_graph(crystal, symmetry, *cutoffs)
        crystal.workspace = _Workspace(graph)
        return graph

    def _evaluate_batch(
        self,
        crystals: Sequence[Crystal],
        graphs: Mapping[int, QuotientGraph],
        energies: np.ndarray,
        forces: list[np.ndarray],
        stresses: np.ndarray,
    ) -> None:
        import torch

        from alphacrystal.relaxation.potentials.chgnet.graph_batch import join_graphs

        batch = list(graphs)
        members = [crystals[i] for i in batch]
        joined = join_graphs(members, list(graphs.values()), self._network.cutoff, self._network.angle_cutoff)
        vectors = torch.from_numpy(joined.vectors.astype(np.float32))
        energy, gradient = self._network.energies_and_gradients(joined.graph, vectors)
        force, virial = joined.forces_and_virials(gradient.numpy().astype(np.float64))
        energies[batch] = energy.numpy()
        for i, crystal, f, v in zip(batch, members, force, virial, strict=True):
            if crystal.symmetry is not None:
                f, v = crystal.symmetry.symmetrise_vectors(f), crystal.symmetry.symmetrise_tensor(v)
            forces[i] = f
            stresses[i] = v / crystal.volume


def supported_symbols() -> frozenset[str]:
    """Elements that both CHGNet models were trained on."""
    from ase.data import chemical_symbols

    return frozenset(chemical_symbols[z] for z in _ATOMIC_NUMBERS)


def keep_freed_memory() -> None:
    """Ask glibc not to hand freed memory back at once; nothing happens with other C libraries.

    Every evaluation takes and frees the same few megabytes. Handing them back each time costs 15 % of the
    processor time of a relaxation: the system has to clear each page again.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST_HEAP_BLOCK)
        mallopt(_TRIM_THRESHOLD, _KEPT)
