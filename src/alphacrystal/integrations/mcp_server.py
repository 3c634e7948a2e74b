"""An MCP server for agents: predict, inspect, explore, evaluate, relax and read runs (extra ``mcp``).

To add a tool, write a method of `_Tools` and add its name to `TOOLS`; the first paragraph of its docstring
is the description that agents see.
"""

from __future__ import annotations

import csv
import inspect as introspection
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import anyio
from pydantic import Field, ValidationError

from alphacrystal import __version__
from alphacrystal.composition import parse_formula
from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.exploration import parse_system
from alphacrystal.integrations.mcp_commands import (
    MAX_STRUCTURE_LENGTH,
    Report,
    ServerLimits,
    TimeLimitError,
    options,
    run_command,
)
from alphacrystal.pipeline.checkpoint import Checkpoint
from alphacrystal.report import (
    CHECKPOINT_FOLDER,
    REQUEST_FILE,
    SummaryRow,
    list_sentences,
    next_step,
    read_run_folder,
)
from alphacrystal.runtime.foreign_files import read_text

try:
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp.types import ToolAnnotations
except ImportError as error:
    raise InputError("The MCP server needs the package mcp: pip install 'alphacrystal[mcp]'.") from error

INSTRUCTIONS = """\
AlphaCrystal predicts crystal structures from a chemical formula. inspect takes seconds and predicts symmetry
and cells only; predict takes minutes and gives a ranked list of relaxed structures. Read the notes of a
result before its rows. The probability of a row is that of the known or ground-state structure. Energies are
those of a machine-learned potential: the order of polymorphs within about 0.05 eV/atom is uncertain."""
TOOLS = ("predict", "resume", "inspect", "explore", "evaluate", "relax", "list_runs", "fetch_result")
READ_ONLY = ("inspect", "evaluate", "list_runs", "fetch_result")
MAX_LISTED_RUNS = 200
DEFAULT_CANDIDATES = 50  # of a prediction, if the server allows as many
#: Columns of the rows that tools return; `fetch_result` returns all columns of one row.
COLUMNS = (
    "rank",
    "cell_formula",
    "space_group_symbol",
    "space_group_number",
    "prototype",
    "a",
    "b",
    "c",
    "alpha",
    "beta",
    "gamma",
    "density_g_cm3",
    "probability",
    "energy_per_atom_ev",
    "enthalpy_per_atom_ev",
    "formation_energy_per_atom_ev",
    "energy_above_hull_per_atom_ev",
    "decomposition",
    "known",
    "converged",
    "flags",
)

Formula = Annotated[str, Field(min_length=1, max_length=100, description="Chemical formula, e.g. Zr4Al3.")]
SpaceGroup = Annotated[
    str | None, Field(max_length=40, description="Number, symbol (Pm-3m) or crystal system (cubic).")
]
Units = Annotated[list[int], Field(max_length=20, description="Formula units of the primitive cell.")]
StructureText = Annotated[
    str,
    Field(min_length=1, max_length=MAX_STRUCTURE_LENGTH, description="Text of a CIF or POSCAR file."),
]
RunName = Annotated[str, Field(min_length=1, max_length=250, description="Name of a run, see list_runs.")]
Top = Annotated[int, Field(ge=1, le=100, description="Rows to return.")]


