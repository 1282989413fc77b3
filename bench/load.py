"""
One run: a far side, pages, and a gateway that somebody has started, measured from outside.

``python -m bench.load JOB`` runs it in a process of its own, on its own core; JOB and what is printed are JSON.
"""

import gc
import json
import resource
import sys
from pathlib import Path
from typing import Any

from bench.far_side import FarSide
from bench.loop import Loop, now
from bench.pages import Pages, Probe

Figures = dict[str, Any]
SETTLE = 1.0
"""Seconds before memory is read."""


def cpu(process: int) -> float:
    """Return the seconds of CPU time that a process has used, all its threads together."""
    tasks = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def memory(process: int) -> int:
    """Return the resident memory of a process in kB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def own_cpu() -> float:
    """Return the seconds of CPU time that the load has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def part(values: list[float], share: float) -> float:
    """Return in milliseconds the value below which so large a part of the values lies."""
    return round(1000 * sorted(values)[min(len(values) - 1, int(share * len(values)))], 2) if values else 0.0


class Run:
    """The phases of a job, each a method that returns its figures."""

    def __init__(self, job: Figures) -> None:
        self.loop = Loop()
        self.process: int = job["process"]
        self.way: str = job["way"]
        self.port: int = job["port"]
        self.pages = Pages(self.loop, self.port)

    def sign_in(self, agents: int) -> Figures:
        """Sign in; memory per agent is that of all parts that were not there before."""
        before, used = memory(self.process), cpu(self.process)
        seconds = self.pages.sign_in(agents)
        used = cpu(self.process) - used
        self.loop.run_for(SETTLE)
        kept = memory(self.process) - before
        return {"seconds": round(seconds, 2), "cpu_ms": round(1000 * used / agents, 3), "kb": round(kept / agents, 1)}

    def listen(self, way: str) -> Figures:
        """Let each page poll, or open a stream."""
        before = memory(self.process)
        for number, page in enumerate(self.pages.all):
            page.listen(way)
            if number % 50 == 0:
                self.loop.run_for(0.02)
        self.loop.run_for(SETTLE)
        return {"kb": round((memory(self.process) - before) / len(self.pages.all), 1)}

    def idle(self, seconds: float) -> Figures:
        """Do nothing; returns the share of a core that this takes."""
        used = cpu(self.process)
        self.loop.run_for(seconds)
        return {"percent": round(100 * (cpu(self.process) - used) / seconds, 3)}

    def calls(self, rate: float, seconds: float, probe: float = 0.0) -> Figures:
        """Place calls."""
        pages = self.pages
        pages.counts.clear()
        pages.delays.clear()
        watch = Probe(self.loop, self.port, probe) if probe else None
        self.loop.late = 0.0
        used, own, began = cpu(self.process), own_cpu(), now()
        pages.call(rate, seconds, self.way)
        used, own, took = cpu(self.process) - used, own_cpu() - own, now() - began
        counts = dict(pages.counts)
        number = max(1, counts.get("good", 0))
        figures: Figures = {"rate": rate, **counts, "cpu_ms": round(1000 * used / number, 3)}
        figures |= {f"p{share}": part(pages.delays, share / 100) for share in (50, 99, 100)}
        figures |= {"busy": round(100 * used / took, 1), "load_busy": round(100 * own / took, 1)}
        figures["load_late"] = round(1000 * self.loop.late, 1)
        if watch is not None:
            figures |= {"pause": part(watch.answers, 1), "pause_p99": part(watch.answers, 0.99)}
        return figures


def main() -> None:
    """Run the job on the command line."""
    job: Figures = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    gc.disable()
    run = Run(job)
    far = FarSide(run.loop, job["far_port"])
    print("ready", flush=True)
    run.process = int(sys.stdin.readline())
    run.loop.run_for(job.get("warm", 1.0))
    for phase, arguments in job["phases"]:
        figures = getattr(run, phase)(**arguments)
        print(json.dumps({"phase": phase, **figures, "far": dict(far.counts)}), flush=True)
        far.counts.clear()


if __name__ == "__main__":
    main()
