# SPDX-License-Identifier: GPL-2.0-or-later
"""natd: the daemon under test and natctl, on one machine of the laboratory."""

import json
import os
import pathlib
import shutil
import signal

from .process import LabError, children, proc_status, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(ROOT, os.environ.get("NATD_BUILD", "build"))
NATD = BUILD / "natd" / "natd"
NATCTL = BUILD / "natctl"
USER = "nobody"      # the daemon becomes him
STRANGER = "daemon"  # somebody else on the host: may ask, may not change


class Natd:
    """natd on a machine. Its socket, its state and its log are files in the machine's folder."""

    def __init__(self, node):
        if not NATD.exists() or not NATCTL.exists():
            raise LabError(f"{NATD} and {NATCTL} are not built (make; NATD_BUILD names another "
                           "folder)")
        self.node = node
        self.socket = node.folder / "run" / "natd.sock"
        self.state = node.folder / "state"
        self.config = node.folder / "natd.conf"
        self.process = None
        self.program = NATD  # another version's, in between
        for folder in (self.socket.parent, self.state):
            folder.mkdir()
            shutil.chown(folder, USER)

    def command(self, *options):
        """The command line of natd; with no configuration written, it gets none."""
        configured = ["-f", self.config] if self.config.exists() else []
        return [self.program, *configured, "-s", self.socket, "-S", self.state, "-u", USER, *options]

    def configure(self, text):
        self.config.write_text(text, encoding="utf-8")

    def forget(self):
        """As after a new installation: no state."""
        for path in self.state.iterdir():
            path.unlink()

    def start(self, config=None, wait=True, verbose=True, by=()):
        """Starts natd, with `by` before its command line; waits until natctl gets an answer."""
        if config is not None:
            self.configure(config)
        self.process = self.node.start("natd", *by, *self.command(*["-v"] * verbose))
        if wait:
            wait_until(self._answers, 10, "natd to answer")
        return self

    def _answers(self):
        if not self.process.running:
            raise LabError(f"natd ended with {self.process.wait()}:\n{self.log}")
        return self.ctl("-j", "status").returncode != 3

    def stop(self):
        """SIGTERM; returns the exit status."""
        return self.process.stop()

    def handover(self):
        """SIGUSR1, as for a restart: everything stays; returns the exit status."""
        self.process.signal(signal.SIGUSR1)
        return self.process.wait()

    def kill(self):
        """SIGKILL to all three at once, as by a power cut."""
        for pid in self.pids().values():
            os.kill(pid, 9)
        return self.process.wait()

    @property
    def log(self):
        return self.process.log if self.process else ""

    def pids(self):
        """{"natd": pid, "upnp": pid, "rules": pid}"""
        return {"natd": self.process.pid, **children(self.process.pid)}

    def proc_status(self):
        return {name: proc_status(pid) for name, pid in self.pids().items()}

    def settled(self):
        """Waits until the first round of questions is over on every path: the verdict is OK, no
        protocol is still asked, and what is worth keeping is in state.json."""
        def over():
            status = self.status()
            return (status["verdict"]["code"] == "OK"
                    and "asking" not in status["router"]["protocols"].values()
                    and (status["router"]["protocols"]["upnp"] != "ok"
                         or "service" in json.loads((self.state / "state.json").read_bytes())))

        wait_until(over, 20, "every protocol to have answered")
        return self

    # ---- natctl ----

    def ctl(self, *arguments, user=None):
        """Runs natctl; returns it with .returncode, .stdout and .stderr."""
        who = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        return self.node.run(*who, NATCTL, "-s", self.socket, *arguments, check=False)

    def json(self, *arguments):
        """What `natctl -j ...` prints, as data."""
        done = self.ctl("-j", *arguments)
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError as error:
            raise LabError(f"natctl -j {' '.join(arguments)} (status {done.returncode}) printed "
                           f"no JSON ({error}): {done.stdout!r} {done.stderr!r}") from None

    def status(self):
        return self.json("status")

    def wait_status(self, code="OK", timeout=20, **forward):
        """Waits until the verdict is `code` (None: any) and, with more arguments, a forward has
        those values: wait_status(via="pcp"). Returns the status."""
        last = {}

        def reached():
            last.clear()
            last.update(self.status())
            return ((code is None or last.get("verdict", {}).get("code") == code)
                    and (not forward or any(all(one.get(key) == value
                                                for key, value in forward.items())
                                            for one in last.get("forwards", []))))

        try:
            wait_until(reached, timeout, f"the verdict {code} {forward or ''}", every=0.05)
        except LabError as error:
            raise LabError(f"{error}; it is\n{json.dumps(last, indent=2)}\n{self.log}") from None
        return last
