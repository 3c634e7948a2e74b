"""OPTIMADE servers that keep less than they promise, and entries that leave out or contradict something."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alphacrystal.data import Downloaded, OptimadeSource, _http, download, read_records
from alphacrystal.errors import AlphaCrystalError, InputError

Answer = tuple[int, dict[str, str], bytes]


def salt(name: str, **changes: Any) -> dict[str, Any]:
    """Rock salt with the fields that OPTIMADE recommends; None removes a field."""
    attributes: dict[str, Any] = {
        "lattice_vectors": [[0, 2.82, 2.82], [2.82, 0, 2.82], [2.82, 2.82, 0]],
        "cartesian_site_positions": [[0, 0, 0], [2.82, 2.82, 2.82]],
        "species": [
            {"name": "Na", "chemical_symbols": ["Na"], "concentration": [1.0]},
            {"name": "Cl", "chemical_symbols": ["Cl"], "concentration": [1.0]},
        ],
        "species_at_sites": ["Na", "Cl"],
        "nsites": 2,
        "dimension_types": [1, 1, 1],
        "nperiodic_dimensions": 3,
        "structure_features": [],
        "chemical_formula_reduced": "ClNa",
    }
    attributes |= changes
    return {"type": "structures", "id": name, "attributes": attributes}


class Server(ThreadingHTTPServer):
    """Answers each path as a test wants it; a path that no test set is 404."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.requests: list[str] = []
        self.answers: dict[str, list[Answer]] = {}
        self.set("/v1/info", {"data": {"attributes": {}}, "meta": {}})

    def set(self, path: str, *documents: object, status: int = 200, **headers: str) -> None:
        """Answers of a path, one after the other; the last one stays."""
        self.answers[path] = [
            (status, headers, text if isinstance(text, bytes) else json.dumps(text).encode())
            for text in documents
        ]

    def pages(self, *pages: list[dict[str, Any]], promised: int | None = None, **meta: Any) -> None:
        """Pages /v1/structures, /v1/structures?page=1, ... with these entries."""
        if promised is not None:
            meta["data_returned"] = promised
        for number, entries in enumerate(pages):
            following = f"/v1/structures?page={number + 1}" if number + 1 < len(pages) else None
            document = {"data": entries, "links": {"next": following}, "meta": meta}
            self.set(f"/v1/structures?page={number}" if number else "/v1/structures", document)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.requests.append(self.path)
        path = self.path.partition("?response_fields")[0].partition("?page_limit")[0]
        answers = server.answers.get(path) or [(404, {}, b"{}")]
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name http.server gives it
        """Quiet."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(_http, "_PAUSE_S", 0.01)
    found = Server()
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def fetch(server: Server, out: Path, *, resume: bool = False, **options: Any) -> Downloaded:
    source = OptimadeSource(server.address, **options)
    first = source.first()
    return download(out, {"first": first}, first, lambda at: source.page(at, None), resume=resume)


def ids(path: Path) -> list[str]:
    return [record.id.rpartition(":")[2] for record in read_records(path)]


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://x.org", "https://x.org/v1"),
        ("https://x.org/", "https://x.org/v1"),
        ("https://x.org/vasp", "https://x.org/vasp/v1"),
        ("https://x.org/vasp/", "https://x.org/vasp/v1"),
        ("https://x.org/v", "https://x.org/v/v1"),
        ("https://x.org/v1a", "https://x.org/v1a/v1"),
        ("https://x.org/v1", "https://x.org/v1"),
        ("https://x.org/v1/", "https://x.org/v1"),
        ("https://x.org/v1.2", "https://x.org/v1.2"),
        ("https://x.org/optimade/v0.10", "https://x.org/optimade/v0.10"),
        ("https://x.org/v1.2.0//", "https://x.org/v1.2.0"),
        ("https://x.org/v1/structures", "https://x.org/v1"),
        (" https://x.org:8080/a ", "https://x.org:8080/a/v1"),
    ],
)
def test_base_url_gets_a_version_where_it_has_none(given: str, base: str) -> None:
    assert OptimadeSource(given).base() == base


def test_query_of_the_base_url_goes_with_every_request() -> None:
    first = OptimadeSource("https://x.org/vasp/?key=a%20b", page_limit=7).first()
    assert first.startswith("https://x.org/vasp/v1/structures?key=a+b&response_fields=")
    assert first.endswith("page_limit=7")
    with pytest.raises(InputError, match="give the filter with --filter"):
        OptimadeSource("https://x.org/v1/structures?filter=nsites=2").first()


@pytest.mark.parametrize(
    "url", ["x.org", "ftp://x.org", "http://", "http://[::1", "http://x.org:99999999", ""]
)
def test_url_that_is_none_is_refused(url: str) -> None:
    source = OptimadeSource(url)
    with pytest.raises(InputError, match=r"is no web address|has no valid port"):
        source.page(source.first(), None)


def test_end_short_of_what_was_promised_is_an_error_that_can_be_resumed(
    server: Server, tmp_path: Path
) -> None:
    out = tmp_path / "all.jsonl"
    server.pages([salt("a"), salt("b")], promised=4)
    with pytest.raises(AlphaCrystalError, match=r"promised 4 entries and gave 2; .*--resume") as caught:
        fetch(server, out)
    assert caught.value.exit_code != 0
    assert not out.exists()
    assert ids_of_lines(out.with_name("all.jsonl.partial")) == ["a", "b"]
    server.pages([salt("a"), salt("b")], [salt("c"), salt("d")], promised=4)
    assert fetch(server, out, resume=True).records == 4
    assert ids(out) == ["a", "b", "c", "d"]


def ids_of_lines(path: Path) -> list[str]:
    return [json.loads(line)["id"].rpartition(":")[2] for line in path.read_text().splitlines()]


def test_more_data_without_a_next_page_is_an_error(server: Server, tmp_path: Path) -> None:
    server.pages([salt("a"), salt("b")], more_data_available=True)
    with pytest.raises(AlphaCrystalError, match="says that more entries follow these 2"):
        fetch(server, tmp_path / "all.jsonl")


def test_skipped_and_repeated_entries_count_towards_what_was_promised(server: Server, tmp_path: Path) -> None:
    server.pages([salt("a"), salt("b", structure_features=["disorder"])], [salt("a"), salt("c")], promised=4)
    came = fetch(server, tmp_path / "all.jsonl")
    assert (came.records, came.skipped, came.repeated) == (2, 1, 1)
    assert ids(tmp_path / "all.jsonl") == ["a", "c"]


def test_different_entries_of_one_id_get_different_names(server: Server, tmp_path: Path) -> None:
    wide = [[0, 3, 3], [3, 0, 3], [3, 3, 0]]
    other = salt("a", lattice_vectors=wide, cartesian_site_positions=[[0, 0, 0], [3, 3, 3]])
    server.pages([salt("a"), salt("b")], [other, salt("a")], [other, salt("c")], promised=6)
    came = fetch(server, tmp_path / "all.jsonl")
    assert (came.records, came.repeated, came.renamed) == (4, 2, 1)
    assert ids(tmp_path / "all.jsonl") == ["a", "b", "a-2", "c"]


def test_repeated_ids_are_known_after_a_resume(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl"
    server.pages([salt("a"), salt("b")], [salt("b"), salt("c")], promised=4)
    working = server.answers["/v1/structures?page=1"]
    server.set("/v1/structures?page=1", {}, status=400)
    with pytest.raises(InputError, match="status 400"):
        fetch(server, out)
    server.answers["/v1/structures?page=1"] = working
    came = fetch(server, out, resume=True)
    assert (came.records, came.repeated) == (3, 1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, InputError), (404, InputError), (429, AlphaCrystalError), (500, AlphaCrystalError)],
)
def test_failure_half_way_says_how_to_resume(
    server: Server, tmp_path: Path, status: int, kind: type[AlphaCrystalError]
) -> None:
    out = tmp_path / "all.jsonl"
    server.pages([salt("a"), salt("b")], [salt("c")], promised=3)
    working = server.answers["/v1/structures?page=1"]
    server.set("/v1/structures?page=1", {"errors": [{"detail": "no"}]}, status=status)
    with pytest.raises(kind, match=rf"status {status}.*repeat the command with --resume to continue"):
        fetch(server, out)
    server.answers["/v1/structures?page=1"] = working
    assert fetch(server, out, resume=True).records == 3


def test_failure_at_the_first_page_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="status 404") as caught:
        fetch(server, tmp_path / "all.jsonl")
    assert "--resume" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pause", ["0", "0.01", "Wed, 21 Oct 2015 07:28:00 GMT", "soon"])
def test_pause_that_a_busy_server_requests_is_understood(server: Server, tmp_path: Path, pause: str) -> None:
    server.pages([salt("a")], promised=1)
    good = server.answers["/v1/structures"]
    server.set("/v1/structures", {}, status=429, Retry_After=pause)
    server.answers["/v1/structures"] += good
    assert fetch(server, tmp_path / "all.jsonl").records == 1
    assert len(server.requests) == 2


@pytest.mark.parametrize("wrap", [str, lambda link: {"href": link}, lambda link: {"href": link, "meta": {}}])
def test_next_page_is_a_string_or_an_object(
    server: Server, tmp_path: Path, wrap: Callable[[str], Any]
) -> None:
    server.pages([], [salt("b")])
    following = wrap("?page=1")
    server.set("/v1/structures", {"data": [salt("a")], "links": {"next": following}})
    assert fetch(server, tmp_path / "all.jsonl").records == 2


@pytest.mark.parametrize("links", [None, {}, {"next": None}, {"next": {"href": None}}, {"next": ""}, [], "x"])
def test_end_is_written_in_several_ways(server: Server, tmp_path: Path, links: Any) -> None:
    server.set("/v1/structures", {"data": [salt("a")], "links": links, "meta": None})
    assert fetch(server, tmp_path / "all.jsonl").records == 1


def test_next_page_on_another_host_is_not_requested(server: Server, tmp_path: Path) -> None:
    other = Server()
    link = {"href": f"{other.address}/v1/structures?page=1"}
    server.set("/v1/structures", {"data": [salt("a"), salt("b")], "links": {"next": link}})
    with pytest.raises(InputError, match="continues on another host"):
        fetch(server, tmp_path / "all.jsonl")
    server.set("/v1/structures", b"", status=302, Location=f"{other.address}/v1/structures")
    with pytest.raises(InputError, match="redirects to another host"):
        fetch(server, tmp_path / "other.jsonl")
    other.server_close()
    assert other.requests == []


@pytest.mark.parametrize("link", [7, ["a"], "http://[", "file:///etc/passwd"])
def test_next_page_that_is_no_link_is_refused(server: Server, tmp_path: Path, link: Any) -> None:
    server.set("/v1/structures", {"data": [salt("a"), salt("b")], "links": {"next": link}})
    with pytest.raises(InputError, match=r"next page that is no link|continues on another host"):
        fetch(server, tmp_path / "all.jsonl")


def test_redirect_on_the_same_host_is_followed(server: Server, tmp_path: Path) -> None:
    server.set("/v1/structures", b"", status=301, Location="/elsewhere")
    server.set("/elsewhere", {"data": [salt("a")]})
    assert fetch(server, tmp_path / "all.jsonl").records == 1
    server.set("/elsewhere", b"", status=302, Location="/elsewhere")
    with pytest.raises(InputError, match="redirects more than 5 times"):
        fetch(server, tmp_path / "other.jsonl")


def test_pages_that_lead_to_each_other_end(server: Server, tmp_path: Path) -> None:
    document = {"data": [salt("b")], "links": {"next": "/v1/structures?page=1"}, "meta": {"data_returned": 2}}
    server.pages([salt("a")], [salt("b")], promised=2)
    server.set("/v1/structures?page=1", document)
    assert fetch(server, tmp_path / "all.jsonl").records == 2
    assert len(server.requests) == 2
    document["meta"] = {"data_returned": 3}
    server.set("/v1/structures?page=1", document)
    with pytest.raises(AlphaCrystalError, match="promised 3 entries and gave 2"):
        fetch(server, tmp_path / "other.jsonl")


def test_server_that_gives_one_page_for_ever_is_noticed(server: Server, tmp_path: Path) -> None:
    server.pages(*[[salt("a"), salt("b")]] * 3, promised=6)
    with pytest.raises(AlphaCrystalError, match="repeats itself"):
        fetch(server, tmp_path / "all.jsonl")


@pytest.mark.parametrize(
    "changes",
    [
        {"species": None},
        {"species": None, "species_at_sites": ["Na1", "Cl1"]},
        {"species": None, "species_at_sites": ["Na+", "Cl-"]},
        {"species": [{"name": "Na", "chemical_symbols": ["Na"], "concentration": [1.0]}]},
        {"species": [{"name": n, "chemical_symbols": [n], "concentration": None} for n in ("Na", "Cl")]},
        {
            "species": [
                {"name": "1", "chemical_symbols": ["Na", "vacancy"], "concentration": [1.0, 0.0]},
                {"name": "2", "chemical_symbols": ["Cl"]},
            ],
            "species_at_sites": ["1", "2"],
        },
        {"structure_features": None, "nsites": None, "dimension_types": None, "nperiodic_dimensions": None},
        {"chemical_formula_reduced": None},
        {"cartesian_site_positions": [[0, 0, 0], [2.82, 2.82, 8.46]]},
    ],
)
def test_optional_fields_may_be_missing(server: Server, tmp_path: Path, changes: dict[str, Any]) -> None:
    missing = salt("b")
    for name, value in changes.items():
        if value is None:
            del missing["attributes"][name]
    server.pages([salt("a", **changes), missing | {"id": "b"}])
    if changes.get("species_at_sites"):
        server.pages([salt("a", **changes)])
    came = fetch(server, tmp_path / "all.jsonl")
    assert came.skipped == 0
    records = list(read_records(tmp_path / "all.jsonl"))
    assert records
    for record in records:
        assert record.reduced_formula == "NaCl"
        assert record.structure().get_distance(0, 1) == pytest.approx(2.82)


UNUSABLE = [
    ({"lattice_vectors": None}, "without all lattice vectors"),
    ({"lattice_vectors": [[5, 0, 0], [0, 5, 0], [None, None, None]]}, "without all lattice vectors"),
    ({"lattice_vectors": [[5, 0, 0], [0, 5, 0], None]}, "without all lattice vectors"),
    ({"lattice_vectors": [[5, 0, 0], [0, 5, 0]]}, "without all lattice vectors"),
    ({"lattice_vectors": [[5, 0, 0], [0, 5, 0], [5, 5, 0]]}, "with a cell that no crystal has"),
    ({"lattice_vectors": [["5", 0, 0], [0, 5, 0], [0, 0, 5]]}, "with values of a wrong type or size"),
    ({"lattice_vectors": [[math.nan, 0, 0], [0, 5, 0], [0, 0, 5]]}, "with values of a wrong type or size"),
    ({"dimension_types": [1, 1, 0]}, "not periodic in three directions"),
    ({"nperiodic_dimensions": 2}, "not periodic in three directions"),
    ({"cartesian_site_positions": None}, "without all positions"),
    ({"cartesian_site_positions": [[0, 0, 0], [None, None, None]]}, "without all positions"),
    ({"cartesian_site_positions": [[0, 0, 0], [math.inf, 0, 0]]}, "with values of a wrong type or size"),
    ({"cartesian_site_positions": [[0, 0, 0], [True, 0, 0]]}, "with values of a wrong type or size"),
    ({"cartesian_site_positions": [[0, 0, 0]]}, "with different numbers of species and positions"),
    ({"nsites": 3}, "with different numbers of species and positions"),
    ({"cartesian_site_positions": [[0, 0, 0], [0, 0, 0]]}, "with two atoms closer than 0.5 Å"),
    ({"cartesian_site_positions": [[0, 0, 0], [5.64, 5.64, 0.02]]}, "with two atoms closer than 0.5 Å"),
    ({"structure_features": ["disorder"]}, "disordered"),
    ({"structure_features": ["unknown_positions"]}, "with atoms that have no single known place"),
    ({"species_at_sites": None}, "without species"),
    ({"species": None, "species_at_sites": ["cation", "anion"]}, "without species"),
    ({"species": None, "species_at_sites": ["X", "Cl"]}, "with sites of no element"),
    ({"chemical_formula_reduced": "ClHNa"}, "with a formula that is not that of the atoms"),
    ({"_x_energy": math.nan}, "with an energy that is not a finite number"),
    ({"_x_energy": "-1.5"}, "with an energy that is not a finite number"),
    ({"_x_energy": True}, "with an energy that is not a finite number"),
    (
        {"species": [{"name": "Na", "chemical_symbols": ["Na", "K"], "concentration": [0.5, 0.5]}]},
        "disordered",
    ),
    ({"species": [{"name": "Na", "chemical_symbols": ["Na"], "concentration": [0.9]}]}, "disordered"),
    (
        {"species": [{"name": "Na", "chemical_symbols": ["X"], "concentration": [1]}]},
        "with sites of no element",
    ),
    (
        {"species": [{"name": "Na", "chemical_symbols": ["Na"], "attached": ["H"], "nattached": [1]}]},
        "with atoms that have no single known place",
    ),
]


def test_entries_that_are_no_crystals_are_counted_by_reason(server: Server, tmp_path: Path) -> None:
    entries = [salt(f"bad{number}", **changes) for number, (changes, _) in enumerate(UNUSABLE)]
    odd: list[Any] = [None, 3, {"id": "x"}, {"id": None, "attributes": {}}, {"id": "y", "attributes": [1]}]
    server.pages([salt("a"), *entries, *odd], promised=1 + len(entries) + len(odd))
    page = OptimadeSource(server.address, formation_energy="_x_energy").page(
        f"{server.address}/v1/structures", None
    )
    assert [record.id.rpartition(":")[2] for record in page.records] == ["a"]
    assert {name: reason for name, reason in page.skipped.items() if name.startswith("bad")} == {
        f"bad{number}": reason for number, (_, reason) in enumerate(UNUSABLE)
    }
    came = fetch(server, tmp_path / "all.jsonl", formation_energy="_x_energy")
    assert came.records == 1
    assert came.reasons["without an id"] == 3
    assert came.skipped == sum(came.reasons.values()) == len(entries) + len(odd)


def test_partial_data_is_skipped(server: Server, tmp_path: Path) -> None:
    partial = salt("big", cartesian_site_positions=None, species_at_sites=None)
    partial["meta"] = {"partial_data_links": {"cartesian_site_positions": [{"format": "jsonlines"}]}}
    server.pages([salt("a"), partial], promised=2)
    assert fetch(server, tmp_path / "all.jsonl").skipped == 1


def test_large_and_empty_cell_needs_little_memory(server: Server, tmp_path: Path) -> None:
    wide = [[9000.0, 0, 0], [0, 9000.0, 0], [0, 0, 9000.0]]
    server.pages([salt("a", lattice_vectors=wide)], promised=1)
    assert fetch(server, tmp_path / "all.jsonl").records == 1


@pytest.mark.parametrize("content_type", ["text/html", "application/vnd.api+json", "image/png"])
def test_content_type_does_not_matter(server: Server, tmp_path: Path, content_type: str) -> None:
    text = b"\xef\xbb\xbf" + json.dumps({"data": [salt("a")]}).encode()
    server.set("/v1/structures", text, Content_Type=content_type)
    assert fetch(server, tmp_path / "all.jsonl").records == 1


@pytest.mark.parametrize(
    "body", [b"<html></html>", b"[1]", b"", b"\xff\xfe", b"[" * 100_000, b'{"data": ' + b"[" * 5000, b"null"]
)
def test_answer_that_is_no_json_object_is_refused(server: Server, tmp_path: Path, body: bytes) -> None:
    server.set("/v1/structures", body)
    with pytest.raises(InputError, match="did not answer with JSON"):
        fetch(server, tmp_path / "all.jsonl")


@pytest.mark.parametrize("data", [None, {}, "x", 3])
def test_answer_without_a_list_is_refused(server: Server, tmp_path: Path, data: Any) -> None:
    server.set("/v1/structures", {"data": data})
    with pytest.raises(InputError, match="gave no list of structures"):
        fetch(server, tmp_path / "all.jsonl")


def test_answer_without_end_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "MAX_BYTES", 2**20)
    server.set("/v1/structures", b" " * (2**20 + 1))
    with pytest.raises(InputError, match="is larger than 1 MB: give a smaller --page-limit"):
        fetch(server, tmp_path / "all.jsonl")


@pytest.mark.parametrize(
    "info", [{}, {"data": None, "meta": None}, {"data": {"attributes": None}}, {"data": []}]
)
def test_licence_may_be_missing(server: Server, info: dict[str, Any]) -> None:
    server.set("/v1/info", info)
    assert OptimadeSource(server.address).licence() is None


@pytest.mark.parametrize(
    "change",
    [
        {"bytes": 10**9},
        {"bytes": -1},
        {"bytes": math.nan},
        {"following": 3},
        {"records": "3"},
        {"question": None},
    ],
)
def test_damaged_state_is_refused(server: Server, tmp_path: Path, change: dict[str, Any]) -> None:
    out = tmp_path / "all.jsonl"
    server.pages([salt("a")], promised=2)
    with pytest.raises(AlphaCrystalError, match="promised 2"):
        fetch(server, out)
    state = tmp_path / "all.jsonl.progress"
    state.write_text(json.dumps(json.loads(state.read_text()) | change))
    with pytest.raises(InputError, match=r"is damaged: remove it|had another request"):
        fetch(server, out, resume=True)


def test_state_that_names_another_host_is_not_followed(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "all.jsonl"
    server.pages([salt("a")], promised=2)
    with pytest.raises(AlphaCrystalError, match="promised 2"):
        fetch(server, out)
    state = tmp_path / "all.jsonl.progress"
    other = Server()
    stored = json.loads(state.read_text()) | {"following": f"{other.address}/v1/structures"}
    state.write_text(json.dumps(stored))
    with pytest.raises(InputError, match="continues on another host"):
        fetch(server, out, resume=True)
    other.server_close()
    assert other.requests == []


def test_user_name_of_the_address_is_not_written_into_records(server: Server, tmp_path: Path) -> None:
    server.pages([salt("a b")], promised=1)
    source = OptimadeSource(server.address.replace("http://", "http://me:secret@"))
    page = source.page(f"{server.address}/v1/structures", None)
    (record,) = page.records
    assert record.source == f"{server.address}/v1/structures/a%20b"
    assert "secret" not in record.model_dump_json()


def test_number_of_entries_as_text_is_compared(server: Server, tmp_path: Path) -> None:
    server.pages([salt("a"), salt("b")], data_returned="10")
    with pytest.raises(AlphaCrystalError, match="promised 10 entries and gave 2"):
        fetch(server, tmp_path / "out.jsonl")


@pytest.mark.parametrize("count", ["many", -1, 1.5, True, [2]])
def test_malformed_number_of_entries_is_refused(server: Server, tmp_path: Path, count: object) -> None:
    server.pages([salt("a")], data_returned=count)
    with pytest.raises(InputError, match="data_returned"):
        fetch(server, tmp_path / "out.jsonl")


def test_mixed_valence_is_one_element(server: Server, tmp_path: Path) -> None:
    sodium = {"name": "Na", "chemical_symbols": ["Na", "Na"], "concentration": [0.5, 0.5]}
    chlorine = {"name": "Cl", "chemical_symbols": ["Cl"], "concentration": [1.0]}
    server.pages([salt("a", species=[sodium, chlorine])], promised=1)
    assert fetch(server, tmp_path / "out.jsonl").records == 1


def test_next_link_that_repeats_is_named(server: Server, tmp_path: Path) -> None:
    following = "/v1/structures?page=1"
    for path, name in (("/v1/structures", "a"), (following, "b")):
        server.set(path, {"data": [salt(name)], "links": {"next": following}, "meta": {"data_returned": 3}})
    with pytest.raises(AlphaCrystalError, match="gave 2, and its link to the next page repeats"):
        fetch(server, tmp_path / "out.jsonl")
