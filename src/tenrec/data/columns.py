"""Which column of a file plays which role."""

from collections.abc import Mapping

from tenrec.core.errors import DataError
from tenrec.data.source import Source

TIME = (
    "time_utc",
    "date",
    "trade_date",
    "quote_date",
    "quotedate",
    "datetime",
    "timestamp",
    "ts",
    "snapshot_utc",
    "time",
)
PRICE = ("close", "price", "mark", "mark_price", "last", "lastprice", "close_price", "settle")
BID = ("bid", "bidprice", "bid_price")
ASK = ("ask", "askprice", "ask_price")
IMPLIED_VOL = ("implied_vol", "implied_volatility", "impliedvol", "impliedvolatility", "iv", "mark_iv", "iv_calc")

OPTION_ALIASES: dict[str, tuple[str, ...]] = {
    "date": TIME,
    "expiry": ("expiry", "expiration", "expiry_date", "expirydate"),
    "kind": ("kind", "cp", "type", "right", "option_type", "optiontype"),
    "strike": ("strike", "strike_price", "strikeprice"),
    "close": PRICE,
    "bid": BID,
    "ask": ASK,
    "forward": ("forward", "fwd_parity", "fwd"),
    "spot": ("spot", "underlying_price", "underlying_last", "underlyingvalue", "spot_est"),
    "implied_vol": IMPLIED_VOL,
    "volume": ("volume", "volume_24h", "totaltradedvolume"),
    "multiplier": ("multiplier", "contract_size"),
    "adjusted": ("adjusted", "adj_event"),
    "contract": ("contract", "instrument", "option", "identifier", "optionalias"),
}
"""Roles of an option panel's columns, and the names under which each is known, in order of preference."""

SERIES_ALIASES: dict[str, tuple[str, ...]] = {
    "time": TIME,
    "price": (*PRICE, "spot"),
    "bid": BID,
    "ask": ASK,
    "funding": ("funding", "funding_rate", "funding rate"),
    "implied_vol": IMPLIED_VOL,
    "symbol": ("symbol", "ticker"),
}
"""Roles of a price series' columns."""

FLAGS = ("dup_key", "holiday", "stale", "suspect", "below_bound")
"""Columns of true and false by which a data set marks rows that are not to be used."""


def match_columns(
    source: Source, aliases: Mapping[str, tuple[str, ...]], given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Role → column of the file; case does not matter, `given` comes first, a role without a column is left out.

    Raises:
        DataError: `given` names a role that does not exist or a column that the file lacks.

    Example:
        >>> import polars as pl
        >>> match_columns(Source("vix.csv", pl.DataFrame({"DATE": [], "CLOSE": []}), 2), SERIES_ALIASES)
        {'time': 'DATE', 'price': 'CLOSE'}
    """
    given = given or {}
    for role, column in given.items():
        if role not in aliases:
            raise DataError(f"{role!r} is not a role of a column; one of {', '.join(aliases)} is needed.")
        if column not in source.table.columns:
            raise DataError(f"{source.name} has no column {column!r}; it has {listed(source.table.columns)}.")
    lower = {name.lower(): name for name in reversed(source.table.columns)}
    found: dict[str, str] = {}
    for role, names in aliases.items():
        matches = [lower[name] for name in names if name in lower]
        if role in given or matches:
            found[role] = given[role] if role in given else matches[0]
    return found


def missing_columns(source: Source, columns: Mapping[str, str], needed: Mapping[str, str], what: str) -> list[str]:
    """One sentence where roles in `needed` (role → how to call it) have no column; else an empty list."""
    absent = [said for role, said in needed.items() if role not in columns]
    if not absent:
        return []
    return [
        f"{source.name} has no column for {' and '.join(absent)}, which {what} needs; its columns are "
        f"{listed(source.table.columns)}; rename one or say which plays which role."
    ]


def listed(names: list[str], most: int = 12) -> str:
    """Names in one line, cut after `most`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
