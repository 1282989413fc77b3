"""
The packages, really built and started: ``python -m tests.interop.packages wheel image deb compose kubernetes unit``.

Without a name all of them. As root on Debian 12; installs what it needs from there, but for kubectl: without it the
manifests are left out, and it says so. The Debian that image and package stand on is made by debootstrap, and
pip is configured in it as on this machine. Ends with 1 when anything failed. It takes some minutes.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from urllib.request import urlopen

import jsonschema
import yaml

from tests.interop.apt import mirror
from tests.interop.install import FOLDER, debian, debian_packages, package_tools, say
from tests.interop.processes import free_ports
from tests.interop.servers import PASSWORD
from wrtcgw.config import Settings
from wrtcgw.drain_command import SPARE

HERE = pathlib.Path(sys.executable).parent
"""Where the programs of this environment are."""
PROJECT = pathlib.Path(__file__).parents[2]
CONF = PROJECT / "conf"
SUITE = "bookworm"
BASE, IMAGE = "localhost/wrtcgw-debian:bookworm", "localhost/wrtcgw:test"
OF_THIS_MACHINE = ("etc/pip.conf", "etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt")
"""What pip and the resolver need of it."""
MOST_EXPOSED = 2.0
KUBERNETES = "1.30"
MONITOR = PROJECT / "tests/data/kubernetes/servicemonitor.schema.json"
"""A schema of our own for ServiceMonitor, which is the Prometheus operator's and not Kubernetes' own."""


def run(*command: str, cwd: pathlib.Path = PROJECT, env: Mapping[str, str] | None = None) -> str:
    """Run a command; return its output, or raise with it."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds:g} s"
        time.sleep(0.2)


@contextlib.contextmanager
def mounted(*mounts: tuple[tuple[str, ...], pathlib.Path]) -> Iterator[None]:
    """Mount these for a while."""
    with contextlib.ExitStack() as stack:
        for options, there in mounts:
            there.mkdir(parents=True, exist_ok=True)
            run("mount", *options, str(there))
            if not options[-1].startswith("remount"):
                stack.callback(run, "umount", "--lazy", str(there))
        yield


