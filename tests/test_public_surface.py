"""`__all__` of every package is sorted and is what the package really offers."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src"
PACKAGES = sorted(".".join(path.parent.relative_to(SOURCE).parts) for path in SOURCE.rglob("__init__.py"))
HELPERS = {"TYPE_CHECKING", "Any", "annotations"}


def order(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then functions, each by the alphabet."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("name", PACKAGES)
def test_public_names(name: str):
    package = importlib.import_module(name)
    offered = list(package.__all__)
    assert offered == sorted(set(offered), key=order)
    missing = [item for item in offered if not hasattr(package, item)]
    assert not missing
    namespace = {
        item
        for item, value in vars(package).items()
        if not item.startswith("_") and not isinstance(value, ModuleType) and item not in HELPERS
    }
    assert namespace <= set(offered)


def test_package_is_typed():
    assert (SOURCE / "tenrec" / "py.typed").is_file()
