"""HTTP connections with limits: slow, idle and too many ones cannot keep others out."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from alphacrystal.web._guard import UPLOAD_TIME_LIMIT_S, is_upload

ARRIVAL_S = 12.0  # from the opening of a connection, or its last answer, to the end of the next request
UPLOAD_ARRIVAL_S = UPLOAD_TIME_LIMIT_S + 2.0  # the same, if the request contains a powder pattern
STALL_S = 30.0  # in which a client reads nothing of the answer
CHECK_EVERY_S = 1.0
MAX_CONNECTIONS = 400
RESERVED_FILES = 200  # descriptors for the files of runs and for processes

_FULL = b'{"detail":"The server answers as many requests as it can: try again in a minute."}'
_FULL_ANSWER = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Retry-After: 60\r\nContent-Length: %d\r\n\r\n%b" % (len(_FULL), _FULL)
)


class LimitedConnection(H11Protocol):
    """A connection that is closed when its request or the taking of its answer stalls.

    The time of a request does not restart with each byte. If there are too many connections, the one that has
    been without a complete request for the longest time is closed, so idle sockets exclude nobody.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.since = self.loop.time()  # opening of the connection, or end of the last answer
        self._unsent = 0  # bytes of the answer that wait for the visitor
        self._moved = self.since  # when their number changed last
        self.closing = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection; if there are too many, close an idle one."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(CHECK_EVERY_S, self._check)
        others = [other for other in self.connections if isinstance(other, LimitedConnection)]
        others = [other for other in others if other is not self and not other.closing]
        if len(others) < max_connections():
            return
        idle = [other for other in others if not other.has_request()]
        if idle:
            min(idle, key=lambda other: other.since).close_now()
        else:
            transport.write(_FULL_ANSWER)
            self.closing = True
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Count the time of the next request from here."""
        self.since = self.loop.time()
        super().on_response_complete()

    def has_request(self) -> bool:
        """Whether a complete request waits for its answer."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is not None and not cycle.response_complete and not cycle.more_body

    def arrival_s(self) -> float:
        """The time limit of the next request, in s."""
        cycle: RequestResponseCycle | None = self.cycle
        arriving = cycle is not None and not cycle.response_complete and cycle.more_body
        return UPLOAD_ARRIVAL_S if arriving and cycle is not None and is_upload(cycle.scope) else ARRIVAL_S

    def close_now(self) -> None:
        """Close the connection at once."""
        self.closing = True
        self.transport.abort()

    def _check(self) -> None:
        now = self.loop.time()
        unsent = self.transport.get_write_buffer_size()
        if unsent != self._unsent or unsent == 0:
            self._unsent, self._moved = unsent, now
        if now - self._moved > STALL_S or (not self.has_request() and now - self.since > self.arrival_s()):
            self.close_now()
            return
        self._timer = self.loop.call_later(CHECK_EVERY_S, self._check)


def max_connections() -> int:
    """The limit of connections: fewer than the files that the process may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(10, min(MAX_CONNECTIONS, (files - RESERVED_FILES) // 2))