def build_server(limits: ServerLimits) -> MCPServer:
    """The server with its tools.

    Args:
        limits: Folder of runs and limits of one command.
    """
    server = _Server("alphacrystal", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING")
    tools = _Tools(limits)
    for name in TOOLS:
        method = getattr(tools, name)
        description = introspection.cleandoc(method.__doc__ or "").partition("\n\n")[0]
        annotations = ToolAnnotations(
            read_only_hint=name in READ_ONLY, destructive_hint=False, open_world_hint=False
        )
        server.tool(name, description=description, annotations=annotations)(_with_sentences(method))
    return server


def serve(limits: ServerLimits) -> None:
    """Serve on standard input and output until the client closes them."""
    build_server(limits).run("stdio")


class _Server(MCPServer):
    """A server that refuses arguments that a tool does not have, and whose errors are one sentence."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        known = {tool.name: tool.input_schema.get("properties", {}) for tool in await self.list_tools()}
        unknown = [key for key in arguments if key not in known.get(name, arguments)]
        if unknown:
            names = ", ".join(known[name]) or "none"
            raise ToolError(f"The tool {name} has no argument {unknown[0][:80]!r}; it has {names}.")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                first = error.__cause__.errors()[0]
                place = ".".join(map(str, first["loc"]))
                raise ToolError(f"The argument {place} of {name} is wrong: {first['msg']}.") from error
            raise


def _with_sentences(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """A tool whose errors are sentences for the agent."""

    @wraps(method)
    async def tool(*arguments: Any, **named: Any) -> Any:
        try:
            return await method(*arguments, **named)
        except AlphaCrystalError as error:
            raise ToolError(str(error)) from error
        except BaseExceptionGroup as group:
            for inner in group.exceptions:
                if isinstance(inner, AlphaCrystalError):
                    raise ToolError(str(inner)) from inner
            raise

    return tool


class _Tools:
    """The tools; one calculation at a time."""

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._turn = anyio.Semaphore(1)

    async def predict(
        self,
        context: Context,
        formula: Formula,
        space_group: SpaceGroup = None,
        formula_units: Units = [],  # noqa: B006 - part of the schema
        lattice: Annotated[
            list[float],
            Field(max_length=6, description="Conventional cell a,b,c,alpha,beta,gamma in Å and °."),
        ] = [],  # noqa: B006
        candidates: Annotated[int | None, Field(ge=1, description="Structures to generate.")] = None,
        pressure: Annotated[float, Field(ge=-50, le=1000, description="GPa.")] = 0.0,
        relax: Annotated[bool, Field(description="False gives a list without energies in seconds.")] = True,
        seed: Annotated[int, Field(ge=0, lt=2**31)] = 0,
        top: Top = 10,
    ) -> dict[str, Any]:
        """Predict the crystal structures of a formula; takes minutes and writes a run."""
        limits = self._limits
        candidates = candidates or min(DEFAULT_CANDIDATES, limits.candidates)
        if candidates > limits.candidates:
            raise InputError(f"A prediction may have {limits.candidates} candidates at most on this server.")
        folder = self._new_folder(parse_formula(formula).file_name)
        arguments = options(
            {
                "out": folder,
                "space_group": space_group,
                "z": formula_units,
                "lattice": lattice,
                "candidates": candidates,
                "pressure": pressure or None,
                "no_relax": not relax,
                "potential": limits.potential,
                "device": limits.device,
                "workers": limits.workers,
                "seed": seed,
            }
        )
        return await self._predict(context, folder, ["predict", *arguments, "--", formula], top)

    async def resume(self, context: Context, run: RunName, top: Top = 10) -> dict[str, Any]:
        """Continue a prediction that was cancelled or reached the limit of time."""
        folder = self._limits.run_folder(run)
        if not (folder / CHECKPOINT_FOLDER / REQUEST_FILE).is_file():
            raise InputError(f"The run {run} is no prediction: resume continues those of predict.")
        return await self._predict(context, folder, ["predict", "--resume", f"--out={folder}"], top)

    async def _predict(
        self, context: Context, folder: Path, command: Sequence[str], top: int
    ) -> dict[str, Any]:
        try:
            async with self._turn:
                await run_command(self._limits, command, _reporter(context))
        except TimeLimitError as error:
            name = folder.relative_to(self._limits.folder).as_posix()
            raise AlphaCrystalError(
                f"{error} Its finished part is the run {name}: resume continues it."
            ) from error
        return self._summary(folder, top)

    async def inspect(
        self, formula: Formula, space_group: SpaceGroup = None, top: Top = 10
    ) -> dict[str, Any]:
        """Predict space groups, Wyckoff positions and cells of a formula in seconds."""
        arguments = options({"top": top, "space_group": space_group})
        async with self._turn:
            (found,) = await run_command(self._limits, ["inspect", *arguments, "--", formula])
        kept = ("cell_formula", "z", "probability")
        cells = [{name: cell[name] for name in kept} for cell in found.get("cells", [])]
        return {**found, "cells": cells}

    async def explore(
        self,
        context: Context,
        system: Annotated[str, Field(min_length=3, max_length=40, description="Elements, e.g. Li-P-S.")],
        formulas: Annotated[int, Field(ge=1, le=1000, description="Formulas to predict at most.")] = 20,
        pressure: Annotated[float, Field(ge=-50, le=1000, description="GPa.")] = 0.0,
        max_energy_above_hull: Annotated[
            float, Field(ge=0, le=2, description="Phases to return, eV/atom.")
        ] = 0.05,
    ) -> dict[str, Any]:
        """Explore a chemical system of two to four elements: its phases on and near the convex hull.

        The finished part of an exploration that reaches the limit of time stays in the folder.
        """
        folder = self._new_folder("-".join(parse_system(system).elements))
        arguments = options(
            {
                "out": folder,
                "budget": f"{formulas}formulas",
                "pressure": pressure or None,
                "potential": self._limits.potential,
                "device": self._limits.device,
                "workers": self._limits.workers,
                "no_report": True,
            }
        )
        async with self._turn:
            (found,) = await run_command(
                self._limits, ["explore", *arguments, "--", system], _reporter(context)
            )
        (hull,) = found["hulls"]
        table = read_text(Path(hull["table"]), "hull table", MAX_STRUCTURE_LENGTH)
        phases = [
            row
            for row in csv.DictReader(table.splitlines())
            if float(row["energy_above_hull_per_atom_ev"] or "inf") <= max_energy_above_hull
        ]
        return {
            "exploration": folder.relative_to(self._limits.folder).as_posix(),
            "system": found["system"],
            "predicted": found["predicted"],
            "stopped": found["stopped"],
            "phases": phases,
        }

    async def evaluate(self, context: Context, run: RunName, target: StructureText) -> dict[str, Any]:
        """Compare the structures of a run with a known structure."""
        folder = self._limits.run_folder(run)
        with self._file(target) as path:
            async with self._turn:
                (result,) = await run_command(
                    self._limits, ["evaluate", str(folder), str(path)], _reporter(context)
                )
        return result

    async def relax(
        self,
        context: Context,
        structure: StructureText,
        pressure: Annotated[float, Field(ge=-50, le=1000, description="GPa.")] = 0.0,
        keep_symmetry: Annotated[bool, Field(description="Keep the space group.")] = True,
    ) -> dict[str, Any]:
        """Relax a crystal structure with the potential; writes a run."""
        folder = self._new_folder("relax")
        arguments = options(
            {
                "out": folder,
                "pressure": pressure or None,
                "no_symmetry": not keep_symmetry,
                "potential": self._limits.potential,
                "device": self._limits.device,
                "workers": 1,
            }
        )
        with self._file(structure) as path:
            async with self._turn:
                await run_command(self._limits, ["relax", *arguments, "--", str(path)], _reporter(context))
        return {**self._summary(folder, 1), "cif": self._cif(folder, read_run_folder(folder).rows[0])}

    async def list_runs(self) -> list[dict[str, Any]]:
        """List the runs of this server, the newest first; a run without rows has no finished part yet."""
        found = []
        root = self._limits.folder
        for path in [*root.glob("*/run.json"), *root.glob("*/*/run.json")]:
            name = path.parent.relative_to(root).as_posix()
            try:
                run = read_run_folder(self._limits.run_folder(name))
            except AlphaCrystalError:
                continue
            facts = {"run": name, "formula": run.formula, "complete": run.complete, "rows": len(run.rows)}
            found.append((run.written, {**facts, "potential": run.potential, "written": run.written}))
        for path in root.glob(f"*/{CHECKPOINT_FOLDER}/{REQUEST_FILE}"):
            folder = path.parents[1]
            if not folder.is_symlink() and not (folder / "run.json").exists():
                formula = (Checkpoint(folder).load_request() or {}).get("formula")
                begun = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
                found.append((begun, {"run": folder.name, "formula": formula, "complete": False, "rows": 0}))
        return [facts for _, facts in sorted(found, key=lambda item: item[0], reverse=True)[:MAX_LISTED_RUNS]]

    async def fetch_result(
        self,
        run: RunName,
        rank: Annotated[
            int | None, Field(ge=1, description="Row whose structure is returned as CIF.")
        ] = None,
        top: Top = 10,
    ) -> dict[str, Any]:
        """Fetch the notes and the list of a run or, with a rank, one row with its structure as CIF."""
        folder = self._limits.run_folder(run)
        if rank is None:
            return self._summary(folder, top)
        row = next((row for row in read_run_folder(folder).rows if row.rank == rank), None)
        if row is None:
            raise InputError(f"The run {run} has no row {rank}: fetch_result without a rank lists its rows.")
        facts = {name: getattr(row, name) for name in SummaryRow.__dataclass_fields__}
        return {"run": run, "row": facts, "cif": self._cif(folder, row)}

    def _summary(self, folder: Path, top: int) -> dict[str, Any]:
        run = read_run_folder(folder)
        return {
            "run": folder.relative_to(self._limits.folder).as_posix(),
            "formula": run.formula,
            "complete": run.complete,
            "potential": run.potential,
            "pressure_gpa": run.pressure_gpa,
            "notes": list(run.notes),
            "sentences": list_sentences(run.rows),
            "next_step": next_step(run.rows),
            "structures": len(run.rows),
            "rows": [{name: getattr(row, name) for name in COLUMNS} for row in run.rows[:top]],
        }

    def _cif(self, folder: Path, row: SummaryRow) -> str:
        from alphacrystal.runtime.contained_paths import check_inside

        path = folder / row.file
        check_inside(path, self._limits.folder)
        return read_text(path, "structure file", MAX_STRUCTURE_LENGTH)

    def _new_folder(self, name: str) -> Path:
        self._limits.folder.mkdir(parents=True, exist_ok=True)
        base = f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
        names = (base, *(f"{base}-{number}" for number in range(2, 1000)))
        return next(path for name in names if not (path := self._limits.folder / name).exists())

    @contextmanager
    def _file(self, text: str) -> Iterator[Path]:
        """A temporary file with the text of a structure; errors do not name its path."""
        with tempfile.TemporaryDirectory(prefix="alphacrystal-") as folder:
            is_cif = re.search(r"^\s*data_", text, re.MULTILINE) is not None
            path = Path(folder) / ("structure.cif" if is_cif else "structure")
            path.write_text(text, encoding="utf-8")
            try:
                yield path
            except AlphaCrystalError as error:
                raise InputError(str(error).replace(str(path), "The structure")) from error


def _reporter(context: Context) -> Report:
    async def report(done: float, total: float, stage: str) -> None:
        await context.report_progress(done, total or None, stage)

    return report
