"""Wheels made of a source folder of this repository: named by their content, so the same source is the same file.

Both code locations use it: one builds and uploads, the other names the file that runs depend on.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from lakehouse.artifacts import Artifact, digest_files

ROOT = Path(__file__).parent.parent


class WheelSourceBroken(Exception):
    """A module of a wheel does not compile; the message names file, line and what is wrong."""


@dataclass(frozen=True)
class Wheel(Artifact):
    """A pure Python package: `source` becomes the package; `entry_points` are console scripts by name."""

    package: str
    source: Path
    release: str = "1.0"
    requires: tuple[str, ...] = ()
    entry_points: Mapping[str, str] = field(default_factory=dict, hash=False)

    @cached_property
    def digest(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of all that goes in."""
        return digest_files(self.source, self._files(), self._project_text(""))

    @property
    def file_name(self) -> str:
        """The wheel's file name."""
        return f"{self.package}-{self.version}-py3-none-any.whl"

    def find_broken_modules(self) -> Iterator[str]:
        """Yield each module that does not compile, with its line and what is wrong; nothing is run."""
        for path in self._files():
            try:
                compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
            except (SyntaxError, ValueError) as error:  # the second for a NUL in the source
                line = getattr(error, "lineno", None) or 1
                yield f"{path}, line {line}: {getattr(error, 'msg', None) or error}"

    def build(self) -> bytes:
        """Return the wheel's bytes, the same for the same source.

        Raises:
            WheelSourceBroken: a module does not compile.
        """
        if broken := list(self.find_broken_modules()):
            raise WheelSourceBroken(f"Wheel {self.package} is not built: {'; '.join(broken)}")
        from hatchling.builders.wheel import WheelBuilder

        with tempfile.TemporaryDirectory() as directory:
            project, dist = Path(directory) / "project", Path(directory) / "dist"
            for path in self._files():
                copy = project / self.package / path.relative_to(self.source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            (project / "pyproject.toml").write_text(self._project_text(self.version))
            (built,) = WheelBuilder(str(project)).build(directory=str(dist), versions=["standard"])
            return Path(built).read_bytes()

    def _files(self) -> list[Path]:
        return sorted(self.source.rglob("*.py"))

    def _project_text(self, version: str) -> str:
        scripts = "\n".join(f'"{name}" = "{target}"' for name, target in sorted(self.entry_points.items()))
        requires = ", ".join(f'"{requirement}"' for requirement in self.requires)
        return (
            f'[project]\nname = "{self.package}"\nversion = "{version}"\ndependencies = [{requires}]\n'
            f'[project.scripts]\n{scripts}\n[tool.hatch.build.targets.wheel]\npackages = ["{self.package}"]\n'
        )


# The package is not called data_assets: on a developer's machine that name is taken by the code location itself.
STEPS = Wheel(
    package="lakehouse_steps",
    source=ROOT / "data_assets" / "steps",
    requires=("dagster-pipes",),
    entry_points={"run-step": "lakehouse_steps._main:main"},
)
STEPS_VOLUME = "flights.ops.artifacts"
