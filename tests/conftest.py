"""Names in one line what was skipped and why, so that a green run on a bare machine hides nothing."""

from __future__ import annotations

from collections import Counter

import pytest

pytest_plugins = ["asked", "databases", "volumes"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] += 1
    if reasons:
        terminalreporter.write_line("not run here: " + "; ".join(f"{why} ({n})" for why, n in sorted(reasons.items())))
