"""The commands of the tutorial, top to bottom, and of the how-to it leads to, as a reader would type them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
TIMEOUT_S = 900  # 120 s on an idle machine; tests share it


def blocks_of(document: str) -> list[str]:
    return BLOCK.findall((ROOT / "docs" / document).read_text())


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each block printed; the how-tos stand before the tutorial's last block, which ends the workspace."""
    *tutorial, last = blocks_of("tutorial/first-flights.md")
    blocks = [*tutorial, *blocks_of("how-to/backfill.md"), *blocks_of("how-to/run-a-jar.md"), last]
    mark = "=== the next block ==="
    script = f"\necho '{mark}'\n".join(blocks)
    home = tmp_path_factory.mktemp("reader")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAKEHOUSE_", "DAGSTER_"))}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={**kept, "LAKEHOUSE_HOME": str(home), "COLUMNS": "140"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    if done.returncode:
        subprocess.run([ROOT / ".venv/bin/lakehouse", "local", "down"], env={**kept, "LAKEHOUSE_HOME": str(home)})
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.split(mark)


def test_every_block_does_what_the_text_says(output: list[str]) -> None:
    _path, up, _token, plan, again, land, run, backfill, jar, down = output
    assert "is up" in up and "spark" in up
    assert "38 created" in plan
    assert "nothing to do" in again.lower()
    assert "flights" in land and "2,699" in land
    assert "flights.gold.route_performance" in run
    assert "flights.gold.route_performance" in backfill
    assert jar.count("Count is: 99") >= 2
    assert "is down, its state is kept" in down
