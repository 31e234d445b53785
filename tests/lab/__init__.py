# SPDX-License-Identifier: GPL-2.0-or-later
"""The laboratory: a small internet with a home in it, in network namespaces, on real programs."""

from . import ddns, dns
from .lab import (BETWEEN, CLIENT, EGRESS, GATEWAY, HOST, HOST6, LAN, LAN6, OTHER, WAN, WEB, WEB6,
                  Lab)
from .natd import BUILD, NATCTL, NATD, ROOT, STRANGER, USER, Natd
from .process import LabError, Process, children, context_switches, proc_status, pss_kib, wait_until
from .router import VARIANTS, Redirect
from .wire import Wire
