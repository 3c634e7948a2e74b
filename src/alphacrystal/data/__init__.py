"""Records of known crystals: schema, readers, leak guard, cached training arrays, the paper's Mp_12."""

from alphacrystal.data._atom_order import canonical_order
from alphacrystal.data._download import Downloaded, download
from alphacrystal.data._leak_guard import benchmark_formulas, without_benchmarks
from alphacrystal.data._materials_project import MaterialsProjectSource, connect, record_of_document
from alphacrystal.data._mp12 import (
    MP12_MAX_ATOMS,
    PAPER_COUNTS,
    PAPER_MAX_DISTANCE,
    PAPER_MIN_DISTANCE,
    DistanceHistogram,
    distance_histogram,
    mp12,
    mp12_counts,
    mp12_of_records,
    mp12_subset,
)
from alphacrystal.data._optimade import OptimadeSource, SourcePage
from alphacrystal.data._prepared import FUNCTIONALS, PreparedStructures, assemble, prepare, prepare_record
from alphacrystal.data._records import (
    StructureRecord,
    read_records,
    read_structures,
    split_of_formula,
)
from alphacrystal.data._selection import select, split_rows
from alphacrystal.data.structure_files import CrystalRead, read_crystals

__all__ = [
    "FUNCTIONALS",
    "MP12_MAX_ATOMS",
    "PAPER_COUNTS",
    "PAPER_MAX_DISTANCE",
    "PAPER_MIN_DISTANCE",
    "CrystalRead",
    "DistanceHistogram",
    "Downloaded",
    "MaterialsProjectSource",
    "OptimadeSource",
    "PreparedStructures",
    "SourcePage",
    "StructureRecord",
    "assemble",
    "benchmark_formulas",
    "canonical_order",
    "connect",
    "distance_histogram",
    "download",
    "mp12",
    "mp12_counts",
    "mp12_of_records",
    "mp12_subset",
    "prepare",
    "prepare_record",
    "read_crystals",
    "read_records",
    "read_structures",
    "record_of_document",
    "select",
    "split_of_formula",
    "split_rows",
    "without_benchmarks",
]
