"""
Install the servers of the interop tests: ``python -m tests.interop.install``.

Kamailio, rtpengine, nginx, coturn, Prometheus, SIPp, sipvicious, Chromium and Firefox come from the machine's own
Debian; Asterisk, which Debian 12 does not carry, comes from a newer suite by debootstrap into a folder of its own;
axe-core, which looks for barriers in pages, an OpenID Connect provider, TypeScript, which reads the library's types,
and esbuild, which bundles it, come from npm. All is idempotent: what is there is left alone.
Downloads are tried three times, each with a time limit. Needs root.
"""

import fcntl
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from attrs import frozen

from tests.interop.apt import NoMirrorError, mirror, without_hosts

FOLDER = pathlib.Path(os.environ.get("WRTCGW_INTEROP_DIR", "/var/tmp/wrtcgw-interop"))
SUITE = os.environ.get("WRTCGW_INTEROP_SUITE", "forky")
HOST_PACKAGES = {
    "debootstrap": "/usr/sbin/debootstrap",
    "kamailio": "/usr/sbin/kamailio",
    "kamailio-websocket-modules": "kamailio/modules/websocket.so",
    "kamailio-tls-modules": "kamailio/modules/tls.so",
    "rtpengine-daemon": "/usr/bin/rtpengine",
    "nginx-light": "/usr/sbin/nginx",
    "haproxy": "/usr/sbin/haproxy",
    "apache2": "/usr/sbin/apache2",
    "caddy": "/usr/bin/caddy",
    "curl": "/usr/bin/curl",
    "chromium": "/usr/bin/chromium",
    "firefox-esr": "/usr/bin/firefox-esr",
    "coturn": "/usr/bin/turnserver",
    "redis-server": "/usr/bin/redis-server",
    "prometheus": "/usr/bin/prometheus",
    "logrotate": "/usr/sbin/logrotate",
    "tshark": "/usr/bin/tshark",
    "sip-tester": "/usr/bin/sipp",
    "sipvicious": "/usr/bin/svmap",
    "nodejs": "/usr/bin/node",
    "npm": "/usr/bin/npm",
}
PACKAGE_TOOLS = {
    "buildah": "/usr/bin/buildah",
    "debootstrap": "/usr/sbin/debootstrap",
    "docker-compose": "/usr/bin/docker-compose",
    "redis-server": "/usr/bin/redis-server",
}
"""For :mod:`tests.interop.packages`."""
NODE_PACKAGES = {
    "axe-core": "4.14.1",
    "esbuild": "0.28.2",
    "genesys-workspace-client-js": "9.0.1",
    "hep-js": "1.0.22",
    "oidc-provider": "9.13.3",
    "typescript": "7.0.2",
}
"""What comes from npm, at which version; no script of a package is run."""
ASTERISK_PACKAGES = ("asterisk", "asterisk-core-sounds-en-gsm")
ATTEMPTS = 3
PAUSE = 5.0
"""Seconds before a failed download is tried again; doubled each time."""
TIME_LIMIT = 900.0
APT_OPTIONS = ("-y", "--no-install-recommends", "-o", "Acquire::Retries=2", "-o", "Dpkg::Use-Pty=0")
NO_SERVICES = pathlib.Path("usr/sbin/policy-rc.d")


class InstallError(Exception):
    """The environment of the interop tests cannot be set up; the text says why and what helps."""


@frozen
class Installation:
    """What is installed and where: the chroot of Asterisk and the folder that everything is kept in."""

    folder: pathlib.Path
    chroot: pathlib.Path


def say(text: str) -> None:
    """Print one progress line at once: installing takes minutes on a slow line."""
    print(f"interop: {text}", file=sys.stderr, flush=True)


def install(folder: pathlib.Path = FOLDER) -> Installation:
    """Install what is missing and tell where it is."""
    if os.geteuid() != 0:
        raise InstallError("the interop tests install and start servers (apt, debootstrap, chroot): run them as root")
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "install.lock"):
        _host_packages(folder, HOST_PACKAGES)
        _node_packages(folder)
        return Installation(folder, _asterisk(folder))


def package_tools(folder: pathlib.Path) -> None:
    """Install what builds and runs the packages, if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "install.lock"):
        _host_packages(folder, PACKAGE_TOOLS)


@contextmanager
def _locked(path: pathlib.Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _host_packages(folder: pathlib.Path, wanted: Mapping[str, str]) -> None:
    missing = [name for name, path in wanted.items() if not _installed(path)]
    if not missing:
        return
    with _no_services(pathlib.Path("/")):
        _download("the package lists", folder, ("apt-get", "update"))
        _download(" ".join(missing), folder, ("apt-get", "install", *APT_OPTIONS, *missing))


def _installed(path: str) -> bool:
    """Return whether the program or module that a package was wanted for is there, whoever provided it."""
    if path.startswith("/"):
        return os.access(path, os.X_OK)
    return any(pathlib.Path("/usr/lib", triplet, path).exists() for triplet in (f"{platform.machine()}-linux-gnu", ""))


def node_package(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Return where a package from npm is; the version is a part of it, so that another one is installed anew."""
    return folder / f"npm-{name}-{NODE_PACKAGES[name]}" / "node_modules" / name


