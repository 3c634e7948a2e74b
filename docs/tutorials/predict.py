"""From a formula to crystal structures in seconds, without relaxation."""

from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

import alphacrystal

# The run folder is a new folder in runs/, as on the command line. The settings are
# fields of PredictConfig: two formula units, ten candidates.
prediction = alphacrystal.predict("TiO2", relax=False, candidates=10, z=(2,))

# The ranked list. In Jupyter, `prediction` displays the table and a 3D view.
print(prediction)

# pymatgen Structures, best first; the list as a pandas DataFrame; Atoms for ASE.
best = prediction.structures[0]
print(best.composition, best.lattice.abc)
table = prediction.to_dataframe()
print(table[["space_group_symbol", "volume_per_atom_a3"]].head(3))
prediction.to_ase()[0].write("best.vasp")

# Search the list for the known structure: rutile, after R. W. G. Wyckoff.
rutile = Structure.from_spacegroup(
    "P4_2/mnm",
    Lattice.tetragonal(4.594, 2.959),
    ["Ti", "O"],
    [[0, 0, 0], [0.305, 0.305, 0]],
)
matcher = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
pairs = zip(table.index, prediction.structures, strict=True)
ranks = [rank for rank, structure in pairs if matcher.fit(structure, rutile)]
print(f"Rutile has rank {ranks[0]}." if ranks else "Rutile is not in the list.")
