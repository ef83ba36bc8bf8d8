"""The examples of the README and the docs run, and print what the page says."""

import contextlib
import io
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```python\n(.*?)^```$(?:\n\n^```output\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(((?:\.\./)*[\w./-]+\.(?:md|svg|png))(?:#[^)]*)?\)")
EXAMPLES = [
    pytest.param(code, output, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, (code, output) in enumerate(FENCE.findall(page.read_text()), start=1)
]


@pytest.mark.reference
@pytest.mark.parametrize(("code", "output"), EXAMPLES)
def test_an_example_runs_and_prints_what_the_page_says(
    code: str, output: str, installed_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "example", "exec"), {"__name__": "example"})
    finally:
        # What a page installs for good must not reach other tests.
        if "dred.webrtc" in sys.modules:
            sys.modules["dred.webrtc"].uninstall()
    assert not output or printed.getvalue() == output


def test_the_readme_and_the_pages_have_examples() -> None:
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    missing = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]
    assert not missing
