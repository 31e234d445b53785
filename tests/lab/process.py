# SPDX-License-Identifier: GPL-2.0-or-later
"""process: a program that runs in the background, with its log."""

import os
import re
import signal
import subprocess
import time


class LabError(AssertionError):
    """Something in the laboratory did not happen in time, or a program of it failed."""


# Deadlines here are for what never comes. A machine that is busy with something else may take this
# many times as long as an idle one, and no test fails for it.
PATIENCE = int(os.environ.get("NATD_PATIENCE", "4"))


def wait_until(condition, timeout=10, what="a condition", every=0.02):
    """Returns the first true value of condition(); LabError after `timeout` seconds of an idle
    machine."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"waited {timeout} s in vain for {what}")
        time.sleep(every)


class Process:
    """A background program. Its standard output and error go to one log file."""

    def __init__(self, name, command, log_path, env=None):
        self.name = name
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                          stderr=log, env=env, start_new_session=True)

    @property
    def pid(self):
        return self.popen.pid

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    @property
    def running(self):
        return self.popen.poll() is None

    def wait_log(self, pattern, timeout=10):
        """Waits for a line of the log that matches; returns the match."""
        def seen():
            match = re.search(pattern, self.log, re.MULTILINE)
            if not match and not self.running:
                match = re.search(pattern, self.log, re.MULTILINE)
                if not match:
                    raise LabError(f"{self.name} ended with {self.popen.returncode} and never "
                                   f"said /{pattern}/:\n{self.log}")
            return match

        try:
            return wait_until(seen, timeout, f"{self.name} to say /{pattern}/")
        except LabError as error:
            raise LabError(f"{error}; it said:\n{self.log}") from None

    def wait(self, timeout=10):
        """Waits for its end; returns the exit status (negative: the signal)."""
        try:
            return self.popen.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name} did not end within {timeout} s:\n{self.log}") from None

    def signal(self, number):
        if self.running:
            self.popen.send_signal(number)

    def stop(self, timeout=10):
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()


def proc_status(pid):
    """/proc/PID/status as a dict: {"CapEff": "0000000000000000", "Seccomp": "2", ...}."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)


def children(pid):
    """{name: pid} of the direct children of `pid`."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as listing:
        pids = [int(child) for child in listing.read().split()]
    return {proc_status(child)["Name"]: child for child in pids}


def pss_kib(pid):
    """Memory that belongs to a process, pages it shares divided among those who share them."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))


def context_switches(pid):
    """How often a process went to sleep by itself: once for each time it was woken."""
    return int(proc_status(pid)["voluntary_ctxt_switches"])
