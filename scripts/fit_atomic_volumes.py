"""Fit the table of atomic volumes that random searches start from, on the training split only.

    python scripts/fit_atomic_volumes.py structures.jsonl.gz CACHE_FOLDER

Non-negative least squares of the relative error, outliers weighed down (chains and molecules far apart).
"""

import json
import sys
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from scipy.optimize import nnls

from alphacrystal.data import prepare

OUTLIER = 0.1  # of the logarithm of the volume
TARGET = Path(__file__).parents[1] / "src/alphacrystal/generate/data/atomic_volumes.json"


def main(source: Path, cache: Path) -> None:
    data = prepare(source, cache)
    shares = np.zeros((len(data), 104))
    np.add.at(shares, (np.repeat(np.arange(len(data)), data.sizes), data.numbers), 1.0)
    shares /= data.sizes[:, None]
    train = ~data.validation
    seen = np.flatnonzero(shares[train].any(0))
    known, volumes = shares[train][:, seen], data.volumes[train]
    weights = 1 / volumes
    for _ in range(11):
        fitted, _ = nnls(known * weights[:, None], volumes * weights)
        predicted = np.maximum(known @ fitted, 1.0)
        weights = 1 / predicted / np.sqrt(1 + (np.log(volumes / predicted) / OUTLIER) ** 2)
    own = shares[data.validation]
    errors = np.abs(np.log(data.volumes[data.validation] / np.maximum(own[:, seen] @ fitted, 1.0)))
    table = {
        "source": "Materials Project (Jain et al., doi:10.1063/1.4812323, CC BY 4.0), training split; "
        "scripts/fit_atomic_volumes.py",
        "unit": "Å³ per atom",
        "structures": int(train.sum()),
        "median_relative_error_of_validation": round(float(np.median(errors)), 4),
        "volumes": {chemical_symbols[z]: round(float(v), 2) for z, v in zip(seen, fitted, strict=True)},
    }
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(TARGET.name, table["median_relative_error_of_validation"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
