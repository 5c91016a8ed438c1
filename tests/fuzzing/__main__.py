"""`python -m tests.fuzzing --minutes 5 [NAME …]`: each parser under atheris, side by side on all cores.

A finding is kept in build/fuzzing/NAME/, with the bytes that break the parser. Exit code 1: there are findings.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HOME = Path("build") / "fuzzing"
LONGEST_INPUT = 4096


def fuzz(name: str) -> None:
    """Fuzz one parser in this process until libFuzzer's options say so."""
    import atheris  # not among the dependencies: `make fuzz` brings it

    with atheris.instrument_imports(include=["data_assets", "lakehouse", "local_workspace", "platform_assets"]):
        from tests.fuzzing.parsers import PARSERS
    atheris.Setup([sys.argv[0], *sys.argv[3:]], PARSERS[name])
    atheris.Fuzz()


def run_all(names: list[str], minutes: float) -> int:
    """Fuzz each parser in a process of its own and print a line for each; return how many broke."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return sum(threads.map(lambda name: _run_one(name, minutes), names))


def _run_one(name: str, minutes: float) -> bool:
    corpus = HOME / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={round(minutes * 60)}", f"-max_len={LONGEST_INPUT}", "-timeout=20"]
    options += [f"-artifact_prefix={HOME / name}/", "-print_final_stats=1", str(corpus)]
    log = HOME / name / "log.txt"
    with log.open("w") as output:
        command = [sys.executable, "-m", "tests.fuzzing", "--one", name, *options]
        code = subprocess.run(command, stdout=output, stderr=output, check=False).returncode
    lines = log.read_text(errors="replace").splitlines()
    tried = next((line.split()[-1] for line in lines if line.startswith("stat::number_of_executed_units")), "?")
    broke = next((line.strip() for line in lines if line.startswith((" === Uncaught", "SUMMARY"))), "")
    why = f"broken, see {log}: {broke}" if code else "no finding"
    print(f"{name}: {tried} inputs, {why}", flush=True)
    return code != 0


def main() -> int:
    """Read the command line and fuzz."""
    if sys.argv[1:2] == ["--one"]:
        fuzz(sys.argv[2])
        return 0
    from tests.fuzzing.parsers import PARSERS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PARSERS)}; all when none is given")
    parser.add_argument("--minutes", type=float, default=1.0, help="for each parser (default: 1)")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(PARSERS)):
        parser.error(f"no parser is called {', '.join(unknown)}; there are {', '.join(PARSERS)}")
    return 1 if run_all(given.names or list(PARSERS), given.minutes) else 0


if __name__ == "__main__":
    sys.exit(main())
