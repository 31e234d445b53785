# SPDX-License-Identifier: GPL-2.0-or-later
"""System tests: the built natd on real programs, in the laboratory (tests/lab). They need root."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lab import Lab  # the path comes first


def pytest_collection_modifyitems():
    if os.geteuid() != 0:
        pytest.exit("the system tests make network namespaces: run them as root", 1)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the programs in its laboratory said."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for name, text in Lab.last_logs.items():
            report.sections.append((f"log of {name}", text[-4000:]))
    if call.when == "teardown":
        Lab.last_logs = {}
