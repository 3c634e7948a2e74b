"""Records of known crystals: schema, readers, leak guard, cached training arrays."""

from alphacrystal.data._atom_order import canonical_order
from alphacrystal.data._leak_guard import benchmark_formulas, without_benchmarks
from alphacrystal.data._prepared import FUNCTIONALS, PreparedStructures, assemble, prepare, prepare_record
from alphacrystal.data._records import (
    StructureRecord,
    read_records,
    read_structure,
    read_structures,
    split_of_formula,
)

__all__ = [
    "FUNCTIONALS",
    "PreparedStructures",
    "StructureRecord",
    "assemble",
    "benchmark_formulas",
    "canonical_order",
    "prepare",
    "prepare_record",
    "read_records",
    "read_structure",
    "read_structures",
    "split_of_formula",
    "without_benchmarks",
]
