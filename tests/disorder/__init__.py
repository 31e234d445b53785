# SPDX-License-Identifier: GPL-2.0-or-later
"""disorder: everything that can happen to natd, and what must be so again afterwards: tests/chaos."""
