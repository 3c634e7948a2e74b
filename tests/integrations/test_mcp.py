"""The MCP server with the client of the SDK over standard input and output; runs where mcp is installed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp.server.mcpserver", reason="needs the extra mcp")

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from pymatgen.core import Lattice, Structure

from alphacrystal import predict

pytestmark = pytest.mark.filterwarnings("ignore")  # of the SDK


def talk(folder: Path, conversation: Callable[[Client], Awaitable[None]], *options: str) -> None:
    """Start the command `alphacrystal mcp` and talk to it."""
    command = ["-c", "from alphacrystal.cli import main; main()", "mcp", "--folder", str(folder), *options]

    async def session() -> None:
        server = StdioServerParameters(command=sys.executable, args=command, env=_environment())
        async with Client(stdio_client(server)) as client:
            await conversation(client)

    anyio.run(session)


def _environment() -> dict[str, str]:
    return dict(os.environ)


async def answer(client: Client, tool: str, **arguments: Any) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return json.loads(result.content[0].text)


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return str(result.content[0].text)


def test_predict_list_fetch_and_evaluate(tmp_path: Path) -> None:
    halite = Structure.from_spacegroup(225, Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    seen: list[tuple[float, float | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, total))

    async def conversation(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {
            "predict",
            "resume",
            "inspect",
            "explore",
            "evaluate",
            "relax",
            "list_runs",
            "fetch_result",
        }
        assert all(tool.description for tool in tools.values())
        assert tools["fetch_result"].annotations.read_only_hint
        assert not tools["predict"].annotations.read_only_hint
        result = await client.call_tool(
            "predict",
            {"formula": "NaCl", "candidates": 2, "formula_units": [1], "relax": False},
            progress_callback=progress,
        )
        assert not result.is_error, result.content
        predicted = json.loads(result.content[0].text)
        row = predicted["rows"][0]
        assert (row["space_group_number"], row["prototype"]) == (225, "rock salt")
        assert row["a"] == row["b"] == row["c"] == pytest.approx(5.6, abs=0.3)
        assert row["density_g_cm3"] == pytest.approx(2.2, abs=0.4)
        assert predicted["next_step"].startswith("Next: ")
        name = predicted["run"]
        runs = await client.call_tool("list_runs", {})
        assert [item["run"] for item in runs.structured_content["result"]] == [name]
        fetched = await answer(client, "fetch_result", run=name, rank=1)
        structure = Structure.from_str(fetched["cif"], fmt="cif")
        assert structure.composition.reduced_formula == "NaCl"
        compared = await answer(client, "evaluate", run=name, target=halite.to(fmt="cif"))
        assert "true" in json.dumps(compared)

    talk(tmp_path, conversation)
    assert seen


def test_inspect_and_relax(tmp_path: Path) -> None:
    async def conversation(client: Client) -> None:
        inspected = await answer(client, "inspect", formula="SrTiO3", space_group="cubic", top=2)
        assert inspected["hypotheses"][0]["space_group"] == 221
        crystal = Structure.from_spacegroup(225, Lattice.cubic(5.5), ["Na", "Cl"], [[0] * 3, [0.5] * 3])
        relaxed = await answer(client, "relax", structure=crystal.to(fmt="poscar"))
        assert relaxed["rows"][0]["converged"]
        assert Structure.from_str(relaxed["cif"], fmt="cif").lattice.a == pytest.approx(5.65, abs=0.1)

    talk(tmp_path, conversation)


def test_explore_a_chemical_system(tmp_path: Path) -> None:
    async def conversation(client: Client) -> None:
        explored = await answer(client, "explore", system="Na-Cl", formulas=1)
        assert explored["system"] == "Na-Cl"
        on_hull = {
            row["formula"] for row in explored["phases"] if float(row["energy_above_hull_per_atom_ev"]) == 0
        }
        assert {"Na", "Cl", "NaCl"} <= on_hull
        assert "no element" in await refusal(client, "explore", system="Na-Qq")

    talk(tmp_path, conversation)


def test_errors_are_sentences_and_paths_stay_inside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "run.json").write_text("{}")
    runs = tmp_path / "runs"
    (runs / "other").mkdir(parents=True)
    (runs / "link").symlink_to(outside)

    async def conversation(client: Client) -> None:
        assert "Xx" in await refusal(client, "predict", formula="NaXx")
        assert "5 candidates at most" in await refusal(client, "predict", formula="NaCl", candidates=6)
        assert "231 does not exist" in await refusal(
            client, "predict", formula="NaCl", candidates=1, space_group="231"
        )
        for name in ("../outside", "/etc", "..", "link", "a/../../outside", "none"):
            assert (await refusal(client, "fetch_result", run=name)).count("\n") == 0
        sentence = await refusal(client, "relax", structure="no crystal")
        assert "The structure is in no known format" in sentence
        assert (await refusal(client, "predict", formula="NaCl", colour="red")) == (
            "The tool predict has no argument 'colour'; it has formula, space_group, formula_units, lattice, "
            "candidates, pressure, relax, seed, top."
        )
        sentence = await refusal(client, "predict", formula="NaCl", candidates="ten")
        assert sentence.startswith(
            "The argument candidates of predict is wrong: Input should be a valid integer"
        )
        assert "\n" not in sentence
        assert "is no prediction" in await refusal(client, "resume", run="other")
        # A formula cannot become an option of the command.
        assert await refusal(client, "inspect", formula="--output=x")
        assert await refusal(client, "predict", formula="NaCl", candidates=10**9)

    talk(runs, conversation, "--candidates", "5")
    assert {path.name for path in tmp_path.iterdir()} == {"outside", "runs"}
    assert {path.name for path in runs.iterdir()} == {"link", "other"}


def test_an_interrupted_prediction_is_listed_and_resumed(tmp_path: Path) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict("NaCl", folder=tmp_path / "begun", candidates=2, z=(1,), relax=False, progress=stop)

    async def conversation(client: Client) -> None:
        runs = await client.call_tool("list_runs", {})
        (run,) = runs.structured_content["result"]
        assert (run["run"], run["formula"], run["complete"]) == ("begun", "NaCl", False)
        resumed = await answer(client, "resume", run="begun")
        assert resumed["complete"]
        assert resumed["rows"][0]["space_group_number"] == 225

    talk(tmp_path, conversation)
