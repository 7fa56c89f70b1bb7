"""The bundled Shanghai panel, built once."""

import polars as pl
import pytest

from tenrec.backtest import Panel, complete_forwards, option_panel, priced_quotes
from tenrec.data import shanghai_etf, shanghai_forwards, shanghai_options


@pytest.fixture(scope="session")
def options() -> pl.DataFrame:
    return shanghai_options()


@pytest.fixture(scope="session")
def forwards(options: pl.DataFrame) -> pl.DataFrame:
    return complete_forwards(options, shanghai_forwards(), shanghai_etf())


@pytest.fixture(scope="session")
def quotes(options: pl.DataFrame, forwards: pl.DataFrame) -> pl.DataFrame:
    return priced_quotes(options, forwards)


@pytest.fixture(scope="session")
def panel(options: pl.DataFrame) -> Panel:
    return option_panel(options, shanghai_forwards(), shanghai_etf())
