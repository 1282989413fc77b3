"""
The console command ``wrtcgw-client``: tries a gateway out, one step after the other.

It does over HTTP what a page does, so what it reports is what agents will see. With ``--media`` it also brings the
browser's part: a stream with a tone, and an ear for it.
"""

import argparse
import getpass
import math
import os
import re
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO, cast
from urllib.parse import urlsplit

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorCore, IReactorFromThreads, IReactorTime
from twisted.internet.task import react
from twisted.web.client import Agent

from wrtcgw import __version__
from wrtcgw.clientlib.api import GatewayAPI
from wrtcgw.clientlib.explain import TOKEN_VARIABLE, explain, operator_token
from wrtcgw.clientlib.hashing import HashToken
from wrtcgw.clientlib.output import EXIT_CODES, Exit, Report
from wrtcgw.clientlib.scenario import Plan, Walk
from wrtcgw.clientlib.sound import NoSound, Sound, ToneSound
from wrtcgw.demo.media import Media, MediaUnavailableError, open_media
from wrtcgw.demo.tone import CALLER_HZ

PASSWORD_VARIABLE = "WRTCGW_PASSWORD"

EXAMPLES = f"""\
the password comes from --password-file, from the variable {PASSWORD_VARIABLE}, or from a prompt.

examples:
  wrtcgw-client --dn 5001 --call 1003 --media
      call the echo of the demo PBX with real media, and listen for our own tone
  wrtcgw-client --dn 5001 --call 1007 --dtmf 1234 --hold
      signalling only: digits, hold, resume, hang up
  wrtcgw-client --dn 5001 --call 1005 --expect 486
      succeeds when the number is busy
  wrtcgw-client --url https://gw.example.org --dn 5002 --wait --patience 60
      answer the next call
  wrtcgw-client --dn 5001 --call 5002 --consult 5003
      attended transfer: call 5002, then 5003, then connect the two
  wrtcgw-client --explain Mbs2DB6QlG2BdXhi3oL_BQ
      what happened in that call, step by step

{EXIT_CODES}"""


