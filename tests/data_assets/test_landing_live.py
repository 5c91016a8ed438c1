"""Landed files of any name and content through the real lister and reader: each line is read once or refused aloud."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from data_assets.steps._landing import LandedKey, NoFile, read_key
from tests.data_assets.conftest import Landing

DAY, NEXT = "2013-01-02", "2013-01-03"
NAMES = [
    *(
        "plain",
        "100%",
        "x%20y",
        "x y",
        "a+b",
        "a=b",
        "é ÷ 漢字 🛫",
        "q?x",
        "h#x",
        "s*r",
        "b{r,a}ce",
        "br[a]cket",
        "back\\slash",
    ),
    *(
        "tab\tq",
        "quo'te",
        'dou"ble',
        "co:lon",
        "se;mi",
        "a&b",
        "a@b",
        "~t",
        "date=2013-01-09",
        "%2F",
        "%",
        "x.json",
    ),
    *(
        "_hidden",
        ".hidden",
        "_a=b",
        "..",
        "a._COPYING_",
        " lead",
        "trail ",
        "$dollar",
        "|pipe",
        "^caret",
        "`tick",
        "<lt>",
        "a,b",
    ),
]
FOLDERS = [
    "",
    f"date={DAY}/",
    f"date={NEXT}/",
    "date=2013-02-30/",
    f"date={DAY}/hour=05/",
    "deeper/",
    "_temporary/",
    "/",
]
ENDS = [".json"] * 6 + [".json.gz", ".JSON", ".csv", ""]
LINES = ['{{"a": {0}}}', '{{"a": "{0}\r"}}', "corrupt {0}", '{{"a": {0}}} {{"b": 1}}', '{{"x": "é{0}"}}']


def draw_files(chance: random.Random, count: int) -> dict[str, str]:
    files: dict[str, str] = {}
    for number in range(count):
        name = f"{chance.choice(FOLDERS)}{chance.choice(NAMES)}{number}{chance.choice(ENDS)}"
        if chance.random() < 0.3:
            name = f"{chance.choice(FOLDERS)}{number}".join(["", chance.choice(NAMES) + chance.choice(ENDS)])
        lines = [chance.choice(LINES).format(f"{number}.{line}0") for line in range(chance.choice([0, 1, 3]))]
        end = chance.choice(["\n", "\r\n", "\n\n", "\n \t\r\n"])
        files[name] = chance.choice(["", "\ufeff"]) + end.join(lines) + chance.choice(["", end])
    return files


def lines_of(text: str) -> list[str]:
    found = (line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n"))
    return [line for line in found if line.strip(" \t\r")]


def read_all(run: Any) -> Counter[str]:
    return Counter(row["value"] for row in run.read_landed().collect())


@pytest.mark.parametrize("seed", range(2))
def test_every_line_is_read_or_its_file_is_refused(landing: Landing, seed: int) -> None:
    files = draw_files(random.Random(seed), 120)
    landing.put(files)
    keys = {name: read_key(f"{landing.dataset}/{name}") for name in files}
    assert {type(key) for key in keys.values()} == {LandedKey, NoFile}
    expected = Counter(
        line for name, key in keys.items() if isinstance(key, LandedKey) for line in lines_of(files[name])
    )
    run = landing.run()
    assert read_all(run) == expected
    assert run.landed.files == sum(isinstance(key, LandedKey) for key in keys.values())
    assert run.landed.lines == expected.total()
    of_day = [name for name, key in keys.items() if isinstance(key, LandedKey) and key.day == DAY]
    run = landing.run((DAY, DAY))
    assert read_all(run) == Counter(line for name in of_day for line in lines_of(files[name]))
    assert run.landed.days.get(DAY, {}).get("files", 0) == len(of_day)


def test_a_stray_folder_hides_no_file(landing: Landing) -> None:
    landing.put({f"date={DAY}/day.json": '{"a": 1}', f"date={DAY}/late.json": '{"a": 2}'})
    landing.put(
        {f"date={DAY}/hour=05/stray.json": '{"a": 3}', f"date={NEXT}/next.json": '{"a": 4}', "new.json": '{"a": 5}'}
    )
    assert read_all(landing.run((DAY, DAY))) == Counter(['{"a": 1}', '{"a": 2}'])
    assert read_all(landing.run((DAY, NEXT))) == Counter(['{"a": 1}', '{"a": 2}', '{"a": 4}'])
    assert read_all(landing.run((DAY, "2013-12-31"))) == Counter(['{"a": 1}', '{"a": 2}', '{"a": 4}'])
    assert read_all(landing.run()).total() == 4


def test_a_key_below_the_name_of_a_file_hides_no_file(landing: Landing) -> None:
    """S3 has both; a listing shows the name twice, as a file and as a folder."""
    landing.put({f"date={DAY}/day.json": '{"a": 1}', "whole.json": '{"a": 2}'})
    landing.put({f"date={DAY}/day.json/stray.json": '{"a": 3}', f"date={DAY}": '{"a": 4}', "whole.json/x.json": "{}"})
    assert read_all(landing.run((DAY, DAY))) == Counter(['{"a": 1}'])
    assert read_all(landing.run()) == Counter(['{"a": 1}', '{"a": 2}'])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_file_that_is_no_utf_8_is_one_line_with_the_reason(landing: Landing, encoding: str) -> None:
    text = '{"a": 1}\n{"a": 2}\n'
    landing.put({f"date={DAY}/odd.json": text.encode(encoding), f"date={DAY}/good.json": text})
    found = read_all(landing.run((DAY, DAY)))
    assert {line for line in found if not line.startswith("the file is no UTF-8 text")} == {'{"a": 1}', '{"a": 2}'}
    assert found.total() == 3
