"""The degree of disorder of a crystal and the energies of its orderings, as facts of a run and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from alphacrystal.disorder._units import assembly_name, group_text

if TYPE_CHECKING:
    from alphacrystal.disorder._approximants import Approximants

#: Key of the provenance of an ordered approximant: the facts of its disordered crystal.
PARENT = "disordered_parent"
#: Key of the provenance: the number of equivalent arrangements of its atoms.
ARRANGEMENTS = "arrangements"
#: Differences of occupancies below this are not stated.
_STATED = 1e-3
#: eV/K; CODATA 2018, exact.
BOLTZMANN = 8.617333262145e-5
_MOST_LABELS = 4  # of the sites of a disorder group in a sentence
#: eV/atom; a smaller mean energy has no temperature.
_ZERO = 1e-6


class SiteOccupancies(BaseModel):
    """An orbit of a disordered crystal.

    Attributes:
        label: Name in the file.
        sites: In the primitive cell.
        occupancies: By element, of the file.
        approximated: By element, of the ordered approximants.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    label: str
    sites: int
    occupancies: dict[str, FiniteFloat]
    approximated: dict[str, FiniteFloat]


class GroupOccupancy(BaseModel):
    """A disorder group, whose atoms are present together.

    Attributes:
        name: In the file.
        sites: Labels of its sites.
        images: Equivalent groups of one cluster, itself included; at most one of them is present.
        occupancy: Probability that one of them is present, of the file.
        approximated: The same, of the ordered approximants.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    name: str
    sites: tuple[str, ...] = Field(strict=False)
    images: int
    occupancy: FiniteFloat
    approximated: FiniteFloat


class AssemblyOccupancies(BaseModel):
    """Clusters of disorder groups that exclude one another.

    Attributes:
        label: Name of the assembly in the file, "" without one.
        clusters: In the primitive cell.
        groups: The groups of a cluster.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    label: str
    clusters: int
    groups: tuple[GroupOccupancy, ...] = Field(strict=False)


class Disorder(BaseModel):
    """A disordered crystal, its degree of disorder, and its ordered approximants.

    Attributes:
        parent: Name of the disordered crystal: its file, or the lattice of an alloy.
        sites: Its disordered orbits outside of disorder groups.
        assemblies: Its disorder groups.
        occupancy_error: Largest difference between an occupancy and its approximation.
        entropy_kb_per_atom: Entropy of ideal mixing in k_B for each atom.
        entropy_ev_per_k_per_atom: The same in eV/K for each atom.
        entropy_is_upper_limit: Whether sites exclude their neighbours along a chain, or clusters of disorder
            groups exclude others, so that the entropy is smaller.
        orderings: Inequivalent orderings that were considered.
        all_considered: Whether these are all of the considered cells, not a random sample.
        kept: Orderings among the candidates.
        selection: How these were chosen: "all", "electrostatic" (lowest energy), or "symmetry" (smallest
            cells; of equal size the most symmetric ones and random ones in turn).
        largest_cell: Atoms of the largest approximant.
        energy_spread_per_atom_ev: Highest minus lowest energy (enthalpy) of the orderings in eV/atom, None
            without energies.
        mean_above_lowest_per_atom_ev: Mean energy of all arrangements above the lowest in eV/atom, None
            unless all orderings have an energy.
        mixing_temperature_k: Temperature in K at which the ideal entropy outweighs this mean energy.
    """

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    parent: str
    sites: tuple[SiteOccupancies, ...] = Field(strict=False)
    assemblies: tuple[AssemblyOccupancies, ...] = Field(default=(), strict=False)
    occupancy_error: FiniteFloat
    entropy_kb_per_atom: FiniteFloat
    entropy_ev_per_k_per_atom: FiniteFloat
    entropy_is_upper_limit: bool
    orderings: int
    all_considered: bool
    kept: int
    selection: Literal["all", "electrostatic", "symmetry"]
    largest_cell: int
    energy_spread_per_atom_ev: FiniteFloat | None = None
    mean_above_lowest_per_atom_ev: FiniteFloat | None = None
    mixing_temperature_k: FiniteFloat | None = None

    def with_energies(self, energies: Sequence[float | None], arrangements: Sequence[int]) -> Disorder:
        """The facts with the spread of the energies of the orderings.

        The temperature is (mean - lowest energy) / entropy. It estimates where the disordered crystal becomes
        stable against the best ordering: without vibrations, short-range order and correlations.

        Args:
            energies: eV/atom of each kept ordering, None where there is none.
            arrangements: Equivalent arrangements of each.
        """
        known = [(e, n) for e, n in zip(energies, arrangements, strict=True) if e is not None]
        if not known:
            return self
        values, weights = (np.array(column, dtype=np.float64) for column in zip(*known, strict=True))
        spread = float(values.max() - values.min())
        mean = temperature = None
        if self.selection == "all" and len(known) == self.orderings:
            mean = float(np.average(values, weights=weights) - values.min())
            if mean > _ZERO and self.entropy_ev_per_k_per_atom > 0 and not self.entropy_is_upper_limit:
                temperature = round(mean / self.entropy_ev_per_k_per_atom, 1)
        return self.model_copy(
            update={
                "energy_spread_per_atom_ev": round(spread, 6),
                "mean_above_lowest_per_atom_ev": None if mean is None else round(mean, 6),
                "mixing_temperature_k": temperature,
            }
        )

    @property
    def sentences(self) -> list[str]:
        """Sentences for the notes of a run."""
        contents = [f"site {site.label} holds {_text(site.occupancies)}" for site in self.sites]
        contents += map(_assembly_text, self.assemblies)
        holds = "; ".join(contents)
        if self.occupancy_error > _STATED:
            near = [f"{site.label} {_text(site.approximated)}" for site in self.sites]
            near += [
                f"group {group.name} {group.approximated:.4g}"
                for assembly in self.assemblies
                for group in assembly.groups
            ]
            holds += f"; approximated: {'; '.join(near)}"
        limit = "at most " if self.entropy_is_upper_limit else ""
        disorder = (
            f"{self.parent} is disordered ({holds}): its entropy of ideal mixing is {limit}"
            f"{self.entropy_kb_per_atom:.3f} k_B ({self.entropy_ev_per_k_per_atom:.2e} eV/K) per atom."
        )
        considered = f"{self.orderings}" if self.all_considered else f"a random sample of {self.orderings}"
        chosen = {
            "all": "all",
            "electrostatic": f"the {self.kept} of lowest electrostatic energy among",
            "symmetry": f"the {self.kept} smallest (at equal size, the most symmetric and random ones) among",
        }[self.selection]
        text = (
            f"Candidates are {chosen} {considered} inequivalent orderings of {self.parent}, with up to "
            f"{self.largest_cell} atoms in the primitive cell"
        )
        if self.orderings == 1 and self.all_considered:
            text = f"{self.parent} has one ordering, with {self.largest_cell} atoms in the primitive cell"
        if self.energy_spread_per_atom_ev is not None and self.kept > 1:
            text += f"; their energies spread over {self.energy_spread_per_atom_ev:.3f} eV/atom"
            if self.mean_above_lowest_per_atom_ev is not None:
                text += f" with a mean {self.mean_above_lowest_per_atom_ev:.3f} eV/atom above the lowest"
            if self.mixing_temperature_k is not None:
                text += f", which the ideal entropy outweighs above {self.mixing_temperature_k:.0f} K"
        return [disorder, f"{text}."]


