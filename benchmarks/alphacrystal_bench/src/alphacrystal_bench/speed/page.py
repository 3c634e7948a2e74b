"""The Markdown page of ``benchmark_speed``: docs/benchmarks/speed.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alphacrystal.runtime.atomic_write import write_text_atomically

FIRE, NEWTON, THEIRS = "fire", "quasi-newton", "chgnet with ASE's FIRE"


def speed_page(result: Mapping[str, Any]) -> str:
    """All tables as Markdown, with what each number is held against."""
    facts = (
        "Written by `alphacrystal benchmark speed --data DIR --out DIR --page FILE`: "
        f"commit {result['commit']}, seed {result['seed']}, {result['time']}, {result['machine']['cpu']}, "
        f"{result['machine']['usable_cores']} cores, {result['minutes']} min for what no earlier run "
        "of the same folder had finished. Processor seconds of one "
        "thread; both sides take crystals in turn, so the load of the machine falls on both. Forces and "
        f"stress to {result['fmax_ev_per_a']} eV/Å, at most {result['steps']} steps. Real compounds are of "
        "the validation split."
    )
    lines = ["# How fast relaxation is", "", facts, "", *_marks(result), ""]
    titles = {
        "random": "Random Ti4O8 without symmetry",
        "candidates": "Candidates of validation formulas, with symmetry",
    }
    for part, title in titles.items():
        if part in result:
            lines += [f"## {title}", "", *_relaxations(result[part], result), ""]
    if "evaluation" in result:
        lines += ["## Energy, forces and stress of 12 atoms", "", *_evaluation(result["evaluation"]), ""]
    if "processes" in result:
        lines += ["## Two cores", "", *_processes(result["processes"]), ""]
    if "agreement" in result:
        lines += ["## Agreement with chgnet", "", *_agreement(result["agreement"]), ""]
    if "predict" in result:
        lines += ["## From formula to report", "", *_predict(result["predict"]), ""]
    return "\n".join(lines)


def write_speed_page(result: Mapping[str, Any], page: Path) -> None:
    """Write the page.

    Raises:
        AlphaCrystalError: The disk refused it.
    """
    write_text_atomically(page, speed_page(result))


def _marks(result: Mapping[str, Any]) -> list[str]:
    """What was aimed at beside what was reached, of the parts that ran."""
    rows: list[tuple[str, str, str]] = []
    if part := result.get("random"):
        fire = part[FIRE]
        rows += [
            ("random Ti4O8, ASE's steps: times less processor time", "5", f"{fire['ratio']}"),
            ("the same: ends in the same basin", "90 %", _percent(fire["same_basin"])),
        ]
    if part := result.get("candidates"):
        rows += [
            ("candidates, ASE's steps: times less processor time", "8", f"{part[FIRE]['ratio']}"),
            ("the same: ends in the same basin", "90 %", _percent(part[FIRE]["same_basin"])),
            ("candidates, default optimiser: times less processor time", "8", f"{part[NEWTON]['ratio']}"),
            ("candidates: space group kept or raised", "100 %", _percent(part["space_group_kept"])),
        ]
    if part := result.get("evaluation"):
        least = min(row["ratio"] for row in part.values())
        rows.append(("one evaluation, least of the batches: times less", "3", f"{least}"))
    if part := result.get("agreement"):
        rows += [
            (
                "largest difference of energies (eV/atom)",
                "1e-4",
                f"{part['energy_ev_per_atom']['largest']:g}",
            ),
            ("largest difference of forces (eV/Å)", "1e-3", f"{part['force_ev_per_a']['largest']:g}"),
        ]
    if part := result.get("predict"):
        rows += [
            ("prediction, median (s)", "at most 40", f"{part['median_wall_s']}"),
            ("its list: converged", "95 %", _percent(part["converged"])),
            ("its list: space group kept or raised", "100 %", _percent(part["space_group_kept"])),
        ]
    return ["| aim | mark | reached |", "|---|---:|---:|", *(f"| {' | '.join(row)} |" for row in rows)]


def _relaxations(part: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    lines = [
        f"| {part['n']} crystals | CPU s | times less | steps | converged | same basin | deeper | higher |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in (THEIRS, FIRE, NEWTON):
        if name in part:
            row = part[name]
            cells = [
                f"{row['cpu_s']:.1f}",
                f"{row.get('ratio', 1):.1f}",
                str(row["steps"]),
                str(row["converged"]),
                *(_percent(row[key]) if key in row else "" for key in ("same_basin", "deeper", "shallower")),
            ]
            title = name if name == THEIRS else f"ours, {name}"
            lines.append(f"| {title} | {' | '.join(cells)} |")
    limit = 1000 * result["same_basin_ev_per_atom"]
    lines += ["", f"Same basin: within {limit:g} meV/atom, of the crystals that both sides converge."]
    if "space_group_kept" in part:
        lines.append(
            f"Space group of the start, or a supergroup, at the end: {_percent(part['space_group_kept'])}; "
            f"the hypothesis's group found in the start: {_percent(part['hypothesis_found'])}."
        )
    return lines


def _evaluation(part: Mapping[str, Any]) -> list[str]:
    lines = [
        "| batch | ours, with graphs (ms) | chgnet's predict_graph (ms) | its graphs (ms) | times less |",
        "|---:|---:|---:|---:|---:|",
    ]
    for batch, row in part.items():
        cells = (row["ours_ms"], row["predict_graph_ms"], row["their_graphs_ms"], row["ratio"])
        lines.append(f"| {batch} | {' | '.join(map(str, cells))} |")
    return [*lines, "", "Processor time per crystal; the ratio leaves chgnet's graphs out."]


def _processes(part: Mapping[str, Any]) -> list[str]:
    lines = [f"| {part['n']} random Ti4O8, {part['steps']} steps | wall s |", "|---|---:|"]
    lines += [f"| {name} | {seconds} |" for name, seconds in part["wall_s"].items()]
    return [*lines, "", "The fastest of three rounds, the ways in turn; other work on the machine slows all."]


def _agreement(part: Mapping[str, Any]) -> list[str]:
    names = {
        "energy_ev_per_atom": "energy (eV/atom)",
        "force_ev_per_a": "force component (eV/Å)",
        "stress_gpa": "stress component (GPa)",
    }
    lines = [
        f"| {part['n']} validation crystals, shaken by 0.05 Å | largest difference | mean of the largest |",
        "|---|---:|---:|",
        *(f"| {title} | {part[key]['largest']:g} | {part[key]['mean']:g} |" for key, title in names.items()),
    ]
    if part["refused"]:
        lines += ["", f"{part['refused']} more were refused: an atom has no neighbour within CHGNet's 6 Å."]
    return lines


def _predict(part: Mapping[str, Any]) -> list[str]:
    return [
        f"| {part['n']} validation formulas, cells up to 12 atoms, default settings | |",
        "|---|---:|",
        f"| median wall time (s) | {part['median_wall_s']} |",
        f"| longest wall time (s) | {part['longest_wall_s']} |",
        f"| median processor time (s) | {part['median_cpu_s']} |",
        f"| converged, of {part['listed']} listed structures | {_percent(part['converged'])} |",
        f"| space group of the candidate kept or raised | {_percent(part['space_group_kept'])} |",
    ]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{round(100 * share, 1):g} %"
