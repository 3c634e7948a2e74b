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
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

#: Channels of CHGNet's atom, bond and angle features.
_WIDTH = 64

#: chgnet scales cosines by this before acos, whose slope is infinite at ±1.
_COSINE_SCALE = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class BatchGraph:
    """Quotient graphs of several crystals, joined; symbols as in `QuotientGraph`.

    Attributes:
        crystals: Number of crystals.
        orbit_numbers: Atomic numbers, (orbits,); orbit_size, (orbits,); orbit_crystal, (orbits,).
        bond_vector: (bonds,), the ``short_bonds`` first that form angles.
        message_centre, message_neighbour, message_bond: (messages,); message_weight: (messages, 1).
        angle_vectors, angle_bonds: (2, angles); angle_apex: (angles,); angle_weight: (angles, 1).
    """

    crystals: int
    orbit_numbers: Tensor
    orbit_size: Tensor
    orbit_crystal: Tensor
    bond_vector: Tensor
    short_bonds: int
    message_centre: Tensor
    message_neighbour: Tensor
    message_bond: Tensor
    message_weight: Tensor
    angle_vectors: Tensor
    angle_bonds: Tensor
    angle_apex: Tensor
    angle_weight: Tensor


class _Gate:
    """silu(norm(core)) · sigmoid(norm(gate)) with both branches in one (rows, 128) array."""

    def __init__(self, state: Mapping[str, Tensor], prefix: str, hidden: bool) -> None:
        first = "layers.0" if hidden else "layers.1"
        core, gate = f"{prefix}.mlp_core", f"{prefix}.mlp_gate"
        weight = torch.cat([state[f"{core}.{first}.weight"], state[f"{gate}.{first}.weight"]])
        #: One (64, 128) matrix per concatenated input.
        self.inputs = [part.T.contiguous() for part in weight.split(_WIDTH, dim=1)]
        self.bias = torch.cat([state[f"{core}.{first}.bias"], state[f"{gate}.{first}.bias"]])
        self.hidden = [
            (state[f"{name}.layers.3.weight"].T.contiguous(), state[f"{name}.layers.3.bias"])
            for name in (core, gate)
            if hidden
        ]
        self.norms = [(state[f"{prefix}.{n}.weight"], state[f"{prefix}.{n}.bias"]) for n in ("bn1", "bn2")]

    def __call__(self, rows: Tensor) -> Tensor:
        """Finish the layer on the summed first-layer parts, shape (rows, 128)."""
        if self.hidden:
            rows = functional.silu(rows)
        core, gate = rows[:, :_WIDTH], rows[:, _WIDTH:]
        if self.hidden:
            core = torch.addmm(self.hidden[0][1], core, self.hidden[0][0])
            gate = torch.addmm(self.hidden[1][1], gate, self.hidden[1][0])
        core = functional.layer_norm(core, (_WIDTH,), *self.norms[0])
        gate = functional.layer_norm(gate, (_WIDTH,), *self.norms[1])
        return functional.silu(core) * torch.sigmoid(gate)


