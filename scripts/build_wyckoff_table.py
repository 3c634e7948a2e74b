"""Build the Wyckoff table of all 230 space groups from moyopy.

moyopy knows the positions but only tells those a crystal occupies, so we show it crystals: two general
orbits fix the space group, and points moved onto symmetry elements probe its special positions until every
letter from a to the general one has been seen. One crystal with all positions filled then yields the
permutations of letters under the Euclidean normaliser (equivalent descriptions of the same crystal).

Run: python scripts/build_wyckoff_table.py  (a minute; writes src/alphacrystal/crystal/data/wyckoff.json)
"""

from __future__ import annotations

import json
from pathlib import Path

import moyopy
import numpy as np

TARGET = Path(__file__).parents[1] / "src/alphacrystal/crystal/data/wyckoff.json"
STANDARD = moyopy.Setting.standard()


def generic_lattice(number: int) -> np.ndarray:
    """A lattice of the right crystal system without accidental symmetry, rows in Å."""
    hexagonal = np.array([[7.0, 0, 0], [-3.5, 7 * 3**0.5 / 2, 0], [0, 0, 9.3]])
    return {
        "Cubic": np.eye(3) * 7,
        "Hexagonal": hexagonal,
        "Trigonal": hexagonal,
        "Tetragonal": np.diag([7, 7, 9.3]),
        "Orthorhombic": np.diag([7, 8.1, 9.3]),
        "Monoclinic": np.array([[7, 0, 0], [0, 8.1, 0], [9.3 * np.cos(1.8), 0, 9.3 * np.sin(1.8)]]),
        "Triclinic": np.array([[7, 0, 0], [1.1, 8.1, 0], [-0.9, -1.3, 9.3]]),
    }[moyopy.SpaceGroupType(number).crystal_system]


def orbit(rotations: np.ndarray, translations: np.ndarray, point: np.ndarray) -> np.ndarray:
    images = (rotations @ point + translations) % 1.0
    distinct: list[np.ndarray] = []
    for image in images:
        if all(np.abs((image - other + 0.5) % 1 - 0.5).max() > 1e-5 for other in distinct):
            distinct.append(image)
    return np.array(distinct)


def onto_symmetry_element(rotations, translations, lattice, point, radius):
    """Move a point to the mean of its images within ``radius`` Å until it stays."""
    for _ in range(30):
        images = rotations @ point + translations
        shift = images - point
        images = images - np.round(shift)
        near = np.linalg.norm((images - point) @ lattice, axis=1) < radius
        moved = images[near].mean(0)
        if np.abs(moved - point).max() < 1e-12:
            return point % 1.0
        point = moved
    return None


def fully_occupied(dataset, samples, letters, rng) -> moyopy.MoyoDataset:
    """A crystal with one orbit on every position; retried where two orbits happen to touch."""
    for _ in range(200):
        try:
            return dataset([samples[letter][rng.integers(len(samples[letter]))] for letter in letters])
        except ValueError:
            continue
    raise RuntimeError("no crystal without touching orbits")


def positions_of(number: int, rng: np.random.Generator) -> dict[str, object]:
    operations = moyopy.operations_from_number(number, setting=STANDARD)
    rotations = np.array(operations.rotations, dtype=float)
    translations = np.array(operations.translations)
    lattice = generic_lattice(number)
    general = [orbit(rotations, translations, rng.random(3)) for _ in range(2)]

    def dataset(points: list[np.ndarray]) -> moyopy.MoyoDataset:
        orbits = general + [orbit(rotations, translations, point) for point in points]
        numbers = [1 + index for index, members in enumerate(orbits) for _ in members]
        cell = moyopy.Cell(lattice.tolist(), np.concatenate(orbits).tolist(), numbers)
        found = moyopy.MoyoDataset(cell, symprec=1e-4, setting=STANDARD)
        assert found.number == number, (number, found.number)
        return found

    samples: dict[str, list[np.ndarray]] = {}
    table: dict[str, moyopy.WyckoffPosition] = {}
    top = dataset([]).wyckoffs[0]
    letters = (
        [chr(k) for k in range(ord("a"), ord(top) + 1)]
        if top != "A"
        else [chr(k) for k in range(97, 123)] + ["A"]
    )
    for trial in range(20000):
        if all(len(samples.get(letter, [])) >= 3 for letter in letters) or (
            trial > 3000 and all(letter in samples for letter in letters)
        ):
            break
        point = onto_symmetry_element(rotations, translations, lattice, rng.random(3), rng.uniform(0.3, 6.0))
        if point is None or len(orbit(rotations, translations, point)) == len(rotations):
            if top not in samples:
                samples[top] = [rng.random(3) for _ in range(50)]
            continue
        found = dataset([point])
        samples.setdefault(found.wyckoffs[-1], []).append(point)
    else:
        raise RuntimeError(f"space group {number}: only {sorted(samples)} of {letters} found")
    equivalents = fully_occupied(dataset, samples, letters, rng).normalizer_wyckoff_positions()
    for position in equivalents.wyckoffs:
        table[position.letter] = position
    permutations = set()
    for _, sequence in equivalents.coset_representatives:
        image = {}
        for before, after in zip(equivalents.wyckoffs, sequence, strict=True):
            assert image.setdefault(before.letter, after.letter) == after.letter
        permutations.add("".join(image[letter] for letter in letters))
    return {
        "hall_number": next(iter(table.values())).hall_number,
        "positions": [
            [p.letter, p.multiplicity, p.site_symmetry, p.coordinates] for p in (table[x] for x in letters)
        ],
        "equivalent_letters": sorted(permutations - {"".join(letters)}),
    }


def main() -> None:
    rng = np.random.default_rng(0)
    groups = {str(number): positions_of(number, rng) for number in range(1, 231)}
    total = sum(len(group["positions"]) for group in groups.values())
    TARGET.parent.mkdir(exist_ok=True)
    document = {"source": f"moyopy {moyopy.__version__}, Setting.standard()", "groups": groups}
    TARGET.write_text(
        json.dumps(document, separators=(",", ":")).replace('"},"', '"},\n"').replace('},"', '},\n"') + "\n"
    )
    print(f"{total} Wyckoff positions in 230 space groups (ITA: 1731)")


if __name__ == "__main__":
    main()