def disorder_facts(approximants: Approximants, parent: str) -> Disorder:
    """The facts of the approximants of a crystal, before their energies are known.

    Args:
        approximants: The orderings.
        parent: Name of the disordered crystal.
    """
    return Disorder(
        parent=parent,
        sites=tuple(
            SiteOccupancies(
                label=site.label,
                sites=site.sites,
                occupancies=_rounded(site.occupancies),
                approximated=_rounded(site.approximated),
            )
            for site in approximants.sites
        ),
        assemblies=tuple(
            AssemblyOccupancies(
                label=assembly.label,
                clusters=assembly.clusters,
                groups=tuple(
                    GroupOccupancy(
                        name=group.name,
                        sites=group.labels,
                        images=group.images,
                        occupancy=round(group.occupancy, 4),
                        approximated=round(group.approximated, 4),
                    )
                    for group in assembly.groups
                ),
            )
            for assembly in approximants.assemblies
        ),
        occupancy_error=round(approximants.error, 4),
        entropy_kb_per_atom=round(approximants.entropy, 6),
        entropy_ev_per_k_per_atom=round(approximants.entropy * BOLTZMANN, 10),
        entropy_is_upper_limit=not approximants.entropy_exact,
        orderings=approximants.distinct,
        all_considered=approximants.complete,
        kept=len(approximants.orderings),
        selection=approximants.selection,
        largest_cell=max(len(ordering.structure) for ordering in approximants.orderings),
    )


def _rounded(shares: Mapping[str, float]) -> dict[str, float]:
    return {symbol: round(float(share), 4) for symbol, share in shares.items()}


def _text(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{share:.4g} {symbol}" for symbol, share in shares.items())


def _assembly_text(assembly: AssemblyOccupancies) -> str:
    """For example "assembly A holds 0.6 of group 1 (Cl1, O2), or 0.4 of group 2 (Cl3)"."""
    groups = []
    for group in assembly.groups:
        more = len(group.sites) - _MOST_LABELS
        sites = ", ".join(group.sites[:_MOST_LABELS]) + (f" and {more} more" if more > 0 else "")
        groups.append(f"{group_text(group.name, group.occupancy, group.images)} ({sites})")
    return f"{assembly_name(assembly.label)} holds {', or '.join(groups)}"
