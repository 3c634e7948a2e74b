"""The figures of a run as files, drawn from its ``results.json`` on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.crystal import structure_from_json
from alphacrystal.errors import InputError
from alphacrystal.report._diffraction import powder_pattern
from alphacrystal.report._distance_pair import distance_pair, orbit_distance_pair
from alphacrystal.report._layout import FIGURES_FOLDER, RESULTS_FILE, damaged
from alphacrystal.report._page_data import plotted_quantity
from alphacrystal.report._prediction import DistogramSummary, OrbitDistanceSummary
from alphacrystal.report._read import read_results, read_run_folder
from alphacrystal.report._structure_text import typeset_formula, typeset_symbol
from alphacrystal.runtime.contained_paths import check_inside, refuse_links

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from alphacrystal.typing import FloatArray

_MAX_PANELS = 6  # crystals side by side


def write_figures(folder: Path, rows: int) -> list[Path]:
    """Draw the figures of a run into its folder ``figures`` as PNG and SVG and return their paths.

    The figures are: energies (without relaxation: log-probabilities) against volumes, the first crystals side
    by side and, for each of the first ``rows`` structures, predicted and actual distances and the powder
    pattern. Figures of the same names are replaced; others stay.

    Raises:
        InputError: It is not a run folder, the run wrote no result yet, a file is damaged or of a newer
            version, or there is a link in ``figures``.
        AlphaCrystalError: A figure cannot be written.
    """
    read_run_folder(folder)
    target = folder / FIGURES_FOLDER
    check_inside(target, folder)
    refuse_links(target)
    try:
        results = read_results(folder)
        return [file for files in _drawn(results, rows, target) for file in files]
    except (
        OSError,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise InputError(damaged(folder / RESULTS_FILE)) from error


def _drawn(results: Mapping[str, Any], rows: int, target: Path) -> Iterator[tuple[Path, Path]]:
    from alphacrystal.plots import (
        crystal_panels,
        distance_matrices,
        pattern_overlay,
        phonon_bands,
        powder_lines,
    )

    yield from _overview(results, target)
    structures = results["structures"][:rows]
    distograms = [_distogram(item) for item in results["distograms"]]
    # Runs of earlier versions have no distances by orbits.
    summaries = {
        item["candidate_index"]: _orbit_distances(item) for item in results.get("orbit_distances", ())
    }
    if structures:
        panels = [(_title(item), structure_from_json(item["structure"])) for item in structures]
        yield crystal_panels(_grid(panels), target / "crystals")
    for item in structures:
        name = Path(item["file"]).stem
        pair = distance_pair(structure_from_json(item["primitive"]), distograms)
        if summary := summaries.get(item["candidate_index"]):
            pair = orbit_distance_pair(structure_from_json(item["primitive"]), summary)
        if pair is not None:
            names = ("Predicted by the network", f"In structure {item['rank']}")
            yield distance_matrices(
                pair.predicted,
                pair.actual,
                pair.species,
                target / f"{name}_distances",
                titles=names,
                by_orbits=pair.by_orbits,
            )
        if phonons := item.get("phonons"):
            yield phonon_bands(_segments(phonons), target / f"{name}_phonons", title=_title(item))
        if (fit := item.get("pattern_fit")) and fit["curves"]:
            curves = fit["curves"]
            yield pattern_overlay(
                curves["two_theta"],
                curves["observed"],
                curves["calculated"],
                fit["marks"],
                target / f"{name}_fit",
                unexplained=fit["unexplained_two_theta"],
                title=f"{_title(item)}, R_wp {100 * fit['r_wp']:.1f} %",
            )
        peaks = powder_pattern(structure_from_json(item["structure"]))
        if peaks:
            yield powder_lines(
                [peak.two_theta for peak in peaks],
                [peak.intensity for peak in peaks],
                [peak.short_indices for peak in peaks],
                target / f"{name}_xrd",
                title=_title(item),
            )


def _overview(results: Mapping[str, Any], target: Path) -> Iterator[tuple[Path, Path]]:
    """Energy (without relaxation: log-probability) of each candidate against its volume."""
    from alphacrystal.plots import energy_volume

    relaxed, pressure = results["potential"] is not None, results["pressure_gpa"]
    energy = "energy_per_atom_ev" if pressure == 0 else "enthalpy_per_atom_ev"
    rank_of = {item["candidate_index"]: item["rank"] for item in results["structures"]}
    points: list[tuple[float, float, int | None, bool]] = []
    for candidate in results["candidates"]:
        relaxation = candidate["relaxation"]
        if relaxed and relaxation is None:
            continue
        structure = relaxation["structure_after"] if relaxed else candidate["structure_before"]
        height = relaxation[energy] if relaxed else candidate["log_probability"]
        if height is not None and not (relaxed and relaxation["status"] in {"exploded", "failed"}):
            volume = structure["lattice"]["volume"] / len(structure["sites"])
            done = not relaxed or relaxation["converged"]
            points.append((volume, height, rank_of.get(candidate["index"]), done))
    if points:
        volumes, heights, ranks, converged = zip(*points, strict=True)
        yield energy_volume(
            volumes,
            heights,
            target / ("energy_volume" if relaxed else "probability_volume"),
            ranks=ranks,
            converged=converged,
            title=typeset_formula(results["formula"]) + (f", {pressure:g} GPa" if pressure else ""),
            quantity=plotted_quantity(relaxed, pressure),
        )


def _segments(phonons: Mapping[str, Any]) -> list[tuple[str, str, FloatArray, FloatArray]]:
    """Bands for `alphacrystal.plots.phonon_bands`; foreign content is checked."""
    from alphacrystal.relaxation import Phonons

    return [
        (segment.begin, segment.end, np.array(segment.distances), np.array(segment.frequencies))
        for segment in Phonons.model_validate(phonons).bands
    ]


def _grid(panels: Sequence[tuple[str, Structure]]) -> list[Sequence[tuple[str, Structure]]]:
    """At most six panels in full rows: 1, 2, 3, 2 × 2 or 2 × 3."""
    count = min(len(panels), _MAX_PANELS)
    count -= count == 5
    wide = 3 if count % 3 == 0 else min(count, 2)
    return [panels[at : at + wide] for at in range(0, count, wide)]


def _title(item: Mapping[str, Any]) -> str:
    symbol = typeset_symbol(item["space_group_symbol"])
    return f"{item['rank']}: {typeset_formula(item['formula'])}, {symbol}"


def _distogram(item: Mapping[str, Any]) -> DistogramSummary:
    return DistogramSummary(
        cell_formula=item["cell_formula"],
        formula_units=item["z"],
        species=tuple(item["species"]),
        expected_distances=np.array(item["expected_distances"], dtype=np.float64),
        bin_edges=np.array(item["bin_edges"], dtype=np.float64),
    )


def _orbit_distances(item: Mapping[str, Any]) -> OrbitDistanceSummary:
    shortest = np.array(item["shortest_distances"], dtype=np.float64)
    if shortest.shape != (len(item["labels"]),) * 2 or not np.isfinite(shortest).all():
        raise ValueError("the distances do not belong to the orbits")
    return OrbitDistanceSummary(
        candidate_index=item["candidate_index"],
        species=tuple(item["species"]),
        sizes=tuple(item["sizes"]),
        labels=tuple(item["labels"]),
        shortest=shortest,
    )