def _node_packages(folder: pathlib.Path) -> None:
    options = ("--ignore-scripts", "--no-save", "--no-package-lock", "--no-audit", "--no-fund")
    for name, version in NODE_PACKAGES.items():
        there = node_package(folder, name)
        if not (there / "package.json").exists():
            command = ("npm", "install", *options, "--prefix", str(there.parents[1]), f"{name}@{version}")
            _download(f"{name} {version}", folder, command, clean=there.parents[1])


@contextmanager
def _no_services(root: pathlib.Path) -> Iterator[None]:
    """Keep dpkg from starting what it installs: the servers here are ours to start, on ports of our own."""
    policy = root / NO_SERVICES
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def debian(folder: pathlib.Path, suite: str, root: pathlib.Path) -> None:
    """Make a minimal Debian of a suite in ``root``, unless it is there."""
    if (root / "usr/bin/apt-get").exists():
        return
    unfinished = root.with_suffix(".unfinished")
    # bookworm's debootstrap may not know the newer suite's name; every suite since uses sid's script
    scripts = "/usr/share/debootstrap/scripts/sid"
    command = ("debootstrap", "--variant=minbase", suite, str(unfinished), mirror(_codename()), scripts)
    _download(f"a minimal Debian {suite}", folder, command, clean=unfinished)
    # they name the mirror
    for log in (unfinished / "var/log/bootstrap.log", unfinished / "debootstrap/debootstrap.log"):
        log.unlink(missing_ok=True)
    unfinished.rename(root)


def debian_packages(folder: pathlib.Path, suite: str, root: pathlib.Path, what: str, *packages: str) -> None:
    """Install packages in the Debian of ``root``, and leave no list of packages there."""
    lists = root / "etc/apt/sources.list"
    lists.write_text(f"deb {mirror(_codename())} {suite} main\n")
    inside = ("chroot", str(root), "apt-get")
    try:
        with _no_services(root):
            # a mirror's Release file may look expired to a machine whose clock runs ahead
            _download("its package lists", folder, (*inside, "-o", "Acquire::Check-Valid-Until=false", "update"))
            _download(what, folder, (*inside, "install", *APT_OPTIONS, *packages))
    finally:
        lists.write_text("")
    subprocess.run((*inside, "clean"), check=True)
    shutil.rmtree(root / "var/lib/apt/lists")


def _asterisk(folder: pathlib.Path) -> pathlib.Path:
    root = folder / f"asterisk-{SUITE}"
    debian(folder, SUITE, root)
    if not (root / "usr/sbin/asterisk").exists():
        debian_packages(folder, SUITE, root, "Asterisk", *ASTERISK_PACKAGES)
    return root


def _codename() -> str:
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def _download(what: str, folder: pathlib.Path, command: Sequence[str], clean: pathlib.Path | None = None) -> None:
    """Run a command that needs the network, within bounds: so many attempts, each with a time limit."""
    for attempt in range(1, ATTEMPTS + 1):
        if clean is not None:
            shutil.rmtree(clean, ignore_errors=True)
        say(f"installing {what} (attempt {attempt} of {ATTEMPTS})")
        started = time.monotonic()
        output, status = _run(command)
        with (folder / "install.log").open("a") as log:
            log.write(without_hosts(output))
        if status == 0:
            say(f"done in {time.monotonic() - started:.0f} s")
            return
        say(f"failed with status {status}")
        time.sleep(PAUSE * 2 ** (attempt - 1) if attempt < ATTEMPTS else 0)
    tail = "\n".join(without_hosts(output).splitlines()[-15:])
    raise InstallError(f"installing {what} failed {ATTEMPTS} times, log {folder / 'install.log'}; it ends with\n{tail}")


def _run(command: Sequence[str]) -> tuple[str, int]:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIME_LIMIT,
            check=False,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or ""
        return (output.decode(errors="replace") if isinstance(output, bytes) else output), -1
    return done.stdout, done.returncode


if __name__ == "__main__":
    try:
        say(f"all installed in {install().folder}")
    except (InstallError, NoMirrorError) as problem:
        sys.exit(f"interop: {problem}")
