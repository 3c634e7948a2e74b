"""Write the ranges of coordination numbers of the prototypes from known crystals of their compounds.

    python scripts/build_prototype_coordination.py DATA

DATA is a file or a folder of records. The benchmark `prototypes` measures how the ranges do.
"""

import sys
from pathlib import Path

from alphacrystal.data import read_records
from alphacrystal_bench.known_crystals.prototype_members import members, ranges_csv

TARGET = Path(__file__).parents[1] / "src/alphacrystal/crystal/data/prototype_coordination.csv"


def main(data: Path) -> None:
    TARGET.write_text(ranges_csv(members(read_records(data))), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
