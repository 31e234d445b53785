# SPDX-License-Identifier: GPL-2.0-or-later
"""bash completes natctl's commands and options."""

import subprocess

import pytest

from lab.natd import NATCTL, ROOT


def complete(line):
    words = line.split(" ")
    script = (f"source {ROOT}/natd/service/natctl.bash; COMP_WORDS=({' '.join(map(repr, words))}); "
              f"COMP_CWORD={len(words) - 1}; _natctl; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True,
                          check=True).stdout.split()


@pytest.mark.parametrize("line, expected", [
    ("natctl sta", ["status"]),
    ("natctl m", ["manual", "metrics"]),
    ("natctl -j m", ["manual", "metrics"]),
    ("natctl -s status m", ["manual", "metrics"]),
    ("natctl manual -", ["--lang", "-j"]),
    ("natctl manual --lang j", ["ja"]),
    ("natctl wan-ip -", ["-6", "--wait", "-j"]),
    ("natctl open 80/tcp --for 3", ["30m"]),
])
def test_bash(line, expected):
    assert complete(line) == expected


def test_bash_offers_every_command_that_natctl_shows():
    shown = subprocess.run([NATCTL, "-h"], capture_output=True, text=True, check=True,
                           env={"LC_ALL": "C"}).stdout
    commands = [line.split()[0] for line in shown.splitlines()
                if line.startswith("  ") and line[2].islower()]
    assert commands and [word for word in complete("natctl ") if word[0] != "-"] == commands
