"""Arrays that people bring."""

from pathlib import Path

import numpy as np
import pytest

from tenrec.core.errors import DataError
from tenrec.data import read_arrays, read_price_paths


def saved(folder: Path, values: np.ndarray) -> Path:
    path = folder / "price_paths.npy"
    np.save(path, values)
    return path


def with_cell(value: float) -> np.ndarray:
    paths = np.ones((4, 6))
    paths[2, 5] = value
    return paths


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_paths_come_back_in_double_precision(tmp_path: Path, dtype: type) -> None:
    values = np.arange(1, 13).reshape(3, 4).astype(dtype)
    read = read_price_paths(saved(tmp_path, values))
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_a_bad_price_is_named_by_row_and_column(tmp_path: Path, value: float) -> None:
    with pytest.raises(
        DataError, match=rf"price_paths\.npy row 3, column 6 \(counted from 1\): {value} is not a positive"
    ):
        read_price_paths(saved(tmp_path, with_cell(value)))


def test_further_bad_prices_are_counted(tmp_path: Path) -> None:
    values = with_cell(-1.0)
    values[3, :] = np.nan
    with pytest.raises(DataError, match=r"row 3, column 6 .* \(and 6 more values\);"):
        read_price_paths(saved(tmp_path, values))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.ones(5), "has shape 5; paths × dates"),
        (np.ones((2, 3, 4)), "has shape 2 × 3 × 4;"),
        (np.ones((2, 1)), "has shape 2 × 1; paths × dates, with at least two dates"),
        (np.ones((0, 3)), "has shape 0 × 3;"),
        (np.ones((2, 2), dtype=complex), "holds complex128, where real numbers are needed"),
        (np.array([["a", "b"]]), "where real numbers are needed"),
    ],
)
def test_other_shapes_and_types_are_refused(tmp_path: Path, values: np.ndarray, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_price_paths(saved(tmp_path, values))


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "price_paths.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="holds Python objects or is no NumPy file"):
        read_price_paths(path)


def test_named_arrays_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "deep_hedging_data.npz"
    arrays = {"X_train": np.ones((2, 3, 4)), "Y_train": np.zeros((2, 1))}
    np.savez(path, **arrays)
    assert {name: array.shape for name, array in read_arrays(path).items()} == {"X_train": (2, 3, 4), "Y_train": (2, 1)}
    arrays["X_train"][1, 0, 2] = np.inf
    np.savez(path, **arrays)
    with pytest.raises(
        DataError, match=r"array X_train axis 1 position 2, axis 2 position 1, axis 3 position 3 .*: inf is"
    ):
        read_arrays(path)


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(DataError, match=r"broken\.npz cannot be read as NumPy arrays"):
        read_arrays(broken)
    with pytest.raises(DataError, match=r"is not a \.npy file"):
        read_price_paths(broken)
    with pytest.raises(DataError, match="does not exist"):
        read_price_paths(tmp_path / "nowhere.npy")
