import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs/channel.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=[str(number) for number, _ in enumerate(EXAMPLES)])
def test_the_examples_of_the_channel_page_run(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(example, PAGE.name, "exec"), {})


def test_the_channel_page_has_examples() -> None:
    assert len(EXAMPLES) >= 3
