"""`python -m benchmarks [NAME] [--seconds S] [--rounds N] [--orders N]`: run one benchmark or all and print the ratios.

The database is an embedded PostgreSQL of its own in var/bench, as durable as a production one, or DATABASE_URL's
server (then the database named there is used and filled).
"""

import argparse
import os
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.rates import Rates

BENCHMARKS = ("placing", "settling", "withdrawals", "backtest")
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Goal:
    """The ratio that must be reached, the one aimed at, and what must be reached a second whatever the floor."""

    now: float
    later: float
    a_second: float = 0.0


GOALS = {
    "placing": Goal(0.25, 0.5),
    "settling": Goal(2.0, 5.0),
    "withdrawals": Goal(0.25, 0.5, a_second=100.0),
    "backtest": Goal(0.2, 0.5),  # at most five times as long as the aggregate
}


def main(words: list[str]) -> int:
    """Run what was asked for; return 1 when a ratio is below its goal."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=BENCHMARKS)
    parser.add_argument("--seconds", type=int, default=8, help="how long each measurement takes")
    parser.add_argument("--rounds", type=int, default=3, help="floor and panel take turns this often")
    parser.add_argument("--orders", type=int, default=1_000_000, help="how many the backtest judges")
    asked = parser.parse_args(words)
    os.environ.setdefault("VAR_DIR", str(ROOT / "var" / "bench"))
    os.environ.setdefault("SANDBOX", "1")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")

    from benchmarks import ground  # noqa: PLC0415 - the environment first, then what reads it

    reached = True
    with ground.prepared():
        for name in [asked.name] if asked.name else BENCHMARKS:
            rates = _benchmark(name, asked.orders)(asked.seconds, asked.rounds)
            reached &= _report(name, rates)
    return 0 if reached else 1


def _benchmark(name: str, orders: int) -> Callable[[int, int], list[Rates]]:
    from benchmarks import backtesting, placing, settling, withdrawals  # noqa: PLC0415 - they need Django set up

    measures: dict[str, Callable[[int, int], list[Rates]]] = {
        "placing": placing.measure,
        "settling": settling.measure,
        "withdrawals": withdrawals.measure,
        "backtest": partial(backtesting.measure, orders=orders),
    }
    return measures[name]


def _report(name: str, rates: list[Rates]) -> bool:
    goal = GOALS[name]
    print(f"\n{name}: {rates[0].what}")
    for number, one in enumerate(rates, 1):
        print(f"  round {number}: panel {one.panel:8.0f}/s   floor {one.floor:8.0f}/s   ratio {one.ratio:.2f}")
    ratio = statistics.median(one.ratio for one in rates)
    verdict = "reached" if ratio >= goal.now else "MISSED"
    print(f"  median ratio {ratio:.2f}; goal {goal.now} {verdict}, aim {goal.later}")
    panel = statistics.median(one.panel for one in rates)
    if goal.a_second:
        print(f"  {panel:.0f} a second; goal {goal.a_second:.0f} {'reached' if panel >= goal.a_second else 'MISSED'}")
    for line in rates[-1].notes:
        print(f"  {line}")
    return ratio >= goal.now and panel >= goal.a_second


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
