# SPDX-License-Identifier: GPL-2.0-or-later
"""table: what the benches print."""


def print_table(rows, measured="natd: median (least-most)"):
    """Rows of (what, measured, beside, must be or "", reached). True: all were reached."""
    head = ("what", measured, "beside", "must be")
    lines = [(*row[:3], f"{row[3]}{': reached' if row[4] else ': MISSED'}" if row[3] else "")
             for row in rows]
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(4)]
    for line in [head, tuple("-" * width for width in widths), *lines]:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
    return all(row[4] for row in rows)
