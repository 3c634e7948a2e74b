"""Build the table of elemental energies that formation energies are measured against.

    python scripts/build_elemental_references.py --data structures.jsonl.gz [--potential chgnet] [--out FILE]

Relaxes every elemental crystal of a Materials Project extract (CC BY 4.0; one JSON object a line with "id",
"lattice", "species", "frac_coords") with the potential, keeping its space group, and stores the lowest energy
per atom of each element with the crystal it belongs to. Only energies and mp-ids are stored, no structures.

The potential, like PBE, hardly binds molecules and chains to each other, and some entries of the halogens, O,
N and Se swell by half or more. Where the volume changes by more than a quarter, or the relaxation does not
converge, the energy at the entry's own (DFT) geometry counts instead.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

from pymatgen.core import Structure

from alphacrystal.relax import Relaxation, RelaxSettings, load_potential, relax

TABLES = Path(__file__).parents[1] / "src" / "alphacrystal" / "relax" / "data"
SETTINGS = RelaxSettings(fmax=0.05, max_steps=500, time_limit_s=600)
VOLUME_CHANGE = 0.25


def elemental_crystals(path: Path) -> dict[str, list[tuple[str, Structure]]]:
    """mp-id and structure of every elemental entry, by element symbol."""
    found: dict[str, list[tuple[str, Structure]]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            symbols = set(record["species"])
            if len(symbols) == 1:
                structure = Structure(record["lattice"], record["species"], record["frac_coords"])
                found[symbols.pop()].append((record["id"], structure))
    return found


def reference_energy(start_energy: float, start: Structure, end: Relaxation) -> tuple[float, bool]:
    """Energy per atom that stands for an entry, and whether it is the relaxed one."""
    kept = abs(end.structure.volume / start.volume - 1) <= VOLUME_CHANGE
    if end.converged and end.energy_per_atom is not None and kept:
        return end.energy_per_atom, True
    return start_energy, False


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="structures.jsonl.gz of the extract")
    parser.add_argument("--potential", default="chgnet")
    parser.add_argument("--out", type=Path, help="default: the table inside the package")
    options = parser.parse_args()
    potential = load_potential(options.potential)
    elements = {}
    for symbol, crystals in sorted(elemental_crystals(options.data).items()):
        if symbol not in potential.supported_elements:
            continue
        structures = [structure for _, structure in crystals]
        starts = potential.evaluate(structures).energies
        ends = relax(structures, potential, SETTINGS)
        (energy, relaxed), identifier, end = min(
            (
                (reference_energy(float(energy) / len(structure), structure, end), identifier, end)
                for (identifier, structure), energy, end in zip(crystals, starts, ends, strict=True)
            ),
            key=lambda entry: entry[0][0],
        )
        group, number = end.structure.get_space_group_info(symprec=0.1)
        elements[symbol] = {
            "energy_per_atom": round(energy, 5),
            "material": identifier,
            "space_group": number,
            "relaxed": relaxed,
            "candidates": len(crystals),
        }
        print(f"{symbol:2} {energy:10.4f} {identifier} {group}{'' if relaxed else ' not relaxed'}")
    table = {
        "potential": options.potential,
        "unit": "eV/atom",
        "source": "Elemental entries of the Materials Project (Jain et al., APL Materials 1, 011002 (2013), "
        "CC BY 4.0), relaxed with the potential; lowest energy per element. Where relaxing changes the "
        "volume by more than 25 %, the energy at the entry's own geometry counts",
        "fmax_ev_per_a": SETTINGS.fmax,
        "chgnet_version": version("chgnet"),
        "elements": elements,
    }
    out = options.out or TABLES / f"references_{options.potential}.json"
    out.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print(f"{len(elements)} elements written to {out}")


if __name__ == "__main__":
    main()
