"""
The gateway against what it is made for, on loopback.

Kamailio 5.6, rtpengine 10.5, Asterisk 22, coturn 4.6, nginx, Chromium and Firefox; what shows only pages runs against
the embedded PBX of ``--demo``.

As root on Debian 12::

    tox -e interop
    # or, with the requirements of tox.ini's [testenv:interop] installed:
    python -m tests.interop.install             # once; idempotent
    python -m twisted.trial tests.interop.suite
    python -m twisted.trial tests.interop.case_calls.KamailioCalls.test_echo     # one of them

The modules are called ``case_*``, so that ``trial tests``, which has to pass without root and without servers, does not
find them: it neither runs them nor counts them as skipped. Without root they fail with an error that says so.

Everything is kept in ``WRTCGW_INTEROP_DIR`` (``/var/tmp/wrtcgw-interop``): the installed Asterisk, and in ``run/`` the
configuration files, certificates and logs of the last run, in ``demo-<pid>/`` those of the cases with the embedded PBX,
in ``screenshots/`` pictures of all pages, which are there to be looked at. The servers get free ports, run the
files of ``conf/``, and are ended by process id. Media needs one address of the machine beside loopback, because
neither Asterisk nor Chromium offers loopback addresses in ICE.
"""
