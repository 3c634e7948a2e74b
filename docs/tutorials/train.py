"""Train a network on your data, and predict with the new weights."""

import shutil
from importlib.resources import files
from itertools import product
from pathlib import Path

from pymatgen.core import Lattice, Structure

import alphacrystal
from alphacrystal.data import StructureRecord, without_benchmarks
from alphacrystal.learn.training import train_model, with_overrides

# The crystals: rock salts of plausible size. `alphacrystal data build FOLDER
# --out FILE` creates such records from CIF and POSCAR files.
CATIONS = dict(Li=0.8, Na=1.0, K=1.4, Rb=1.5, Mg=0.7, Ca=1.0, Sr=1.2, Ba=1.4)
ANIONS = dict(F=1.3, Cl=1.8, Br=2.0, I=2.2, O=1.4, S=1.8, Se=2.0, Te=2.2)
records = []
for cation, anion in product(CATIONS, ANIONS):
    d = CATIONS[cation] + ANIONS[anion]
    primitive = Lattice([[0, d, d], [d, 0, d], [d, d, 0]])  # rows are vectors, in Å
    rock_salt = Structure(primitive, [cation, anion], [[0, 0, 0], [0.5, 0.5, 0.5]])
    record = StructureRecord.from_structure(rock_salt, f"{cation}{anion}")
    # Validate on every fifth compound; the default is one formula in forty.
    split = "val" if len(records) % 5 == 0 else "train"
    records.append(record.model_copy(update={"split": split}))

# Remove the benchmark compounds from the training data; train_model does so too.
kept = list(without_benchmarks(records))
source = Path("records.jsonl")
source.write_text("".join(record.model_dump_json() + "\n" for record in kept))
print(f"{len(kept)} of {len(records)} records are no benchmark compounds")

# Two epochs are an example; without `epochs` the default schedule applies.
settings = with_overrides("lattice", epochs=2)
result = train_model("lattice", source, Path("lattice"), settings=settings)
for name, value in result.card.metrics.items():
    print(f"{name:32s} {value:.4f}")

# A folder of weights replaces the shipped ones. It contains copies of the others
# and the new one.
weights = Path("weights")
shutil.copytree(str(files("alphacrystal_weights")), weights)
for suffix in (".safetensors", ".json"):
    shutil.copy(result.weights.with_suffix(suffix), weights)
print(alphacrystal.predict("RbCl", relax=False, candidates=5, models=weights))
