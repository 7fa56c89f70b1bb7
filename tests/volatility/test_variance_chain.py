"""The exchanges' own indices from their quotes, and surfaces of days."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from tenrec.core.errors import DataError
from tenrec.data import shanghai_options
from tenrec.data.chain import read_chain_days
from tenrec.volatility.variance import chain_terms, fit_smiles, index, term_table, weekly
from tenrec.volatility.variance.days import arbitrage_shares, constant_maturities, joint_smiles, refitted
from tests.data.files import SHARED, needs_shared


def standard(first: dt.date, last: dt.date) -> pl.DataFrame:
    days = pl.col("trade_date").is_between(first, last)
    return shanghai_options().filter(days & (pl.col("multiplier") == 10_000))


@pytest.fixture(scope="module")
def shanghai():
    chain = read_chain_days(standard(dt.date(2020, 1, 2), dt.date(2020, 1, 14)), name="Shanghai")
    return chain_terms(chain, rate=0.025)


@needs_shared
def test_the_vix_as_it_was_published():
    folder = SHARED / "us_index_chains_2026"
    published = dict(pl.read_csv(folder / "vix_reference_closes.csv").select("fecha", "VIX_close").iter_rows())
    quotes = pl.read_parquet(folder / "SPX.parquet")
    dates = pl.col("quote_date", "expiry").cast(pl.String).str.to_date()
    near = (pl.col("expiry") - pl.col("quote_date")).dt.total_days().is_between(15, 45)
    terms = chain_terms(read_chain_days(quotes.with_columns(dates).filter(near), name="SPX"))
    gaps = [index(weekly(own), 30.0).value - published[str(day)] for day, own in terms.days.items()]
    assert len(gaps) == 11
    assert np.mean(np.abs(gaps)) < 0.03
    # All but the last, a snapshot of the evening after, are within 0.02.
    assert np.max(np.abs(gaps[:-1])) < 0.02


@needs_shared
def test_the_ivx_as_it_was_published():
    published = dict(pl.read_csv(SHARED / "sse50etf_options" / "ivx_index.csv").iter_rows())
    terms = chain_terms(read_chain_days(standard(dt.date(2017, 1, 1), dt.date(2017, 12, 31)), name="iVX"), rate=0.025)
    gaps = []
    for day, own in terms.days.items():
        try:
            gaps.append(index(own, 30.0).value - published[str(day)])
        except DataError:
            continue
    assert len(gaps) > 225
    assert np.mean(np.abs(gaps)) < 0.2
    assert np.median(np.abs(gaps)) < 0.03


def test_every_day_is_read_as_alone(shanghai):
    day = np.datetime64("2020-01-08")
    alone = chain_terms(
        read_chain_days(standard(dt.date(2020, 1, 8), dt.date(2020, 1, 8)), name="Shanghai"), rate=0.025
    )
    together = shanghai.days[day]
    assert list(alone.days) == [day]
    for one, other in zip(alone.days[day], together, strict=True):
        np.testing.assert_array_equal(one.strip.price, other.strip.price)


def test_an_index_lies_between_its_terms(shanghai):
    own = next(iter(shanghai.days.values()))
    found = index(own, 30.0)
    assert found.near.days <= 30 < found.next.days
    assert 0.0 <= found.weight <= 1.0
    assert 5.0 < found.value < 60.0
    # At a term's own maturity the index is that term's.
    exact = index(own, found.next.days)
    assert exact.value == pytest.approx(100 * np.sqrt(_variance(found.next)), rel=1e-9)


def _variance(term):
    from tenrec.volatility.variance import index_variance

    return index_variance(term.strip)


def test_maturities_beyond_the_expiries_are_refused(shanghai):
    own = next(iter(shanghai.days.values()))
    with pytest.raises(DataError, match="do not bracket 3000 days"):
        index(own, 3000.0)
    with pytest.raises(DataError, match="do not bracket 30 days"):
        index(own[-1:], 30.0)


def test_smiles_and_surfaces(shanghai):
    terms = shanghai.terms
    smiles = fit_smiles(terms)
    table = term_table(terms, smiles)
    assert table.height == len(terms)
    assert table["fit_error"].median() < 0.005
    # Fair strikes keep their order, and near the index by another rule.
    assert (table["volatility_swap"] < table["variance_swap"] + 1e-3).all()
    assert float((table["index"] / 100 - table["variance_swap"]).abs().median()) < 0.01  # type: ignore[arg-type]
    joint = joint_smiles(terms, smiles)
    joined = refitted(table, terms, joint)
    assert arbitrage_shares(joined) == {"butterfly": 0.0, "calendar": 0.0}
    assert float((joined["at_the_money"] - table["at_the_money"]).abs().median()) < 0.01  # type: ignore[arg-type]
    constant = constant_maturities(table)
    assert set(constant["days"].unique()) <= {30.0, 91.0, 182.0}
    assert constant.filter(pl.col("days") == 91.0).height == len(shanghai.days)
