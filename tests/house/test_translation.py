"""README.zh-CN.md has the same parts, commands and links as README.md, in the same order."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


ENGLISH, CHINESE = read("README.md"), read("README.zh-CN.md")


def parts(text: str) -> list[tuple[int, int, int]]:
    """Level, number of bullets and number of table rows of each part."""
    found = []
    for part in re.split(r"^(?=#)", CODE.sub("", text), flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        level = len(lines[0]) - len(lines[0].lstrip("#"))
        found.append((level, *(sum(line.startswith(mark) for line in lines) for mark in "-|")))
    return found


def test_it_has_the_same_parts_bullets_and_rows() -> None:
    assert parts(CHINESE) == parts(ENGLISH)


def test_it_shows_the_same_commands_and_output() -> None:
    assert CODE.findall(CHINESE) == CODE.findall(ENGLISH)


def test_it_has_the_same_links() -> None:
    links = re.compile(r"\]\(([^)]+)\)")
    assert links.findall(CHINESE) == links.findall(ENGLISH)


def test_it_names_the_same_commands_settings_and_files() -> None:
    names = re.compile(r"`([^`\n]+)`")
    english, chinese = (set(names.findall(CODE.sub("", text))) for text in (ENGLISH, CHINESE))
    assert chinese == english


def test_all_links_have_existing_targets() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", ENGLISH):
        assert (ROOT / target).exists(), target