def _gateway(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise argparse.ArgumentTypeError("expected a URL like https://gw.example.org")
    return text


def _filled(text: str) -> str:
    """Refuse what an unset variable of a script leaves: without its number a call would just not be made."""
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a value, found an empty one")
    return text


def _number(low: float, what: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text) if re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", text) else math.nan
        if not low <= value < math.inf:
            raise argparse.ArgumentTypeError(f"expected {what} from {low:g}, found {text!r}")
        return value

    return read


def _failure(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 300 <= int(text) <= 699):
        raise argparse.ArgumentTypeError(f"expected a SIP code from 300 to 699, found {text!r}")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(
        prog="wrtcgw-client",
        description="Try a wrtcgw gateway out: sign in, call, and report every step.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = result.add_argument
    add("--version", action="version", version=f"wrtcgw-client {__version__}")
    about = "make an operator's token, or read one from standard input; show its hash for operator_tokens, and exit"
    add("--hash-token", action=HashToken, nargs=0, help=about)
    add("--url", type=_gateway, default="http://127.0.0.1:8082", help="the gateway (default: %(default)s)")
    add("--dn", type=_filled, help="the number to sign in with")
    add("--id", dest="agent_id", type=_filled, help="the agent's id (default: client- and the number)")
    secret = result.add_mutually_exclusive_group()
    secret.add_argument("--password-file", metavar="FILE", help="file with the password in its first line, - for stdin")
    secret.add_argument("--password", help="the password itself; other users of this machine can see it")
    what = result.add_mutually_exclusive_group()
    what.add_argument("--call", type=_filled, metavar="NUMBER", help="call this number")
    what.add_argument("--wait", action="store_true", help="wait for a call and answer it")
    about = "tell what happened in a call, by its id, Call-ID or X-Genesys-CallUUID; as an operator, without --dn"
    what.add_argument("--explain", type=_filled, metavar="CALL", help=about)
    about = f"file with an operator's token, for --explain; otherwise the variable {TOKEN_VARIABLE}"
    add("--operator-token-file", metavar="FILE", help=about)
    add("--expect", type=_failure, default=0, metavar="CODE", help="the call is to fail with this SIP code")
    add("--dtmf", type=_filled, metavar="DIGITS", help="send these digits during the call")
    add("--hold", action="store_true", help="hold the call and resume it")
    seconds = _number(0, "seconds")
    add("--talk", type=seconds, default=0.0, metavar="SECONDS", help="stay in the call for so long")
    where = result.add_mutually_exclusive_group()
    where.add_argument("--transfer", type=_filled, metavar="NUMBER", help="end with a blind transfer")
    where.add_argument("--consult", type=_filled, metavar="NUMBER", help="end with an attended transfer to this number")
    add("--media", action="store_true", help="with sound: play a tone and report whether it comes back")
    hertz = _number(50, "a frequency")
    add("--listen-for", type=hertz, default=CALLER_HZ, metavar="HZ", help="listen for another tone than our own")
    add(
        "--patience",
        type=seconds,
        default=20.0,
        metavar="SECONDS",
        help="longest wait in a step (default: %(default)s)",
    )
    return result


def plan_of(options: argparse.Namespace, password: str) -> Plan:
    """Return what the options ask for."""
    return Plan(
        dn=options.dn,
        password=password,
        call=options.call or "",
        wait=options.wait,
        expect=options.expect,
        digits=options.dtmf or "",
        hold=options.hold,
        talk=options.talk,
        transfer=options.transfer or "",
        consult=options.consult or "",
        tone=options.listen_for if options.media else 0.0,
        patience=options.patience,
    )


def read_password(options: argparse.Namespace, stdin: TextIO) -> str:
    """
    Return the password from wherever it is.

    :raises ValueError: saying where it could come from.
    """
    if options.password is not None:
        return str(options.password)
    if options.password_file == "-":
        return stdin.readline().rstrip("\r\n")
    if options.password_file is not None:
        try:
            with Path(options.password_file).open(encoding="utf-8") as file:
                return file.readline().rstrip("\r\n")
        except OSError as error:
            raise ValueError(f"--password-file: {error}") from error
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE]
    if not stdin.isatty():
        raise ValueError(f"no password: use --password-file or the variable {PASSWORD_VARIABLE}")
    return getpass.getpass(f"password of {options.dn}: ")


async def walk(
    reactor: object,
    options: argparse.Namespace,
    plan: Plan,
    stream: TextIO,
    opening: Callable[[IReactorFromThreads], Media] = open_media,
) -> Exit:
    """
    Carry out the plan and return the exit code.

    :param opening: starts the media thread.
    """
    report = Report(stream)
    clock = cast(IReactorTime, reactor)
    media: Media | None = None
    if plan.tone:
        try:
            media = opening(cast(IReactorFromThreads, reactor))
        except MediaUnavailableError as error:
            report.failed("media", str(error), 0.0)
            return Exit.NO_MEDIA

    def new_sound() -> Sound:
        return NoSound() if media is None else ToneSound(media, plan.tone)

    agent = Agent(reactor, connectTimeout=plan.patience)
    api = GatewayAPI(options.url, options.agent_id or f"client-{options.dn}", HTTPClient(agent), clock)
    try:
        return await Walk(plan=plan, api=api, clock=clock, report=report, new_sound=new_sound).run()
    finally:
        if media is not None:
            await media.stop()


def told(options: argparse.Namespace, reactor: object) -> "Deferred[None]":
    """Explain a call and exit."""

    async def work() -> None:
        try:
            token = operator_token(options.operator_token_file)
        except (OSError, UnicodeDecodeError) as error:
            print(f"--operator-token-file: {error}", file=sys.stderr)
            raise SystemExit(int(Exit.USAGE)) from error
        http, patience = HTTPClient(Agent(reactor, connectTimeout=options.patience)), options.patience
        clock = cast(IReactorTime, reactor)
        code = await explain(http, clock, options.url, token, options.explain, patience=patience, stream=sys.stdout)
        raise SystemExit(int(code))

    return Deferred.fromCoroutine(work())


def until_stopped(reactor: IReactorCore, work: Coroutine[Deferred[object], object, Exit]) -> "Deferred[None]":
    """Do the work and exit with its code; when the reactor is stopped meanwhile (Ctrl-C), let the work clean up."""

    async def run() -> None:
        try:
            code = await work
        except CancelledError:
            code = Exit.INTERRUPTED
        raise SystemExit(int(code))

    working = Deferred.fromCoroutine(run())

    def stopped() -> "Deferred[None]":
        over: Deferred[None] = Deferred()

        def done(result: object) -> object:
            over.callback(None)
            return result

        working.addBoth(done)
        working.cancel()
        return over

    reactor.addSystemEventTrigger("before", "shutdown", stopped)
    return working


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; does not return."""
    command = parser()
    options = command.parse_args(arguments)
    if (options.media or options.dtmf or options.hold or options.expect) and not (options.call or options.wait):
        command.error("--call NUMBER or --wait is needed for that")
    if options.explain:
        react(partial(told, options))
    if not options.dn:
        command.error("the following arguments are required: --dn")
    try:
        plan = plan_of(options, read_password(options, sys.stdin))
    except ValueError as error:
        command.error(str(error))

    def start(reactor: object) -> "Deferred[None]":
        return until_stopped(cast(IReactorCore, reactor), walk(reactor, options, plan, sys.stdout))

    react(start)


if __name__ == "__main__":
    main()
