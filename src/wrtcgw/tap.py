"""``twistd wrtcgw``: the command line, and the service that it makes."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, TextIO, cast

from attrs import evolve
from twisted.application.service import IService
from twisted.internet.interfaces import IReactorCore, IReactorTCP, IReactorTime
from twisted.python import usage

from wrtcgw import __version__
from wrtcgw.config import ConfigError, Settings, load, report
from wrtcgw.config.warnings import warnings
from wrtcgw.daemon.collector import calm
from wrtcgw.daemon.descriptors import raise_descriptor_limit
from wrtcgw.daemon.listener import CannotServe
from wrtcgw.daemon.service import GatewayService
from wrtcgw.daemon.systemd import Notifier
from wrtcgw.demo.extensions import SHOWN
from wrtcgw.demo.pbx import DemoPBX
from wrtcgw.drain_command import drain

KEYS = {
    "http-interface": "http_interface",
    "http-port": "http_port",
    "sip-ws-server": "sip_ws_servers",
    "sip-domain": "sip_domain",
    "log-level": "log_level",
}
"""The options that are keys of the configuration; secrets are none of them, because ps shows command lines."""


class Options(usage.Options):
    """The options of ``twistd wrtcgw``."""

    synopsis = "[options]"
    longdesc = (
        "WebRTC gateway: HTTP for pages, SIP over WebSocket for the PBX. Settings come from options, then from the "
        "environment (WRTCGW_<KEY>; HTTP_PORT, SIP_WS_SERVER, SIP_SERVER, SIP_PORT, SIP_DOMAIN, LOG_LEVEL), then from "
        "the file, then from defaults."
    )
    optFlags: ClassVar = [
        ["check-config", None, "Show what is in effect, or every error, and exit."],
        ["demo", None, "Run an embedded PBX on loopback and use it; needs nothing else."],
        ["drain", None, "Let the gateway that runs with these settings take nothing new, finish its calls and stop."],
    ]
    optParameters: ClassVar = [
        ["config", "c", None, "TOML file with settings; also WRTCGW_CONFIG."],
        ["http-interface", None, None, "Address to listen on for pages (default 127.0.0.1)."],
        ["http-port", "p", None, "Port to listen on for pages (default 8082)."],
        ["sip-ws-server", "s", None, "ws:// or wss:// URL of the SIP proxy; several with commas."],
        ["sip-domain", "d", None, "Domain of the agents' SIP addresses."],
        ["log-level", "l", None, "debug, info, warn, error or critical."],
        ["drain-limit", None, 300, "Seconds that calls have, with --drain.", int],
    ]

    environ: Mapping[str, str] = os.environ
    settings: Settings
    """What is in effect; set when the options were parsed."""
    reread: Callable[[], Settings]
    """Finds it again."""

    def opt_version(self) -> None:
        """Show the version and exit."""
        print(f"wrtcgw {__version__}")
        sys.exit(0)

    def postOptions(self) -> None:
        """
        Find the settings.

        :raises twisted.python.usage.UsageError: with every fault, one a line.
        :raises SystemExit: after ``--check-config`` and ``--drain``.
        """
        try:
            self.settings, sources = self._load()
        except ConfigError as error:
            if self["check-config"]:
                print(error)
                sys.exit(1)
            raise usage.UsageError(f"the configuration cannot be used:\n{error}") from None
        self.reread = lambda: self._load()[0]
        if self["check-config"]:
            print(f"OK\n{report(self.settings, sources)}")
            for warning in warnings(self.settings, sources):
                print(f"# warning: {warning}")
            sys.exit(0)
        if self["drain"]:
            token = self.environ.get("WRTCGW_OPERATOR_TOKEN") or self.settings.operator_token
            sys.exit(drain(self.settings, token, self["drain-limit"]))
        if self.parent is not None and not self.parent["chroot"]:
            check_pidfile(self.parent["pidfile"], self.parent["rundir"])

    def _load(self) -> tuple[Settings, dict[str, str]]:
        path = self["config"] or self.environ.get("WRTCGW_CONFIG")
        given = {key: self[option] for option, key in KEYS.items() if self[option] is not None}
        file = Path(path).absolute() if path else None
        settings, sources = load(file, self.environ, given, need_proxy=not self["demo"])
        return for_demo(settings, sources) if self["demo"] else (settings, sources)


def for_demo(settings: Settings, sources: Mapping[str, str]) -> tuple[Settings, dict[str, str]]:
    """Let a demo's console open on this machine without a token, and its pages know the echo; unless told otherwise."""
    changes: dict[str, Any] = {}
    if not ("operator_loopback" in sources or settings.operator_token or settings.operator_tokens):
        changes["operator_loopback"] = True
    if "echo_number" not in sources:
        changes["echo_number"] = SHOWN["number"]
    return evolve(settings, **changes), {**sources, **dict.fromkeys(changes, "--demo")}


def check_pidfile(pidfile: str, rundir: str) -> None:
    """
    Find out before the start what twistd would fail at with a traceback.

    :raises twisted.python.usage.UsageError: when it cannot write its pidfile.
    """
    if not pidfile:
        return
    path = Path(rundir, pidfile).absolute()
    there = path if path.exists() else path.parent
    kind = path.is_file() if path.exists() else there.is_dir()
    if not (kind and os.access(there, os.R_OK | os.W_OK)):
        raise usage.UsageError(
            f"--pidfile: {path} cannot be written: name another file, or none: twistd --pidfile= wrtcgw ..."
        )


def _show(text: str) -> None:
    """Write a text beside the log, which would put time and system before it; a daemon has nowhere to."""
    if sys.__stdout__ is not None:
        sys.__stdout__.write(text)
        sys.__stdout__.flush()


def tell_plainly(other: Callable[..., object] = sys.excepthook, where: TextIO | None = sys.__stderr__) -> None:
    """
    Let the start end with one line, not with a traceback, when the gateway cannot listen.

    The error still passes through twistd, which cleans up and ends with status 1.

    :param other: what is called for any other error.
    :param where: the real standard error: twistd has made the other one a part of its log, which has the line already.
    """

    def hook(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if isinstance(error, CannotServe):
            print(f"twistd wrtcgw: the gateway cannot start: {error}", file=where)
        else:
            other(kind, error, traceback)

    sys.excepthook = hook


def steady(reactor: IReactorTime) -> None:
    """
    Let the reactor measure time by a clock that nobody sets.

    By the wall clock, which is Twisted's, setting it back by an hour would put off every refresh and ping by an hour,
    so that agents could not be called; setting it forward would end what rings. Calls that are scheduled already keep
    their clock.
    """
    if not reactor.getDelayedCalls():
        vars(reactor)["seconds"] = time.monotonic


def end_with_fault(reactor: IReactorCore) -> None:
    """Stop the reactor, and end with status 1 when everything is closed: the reactor itself knows of no status."""
    reactor.addSystemEventTrigger("after", "shutdown", os._exit, 1)
    reactor.stop()


def makeService(options: Options) -> IService:
    """Make the service for twistd; it reloads on SIGHUP."""
    from twisted.internet import reactor  # noqa: PLC0415 (the only place that may)

    steady(cast(IReactorTime, reactor))
    raise_descriptor_limit()
    service = GatewayService(
        cast(IReactorTCP, reactor),
        options.settings,
        reread=options.reread,
        demo=DemoPBX(reactor) if options["demo"] else None,
        notifier=Notifier.from_environment(options.environ),
        show=_show,
        give_up=partial(end_with_fault, cast(IReactorCore, reactor)),
    )
    service.catch_hangup_signal()
    tell_plainly()
    reactor.callWhenRunning(calm)
    return service
