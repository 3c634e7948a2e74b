"""Relax with any ASE calculator that has energy, forces and stress."""

from ase.calculators.emt import EMT

import alphacrystal
from alphacrystal.crystal import standard_structure
from alphacrystal.relaxation import AsePotential, RelaxSettings, relax

# EMT is an example. ASE calculators do not list the elements that they support, so
# list them here.
supported = frozenset({"Al", "Ni", "Cu", "Pd", "Ag", "Pt", "Au"})
potential = AsePotential("emt", EMT(), supported_elements=supported)

# Generate candidates, then relax them: atoms and cell move, the space group stays.
prediction = alphacrystal.predict("Cu3Au", relax=False, candidates=8, max_atoms=8)
results = relax(prediction.structures, potential, RelaxSettings(fmax=0.05))

relaxed = [result for result in results if result.converged]
for result in sorted(relaxed, key=lambda result: result.energy_per_atom):
    _, number, symbol = standard_structure(result.structure)
    print(f"{result.energy_per_atom:9.4f} eV/atom  {symbol} ({number})")

# ASE Atoms are valid input too. Each result has a status.
(one,) = relax([prediction.to_ase()[0]], potential)
print(f"{one.status} in {one.steps} steps, largest force {one.max_force:.3f} eV/Å")
