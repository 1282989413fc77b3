"""
``python -m bench``: measure, and write table, picture and history.

The gateways take turns, run by run, so that a busy minute of the machine meets all of them. What is measured is in
``docs/benchmark.md``.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import report
from bench.gateways import ROOT, Gateway, node, of_commit, ours

Work = list[tuple[str, dict[str, Any]]]

FAR_PORT, PORT = 18090, 18091
GATEWAY_CORE, LOAD_CORE = 0, 1
START = 30.0
"""Seconds that a gateway may take to listen."""
REDIS_DATABASE = 15
VARIANTS = {
    "no-capture": "capture = false\n",
    "sqlite": 'state_store = "sqlite://{folder}/bench.db"\n',
    "redis": f'state_store = "redis://127.0.0.1:6379/{REDIS_DATABASE}"\n',
}
"""Ours with other settings, by name; Redis has to run already, and its last database is emptied before each run."""


def phases(kind: str, way: str, agents: int, rates: list[float], seconds: float) -> Work:
    """Return what one run does, as methods of :class:`bench.load.Run` with their arguments."""
    signed_in: Work = [("sign_in", {"agents": agents})]
    listening: Work = [*signed_in, ("listen", {"way": way})]
    if kind == "agents":
        return [*listening, ("idle", {"seconds": seconds})]
    if kind == "pause":
        return [*listening, ("calls", {"rate": rates[0], "seconds": seconds, "probe": 0.01})]
    warm = ("calls", {"rate": 50, "seconds": 3})
    return [*listening, warm, *(("calls", {"rate": rate, "seconds": seconds}) for rate in rates)]


def run(gateway: Gateway, folder: Path, way: str, work: Work) -> list[dict[str, Any]]:
    """Start a gateway and its load, and return the figures of each phase; the warming up is left out."""
    job = {"far_port": FAR_PORT, "port": PORT, "way": way, "process": 0, "phases": work, "warm": 2.0}
    command = ["taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "bench.load", json.dumps(job)]
    load = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert load.stdin is not None and load.stdout is not None
    load.stdout.readline()
    for left in folder.glob("bench.db*"):  # each run begins with an empty store
        left.unlink()
    if gateway.name == "redis":
        empty_redis()
    process = gateway.start(folder, GATEWAY_CORE, FAR_PORT, PORT)
    try:
        wait_for(process)
        load.stdin.write(f"{process.pid}\n")
        load.stdin.flush()
        found = [json.loads(line) for line in load.stdout]
    finally:
        for each in (process, load):
            each.kill()
            each.wait()
    first = next((index for index, each in enumerate(found) if each["phase"] == "calls"), len(found))
    warmed = sum(each["phase"] == "calls" for each in found) > 1
    return [each for index, each in enumerate(found) if not (warmed and index == first)]


def empty_redis() -> None:
    """Forget what the run before has left in Redis: its agents would be taken up."""
    with socket.create_connection(("127.0.0.1", 6379), START) as redis, redis.makefile("rwb") as lines:
        lines.write(f"SELECT {REDIS_DATABASE}\r\nFLUSHDB\r\n".encode())
        lines.flush()
        for _ in range(2):
            if lines.readline() != b"+OK\r\n":
                raise RuntimeError("Redis does not empty its database")


def wait_for(process: "subprocess.Popen[bytes]") -> None:
    """
    Wait until something listens.

    :raises RuntimeError: when the gateway ends before, or takes too long; its log lies beside its settings.
    """
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", PORT)):
                return
        time.sleep(0.1)
    raise RuntimeError("the gateway does not listen; see its log")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n\n")[0].strip())
    parser.add_argument("kind", choices=("calls", "agents", "pause"))
    parser.add_argument("--against", default="node", help="node, no-capture, sqlite, redis, or a commit; by commas")
    parser.add_argument("--python", default=sys.executable, help="Pythons for ours, by commas: each is one of them")
    parser.add_argument("--way", default="poll", choices=("poll", "stream", "none"))
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--rates", default="25,100,150,200,250,300,350,400")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/wrtcgw-bench"))
    parser.add_argument("--write", type=Path, help="write table, picture and history into this folder")
    wanted = parser.parse_args()
    wanted.folder.mkdir(exist_ok=True)
    rates = [float(rate) for rate in wanted.rates.split(",")]
    pythons = wanted.python.split(",")
    gateways = [ours("ours" if len(pythons) == 1 else f"ours-{n}", python) for n, python in enumerate(pythons)]
    for name in filter(None, wanted.against.split(",")):
        gateways.append(
            node(wanted.folder)
            if name == "node"
            else ours(name, pythons[0], settings=VARIANTS[name].format(folder=wanted.folder))
            if name in VARIANTS
            else of_commit(wanted.folder, name)
        )
    results: dict[str, list[list[dict[str, Any]]]] = {gateway.name: [] for gateway in gateways}
    for number in range(wanted.runs):
        for gateway in gateways if number % 2 else reversed(gateways):
            way = "poll" if gateway.name == "node" and wanted.way == "stream" else wanted.way
            work = phases(wanted.kind, way, wanted.agents, rates, wanted.seconds)
            figures = run(gateway, wanted.folder, way, work)
            results[gateway.name].append(figures)
            for each in figures:
                print(number, gateway.name, json.dumps(each), flush=True)
    middle = report.medians(results)
    print(report.table(middle))
    kind = f"{wanted.kind} {wanted.way}"
    if wanted.write:
        (wanted.write / f"{wanted.kind}-{wanted.way}.md").write_text(report.table(middle))
        if wanted.kind == "calls":
            (wanted.write / f"{wanted.kind}-{wanted.way}.svg").write_text(report.picture(results))
        history = wanted.write / "history.jsonl"
        own, other = list(middle.values())[:2] if len(middle) > 1 else (next(iter(middle.values())), {})
        for line in report.steps_back(history, kind, own, other):
            print("a step back:", line)
        commit = subprocess.check_output(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], text=True)
        entry: dict[str, Any] = {"kind": kind, "commit": commit.strip(), "date": time.strftime("%Y-%m-%d")}
        entry |= {"machine": f"{os.cpu_count()} cores", "ratios": report.ratios_of(own, other), "medians": middle}
        report.append(history, entry)


if __name__ == "__main__":
    main()
