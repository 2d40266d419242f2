"""Attack the program as its tests do, with new random choices, and count.

    python benchmarks/attacks.py [--rounds 3] [--seed 1] [--keep]

Vendors' answers are damaged, disks are full to the last byte, archives and old files are forged. The attacks are those
of the tests; here the damages are drawn anew in each round. (Kills and flipped bits: kills.py, flips.py.)
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent / "wheel_assets_tests"
ATTACKS = {
    "damaged answers": ("fetch/test_mutated_payloads.py", "fetch/test_mutated_brokers.py"),
    "full disks": ("cache/test_full_disk.py",),
    "forged archives": ("cache/archive/test_backup.py", "cache/archive/test_lineage.py"),
    "forged old files": ("cache/test_untrusted_files.py", "migrate/test_migration.py"),
}


def attack(paths: tuple[str, ...], seed: int) -> Counter[str]:
    """Run the tests of an attack; how many passed, failed and were skipped, and how many random damages they tried."""
    files = [str(TESTS / path) for path in paths]
    random = ["--hypothesis-seed", str(seed), "--hypothesis-show-statistics"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *random, "--tb=short", *files]
    anew = {**os.environ, "HYPOTHESIS_PROFILE": "fuzz"}
    told = subprocess.run(command, cwd=HERE.parent, env=anew, capture_output=True, text=True, check=False).stdout
    counted = Counter(damages=sum(map(int, re.findall(r"(\d+) passing", told))))
    summary = next((line for line in reversed(told.splitlines()) if " passed" in line or " failed" in line), "")
    for count, what in re.findall(r"(\d+) (passed|failed|error|skipped)", summary):
        counted[what] += int(count)
    if counted["failed"] or counted["error"] or not counted["passed"]:
        print(told, file=sys.stderr)
    return counted


def main() -> None:
    """Attack, report, and leave with 1 where an attack succeeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    began, total = time.monotonic(), {name: Counter[str]() for name in ATTACKS}
    for seed in range(options.seed, options.seed + options.rounds):
        for name, paths in ATTACKS.items():
            total[name] += attack(paths, seed)
    columns = ("passed", "failed", "error", "skipped", "damages")
    lines = [f"{'attack':<20}" + "".join(f"{column:>9}" for column in columns)]
    lines += [f"{name:<20}" + "".join(f"{found[c]:>9}" for c in columns) for name, found in total.items()]
    report = "\n".join(lines)
    print(report)
    if options.keep:
        head = f"{os.cpu_count()} cores, {options.rounds} rounds from seed {options.seed}"
        (HERE / "results" / "attacks.txt").write_text(f"{head}, {time.monotonic() - began:.0f} s\n{report}\n")
    sys.exit(any(found["failed"] or found["error"] or not found["passed"] for found in total.values()))


if __name__ == "__main__":
    main()
