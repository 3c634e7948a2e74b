"""From a formula to crystal structures in seconds, without relaxation."""

from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

import alphacrystal

# Everything is written to a new folder under runs/, as on the command line.
# Settings are named as in PredictConfig: two formula units, ten candidates.
prediction = alphacrystal.predict("TiO2", relax=False, candidates=10, units=(2,))

# The ranked list. In Jupyter, `prediction` alone shows table and 3D view.
print(prediction)

# pymatgen Structures, best first; the list as a pandas DataFrame; Atoms for ASE.
best = prediction.structures[0]
print(best.composition, best.lattice.abc)
table = prediction.to_dataframe()
print(table[["space_group_symbol", "volume_per_atom_a3"]].head(3))
prediction.to_ase()[0].write("best.vasp")

# Is the known structure among them? Rutile, after R. W. G. Wyckoff.
rutile = Structure.from_spacegroup(
    "P4_2/mnm",
    Lattice.tetragonal(4.594, 2.959),
    ["Ti", "O"],
    [[0, 0, 0], [0.305, 0.305, 0]],
)
matcher = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
pairs = zip(table.index, prediction.structures, strict=True)
places = [rank for rank, found in pairs if matcher.fit(found, rutile)]
print(f"Rutile is found at rank {places[0]}." if places else "Rutile is not found.")
