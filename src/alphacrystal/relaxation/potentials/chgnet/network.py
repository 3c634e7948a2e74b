"""CHGNet's network, written for inference on quotient graphs.

Deng et al., Nature Machine Intelligence 5, 1031 (2023), doi:10.1038/s42256-023-00716-3. The weights are those
in chgnet's wheel; the arithmetic is rearranged, not approximated. Each gated layer starts with a linear map
of a concatenation; it is split and applied once per atom, bond and angle before they are gathered. Only bonds
that form angles are updated, and the last angle update, which nothing reads, is left out. The parameters are
frozen, so one backward pass over the neighbour vectors gives forces and stress together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from alphacrystal.relaxation.potentials.chgnet.frozen_products import FrozenProduct
from alphacrystal.relaxation.potentials.chgnet.gated_layer import WIDTH, Gate

#: Tensors of a graph that stay in the memory of the CPU: the sums over orbits need float64, which Apple's
#: GPUs do not have.
_OF_SUMS = frozenset({"orbit_size", "orbit_crystal"})

#: chgnet scales cosines by this before acos, whose slope is infinite at ±1.
_COSINE_SCALE = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class BatchGraph:
    """Quotient graphs of several crystals, joined; symbols as in `QuotientGraph`.

    Attributes:
        crystals: Number of crystals.
        orbit_numbers: Atomic numbers, (orbits,); orbit_size, (orbits,); orbit_crystal, (orbits,).
        bond_vector: (bonds,), the ``short_bonds`` first that form angles.
        message_centre, message_pair, message_bond: (messages,); message_weight: (messages, 1).
        pair_centre, pair_neighbour: (pairs,).
        angle_vectors, angle_bonds: (2, angles); angle_spoke: (angles,); angle_weight: (angles, 1).
        spoke_bond, spoke_apex: (spokes,); an unused spoke may name any short bond.
    """

    crystals: int
    orbit_numbers: Tensor
    orbit_size: Tensor
    orbit_crystal: Tensor
    bond_vector: Tensor
    short_bonds: int
    message_centre: Tensor
    message_pair: Tensor
    message_bond: Tensor
    message_weight: Tensor
    pair_centre: Tensor
    pair_neighbour: Tensor
    angle_vectors: Tensor
    angle_bonds: Tensor
    angle_spoke: Tensor
    angle_weight: Tensor
    spoke_bond: Tensor
    spoke_apex: Tensor

    def to(self, device: torch.device) -> BatchGraph:
        """The same graph with its tensors on a device, without those of the sums over orbits."""
        if device.type == "cpu":
            return self
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values = {name: value for name, value in values.items() if name not in _OF_SUMS}
        moved: dict[str, Any] = {name: v.to(device) for name, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **moved)


class CHGNetNetwork:
    """The frozen network; call it with a batch and its neighbour vectors."""

    def __init__(
        self, state: Mapping[str, Tensor], settings: Mapping[str, object], device: str = "cpu"
    ) -> None:
        """Take the weights of a chgnet checkpoint.

        Args:
            state: The checkpoint's ``model.state_dict``.
            settings: Its ``model.model_args``; the architecture of CHGNet 0.3.0 is required.
            device: Where torch keeps the weights and computes.

        Raises:
            ValueError: The checkpoint has another architecture.
        """
        expected = {"n_conv": 4, "gMLP_norm": "layer", "readout_norm": "layer", "mlp_first": True}
        if any(settings.get(key) != value for key, value in expected.items()):
            raise ValueError("the checkpoint is not of the CHGNet 0.3.0 architecture")
        self.device = torch.device(device)
        state = {key: value.detach().float() for key, value in state.items()}
        self._composition = state["composition_model.fc.weight"][0].double()
        state = {key: value.to(self.device) for key, value in state.items()}
        self.cutoff = float(str(settings["atom_graph_cutoff"]))
        self.angle_cutoff = float(str(settings["bond_graph_cutoff"]))
        self._power = int(str(settings["cutoff_coeff"]))
        self._embedding = state["atom_embedding.embedding.weight"]
        self._bond_frequencies = state["bond_basis_expansion.rbf_expansion_ag.frequencies"]
        self._short_frequencies = state["bond_basis_expansion.rbf_expansion_bg.frequencies"]
        bond_map = state["bond_embedding.weight"].T
        self._bond_map = FrozenProduct(bond_map)
        self._message_map = FrozenProduct(state["bond_weights_ag.weight"].T)
        self._short_map = FrozenProduct(state["bond_weights_bg.weight"].T)
        self._angle_frequencies = state["angle_basis_expansion.fourier_expansion.frequencies"]
        angle_map = state["angle_embedding.weight"].T
        self._angle_map = FrozenProduct(angle_map)
        self._atom_gates = [
            Gate(state, f"atom_conv_layers.{i}.twoBody_atom", hidden=True, collector=0) for i in range(4)
        ]
        self._atom_out = [
            FrozenProduct(state[f"atom_conv_layers.{i}.mlp_out.layers.1.weight"].T) for i in range(4)
        ]
        self._bond_gates = [
            Gate(state, f"bond_conv_layers.{i}.twoBody_bond", hidden=True, collector=3) for i in range(3)
        ]
        self._bond_out = [
            FrozenProduct(state[f"bond_conv_layers.{i}.mlp_out.layers.1.weight"].T) for i in range(3)
        ]
        self._angle_gates = [
            Gate(state, f"angle_layers.{i}.twoBody_bond", hidden=False, collector=3) for i in range(2)
        ]
        # Features that are still linear in their basis go from it into a layer in one product of 31 rows.
        self._bond_folds = [FrozenProduct(bond_map @ gate.weights[1]) for gate in self._atom_gates]
        self._angle_folds = [
            FrozenProduct(angle_map @ gates[0].weights[2]) for gates in (self._bond_gates, self._angle_gates)
        ]
        self._readout_norm = (state["readout_norm.weight"], state["readout_norm.bias"])
        self._readout = [
            (state[f"mlp.layers.{i}.weight"], state[f"mlp.layers.{i}.bias"]) for i in (0, 2, 4, 7)
        ]

    def energies_and_gradients(self, graph: BatchGraph, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Energies in eV, shape (crystals,), and their derivatives by ``vectors`` in eV/Å, (vectors, 3).

        Input and result are in the memory of the CPU, for any device.
        """
        vectors = vectors.to(self.device).requires_grad_(True)
        sites = self.site_energies(graph.to(self.device), vectors).cpu().double()
        sites = (sites + self._composition.index_select(0, graph.orbit_numbers - 1)) * graph.orbit_size
        energies = sites.new_zeros(graph.crystals).index_add(0, graph.orbit_crystal, sites)
        (gradient,) = torch.autograd.grad(energies.sum(), vectors)
        return energies.detach(), gradient.cpu()

    def site_energies(self, graph: BatchGraph, vectors: Tensor) -> Tensor:
        """Energies of one atom of each orbit in eV, shape (orbits,), without those of the composition.

        Input and result are on the device of the network.
        """
        lengths = torch.linalg.vector_norm(vectors, dim=1)
        bond_lengths = lengths.index_select(0, graph.bond_vector)
        short = graph.short_bonds
        bond_basis = self._radial(bond_lengths, self.cutoff, self._bond_frequencies)
        message_scale = self._message_map(bond_basis).index_select(0, graph.message_bond)
        message_scale = message_scale * graph.message_weight
        bonds, long_basis = self._bond_map(bond_basis[:short]), bond_basis[short:]
        short_scale = self._short_map(
            self._radial(bond_lengths[:short], self.angle_cutoff, self._short_frequencies)
        )
        first, second = graph.angle_bonds
        angle_scale = (
            short_scale.index_select(0, first) * short_scale.index_select(0, second) * graph.angle_weight
        )
        angle_basis = self._angle_basis(vectors, lengths, graph)
        angles = self._angle_map(angle_basis)

        atoms = self._embedding.index_select(0, graph.orbit_numbers - 1)
        for layer in range(4):
            rows = torch.cat([self._atom_gates[layer].inputs[1](bonds), self._bond_folds[layer](long_basis)])
            atoms = self._update_atoms(layer, atoms, rows, message_scale, graph)
            if layer == 3 or not len(first):
                continue
            gate = self._bond_gates[layer]
            linear = self._angle_folds[0](angle_basis) if layer == 0 else gate.inputs[2](angles)
            update = gate(self._angle_rows(gate, bonds, linear, atoms, graph)) * angle_scale
            summed = torch.zeros_like(bonds).index_add(0, first, update)
            bonds = bonds + self._bond_out[layer](summed)
            if layer < 2:
                gate = self._angle_gates[layer]
                linear = self._angle_folds[1](angle_basis) if layer == 0 else gate.inputs[2](angles)
                angles = angles + gate(self._angle_rows(gate, bonds, linear, atoms, graph))
        return self._read_out(atoms)

    def _update_atoms(
        self, layer: int, atoms: Tensor, bond_rows: Tensor, scale: Tensor, graph: BatchGraph
    ) -> Tensor:
        gate = self._atom_gates[layer]
        centre, _, neighbour = gate.inputs
        pairs = centre(atoms).index_select(0, graph.pair_centre)
        pairs = pairs + neighbour(atoms).index_select(0, graph.pair_neighbour)
        rows = pairs.index_select(0, graph.message_pair)
        rows += bond_rows.index_select(0, graph.message_bond)
        summed = torch.zeros_like(atoms).index_add(0, graph.message_centre, gate(rows) * scale)
        return atoms + self._atom_out[layer](summed)

    @staticmethod
    def _angle_rows(gate: Gate, bonds: Tensor, linear: Tensor, atoms: Tensor, graph: BatchGraph) -> Tensor:
        """First-layer sums of the angles; ``linear`` is the part of their features, and is overwritten."""
        first, second, _, apex = gate.inputs
        spokes = first(bonds).index_select(0, graph.spoke_bond)
        spokes = spokes + apex(atoms).index_select(0, graph.spoke_apex)
        linear += spokes.index_select(0, graph.angle_spoke)
        linear += second(bonds).index_select(0, graph.angle_bonds[1])
        return linear

    def _radial(self, lengths: Tensor, cutoff: float, frequencies: Tensor) -> Tensor:
        """Radial Bessel functions under a polynomial envelope: DimeNet, arXiv:2003.03123, eq. 7-8."""
        p = self._power
        x = lengths / cutoff
        envelope = (
            1 - (p + 1) * (p + 2) / 2 * x**p + p * (p + 2) * x ** (p + 1) - p * (p + 1) / 2 * x ** (p + 2)
        )
        envelope = torch.where(x < 1, envelope, torch.zeros_like(envelope))
        scale = math.sqrt(2 / cutoff) * envelope / lengths
        return torch.sin(torch.outer(x, frequencies)) * scale[:, None]

    def _angle_basis(self, vectors: Tensor, lengths: Tensor, graph: BatchGraph) -> Tensor:
        """Fourier expansion of the angle at the apex, shape (angles, 31)."""
        units = vectors / lengths[:, None]
        first, second = graph.angle_vectors
        cosine = (units.index_select(0, first) * units.index_select(0, second)).sum(dim=1)
        phases = torch.outer(torch.acos(cosine * _COSINE_SCALE), self._angle_frequencies)
        constant = phases.new_full((len(first), 1), math.sqrt(0.5))
        return torch.cat([constant, torch.sin(phases), torch.cos(phases)], dim=1) / math.sqrt(math.pi)

    def _read_out(self, atoms: Tensor) -> Tensor:
        features = functional.layer_norm(atoms, (WIDTH,), *self._readout_norm)
        for weight, bias in self._readout[:-1]:
            features = functional.silu(functional.linear(features, weight, bias))
        return functional.linear(features, *self._readout[-1])[:, 0]
