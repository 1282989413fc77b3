"""
The README's commands on another Debian, with its Python: ``python -m tests.interop.other_debian trixie forky``.

Each suite gets a folder of its own by debootstrap; in it a clone of this repository's last commit is installed, a call
is made to the demo PBX, and the trial suite runs. Needs root and the network, and some minutes for each suite.
Ends with 1 when anything failed.
"""

import os
import pathlib
import shutil
import subprocess
import sys

from tests.interop.install import FOLDER, debian, debian_packages, say

PROJECT = pathlib.Path(__file__).parents[2]
PACKAGES = ("python3", "python3-venv", "ca-certificates", "git")
CERTIFICATES = pathlib.Path("etc/ssl/certs/ca-certificates.crt")
CONFIGURATIONS = ("etc/pip.conf", "etc/resolv.conf", "etc/hosts", "root/.config/pip/pip.conf")
"""What pip and the resolver need of this machine."""
COMMANDS = r"""
set -e
cd /wrtcgw
rm -rf .venv && python3 -m venv .venv && .venv/bin/pip install -q '.[demo,test]'
.venv/bin/twistd -n --pidfile= wrtcgw --demo --http-port 8097 >demo.log 2>&1 & demo=$!
trap 'kill $demo' EXIT
for second in 1 2 3 4 5 6 7 8 9 10; do grep -q softphone demo.log && break || sleep 1; done
.venv/bin/wrtcgw-client --url http://127.0.0.1:8097 --password 'Genesys2024!WebRTC' --dn 5001 --call 1003 --media
PYTHONHASHSEED=0 .venv/bin/python -m twisted.trial tests
"""


def main(suites: list[str]) -> int:
    """Run the commands on each suite; return the exit code."""
    failed = [suite for suite in suites if not _works(suite)]
    if failed:
        say(f"failed on {' and '.join(failed)}")
    return 1 if failed or not suites else 0


def _works(suite: str) -> bool:
    root = FOLDER / f"python-{suite}"
    FOLDER.mkdir(parents=True, exist_ok=True)
    debian(FOLDER, suite, root)
    if not (root / "usr/bin/git").exists():
        debian_packages(FOLDER, suite, root, "Python", *PACKAGES)
    for name in (str(CERTIFICATES), *CONFIGURATIONS):
        here, there = pathlib.Path("/", name), root / name
        if here.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(here, there)
    shutil.rmtree(root / "wrtcgw", ignore_errors=True)
    subprocess.run(("git", "clone", "--quiet", str(PROJECT), str(root / "wrtcgw")), check=True)
    mounts = [(("-t", "proc", "proc"), root / "proc"), (("--bind", "/dev"), root / "dev")]
    for options, there in mounts:
        subprocess.run(("mount", *options, str(there)), check=True)
    try:
        inside = ("chroot", str(root))
        say(
            subprocess.run((*inside, "python3", "--version"), capture_output=True, text=True, check=True).stdout.strip()
        )
        done = subprocess.run((*inside, "bash", "-c", COMMANDS), env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
    finally:
        for _, there in mounts:
            subprocess.run(("umount", "--lazy", str(there)), check=True)  # the demo may be about to end
    return done.returncode == 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m tests.interop.other_debian SUITE ... (trixie, forky)")
    sys.exit(main(sys.argv[1:]))
