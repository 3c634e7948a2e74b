"""The fit of a structure to the measured powder pattern, as JSON, sentences and refined CIF."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.errors import InputError
from alphacrystal.report._events import plain_json
from alphacrystal.report._structure_text import cif_text

if TYPE_CHECKING:
    from alphacrystal.diffraction import FittedProfile, PatternFit
    from alphacrystal.ranking import RankedStructure
    from alphacrystal.typing import FloatArray, IntArray

MAX_POINTS = 1200  # of the drawn profile
MAX_MARKS = 400  # reflections that are drawn
NAMED_PEAKS = 5  # unexplained peaks that a sentence names


def fit_facts(fit: PatternFit) -> dict[str, Any]:
    """The fit for ``results.json`` and the page; angles in degrees of 2θ.

    ``curves`` has at most MAX_POINTS points, the highest one of each interval. It is None for a list of
    peaks.
    """
    profile = fit.profile
    strongest = np.argsort(-fit.marks.intensity, kind="stable")[:MAX_MARKS]
    marks = np.sort(fit.marks.two_theta[strongest])
    facts: dict[str, Any] = {
        "r_wp": None,
        "log_likelihood": round(fit.log_likelihood, 4),
        "misfit": round(fit.misfit, 5),
        "lattice": np.round(fit.structure.lattice.matrix, 6),
        "unexplained_two_theta": np.round(unexplained_angles(fit), 3),
        "missing_two_theta": np.round(fit.missing.two_theta, 3),
        "marks": np.round(marks, 3),
        "curves": None,
    }
    if profile is not None:
        facts |= {
            "r_wp": round(profile.r_wp, 5),
            "r_wp_without_background": round(profile.r_wp_net, 5),
            "r_p": round(profile.r_p, 5),
            "zero_shift": round(profile.parameters.zero, 5),
            "displacement": round(profile.parameters.displacement, 5),
            "width": round(profile.parameters.width, 5),
            "strain_width": round(profile.parameters.strain_width, 5),
            "b_iso_a2": round(profile.parameters.b_iso, 4),
            "texture_axis": profile.texture_axis,
            "march_dollase": round(float(np.exp(profile.parameters.texture)), 4),
            "curves": _curves(profile),
        }
    plain: dict[str, Any] = plain_json(facts)
    return plain


def unexplained_angles(fit: PatternFit) -> FloatArray:
    """Angles 2θ in degrees of the measured peaks that the crystal does not explain, rising."""
    return np.sort(fit.unexplained.two_theta)


def _curves(profile: FittedProfile) -> dict[str, list[float]]:
    kept = _drawn_points(profile.observed)
    scale = 100 / max(float(profile.observed.max(initial=0.0)), 1e-300)
    names = ("observed", "calculated", "background")
    curves = {name: np.round(getattr(profile, name)[kept] * scale, 2).tolist() for name in names}
    return {"two_theta": np.round(profile.two_theta[kept], 3).tolist(), **curves}


def _drawn_points(observed: FloatArray) -> IntArray:
    """Indices of at most MAX_POINTS points: the highest one of each interval."""
    count = len(observed)
    if count <= MAX_POINTS:
        return np.arange(count)
    edges = np.linspace(0, count, MAX_POINTS + 1).astype(np.int64)
    return np.array([a + int(np.argmax(observed[a:b])) for a, b in pairwise(edges.tolist())])


def pattern_sentences(ranked: Sequence[RankedStructure]) -> list[str]:
    """How well the first structure explains the pattern; empty without a pattern."""
    if not ranked or ranked[0].pattern_fit is None:
        return []
    fit = ranked[0].pattern_fit
    angles = unexplained_angles(fit)
    sentences = []
    if len(angles):
        named = ", ".join(f"{angle:.2f}°" for angle in angles[:NAMED_PEAKS])
        more = f" and {len(angles) - NAMED_PEAKS} more" if len(angles) > NAMED_PEAKS else ""
        sentences.append(
            f"Structure 1 does not explain the peaks at 2θ = {named}{more}: another phase, or another "
            "structure."
        )
    if len(fit.missing):
        named = ", ".join(f"{angle:.2f}°" for angle in np.sort(fit.missing.two_theta)[:NAMED_PEAKS])
        sentences.append(f"The pattern lacks the reflections of structure 1 at 2θ = {named}.")
    return sentences


def refined_cif(ranked: RankedStructure, name: str) -> str | None:
    """CIF of the crystal with the cell that fits the pattern; None without a fit.

    Rietveld programs (GSAS-II, TOPAS, FullProf) read it as the starting model.
    """
    from alphacrystal.crystal import standard_structure

    fit = ranked.pattern_fit
    if fit is None:
        return None
    try:
        standard, number, _ = standard_structure(fit.structure, symprec=0.1)
    except InputError:
        return None
    text = cif_text(standard, number, name=name)
    radiation = fit.unexplained.radiation
    lines = [f"_diffrn_radiation_wavelength {radiation.wavelengths[0]:.6f}"]
    if fit.profile is not None:
        lines.append(f"_pd_proc_ls_prof_wR_factor {fit.profile.r_wp:.5f}")
        lines.append(f"_pd_calib_2theta_offset {-fit.profile.parameters.zero:.5f}")
    head, _, rest = text.partition("\n\n")
    return "\n".join([head, "", *lines, rest])
