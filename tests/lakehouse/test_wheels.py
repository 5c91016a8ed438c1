"""Wheels: the same source is the same file, other source another; what is built can be installed and run."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from lakehouse.wheels import Wheel, WheelSourceBroken


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "steps"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "inner" / "__init__.py").write_text("")
    (folder / "inner" / "code.py").write_text("def main():\n    print('ran')\n")
    return folder


def wheel_of(source: Path) -> Wheel:
    return Wheel("demo_steps", source, entry_points={"run": "demo_steps.inner.code:main"}, requires=("dagster-pipes",))


def test_the_same_source_makes_the_same_bytes(source: Path) -> None:
    assert wheel_of(source).build() == wheel_of(source).build()


def test_other_source_makes_another_name(source: Path) -> None:
    before = wheel_of(source).file_name
    (source / "inner" / "code.py").write_text("def main():\n    print('ran again')\n")
    assert wheel_of(source).file_name != before


def test_compiled_files_do_not_count(source: Path) -> None:
    before = wheel_of(source).file_name
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "x.pyc").write_bytes(b"1")
    assert wheel_of(source).file_name == before


def test_what_is_built_runs(source: Path, tmp_path: Path) -> None:
    wheel = wheel_of(source)
    target = tmp_path / "installed"
    with zipfile.ZipFile(io.BytesIO(wheel.build())) as archive:
        archive.extractall(target)
        metadata = archive.read(f"demo_steps-{wheel.version}.dist-info/METADATA").decode()
    assert "Requires-Dist: dagster-pipes" in metadata
    code = (
        "from importlib.metadata import entry_points;"
        "(point,) = entry_points(group='console_scripts', name='run'); point.load()()"
    )
    done = subprocess.run(
        ["env", f"PYTHONPATH={target}", sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "ran\n"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (b"def main(:\n    pass\n", "code.py, line 1: invalid syntax"),
        (b"\n\nreturn 1\n", "code.py, line 3: 'return' outside function"),
        (b"x = '\xff'\n", "code.py, line 1: "),
        (b"x = 1\0\n", "code.py, line 1: source code string cannot contain null bytes"),
    ],
)
def test_a_module_that_does_not_compile_is_named_before_anything_is_built(source: Path, code: bytes, told: str) -> None:
    (source / "inner" / "code.py").write_bytes(code)
    with pytest.raises(WheelSourceBroken, match="Wheel demo_steps is not built") as raised:
        wheel_of(source).build()
    assert told in str(raised.value)
