"""Build the table of elemental values behind the Magpie features from matminer's copies of them.

matminer 0.10.1 needs an older pandas than the pinned one, so it needs a separate environment:
``python3 -m venv V; V/bin/pip install matminer==0.10.1; V/bin/python scripts/build_magpie_table.py``.
It writes ``magpie_elements.csv``, one row per element from H to Lr; as in
matminer, gaps contain the mean over the other elements. ``--golden FILE`` also writes matminer's features of
a few compositions, for a test to compare with.
"""

from __future__ import annotations

import argparse
import csv
import json
import warnings
from pathlib import Path

from matminer.featurizers import composition as featurizers
from matminer.featurizers.base import MultipleFeaturizer
from matminer.utils.data import DemlData, MagpieData, PymatgenData
from pymatgen.core import Composition, Element

LAST_ATOMIC_NUMBER = 103
BENCH = Path(__file__).resolve().parents[1] / "benchmarks" / "alphacrystal_bench" / "src"
DATA = BENCH / "alphacrystal_bench" / "data"
EXAMPLES = ("Cu", "SrTiO3", "Fe3O4", "Na2Ca(SiO3)2", "XeF2", "K2NaAlF6", "PuO2", "Ce3Pm")


def magpie_columns() -> list[str]:
    """The 22 properties of matminer's preset "magpie"."""
    return list(featurizers.ElementProperty.from_preset("magpie").features)


def write_table(folder: Path) -> None:
    magpie, deml, pymatgen = MagpieData(), DemlData(), PymatgenData()
    columns = magpie_columns()
    extra = ["ElectronAffinity", "FirstIonization", "PaulingX", "CommonOxidationStates"]
    with (folder / "magpie_elements.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["Symbol", *columns, *extra])
        for number in range(1, LAST_ATOMIC_NUMBER + 1):
            element = Element.from_Z(number)
            values = [magpie.get_elemental_property(element, name) for name in columns]
            values += [
                magpie.get_elemental_property(element, "ElectronAffinity"),
                deml.get_elemental_property(element, "first_ioniz"),
                pymatgen.get_elemental_property(element, "X"),
            ]
            states = " ".join(str(int(state)) for state in pymatgen.get_oxidation_states(element))
            writer.writerow([element.symbol, *(f"{float(value):.12g}" for value in values), states])


def write_golden(path: Path) -> None:
    every = MultipleFeaturizer(
        [
            featurizers.ElementProperty.from_preset("magpie"),
            featurizers.Stoichiometry(),
            featurizers.ValenceOrbital(props=["frac"]),
            featurizers.IonProperty(fast=True),
            featurizers.BandCenter(),
        ]
    )
    features = {
        formula: [round(float(value), 9) for value in every.featurize(Composition(formula))]
        for formula in EXAMPLES
    }
    labels = [label.removeprefix("MagpieData ") for label in every.feature_labels()]
    content = {"source": "matminer 0.10.1", "labels": labels, "features": features}
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DATA)
    parser.add_argument("--golden", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # notes about missing values, which are filled in
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_table(arguments.out)
    if arguments.golden:
        write_golden(arguments.golden)


if __name__ == "__main__":
    main()
