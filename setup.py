"""Packaging of wrtcgw: the package lives in src/, the twistd plugin in twisted/plugins/."""

import os
import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent
# the same source makes the same wheel, byte by byte (https://reproducible-builds.org/specs/source-date-epoch/): a
# release sets its own time, and without one the files in it are of this day
os.environ.setdefault("SOURCE_DATE_EPOCH", "1795824000")
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "src/wrtcgw/__init__.py").read_text(), re.M).group(1)

OTEL = ["opentelemetry-sdk>=1.45.2", "opentelemetry-exporter-otlp-proto-http>=1.45.2"]

setup(
    name="wrtcgw",
    version=VERSION,
    description="An open alternative to the Genesys WebRTC Gateway: HTTP for the page, SIP over WebSocket for the PBX",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    package_dir={"": "src", "twisted.plugins": "twisted/plugins"},
    packages=[*find_packages("src"), "twisted.plugins"],
    package_data={
        "wrtcgw": ["py.typed"],
        "wrtcgw.browser": ["*.d.ts", "*.svg", "*/*", "*/*/*", "*/*/*/*", "*/*/*/*/*"],
    },
    exclude_package_data={"wrtcgw.browser": ["__pycache__/*"]},
    include_package_data=False,
    install_requires=[
        "twisted[tls]>=26.10.0",
        "joserfc>=1.8.0",
        "klein>=24.8.0",
        "treq>=26.7.0",
        "pyopenssl>=26.4.0",
        "service-identity>=26.1.0",
        "attrs>=26.1.0",
        "wsproto>=1.3.2",
        "prometheus-client>=0.26.0",
    ],
    extras_require={
        "bot": ["aiohttp>=3.14.5", "aiortc>=1.16.0"],
        "demo": ["aiortc>=1.16.0"],
        "redis": ["hiredis>=3.5.0"],
        "otel": OTEL,
        "test": [
            "hypothesis>=6.170.0",
            "coverage>=7.17.0",
            "aiohttp>=3.14.5",
            "hiredis>=3.5.0",
            "openapi-spec-validator>=0.9.0",
            *OTEL,
            "setuptools",
        ],
    },
    entry_points={"console_scripts": ["wrtcgw-client = wrtcgw.client:main"]},
    classifiers=[
        "Framework :: Twisted",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Topic :: Communications :: Internet Phone",
    ],
)