class CHGNetNetwork:
    """The frozen network; call it with a batch and its neighbour vectors."""

    def __init__(self, state: Mapping[str, Tensor], settings: Mapping[str, object]) -> None:
        """Take the weights of a chgnet checkpoint.

        Args:
            state: The checkpoint's ``model.state_dict``.
            settings: Its ``model.model_args``; the architecture of CHGNet 0.3.0 is required.

        Raises:
            ValueError: The checkpoint has another architecture.
        """
        expected = {"n_conv": 4, "gMLP_norm": "layer", "readout_norm": "layer", "mlp_first": True}
        if any(settings.get(key) != value for key, value in expected.items()):
            raise ValueError("the checkpoint is not of the CHGNet 0.3.0 architecture")
        state = {key: value.detach().to(torch.float32) for key, value in state.items()}
        self.cutoff = float(str(settings["atom_graph_cutoff"]))
        self.angle_cutoff = float(str(settings["bond_graph_cutoff"]))
        self._power = int(str(settings["cutoff_coeff"]))
        self._composition = state["composition_model.fc.weight"][0].double()
        self._embedding = state["atom_embedding.embedding.weight"]
        self._bond_frequencies = state["bond_basis_expansion.rbf_expansion_ag.frequencies"]
        self._short_frequencies = state["bond_basis_expansion.rbf_expansion_bg.frequencies"]
        # Embedding and message weight of a bond read the same basis: one product for both.
        self._bond_maps = torch.cat(
            [state["bond_embedding.weight"], state["bond_weights_ag.weight"]]
        ).T.contiguous()
        self._short_map = state["bond_weights_bg.weight"].T.contiguous()
        self._angle_frequencies = state["angle_basis_expansion.fourier_expansion.frequencies"]
        self._angle_map = state["angle_embedding.weight"].T.contiguous()
        self._atom_gates = [_Gate(state, f"atom_conv_layers.{i}.twoBody_atom", True) for i in range(4)]
        self._atom_out = [
            state[f"atom_conv_layers.{i}.mlp_out.layers.1.weight"].T.contiguous() for i in range(4)
        ]
        self._bond_gates = [_Gate(state, f"bond_conv_layers.{i}.twoBody_bond", True) for i in range(3)]
        self._bond_out = [
            state[f"bond_conv_layers.{i}.mlp_out.layers.1.weight"].T.contiguous() for i in range(3)
        ]
        self._angle_gates = [_Gate(state, f"angle_layers.{i}.twoBody_bond", False) for i in range(2)]
        self._readout_norm = (state["readout_norm.weight"], state["readout_norm.bias"])
        self._readout = [
            (state[f"mlp.layers.{i}.weight"], state[f"mlp.layers.{i}.bias"]) for i in (0, 2, 4, 7)
        ]

    def energies_and_gradients(self, graph: BatchGraph, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Energies in eV, shape (crystals,), and their derivatives by ``vectors`` in eV/Å, (vectors, 3)."""
        vectors = vectors.requires_grad_(True)
        energies = self._energies(graph, vectors)
        (gradient,) = torch.autograd.grad(energies.sum(), vectors)
        return energies.detach(), gradient

    def _energies(self, graph: BatchGraph, vectors: Tensor) -> Tensor:
        lengths = torch.linalg.vector_norm(vectors, dim=1)
        bond_lengths = lengths.index_select(0, graph.bond_vector)
        short = graph.short_bonds
        mapped = self._radial(bond_lengths, self.cutoff, self._bond_frequencies) @ self._bond_maps
        bonds, message_scale = mapped[:, :_WIDTH], mapped[:, _WIDTH:]
        long_bonds, short_features = bonds[short:], bonds[:short]
        short_scale = (
            self._radial(bond_lengths[:short], self.angle_cutoff, self._short_frequencies) @ self._short_map
        )
        first, second = graph.angle_bonds
        angle_scale = (
            short_scale.index_select(0, first) * short_scale.index_select(0, second) * graph.angle_weight
        )
        angles = self._angle_features(vectors, lengths, graph)
        message_scale = message_scale.index_select(0, graph.message_bond) * graph.message_weight

        atoms = self._embedding.index_select(0, graph.orbit_numbers - 1)
        for layer in range(4):
            atoms = self._update_atoms(layer, atoms, bonds, message_scale, graph)
            if layer == 3 or not len(first):
                continue
            gate = self._bond_gates[layer]
            update = gate(self._angle_rows(gate, short_features, angles, atoms, graph)) * angle_scale
            summed = torch.zeros_like(short_features).index_add(0, first, update)
            short_features = short_features + summed @ self._bond_out[layer]
            bonds = torch.cat([short_features, long_bonds])
            if layer < 2:
                gate = self._angle_gates[layer]
                angles = angles + gate(self._angle_rows(gate, short_features, angles, atoms, graph))
        return self._read_out(atoms, graph)

    def _update_atoms(
        self, layer: int, atoms: Tensor, bonds: Tensor, scale: Tensor, graph: BatchGraph
    ) -> Tensor:
        gate = self._atom_gates[layer]
        centre, bond, neighbour = gate.inputs
        rows = torch.addmm(gate.bias, atoms, centre).index_select(0, graph.message_centre)
        rows = rows + (bonds @ bond).index_select(0, graph.message_bond)
        rows = rows + (atoms @ neighbour).index_select(0, graph.message_neighbour)
        summed = torch.zeros_like(atoms).index_add(0, graph.message_centre, gate(rows) * scale)
        return atoms + summed @ self._atom_out[layer]

    @staticmethod
    def _angle_rows(gate: _Gate, bonds: Tensor, angles: Tensor, atoms: Tensor, graph: BatchGraph) -> Tensor:
        first, second, angle, apex = gate.inputs
        rows: Tensor = torch.addmm(gate.bias, angles, angle)
        rows = rows + (bonds @ first).index_select(0, graph.angle_bonds[0])
        rows = rows + (bonds @ second).index_select(0, graph.angle_bonds[1])
        centre: Tensor = (atoms @ apex).index_select(0, graph.angle_apex)
        return rows + centre

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

    def _angle_features(self, vectors: Tensor, lengths: Tensor, graph: BatchGraph) -> Tensor:
        """Fourier expansion of the angle at the apex, then its embedding, shape (angles, 64)."""
        units = vectors / lengths[:, None]
        first, second = graph.angle_vectors
        cosine = (units.index_select(0, first) * units.index_select(0, second)).sum(dim=1)
        phases = torch.outer(torch.acos(cosine * _COSINE_SCALE), self._angle_frequencies)
        constant = torch.full((len(first), 1), math.sqrt(0.5))
        basis = torch.cat([constant, torch.sin(phases), torch.cos(phases)], dim=1) / math.sqrt(math.pi)
        return basis @ self._angle_map

    def _read_out(self, atoms: Tensor, graph: BatchGraph) -> Tensor:
        features = functional.layer_norm(atoms, (_WIDTH,), *self._readout_norm)
        for weight, bias in self._readout[:-1]:
            features = functional.silu(functional.linear(features, weight, bias))
        site = functional.linear(features, *self._readout[-1])[:, 0].double()
        site = (site + self._composition.index_select(0, graph.orbit_numbers - 1)) * graph.orbit_size
        return torch.zeros(graph.crystals, dtype=torch.float64).index_add(0, graph.orbit_crystal, site)
