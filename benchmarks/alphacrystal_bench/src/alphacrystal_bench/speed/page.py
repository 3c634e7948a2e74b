"""Markdown page of the benchmark speed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alphacrystal_bench.harness.pages import fact_line, label
from alphacrystal_bench.speed.run import CHGNET

FIRE, NEWTON = "fire", "quasi_newton"
NAMES = {CHGNET: "chgnet with the FIRE of ASE", FIRE: "ours, FIRE", NEWTON: "ours, quasi-Newton (default)"}


def render(result: Mapping[str, Any]) -> str:
    """All tables as Markdown, with the goals."""
    details = (
        f", {result['minutes']} min (of the last part, if the run was continued). Processor seconds of one "
        "thread; both programs take crystals in turn, so that the load of the machine affects both. Forces "
        f"and stress to {result['fmax_ev_per_a']} eV/Å, at most {result['steps']} steps. Real compounds are "
        "from the validation split"
    )
    facts = fact_line("speed", result, options=" --data DIR", details=details)
    lines = ["# Speed of relaxation", "", facts, "", *_goals(result), ""]
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


def _goals(result: Mapping[str, Any]) -> list[str]:
    """Goals and results of the parts that ran."""
    rows: list[tuple[str, str, str]] = []
    if part := result.get("random"):
        fire = part[FIRE]
        rows += [
            ("random Ti4O8, FIRE: ratio of processor times", "5", f"{fire['ratio']}"),
            ("the same: results in the same basin", "90 %", _percent(fire["same_basin"])),
        ]
    if part := result.get("candidates"):
        rows += [
            ("candidates, FIRE: ratio of processor times", "8", f"{part[FIRE]['ratio']}"),
            ("the same: results in the same basin", "90 %", _percent(part[FIRE]["same_basin"])),
            ("candidates, quasi-Newton: ratio of processor times", "8", f"{part[NEWTON]['ratio']}"),
            ("candidates: space group kept or raised", "100 %", _percent(part["space_group_kept"])),
        ]
    if part := result.get("evaluation"):
        least = min(row["ratio"] for row in part.values())
        rows.append(("one evaluation, smallest ratio of the batches", "3", f"{least}"))
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
    return ["| | goal | reached |", "|---|---:|---:|", *(f"| {' | '.join(row)} |" for row in rows)]


def _relaxations(part: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    lines = [
        f"| {part['n']} crystals | CPU s | ratio | steps | converged | same basin | lower | higher energy |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name in (CHGNET, FIRE, NEWTON):
        if name in part:
            row = part[name]
            cells = [
                f"{row['cpu_s']:.1f}",
                f"{row.get('ratio', 1):.1f}",
                str(row["steps"]),
                str(row["converged"]),
                *(_percent(row[key]) if key in row else "" for key in ("same_basin", "deeper", "shallower")),
            ]
            lines.append(f"| {NAMES[name]} | {' | '.join(cells)} |")
    limit = 1000 * result["same_basin_ev_per_atom"]
    explanation = (
        f"Ratio: processor time of chgnet divided by ours. Same basin: within {limit:g} meV/atom, of the "
        "crystals that both programs converge."
    )
    lines += ["", explanation]
    if "space_group_kept" in part:
        lines.append(
            f"Final space group is that of the start or a supergroup: {_percent(part['space_group_kept'])}; "
            f"start has the space group of its hypothesis: {_percent(part['hypothesis_found'])}."
        )
    return lines


def _evaluation(part: Mapping[str, Any]) -> list[str]:
    lines = [
        "| batch | ours, with graphs (ms) | predict_graph of chgnet (ms) | graphs of chgnet (ms) | ratio |",
        "|---:|---:|---:|---:|---:|",
    ]
    for batch, row in part.items():
        cells = (row["ours_ms"], row["predict_graph_ms"], row["graphs_ms"], row["ratio"])
        lines.append(f"| {batch} | {' | '.join(map(str, cells))} |")
    return [*lines, "", "Processor time per crystal; the ratio does not include the graphs of chgnet."]


def _processes(part: Mapping[str, Any]) -> list[str]:
    lines = [f"| {part['n']} random Ti4O8, {part['steps']} steps | wall s |", "|---|---:|"]
    lines += [f"| {label(name)} | {seconds} |" for name, seconds in part["wall_s"].items()]
    return [
        *lines,
        "",
        "The fastest of three rounds, the variants in turn; other work on the machine slows all of them.",
    ]


def _agreement(part: Mapping[str, Any]) -> list[str]:
    names = {
        "energy_ev_per_atom": "energy (eV/atom)",
        "force_ev_per_a": "force component (eV/Å)",
        "stress_gpa": "stress component (GPa)",
    }
    lines = [
        f"| {part['n']} validation crystals, displaced by 0.05 Å | largest difference | mean |",
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