@contextlib.contextmanager
def started(
    *command: str, log: pathlib.Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for a while; it has to end properly."""
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out, env=env)
        try:
            yield server
            server.terminate()
            assert server.wait(30) in (0, -15), log.read_text()[-3000:]
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()


@contextlib.contextmanager
def demo_pbx(folder: pathlib.Path) -> Iterator[Mapping[str, str]]:
    """Run the demo's PBX; give what a gateway needs to know of it."""
    log = folder / "demo.log"
    twistd, port = HERE / "twistd", str(free_ports(1)[0])
    command = (str(twistd), "-n", "--pidfile=", "wrtcgw", "--demo", "--http-port", port)
    with started(*command, log=log, env={**os.environ, "PYTHONPATH": str(PROJECT / "src") + ":" + str(PROJECT)}):
        pattern = re.compile(r"for domain (\S+) by (ws://\S+)")
        until(lambda: pattern.search(log.read_text()) is not None, "the demo")
        found = pattern.search(log.read_text())
        assert found is not None
        yield {"SIP_DOMAIN": found[1], "SIP_WS_SERVER": found[2]}


def first_call(url: str, tools: pathlib.Path = HERE) -> None:
    """Make a call by a gateway, with the client of an environment."""
    until(lambda: answers(url), f"{url}/api/health")
    run(str(tools / "wrtcgw-client"), "--url", url, "--password", PASSWORD, "--dn", "5001", "--call", "1003")


def answers(url: str) -> bool:
    """Return whether a gateway is there and has its connection."""
    try:
        with urlopen(f"{url}/api/health", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def sources(folder: pathlib.Path) -> pathlib.Path:
    """Return a copy of what git knows, as a clone would have it, with what is not committed yet."""
    there = folder / "sources"
    shutil.rmtree(there, ignore_errors=True)
    names = run("git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in names:
        if (PROJECT / name).is_file():
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, there / name)
    return there


def base(folder: pathlib.Path) -> pathlib.Path:
    """Return a minimal Debian that pip and apt work in as on this machine."""
    root = folder / f"packages-{SUITE}"
    debian(folder, SUITE, root)
    if not (root / "etc/ssl/certs").is_dir():
        # before this machine's own authorities are put in, which the package would take out again
        debian_packages(folder, SUITE, root, "certificates", "ca-certificates")
    (root / "etc/apt/sources.list").write_text(f"deb {mirror(SUITE)} {SUITE} main\n")
    for name in OF_THIS_MACHINE:
        if pathlib.Path("/", name).exists():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(pathlib.Path("/", name), root / name)
    return root


# -- what there is


def image(folder: pathlib.Path) -> None:
    """Build the image on a Debian of our own, and start it: not as root, on a root that cannot be written to."""
    isolated = {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs"}
    root = base(folder)
    container = run("buildah", "from", "scratch", env=isolated).strip()
    run("buildah", "copy", "--quiet", container, str(root), "/", env=isolated)
    run("buildah", "commit", "--quiet", "--rm", container, BASE, env=isolated)
    shared = [
        f"--volume={path}:{path}:ro"
        for path in ("/opt/pypi", "/opt/pypi-more", "/opt/wheels")
        if pathlib.Path(path).is_dir()
    ]
    build = ("buildah", "build", "--format", "docker", "--target", "wrtcgw", "--build-arg", f"DEBIAN={BASE}")
    revision = run("git", "rev-parse", "HEAD").strip()
    context = str(sources(folder))
    run(
        *build,
        "--build-arg",
        f"REVISION={revision}",
        *shared,
        "-f",
        "conf/Dockerfile",
        "-t",
        IMAGE,
        context,
        env=isolated,
    )
    about = json.loads(run("buildah", "inspect", "--type", "image", IMAGE, env=isolated))["Docker"]["config"]
    labels = about["Labels"]
    assert (about["User"], about["StopSignal"]) == ("10001:10001", "SIGTERM"), about
    assert labels["org.opencontainers.image.licenses"] == "MIT", labels
    assert labels["org.opencontainers.image.revision"] == revision, labels
    assert "/api/health" in str(about["Healthcheck"]["Test"]), about
    container = run("buildah", "from", IMAGE, env=isolated).strip()
    try:
        tree = run("buildah", "mount", container, env=isolated).strip()
        in_image(folder, pathlib.Path(tree))
    finally:
        run("buildah", "rm", container, env=isolated)


def in_image(folder: pathlib.Path, tree: pathlib.Path) -> None:
    """Start what is in an image's tree as a container would, make a call by it, and ask its health check."""
    root, (port,) = folder / "image-root", free_ports(1)
    mounts = (
        (("--bind", str(tree)), root),
        (("-o", "remount,bind,ro"), root),
        (("-t", "proc", "proc"), root / "proc"),
        (("--bind", "/dev"), root / "dev"),
        (("-t", "tmpfs", "tmpfs"), root / "tmp"),
        (("-t", "tmpfs", "-o", "uid=10001", "tmpfs"), root / "var/lib/wrtcgw"),
    )
    inside = ("chroot", "--userspec=10001:10001", str(root))
    with demo_pbx(folder) as known, mounted(*mounts):
        env = {"PATH": "/opt/wrtcgw/bin:/usr/sbin:/usr/bin:/bin", "HTTP_PORT": str(port), **known}
        command = ("env", "-C", "/var/lib/wrtcgw", "twistd", "--nodaemon", "--pidfile=", "wrtcgw")
        begun = time.monotonic()
        with started(*inside, *command, log=folder / "image.log", env=env):
            first_call(f"http://127.0.0.1:{port}")
            say(f"image: {time.monotonic() - begun:.0f} s to the first call")
            health = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{port}/api/health', timeout=4)"
            run(*inside, "/opt/wrtcgw/bin/python", "-c", health)
            try:
                run(*inside, "touch", "/opt/wrtcgw/written")
            except AssertionError as refused:
                assert "Read-only file system" in str(refused), refused
            else:
                raise AssertionError("the root can be written to")


def deb(folder: pathlib.Path) -> None:
    """Build the package in one Debian, install it in another one, and make a call by what it has installed."""
    built, fresh = folder / "deb-build", folder / "deb-fresh"
    for root in (built, fresh):
        shutil.rmtree(root, ignore_errors=True)
        run("cp", "-a", str(base(folder)), str(root))  # which copies devices as such
    shutil.copytree(sources(folder), built / "wrtcgw")
    shared = [
        (("--bind", path), built / path[1:])
        for path in ("/opt/pypi", "/opt/pypi-more", "/opt/wheels")
        if pathlib.Path(path).is_dir()
    ]
    with mounted((("-t", "proc", "proc"), built / "proc"), (("--bind", "/dev"), built / "dev"), *shared):
        inside = ("chroot", str(built))
        run(*inside, "apt-get", "update")
        run(
            *inside,
            "apt-get",
            "install",
            "-y",
            "--no-install-recommends",
            "python3-venv",
            env={"DEBIAN_FRONTEND": "noninteractive"},
        )
        run(*inside, "sh", "/wrtcgw/conf/debian/build", "/")
    (package,) = built.glob("wrtcgw_*.deb")
    shutil.copy(package, fresh)
    (port,) = free_ports(1)
    with (
        mounted((("-t", "proc", "proc"), fresh / "proc"), (("--bind", "/dev"), fresh / "dev")),
        demo_pbx(folder) as known,
    ):
        inside = ("chroot", str(fresh))
        run(*inside, "apt-get", "update")
        begun = time.monotonic()
        run(
            *inside,
            "apt-get",
            "install",
            "-y",
            "--no-install-recommends",
            f"/{package.name}",
            env={"DEBIAN_FRONTEND": "noninteractive"},
        )
        owner = run(*inside, "stat", "-c", "%U:%G %a", "/etc/wrtcgw/wrtcgw.toml").strip()
        assert owner == "root:wrtcgw 640", owner
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HTTP_PORT": str(port), **known}
        configured = (
            "/opt/wrtcgw/bin/twistd",
            "--nodaemon",
            "--pidfile=",
            "wrtcgw",
            "--config",
            "/etc/wrtcgw/wrtcgw.toml",
        )
        as_user = ("chroot", "--userspec=wrtcgw:wrtcgw", str(fresh))
        with started(*as_user, "env", "-C", "/tmp", *configured, log=folder / "deb.log", env=env):
            first_call(f"http://127.0.0.1:{port}")
            say(f"deb: {time.monotonic() - begun:.0f} s from apt install to the first call")
        run(*inside, "apt-get", "purge", "-y", "wrtcgw", env={"DEBIAN_FRONTEND": "noninteractive"})
        assert not (fresh / "opt/wrtcgw").exists(), "the package leaves something behind"


def wheel(folder: pathlib.Path) -> None:
    """Build the wheel, install it into an empty environment, and make the demo's first call as README has it."""
    there = folder / "wheel"
    shutil.rmtree(there, ignore_errors=True)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(there), str(sources(folder)))
    (built,) = there.glob("*.whl")
    begun = time.monotonic()
    run(sys.executable, "-m", "venv", str(there / "venv"))
    inside = there / "venv/bin"
    run(str(inside / "pip"), "install", "-q", f"{built}[demo]", cwd=there)
    installed = time.monotonic()
    (port,) = free_ports(1)
    command = (str(inside / "twistd"), "-n", "--pidfile=", "wrtcgw", "--demo", "--http-port", str(port))
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with started(*command, log=folder / "wheel.log", env=env):
        first_call(f"http://127.0.0.1:{port}", inside)
    say(
        f"wheel: {installed - begun:.0f} s to install, "
        f"{time.monotonic() - installed:.0f} s to the first call and the end"
    )


def compose(folder: pathlib.Path) -> None:
    """
    Hold the compose file to its schema, and run what it says of the gateway and of Redis without any containers.

    Only ports are others than there, and the demo's PBX stands for Kamailio and Asterisk.
    """
    file = CONF / "docker-compose.yml"
    run("docker-compose", "-f", str(file), "config", "--quiet")
    services = yaml.safe_load(file.read_text())["services"]
    port, redis = free_ports(2)
    data = folder / "compose-redis"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    store = (*services["redis"]["command"], "--port", str(redis), "--dir", str(data))
    twistd = str(HERE / "twistd")
    with demo_pbx(folder) as known, started(*store, log=folder / "compose-redis.log"):
        said = {**services["wrtcgw"]["environment"], **known, "HTTP_PORT": str(port)}
        said["WRTCGW_STATE_STORE"] = said["WRTCGW_STATE_STORE"].replace("6379", str(redis))
        env = {**os.environ, **said, "PYTHONPATH": f"{PROJECT / 'src'}:{PROJECT}"}
        begun = time.monotonic()
        with started(twistd, "-n", "--pidfile=", "wrtcgw", log=folder / "compose.log", env=env):
            first_call(f"http://127.0.0.1:{port}")
            say(f"compose: {time.monotonic() - begun:.0f} s to the first call")
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as metrics:
                assert b"wrtcgw_store_up 1.0" in metrics.read(), "the metrics know nothing of the store"


def kubernetes(folder: pathlib.Path) -> None:
    """Render both overlays, hold what comes of them to the schemas of Kubernetes, and look for what has to be there."""
    if shutil.which("kubectl") is None:
        say("kubernetes: left out, there is no kubectl here")
        return
    for overlay in ("small", "large"):
        rendered = folder / f"kubernetes-{overlay}.yaml"
        rendered.write_text(run("kubectl", "kustomize", str(CONF / "kubernetes/overlays" / overlay)))
        validate = str(HERE / "kubernetes-validate")
        run(validate, "--strict", "--no-warn", "-k", KUBERNETES, str(rendered))
        parts = {each["kind"]: each for each in yaml.safe_load_all(rendered.read_text())}
        assert parts["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1, parts["PodDisruptionBudget"]
        pod = parts["Deployment"]["spec"]["template"]["spec"]
        (gateway,) = pod["containers"]
        assert gateway["readinessProbe"]["httpGet"]["path"] == "/api/ready", gateway
        found = re.search(r"--drain --drain-limit (\d+) \|\| sleep (\d+)", str(gateway["lifecycle"]["preStop"]))
        assert found is not None, gateway
        patience = int(found[1]) + SPARE + int(found[2]) + Settings().drain_timeout
        assert patience < pod["terminationGracePeriodSeconds"], pod
    monitor, scaler = parts["ServiceMonitor"], parts["HorizontalPodAutoscaler"]
    jsonschema.validate(monitor, json.loads(MONITOR.read_text()))
    (port,) = parts["Service"]["spec"]["ports"]
    assert monitor["spec"]["endpoints"][0]["port"] == port["name"], monitor
    by_agents = [each["pods"]["metric"]["name"] for each in scaler["spec"]["metrics"] if each["type"] == "Pods"]
    assert by_agents == ["wrtcgw_agents"], scaler


def unit(folder: pathlib.Path) -> None:
    """Ask systemd how much the unit is exposed to."""
    said = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(CONF / "wrtcgw.service"))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= MOST_EXPOSED, said


PACKAGES: Mapping[str, Callable[[pathlib.Path], None]] = {
    each.__name__: each for each in (unit, compose, kubernetes, wheel, image, deb)
}


def main(names: list[str]) -> int:
    """Build what is named, or everything; return the exit code."""
    package_tools(FOLDER)
    failed = []
    for name in names or PACKAGES:
        begun = time.monotonic()
        try:
            PACKAGES[name](FOLDER)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            failed.append(name)
            say(f"{name}: failed: {error}")
        else:
            say(f"{name}: fine, {time.monotonic() - begun:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
