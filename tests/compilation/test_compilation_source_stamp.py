"""A function's stamp covers what its file imports of its package, however the import is written."""

import sys
from pathlib import Path

import pytest

from dred.compilation.source_stamp import source_stamp

IMPORTS = (
    "from stamped.far import SIZE",
    "from stamped import far",
    "import stamped.far",
    "import stamped.far as far",
    "from stamped import (\n    near,\n    far,\n)",
    "def late():\n    from stamped.far import SIZE",
    "from stamped.near import NEAR",
)


def stamp_with(folder: Path, importing: str, size: int) -> bytes:
    """Return the stamp of a module that imports so, in a package written to the folder."""
    package = folder / "stamped"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "far.py").write_text(f"SIZE = {size}\nimport stamped.near\n")
    (package / "near.py").write_text("from stamped.far import SIZE as NEAR\n")
    (package / "first.py").write_text(importing)
    stand_in = type(sys)("stamped")
    stand_in.__path__ = [str(package)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "stamped", stand_in)
        return source_stamp("stamped.first", package / "first.py")


@pytest.mark.parametrize("importing", IMPORTS)
def test_a_change_of_an_imported_module_changes_the_stamp(tmp_path: Path, importing: str) -> None:
    assert stamp_with(tmp_path / "2", importing, 2) != stamp_with(tmp_path / "3", importing, 3)


@pytest.mark.parametrize("importing", [*IMPORTS, "import numpy, stampede"])
def test_equal_sources_have_one_stamp_wherever_they_lie(tmp_path: Path, importing: str) -> None:
    assert stamp_with(tmp_path / "here", importing, 2) == stamp_with(tmp_path / "there", importing, 2)


def test_a_module_that_is_not_imported_does_not_count(tmp_path: Path) -> None:
    assert stamp_with(tmp_path / "2", "import numpy", 2) == stamp_with(tmp_path / "3", "import numpy", 3)


def test_a_module_of_no_package_counts_alone(tmp_path: Path) -> None:
    path = tmp_path / "alone.py"
    path.write_text("import numpy\n")
    assert source_stamp("alone", path) == source_stamp("__main__", path)


def test_a_source_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        source_stamp("gone", tmp_path / "gone.py")
