"""Input files of DFT and MD programs; pseudopotentials and basis sets are named, never included."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal import as_atoms
from alphacrystal.errors import InputError
from alphacrystal.ranking import MAGNETIC

if TYPE_CHECKING:
    from pymatgen.core import Structure

SPACING = 0.25  # Å⁻¹, largest distance of k points, with the factor 2π
MAGNETISATION = 0.5  # start of magnetic elements, as a fraction of the valence electrons
QE_CUTOFF = 110.0  # Ry; at least the high hints of PseudoDojo, except for Cd (114), Lu (116) and La (130)
CP2K_CUTOFF = 600  # Ry
_CE_TO_YB = {"Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb"}
#: Elements up to Rn without a file in the table nc-sr-04_pbe_standard of PseudoDojo.
NOT_IN_PSEUDODOJO = frozenset(_CE_TO_YB | {"At"})
#: Elements up to Rn without DZVP-MOLOPT-SR-GTH in BASIS_MOLOPT of CP2K.
NOT_IN_MOLOPT = frozenset(_CE_TO_YB | {"La", "Lu"})


def kpoint_grid(structure: Structure) -> tuple[int, int, int]:
    """Divisions of the reciprocal vectors with at most SPACING between k points."""
    lengths = np.linalg.norm(structure.lattice.reciprocal_lattice.matrix, axis=1)
    first, second, third = (max(1, math.ceil(length / SPACING - 1e-6)) for length in lengths.tolist())
    return first, second, third


def symbols(structure: Structure) -> list[str]:
    """Symbols of the elements in the order of the sites."""
    return list(dict.fromkeys(site.specie.symbol for site in structure))


def is_magnetic(structure: Structure) -> bool:
    """Whether an element is magnetic in many compounds, so that the calculation is spin-polarised."""
    return bool(MAGNETIC & set(symbols(structure)))


def vasp(structure: Structure, name: str) -> dict[str, str]:
    """POSCAR, INCAR and KPOINTS of pymatgen's MPRelaxSet, and the names of the POTCAR files.

    Settings of the Materials Project: Jain et al., doi:10.1016/j.commatsci.2011.02.023.
    """
    from pymatgen.io.vasp.sets import MPRelaxSet

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of spglib, and that there are no POTCAR files
        try:
            inputs = MPRelaxSet(structure)
            incar, kpoints = str(inputs.incar), str(inputs.kpoints)
            poscar = inputs.poscar
            potentials = inputs.potcar_symbols
        except (KeyError, ValueError) as error:
            reason = " ".join(str(error).split())[:100]
            raise InputError(
                f"MPRelaxSet has no settings for {name} ({reason}): choose other rows."
            ) from error
    poscar.comment = name
    return {
        "POSCAR": poscar.get_str(significant_figures=10),
        "INCAR": incar.rstrip("\n") + "\n",
        "KPOINTS": kpoints.rstrip("\n") + "\n",
        "POTCAR.names": "\n".join(potentials) + "\n",
    }


def qe(structure: Structure, name: str) -> dict[str, str]:
    """Input of Quantum ESPRESSO's pw.x for a relaxation of atoms and cell with PBE.

    Pseudopotentials: PseudoDojo, scalar-relativistic, PBE, standard; van Setten et al.,
    doi:10.1016/j.cpc.2018.01.012.
    """
    from ase.io.espresso import write_espresso_in

    elements = symbols(structure)
    files = {symbol: f"{symbol}.upf" for symbol in elements}
    atoms = as_atoms(structure)
    system: dict[str, object] = {
        "ecutwfc": QE_CUTOFF,
        "ecutrho": 4 * QE_CUTOFF,
        "occupations": "smearing",
        "smearing": "cold",
        "degauss": 0.01,
    }
    if is_magnetic(structure):
        system["nspin"] = 2
        atoms.set_initial_magnetic_moments(
            [MAGNETISATION if symbol in MAGNETIC else 0.0 for symbol in atoms.symbols]
        )
    sections = {
        "control": {
            "calculation": "vc-relax",
            "prefix": name,
            "pseudo_dir": "./pseudo",
            "outdir": "./out",
            "forc_conv_thr": 1e-4,
        },
        "system": system,
        "electrons": {"conv_thr": round(1e-9 * len(structure), 12)},
        "ions": {"ion_dynamics": "bfgs"},
        "cell": {"cell_dynamics": "bfgs"},
    }
    stream = io.StringIO()
    write_espresso_in(
        stream,
        atoms,
        input_data=sections,
        pseudopotentials=files,
        kpts=kpoint_grid(structure),
        crystal_coordinates=True,
    )
    listing = "".join(f"{files[symbol]}\n" for symbol in elements)
    note = (
        "PseudoDojo NC SR (ONCVPSP v0.4) PBE standard, www.pseudo-dojo.org: put these files into ./pseudo\n"
    )
    note += _missing(elements, NOT_IN_PSEUDODOJO, "This table has no pseudopotential", "pw.in")
    text = stream.getvalue().replace("&FCP\n/\n&RISM\n/\n", "")  # empty, and unknown to older versions
    return {"pw.in": text, "PSEUDOPOTENTIALS": note + listing}


def _missing(elements: Sequence[str], absent: frozenset[str], words: str, file: str) -> str:
    """A line on elements that a library lacks: some up to Rn, and all beyond; "" if there are none."""
    from ase.data import atomic_numbers

    found = [
        symbol for symbol in elements if symbol in absent or atomic_numbers[symbol] > atomic_numbers["Rn"]
    ]
    return f"{words} for {', '.join(found)}: choose another library, and change {file}.\n" if found else ""


def aims(structure: Structure, name: str) -> dict[str, str]:
    """geometry.in and the general part of control.in of FHI-aims for a relaxation with PBE.

    The defaults of the species belong to FHI-aims: the command in SPECIES appends them to control.in.
    """
    from ase.data import atomic_numbers

    lines = [f"lattice_vector {_decimals(row)}" for row in structure.lattice.matrix.tolist()]
    lines += [f"atom_frac {_decimals(site.frac_coords.tolist())} {site.specie.symbol}" for site in structure]
    k = kpoint_grid(structure)
    control = [
        "xc pbe",
        "relativistic atomic_zora scalar",
        f"k_grid {k[0]} {k[1]} {k[2]}",
        "spin collinear" if is_magnetic(structure) else "spin none",
        *(["default_initial_moment hund"] if is_magnetic(structure) else []),
        "occupation_type gaussian 0.05",
        "sc_accuracy_rho 1e-5",
        "relax_geometry bfgs 0.01",
        "relax_unit_cell full",
    ]
    files = [f"{atomic_numbers[symbol]:02d}_{symbol}_default" for symbol in symbols(structure)]
    species = [
        "# Species defaults of FHI-aims (defaults_2020/light); append them to control.in with",
        f"cat {' '.join(f'$AIMS_SPECIES_DIR/light/{file}' for file in files)} >> control.in",
    ]
    return {
        "geometry.in": "\n".join([f"# {name}", *lines]) + "\n",
        "control.in": "\n".join(control) + "\n",
        "SPECIES": "\n".join(species) + "\n",
    }


def _decimals(values: Sequence[float]) -> str:
    return " ".join(f"{value:.10f}" for value in values)


def cp2k(structure: Structure, name: str) -> dict[str, str]:
    """Input of CP2K for a relaxation with PBE, GTH pseudopotentials and MOLOPT basis sets."""
    k = kpoint_grid(structure)
    cell = [
        f"      {axis} {_decimals(row)}"
        for axis, row in zip("ABC", structure.lattice.matrix.tolist(), strict=True)
    ]
    positions = [f"      {site.specie.symbol} {_decimals(site.frac_coords.tolist())}" for site in structure]
    sections = [
        line
        for symbol in symbols(structure)
        for line in (
            f"    &KIND {symbol}",
            "      BASIS_SET DZVP-MOLOPT-SR-GTH",
            "      POTENTIAL GTH-PBE",
            *(["      MAGNETIZATION 2.0"] if symbol in MAGNETIC else []),
            "    &END KIND",
        )
    ]
    text = [
        *("&GLOBAL", f"  PROJECT {name}", "  RUN_TYPE CELL_OPT", "&END GLOBAL"),
        *("&MOTION", "  &CELL_OPT", "    OPTIMIZER BFGS", "    MAX_ITER 200", "  &END CELL_OPT"),
        *("&END MOTION", "&FORCE_EVAL", "  METHOD QUICKSTEP", "  STRESS_TENSOR ANALYTICAL", "  &DFT"),
        *("    BASIS_SET_FILE_NAME BASIS_MOLOPT", "    POTENTIAL_FILE_NAME GTH_POTENTIALS"),
        *(["    UKS TRUE"] if is_magnetic(structure) else []),
        *("    &MGRID", f"      CUTOFF {CP2K_CUTOFF}", "      REL_CUTOFF 60", "    &END MGRID"),
        *("    &KPOINTS", f"      SCHEME MONKHORST-PACK {k[0]} {k[1]} {k[2]}", "    &END KPOINTS"),
        *("    &XC", "      &XC_FUNCTIONAL PBE", "      &END XC_FUNCTIONAL", "    &END XC", "    &SCF"),
        *("      EPS_SCF 1.0E-7", "      MAX_SCF 200", "      ADDED_MOS 20", "      &SMEAR ON"),
        *("        METHOD FERMI_DIRAC", "        ELECTRONIC_TEMPERATURE [K] 300", "      &END SMEAR"),
        *("      &MIXING", "        METHOD BROYDEN_MIXING", "      &END MIXING", "    &END SCF"),
        *("  &END DFT", "  &SUBSYS", "    &CELL", *cell, "    &END CELL", "    &COORD", "      SCALED TRUE"),
        *(*positions, "    &END COORD", *sections, "  &END SUBSYS", "&END FORCE_EVAL"),
    ]
    note = (
        "Basis sets and pseudopotentials are in the data folder of CP2K: DZVP-MOLOPT-SR-GTH in\n"
        f"BASIS_MOLOPT, GTH-PBE in GTH_POTENTIALS, for {', '.join(symbols(structure))}.\n"
    )
    note += _missing(symbols(structure), NOT_IN_MOLOPT, "These files have no such entry", "cp2k.inp")
    return {"cp2k.inp": "\n".join(text) + "\n", "BASIS_AND_POTENTIALS": note}


def lammps(structure: Structure, name: str) -> dict[str, str]:
    """Data file and input of LAMMPS for a relaxation of atoms and cell with the potential SevenNet-0.

    SevenNet is a universal potential with an interface to LAMMPS: Park et al., doi:10.1021/acs.jctc.4c00190.
    """
    from ase.io.lammpsdata import write_lammps_data

    elements = symbols(structure)
    stream = io.StringIO()
    write_lammps_data(
        stream,
        as_atoms(structure),
        specorder=elements,
        masses=True,
        units="metal",
        atom_style="atomic",
        force_skew=True,  # box/relax tri needs a triclinic box, also where all angles are 90°
    )
    data = stream.getvalue().splitlines()
    data[0] = f"# {name}"
    commands = [
        f"# {name}: relaxation of atoms and cell; elements {' '.join(elements)}",
        "units metal",
        "atom_style atomic",
        "box tilt large",
        "read_data structure.data",
        "pair_style e3gnn",
        f"pair_coeff * * deployed_serial.pt {' '.join(elements)}",
        "thermo 10",
        "thermo_style custom step pe press vol lx ly lz xy xz yz",
        "fix cell all box/relax tri 0.0",
        "minimize 0 1e-4 1000 10000",
        "write_data relaxed.data",
    ]
    note = (
        "pair_style e3gnn is in LAMMPS compiled with SevenNet (github.com/MDIL-SNU/SevenNet). The file\n"
        "deployed_serial.pt is the potential SevenNet-0, written by: sevenn get_model sevennet-0\n"
    )
    return {
        "structure.data": "\n".join(data) + "\n",
        "in.relax": "\n".join(commands) + "\n",
        "POTENTIAL": note,
    }
