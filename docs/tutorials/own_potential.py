"""Bring your own potential: any ASE calculator with energy, forces and stress."""

from ase.calculators.emt import EMT

import alphacrystal
from alphacrystal.crystal import standard_structure
from alphacrystal.relax import AsePotential, RelaxSettings, relax

# EMT stands for your calculator. ASE calculators do not tell which elements they
# know, so say it here.
known = frozenset({"Al", "Ni", "Cu", "Pd", "Ag", "Pt", "Au"})
potential = AsePotential("emt", EMT(), supported_elements=known)

# Candidates as they are built, then relaxed: atoms and cell move, the space group
# is kept.
prediction = alphacrystal.predict("Cu3Au", relax=False, candidates=8, max_atoms=8)
results = relax(prediction.structures, potential, RelaxSettings(fmax=0.05))

relaxed = [result for result in results if result.converged]
for result in sorted(relaxed, key=lambda result: result.energy_per_atom):
    _, number, symbol = standard_structure(result.structure)
    print(f"{result.energy_per_atom:9.4f} eV/atom  {symbol} ({number})")

# ASE Atoms go in as well, and each result says how it ended.
(one,) = relax([prediction.to_ase()[0]], potential)
print(f"{one.status} in {one.steps} steps, force left {one.max_force:.3f} eV/Å")
