"""The tree of errors, as drawn at the top of its file."""

import inspect

import pytest

from tenrec.core import errors
from tenrec.core.errors import (
    ConfigError,
    DataError,
    InputError,
    InterruptedWork,
    TenrecError,
    UnsolvableError,
    WorkError,
)

PARENTS = {
    InputError: TenrecError,
    ConfigError: InputError,
    DataError: InputError,
    UnsolvableError: InputError,
    WorkError: TenrecError,
    InterruptedWork: WorkError,
}
STATUS = {ConfigError: 2, DataError: 2, UnsolvableError: 2, InputError: 2, WorkError: 1, InterruptedWork: 130}


def test_the_tree_is_complete():
    defined = {item for item in vars(errors).values() if inspect.isclass(item)}
    assert defined == {TenrecError, *PARENTS}
    assert all(error.__bases__ == (parent,) for error, parent in PARENTS.items())
    assert all(error.__name__ in (errors.__doc__ or "") for error in defined)


@pytest.mark.parametrize("error", STATUS, ids=lambda error: error.__name__)
def test_exit_status(error: type[TenrecError]):
    assert error("…").exit_status == STATUS[error]
