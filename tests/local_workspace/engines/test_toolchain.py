"""The toolchain: what it must not do on the way."""

from __future__ import annotations

import subprocess
import sys

ASK = "import sys; from local_workspace.engines.toolchain import pyspark_jars; print(pyspark_jars(), *sys.modules)"


def test_the_jars_are_found_without_importing_pyspark() -> None:
    """The gateway imports it in another thread meanwhile: two at once fail, since its modules import in circles."""
    asked = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    jars, *modules = asked.stdout.split()
    assert jars.endswith("pyspark/jars")
    assert "pyspark" not in modules
