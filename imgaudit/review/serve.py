"""Serving the page on the loopback address until Ctrl-C, then writing the run's files anew."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

import uvicorn

from imgaudit.errors import UsageError
from imgaudit.record import Report
from imgaudit.reporters._shared import counted
from imgaudit.review.app import build
from imgaudit.review.desk import Desk, Progress
from imgaudit.review.gate import HOSTS, Door


@dataclass(frozen=True)
class Address:
    """Where the page listens. Any other machine would be a stranger, so only the loopback address is taken."""

    host: str = "127.0.0.1"
    port: int = 0

    def __post_init__(self) -> None:
        if self.host not in HOSTS:
            raise UsageError(
                f"--host {self.host!r}: the review page is for this machine alone; expected {', '.join(HOSTS)}. "
                "From elsewhere, use an SSH tunnel: ssh -L PORT:127.0.0.1:PORT"
            )

    def bound(self) -> socket.socket:
        """A socket that listens, so that the port is known before anything is served."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # asyncio sends small answers at once only where the protocol is named; else they wait for the browser's receipt
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1" if self.host == "localhost" else self.host, self.port))
            listening.listen(128)  # whoever opens the link at once waits a moment and is not refused
        except OSError as error:
            listening.close()
            raise UsageError(f"--port {self.port}: cannot be used: {error.strerror or error}") from None
        return listening


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are taken by whoever runs the server: the run's files are to be written before the program ends."""
        yield


def server_of(desk: Desk, door: Door) -> uvicorn.Server:
    """A server of the page; it writes no log, which could hold secrets."""
    return _Server(
        uvicorn.Config(
            build(desk, door), log_config=None, access_log=False, server_header=False, ws="none", lifespan="off",
            http="h11", loop="asyncio", limit_concurrency=200, timeout_graceful_shutdown=3,
            h11_max_incomplete_event_size=32 << 10,
        )
    )


def serve(desk: Desk, address: Address, who: tuple[str | None, str | None], say: Callable[[str], None]) -> Report:
    """Serve until Ctrl-C (or a request to terminate), then bring the run's files in line; its report as it is then."""
    try:
        listening = address.bound()
    except UsageError:
        desk.close()
        raise
    door = Door(port=listening.getsockname()[1], by=who[0], role=who[1], say=say, host=address.host)
    server = server_of(desk, door)
    try:
        with _signals(server):  # before the link is told: whoever has read it may already end the review
            say(f"{summary(desk.progress())}. Open this link; it works once:")
            say(door.link())
            say("Ctrl-C ends the review")
            server.run(sockets=[listening])
        say("the review ends; the run is judged anew where people decided")
    finally:
        listening.close()
        progress = desk.progress()
        report = desk.finish()
    say(summary(progress))
    return report


@contextlib.contextmanager
def _signals(server: uvicorn.Server) -> Iterator[None]:
    """The first Ctrl-C ends the server in order; a second one cuts its answers off."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def summary(progress: Progress) -> str:
    """How far the review is, in a sentence."""
    return (
        f"{counted(progress.total, 'picture')}: {progress.decided:,} decided, {progress.waiting:,} waiting for another "
        f"person, {progress.open:,} still open"
    )
