"""Template substitution, after TCSP and CSPML: known crystals with their elements exchanged.

Wei et al., Inorg. Chem. 61, 8431 (2022), doi:10.1021/acs.inorgchem.1c03879 (TCSP); Kusaba et al., Comput.
Mater. Sci. 211, 111496 (2022), doi:10.1016/j.commatsci.2022.111496 (CSPML). The library is the user's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from alphacrystal.crystal import (
    SpaceGroupChoice,
    allowed_groups,
    cell_shape,
    describe_symmetry,
    lattice_parameters,
)
from alphacrystal.errors import InputError
from alphacrystal.generate.arrangement import closest_contacts, expected_volume, to_structure
from alphacrystal.generate.element_pairing import (
    learned_distances,
    pairings,
    states_agree,
    substitution_distances,
)
from alphacrystal.generate.protocol import UNLIMITED, Budget, BudgetUse, Candidate
from alphacrystal.generate.registry import GeneratorContext, register
from alphacrystal.generate.template_library import TemplateLibrary
from alphacrystal.typing import StageProgress

if TYPE_CHECKING:
    from alphacrystal.composition import Formula
    from alphacrystal.data import StructureRecord

Similarity = Literal["learned", "substitution"]

#: Of log(b/a), log(c/a) and the cosines: templates of one structure type that differ by less count once.
SAME_SHAPE = 0.08
MIN_COVALENT_FRACTION = 0.4  # of the sum of covalent radii, after scaling


@dataclass(frozen=True, slots=True)
class TemplateGenerator:
    """Takes known crystals of the stoichiometry, exchanges the elements and scales the cell.

    Attributes:
        formula_units: Formula units Z the primitive cell may hold.
        library: Known crystals.
        space_group: Only templates of this group or crystal system, if given.
        similarity: Measure that orders templates and pairs elements: the learned distance of the symmetry
            prior, or pymatgen's substitution probabilities.
        oxidation_filter: Leave out pairings without charge-balanced oxidation states in common.
        allow_same_formula: Whether crystals of the requested formula are allowed as templates.
        models: Folder of weights; the shipped ones by default.
        budget: Limits; a proposal is one template.
        on_progress: Called with (candidates so far, requested candidates).
    """

    formula_units: Sequence[int]
    library: TemplateLibrary
    space_group: SpaceGroupChoice | None = None
    similarity: Similarity = "learned"
    oxidation_filter: bool = True
    allow_same_formula: bool = True
    models: Path | None = None
    budget: Budget = UNLIMITED
    on_progress: StageProgress | None = field(default=None, compare=False)
    name: str = "template"

    def generate(self, formula: Formula, count: int, rng: np.random.Generator) -> Iterator[Candidate]:
        """Yield up to ``count`` candidates, most similar template first; nothing is random.

        Their log-probabilities are those of a softmax of minus the distance over all of them: an order, not
        a measured chance.

        Raises:
            InputError: The library holds no crystal of the stoichiometry, or none that fits.
        """
        del rng
        use = BudgetUse(self.budget)
        scored: list[tuple[float, Candidate]] = []
        kept: dict[tuple[object, ...], list[np.ndarray]] = {}
        for distance, record, order in self._ordered(formula):
            if len(scored) == count or use.exhausted:
                break
            use.proposals += 1
            if self.oxidation_filter and not states_agree(formula, order):
                continue
            candidate = self._substituted(formula, record, order, distance, kept)
            if candidate is not None:
                scored.append((distance, candidate))
                if self.on_progress:
                    self.on_progress(len(scored), count)
        if not scored and not use.exhausted:
            raise InputError(
                f"No crystal of the template library {self.library.source} can lend its structure to "
                f"{formula.text} (oxidation states, cell size, space group or distances do not fit): give a "
                "larger --templates or another generator."
            )
        scores = -np.array([distance for distance, _ in scored])
        logs = scores - np.logaddexp.reduce(scores) if len(scores) else scores
        for (_, candidate), log in zip(scored, logs.tolist(), strict=True):
            yield replace(candidate, log_probability=log)

    def _ordered(self, formula: Formula) -> list[tuple[float, StructureRecord, tuple[str, ...]]]:
        """Templates with their best pairing of elements, most similar first."""
        orders: list[tuple[str, ...]] = []
        spans: list[tuple[StructureRecord, int, int]] = []
        for record in self.library.matching(formula):
            counts = Counter(record.species)
            formula_units = sum(counts.values()) // formula.num_atoms
            reduced = {symbol: number // formula_units for symbol, number in counts.items()}
            if not self.allow_same_formula and reduced == dict(formula.counts):
                continue
            element_orders = pairings(formula, reduced)
            spans.append((record, len(orders), len(orders) + len(element_orders)))
            orders += element_orders
        if not orders:
            raise InputError(
                f"The template library {self.library.source} holds no crystal of the stoichiometry of "
                f"{formula.text} but {formula.text} itself, which is not allowed: give a larger --templates."
            )
        if self.similarity == "learned":
            distances = learned_distances(formula, orders, self.models)
        else:
            distances = substitution_distances(formula, orders)
        ranked = []
        for record, start, end in spans:
            best = start + int(distances[start:end].argmin())
            ranked.append((float(distances[best]), record, orders[best]))
        # equally like ones are polymorphs, mostly: experimental and stable ones first
        return sorted(ranked, key=lambda item: (item[0], item[1].icsd is not True, _above_hull(item[1])))

    def _substituted(
        self,
        formula: Formula,
        record: StructureRecord,
        order: tuple[str, ...],
        distance: float,
        kept: dict[tuple[object, ...], list[np.ndarray]],
    ) -> Candidate | None:
        """The template with the formula's elements, unless it does not fit or repeats an earlier one."""
        roles = dict(zip(order, formula.elements, strict=True))
        numbers = np.array([atomic_numbers[roles[symbol]] for symbol in record.species], dtype=np.int64)
        try:
            template = describe_symmetry(np.array(record.lattice), np.array(record.frac_coords), numbers)
        except InputError:
            return None
        if len(template.numbers) // formula.num_atoms not in self.formula_units:
            return None
        if template.space_group not in allowed_groups(self.space_group):
            return None
        occupation = template.occupation()
        shape = cell_shape(lattice_parameters(template.lattice))[1:]
        earlier = kept.setdefault((template.space_group, tuple(occupation.items())), [])
        if any(np.abs(shape - other).max() < SAME_SHAPE for other in earlier):
            return None
        counts = Counter(chemical_symbols[number] for number in template.numbers)
        before = {old: counts[new] for old, new in roles.items()}
        scale = (expected_volume(counts) / expected_volume(before)) ** (1 / 3)
        lattice = scale * template.primitive_lattice
        contacts = closest_contacts(lattice[None], template.primitive_positions[None], template.numbers)
        if contacts[0] < MIN_COVALENT_FRACTION:
            return None
        earlier.append(shape)
        provenance: dict[str, object] = {
            "template": record.id,
            "substitutions": {old: new for old, new in roles.items() if old != new},
            "distance": round(distance, 4),
            "scale": round(scale, 4),
            "space_group": template.space_group,
            "wyckoff": occupation,
        }
        structure = to_structure(lattice, template.numbers, template.primitive_positions)
        return Candidate(structure, self.name, None, None, provenance)


def _above_hull(record: StructureRecord) -> float:
    return np.inf if record.e_above_hull is None else record.e_above_hull


def _check_template(context: GeneratorContext) -> None:
    templates = context.config.templates
    if templates is None:
        raise InputError(
            "The generator template needs known crystals: give a file of records or a folder of CIFs with "
            "--templates."
        )
    if not templates.exists():
        raise InputError(f"There is no template library {templates}.")


@register("template", "known crystals with exchanged elements (TCSP, CSPML)", check=_check_template)
def build_template(context: GeneratorContext) -> TemplateGenerator:
    """Build the generator of a run; reads the library.

    Raises:
        InputError: The library cannot be read.
    """
    from alphacrystal.data import benchmark_formulas

    config = context.config
    _check_template(context)
    assert config.templates is not None
    forbidden = benchmark_formulas() if config.without_benchmarks else ()
    return TemplateGenerator(
        context.formula_units,
        TemplateLibrary.read(config.templates, forbid=forbidden, only=[context.formula]),
        context.space_group,
        similarity=config.template_similarity,
        allow_same_formula=not config.without_benchmarks,
        models=config.models,
        budget=context.budget,
        on_progress=context.on_progress,
    )
