"""Ranks of textbook derivative types that are removed from the vocabulary of the symmetry network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.learn import StructureType, load_model, read_card
from alphacrystal.learn.proposed_types import MAX_ATOMS, network_groups, normalised, type_lists
from alphacrystal.learn.symmetry.member_table import MemberTable
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.learn.weight_files import CORE_MODELS, save_weights

#: Compound, name and structure type of the derivative, and its parent.
TEXTBOOK = (
    ("K2NaAlF6", "elpasolite", StructureType(225, ("c", "a", "b", "e")), "perovskite"),
    ("CuGaS2", "chalcopyrite", StructureType(122, ("a", "b", "d")), "zincblende"),
    ("CuAu", "L1_0", StructureType(123, ("a", "d")), "fcc"),
    ("Ta2ZnO6", "trirutile", StructureType(136, ("e", "a", "fj")), "rutile"),
    ("FeTiO3", "ilmenite", StructureType(148, ("c", "c", "f")), "corundum"),
)


def textbook_rows(folder: Path) -> list[dict[str, Any]]:
    """Rank of each textbook type among the types of its compound, without the type in the vocabulary."""
    rows = []
    for text, name, structure_type, parent in TEXTBOOK:
        formula = parse_formula(text)
        elements = tuple(formula.elements)
        counts = tuple(formula.counts[symbol] for symbol in elements)
        units = formula_units_within(formula, MAX_ATOMS)
        ranks: dict[str, int | None] = {}
        with weights_without(folder, structure_type) as reduced:
            groups = network_groups(elements, counts, reduced)
            for key, subgroups in (("with", True), ("without", False)):
                lists = type_lists(elements, counts, units, None, reduced, subgroups=subgroups)
                types = [one for part in lists for one in part.types]
                values = normalised(types, np.concatenate([part.scores for part in lists]), groups)
                ranks[key] = (
                    int((values > values[types.index(structure_type)]).sum()) + 1
                    if structure_type in types
                    else None
                )
        rows.append({"formula": text, "name": name, "parent": parent, **ranks})
    return rows


@contextmanager
def weights_without(folder: Path, structure_type: StructureType) -> Iterator[Path]:
    """A folder of weights whose symmetry network does not know a structure type."""
    net = load_model("symmetry", folder)
    assert isinstance(net, SymmetryNet)
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary)
        for name in CORE_MODELS:
            for file in (f"{name}.json", f"{name}.safetensors"):
                if name != "symmetry":
                    (target / file).symlink_to(folder / file)
        digest = save_weights(_without(net, structure_type), target / "symmetry.safetensors")
        card = read_card("symmetry", folder).model_copy(update={"sha256": digest})
        (target / "symmetry.json").write_text(card.model_dump_json(), encoding="utf-8")
        yield target


def _without(net: SymmetryNet, structure_type: StructureType) -> SymmetryNet:
    """The network without a structure type and its training compounds."""
    row = net.rows[structure_type]
    kept = torch.arange(len(net.types)) != row
    members = net.member_kind != row
    rows = net.member_kind[members]
    table = MemberTable(
        net.member_numbers[members], rows - (rows > row).to(rows.dtype), net.member_evidence[members]
    )
    types = [known for known in net.types if known != structure_type]
    reduced = SymmetryNet(net.config, types, table)
    state = net.state_dict()
    for name in ("type_embedding.weight", "type_bias.weight"):
        state[name] = state[name][kept]
    state |= {name: value for name, value in reduced.state_dict().items() if name.startswith("member_")}
    reduced.load_state_dict(state)
    return reduced
