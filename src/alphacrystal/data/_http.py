"""JSON over HTTP from one host: repeated while the server is busy, never redirected to another host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from pydantic import TypeAdapter, ValidationError

from alphacrystal import __version__
from alphacrystal.errors import AlphaCrystalError, InputError

if TYPE_CHECKING:
    from requests import Response, Session

TRIES = 5
TIMEOUT_S = 60.0
#: Largest answer in bytes; a page of 1,000 crystals with 200 atoms each takes about 30 MB.
MAX_BYTES = 256 * 2**20
_PAUSE_S = 1.0  # doubled before each further try
_LONGEST_PAUSE_S = 60.0
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
_MAX_REDIRECTS = 5
_DEFAULT_PORTS = {"http": 80, "https": 443}


def host(address: str) -> str:
    """Host and port of an address, without user names."""
    return urlsplit(address).netloc.rpartition("@")[2]


def same_host(address: str, other: str) -> bool:
    """Whether two addresses lie on one host and port; the default ports of HTTP and HTTPS count as one."""
    one, two = urlsplit(address), urlsplit(other)
    schemes = {one.scheme, two.scheme} <= _DEFAULT_PORTS.keys()
    return schemes and one.hostname == two.hostname and _port(one) == _port(two)


def _port(parts: SplitResult) -> int | None:
    """The port; None for the default one of the scheme.

    Raises:
        InputError: It is not a number from 0 to 65535.
    """
    try:
        port = parts.port
    except ValueError as error:
        raise InputError(f"{parts.geturl()!r} has no valid port ({error}).") from error
    return None if port == _DEFAULT_PORTS.get(parts.scheme) else port


def fetch_json(address: str) -> dict[str, Any]:
    """The JSON object at an address.

    Busy servers and broken connections are tried again up to `TRIES` times, after the pause of the
    server (Retry-After, at most a minute) or one that doubles.

    Raises:
        InputError: The server refuses the request, redirects to another host, or answers with something else
            than a JSON object.
        AlphaCrystalError: It does not answer in `TRIES` tries, or its answer breaks off.
    """
    import requests

    with _session() as session:
        try:
            target = address
            for _ in range(_MAX_REDIRECTS + 1):
                with session.get(target, timeout=TIMEOUT_S, allow_redirects=False, stream=True) as answer:
                    if not answer.is_redirect:
                        return _object(answer, address)
                    target = urljoin(target, answer.headers["location"])
                if not same_host(address, target):
                    raise InputError(
                        f"{host(address)} redirects to another host ({target}): give that address instead."
                    )
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            reason = "no answer in time" if "timed out" in str(error) else "no connection"
            raise AlphaCrystalError(f"{host(address)} did not answer in {TRIES} tries ({reason}).") from error
        except (requests.RequestException, ValueError) as error:
            raise InputError(f"{address} is not an address that can be requested ({error}).") from error
    raise InputError(f"{host(address)} redirects more than {_MAX_REDIRECTS} times.")


def _session() -> Session:
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    class Patience(Retry):
        """Retries that wait at most a minute, also where the server requests more."""

        def get_retry_after(self, response: Any) -> float | None:
            try:
                seconds = super().get_retry_after(response)
            except InvalidHeader:
                return None
            return None if seconds is None else min(seconds, _LONGEST_PAUSE_S)

    retries = Patience(
        total=TRIES - 1,
        status_forcelist=_TRY_AGAIN,
        backoff_factor=_PAUSE_S,
        backoff_max=_LONGEST_PAUSE_S,
        raise_on_status=False,
        redirect=False,
    )
    session = requests.Session()
    session.headers.update({"User-Agent": f"alphacrystal/{__version__}", "Accept": "application/json"})
    for scheme in _DEFAULT_PORTS:
        session.mount(f"{scheme}://", HTTPAdapter(max_retries=retries))
    return session


def _object(answer: Response, address: str) -> dict[str, Any]:
    """The JSON object of an answer of any content type."""
    body = bytearray()
    for part in answer.iter_content(2**16):
        body += part
        if len(body) > MAX_BYTES:
            raise InputError(
                f"The answer of {host(address)} is larger than {MAX_BYTES // 2**20} MB: give a smaller "
                "--page-limit."
            )
    try:
        document = TypeAdapter(Any).validate_json(bytes(body).removeprefix(b"\xef\xbb\xbf"))
    except ValidationError:
        document = None
    if answer.status_code in _TRY_AGAIN:
        raise AlphaCrystalError(
            f"{host(address)} did not answer in {TRIES} tries (status {answer.status_code})."
        )
    if answer.status_code != 200:
        reason = _detail(document) or answer.reason or "no reason given"
        raise InputError(
            f"{host(address)} refused the request (status {answer.status_code}): "
            f"{' '.join(reason.split()).rstrip('.')[:300]}."
        )
    if not isinstance(document, dict):
        raise InputError(f"{address} did not answer with JSON: is it an OPTIMADE address?")
    return document


def _detail(document: object) -> str | None:
    """The reason in an OPTIMADE error document."""
    errors = document.get("errors") if isinstance(document, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return None
    return str(first.get("detail") or first.get("title") or "") or None
