"""Records of known crystals: schema, readers, leak guard, cached training arrays."""

from alphacrystal.data._atom_order import canonical_order
from alphacrystal.data._download import Downloaded, download
from alphacrystal.data._materials_project import MaterialsProjectSource, connect, record_of_document
from alphacrystal.data._optimade import OptimadeSource, SourcePage
from alphacrystal.data._records import (
    StructureRecord,
    benchmark_formulas,
    read_records,
    read_structures,
    split_of_formula,
    without_benchmarks,
)
from alphacrystal.data.prepared import FUNCTIONALS, PreparedStructures, assemble, prepare, prepare_record
from alphacrystal.data.structure_files import CrystalRead, read_crystals

__all__ = [
    "FUNCTIONALS",
    "CrystalRead",
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
    "download",
    "prepare",
    "prepare_record",
    "read_crystals",
    "read_records",
    "read_structures",
    "record_of_document",
    "split_of_formula",
    "without_benchmarks",
]
