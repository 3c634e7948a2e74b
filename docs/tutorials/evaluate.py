"""Evaluate a prediction: compare it with the known structures."""

from pathlib import Path

from pymatgen.core import Lattice, Structure

import alphacrystal
from alphacrystal.evaluation import compare

# The known structures: rutile and anatase, after R. W. G. Wyckoff. Polymorphs of
# one formula share its candidates.
rutile = Structure.from_spacegroup(
    "P4_2/mnm",
    Lattice.tetragonal(4.594, 2.959),
    ["Ti", "O"],
    [[0, 0, 0], [0.305, 0.305, 0]],
)
anatase = Structure.from_spacegroup(
    "I4_1/amd",
    Lattice.tetragonal(3.785, 9.514),
    ["Ti", "O"],
    [[0, 0, 0], [0, 0, 0.208]],
)
targets = Path("targets")
targets.mkdir()
rutile.to(str(targets / "rutile.cif"))
anatase.to(str(targets / "anatase.cif"))

# The candidates of a run folder come in rank order. Folders with the files of
# other programs work too.
prediction = alphacrystal.predict("TiO2", relax=False, candidates=10, z=(2,))
evaluation = alphacrystal.evaluate(prediction.folder, targets)
for depth in (1, 10):
    rate = evaluation.match.match_rate(depth)
    print(f"matched within the first {depth}: {rate:.0%}")

# Distances that do not depend on origin, cell and order of the atoms.
for name, measured in compare(
    prediction.structures[0], rutile, "invariant"
).items():
    shown = measured.reason if measured.value is None else f"{measured.value:.4f}"
    print(f"{name:32s} {shown}")
