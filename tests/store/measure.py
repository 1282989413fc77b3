"""
How long one write takes: ``python -m tests.store.measure [redis://127.0.0.1:6379/0]``.

A record of 10 kB of one of 500 agents is written so many times a second, at even distances, each without waiting for
the one before. Not a test: the figures are the machine's.
"""

import sys
import tempfile
import time
from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater, react

from wrtcgw.store import Store, StoreSettings, store_from
from wrtcgw.store.address import StoreAddress

AGENTS = 500
RECORD = b"x" * 10_240
SECONDS = 5.0
RATES = (100, 1000)


async def measure(reactor: Any, store: Store, rate: int) -> list[float]:
    """Return the milliseconds of each write, shortest first."""
    taken: list[float] = []

    def write(number: int) -> Deferred[None]:
        begun = time.perf_counter()

        def done(_: object) -> None:
            taken.append((time.perf_counter() - begun) * 1000)

        return store.write({f"agent-{number % AGENTS}": RECORD}).addCallback(done)

    begun, waiting = time.perf_counter(), []
    for number in range(int(rate * SECONDS)):
        ahead = begun + number / rate - time.perf_counter()
        if ahead > 0:
            await deferLater(reactor, ahead, lambda: None)
        waiting.append(write(number))
    await gatherResults(waiting)
    return sorted(taken)


async def run(reactor: Any, urls: list[str]) -> None:
    """Measure each store at each rate, and print a line for it."""
    for url in urls:
        for rate in RATES:
            address, settings = StoreAddress.parse(url), StoreSettings(node="measure")
            store = store_from(address, settings, tcp=reactor, threads=reactor, clock=reactor)
            await store.open()
            for number in range(AGENTS):
                await store.take(f"agent-{number}")
            cpu = time.process_time()
            taken = await measure(reactor, store, rate)
            cpu = (time.process_time() - cpu) / len(taken) * 1000
            p50, p99 = taken[len(taken) // 2], taken[int(len(taken) * 0.99)]
            print(
                f"{address.kind:8} {rate:5}/s: p50 {p50:.3f} ms, p99 {p99:.3f} ms, worst {taken[-1]:.3f} ms, "
                f"CPU {cpu:.3f} ms a write",
                flush=True,
            )
            await store.write({f"agent-{number}": None for number in range(AGENTS)})
            await store.close()


def main(reactor: Any) -> Deferred[None]:
    """Measure memory, SQLite in a temporary folder, and what is named besides."""
    urls = ["memory", f"sqlite://{tempfile.mkdtemp()}/state.db", *sys.argv[1:]]
    measuring: Coroutine[Deferred[Any], Any, None] = run(reactor, urls)
    return Deferred.fromCoroutine(measuring)


if __name__ == "__main__":
    react(main)
