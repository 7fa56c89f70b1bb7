"""Which column of an option chain plays which role, and the layouts that are known by name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tenrec.core.errors import DataError
from tenrec.data.columns import listed

ROLES: dict[str, tuple[str, ...]] = {
    "date": (
        "quotedate", "tradedate", "date", "snapshotutc", "timestamp", "ts", "datetime", "asof", "quotetime",
        "quotereadtime", "day",
    ),
    "expiry": ("expiry", "expiration", "expirydate", "expirationdate", "expiredate", "maturitydate", "exdate"),
    "maturity": (
        "maturity", "timetomaturity", "timetoexpiry", "timetoexpiration", "ttm", "tau", "t", "tenor", "texp",
        "yearstoexpiry", "yearstomaturity", "timetomaturityyears", "timetoexpiryyears", "maturityyears", "years",
    ),
    "days": ("days", "dte", "daystoexpiry", "daystoexpiration", "daystomaturity", "ttmdays", "timetomaturitydays"),
    "kind": ("kind", "cp", "type", "right", "optiontype", "callput", "putcall", "cpflag", "optionkind", "callorput"),
    "strike": ("strike", "strikeprice", "k", "exerciseprice", "x"),
    "bid": ("bid", "bidprice", "bestbid", "optionbid"),
    "ask": ("ask", "askprice", "bestask", "offer", "bestoffer", "optionask"),
    "price": (
        "optionprice", "price", "mid", "midprice", "markprice", "mark", "close", "premium", "settle", "settlement",
        "callprice", "putprice", "last", "lastprice", "lasttradeprice", "marketprice", "value",
    ),
    "implied_vol": (
        "impliedvolatility", "impliedvol", "iv", "markiv", "impvol", "ivcalc", "impvolcalibrated", "sigma",
        "volatility", "vol",
    ),
    "spot": (
        "spot", "stockprice", "underlyingprice", "underlyinglast", "underlyingvalue", "spotprice", "spotest", "stock",
        "underlying", "underlyingclose", "s", "s0", "indexlevel", "indexprice", "futuresprice",
    ),
    "forward": ("forward", "forwardprice", "fwdparity", "fwd", "f"),
    "log_moneyness": ("logmoneyness", "logforwardmoneyness"),
    "discount": ("discount", "discountfactor", "df"),
    "rate": ("rate", "riskfreerate", "interestrate", "r", "ratepct"),
    "symbol": ("symbol", "underlying", "ticker", "underlyingsymbol", "underlyingticker", "root"),
    "contract": ("contract", "contractsymbol", "optionsymbol", "optionroot", "instrument", "instrumentname", "option",
                 "identifier", "optionalias"),
    "currency": ("currency", "quotecurrency"),
    "style": ("style", "exercise", "exercisestyle"),
    "multiplier": ("multiplier", "contractsize", "lotsize"),
    "volume": ("volume", "volume24h", "totaltradedvolume"),
    "open_interest": ("openinterest", "oi"),
}  # fmt: skip
"""Role → names it is known by, in order of preference; case, spaces and punctuation do not count."""

NUMBERS = (
    "maturity", "days", "strike", "bid", "ask", "price", "implied_vol", "spot", "forward", "log_moneyness", "discount",
    "rate", "multiplier",
)  # fmt: skip
SIDES = ("bid", "ask", "price", "implied_vol")
"""Roles that a table with calls and puts side by side has twice."""
DROPPED = ("dup_key", "holiday", "stale", "suspect", "below_bound")


@dataclass(frozen=True)
class Preset:
    """A layout that is known by name.

    Args:
        columns: role → column. signature: columns that give the layout away.
        style: "european" or "american". percent: implied volatilities are in percent.
        coin: prices are in units of the underlying. expiry_hour: hour of the day of expiry, by the file's clock.
        kind: where all options are of one kind.
    """

    columns: Mapping[str, str]
    signature: tuple[str, ...]
    style: str = "european"
    percent: bool = False
    coin: bool = False
    expiry_hour: float | None = None
    kind: str | None = None
    scale: Mapping[str, float] = field(default_factory=dict)


PRESETS: dict[str, Preset] = {
    "cboe": Preset(
        {"date": "quote_date", "contract": "option", "spot": "underlying_price", "implied_vol": "iv"},
        ("session_date", "quote_date", "right", "option"),
    ),
    "deribit": Preset(
        {"date": "snapshot_utc", "forward": "underlying_price", "symbol": "underlying", "price": "mark_price"},
        ("mark_iv", "mark_price", "underlying_price", "instrument"),
        percent=True,
        coin=True,
        expiry_hour=8.0,
    ),
    "nse": Preset(
        {"date": "ts", "spot": "underlyingValue", "symbol": "underlying", "contract": "identifier", "expiry": "expiry"},
        ("strikePrice", "underlyingValue", "bidprice", "askPrice"),
        percent=True,
        expiry_hour=15.5,
    ),
    "optionsdx": Preset({}, ("quote_date", "underlying_last", "expire_date", "c_bid", "p_bid"), style="american"),
    "yfinance": Preset({}, ("contractSymbol", "lastTradeDate", "inTheMoney"), style="american"),
    "spy_2021": Preset(
        {"spot": "underlying_last", "symbol": "underlying", "date": "quotedate", "price": "last"},
        ("underlying_last", "optionroot", "quotedate", "impliedvol"),
        style="american",
    ),
    "shanghai": Preset(
        {"date": "trade_date", "forward": "fwd_parity", "spot": "spot_est", "price": "close", "implied_vol": "iv_calc"},
        ("trade_date", "cp", "strike_raw", "fwd_parity"),
    ),
    "sp100": Preset(
        {"price": "call_price", "implied_vol": "iv_calc", "days": "ttm_days"},
        ("call_price", "rate_pct", "ttm_days"),
        kind="call",
        scale={"rate": 0.01},
    ),
}  # fmt: skip


def plain_name(name: str) -> str:
    """A column's name without case, spaces, punctuation and what stands in brackets at its end.

    Example:
        >>> plain_name(" [C_BID]"), plain_name("Time to maturity (years)"), plain_name("Implied vol.")
        ('cbid', 'timetomaturityyears', 'impliedvol')
    """
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find_preset(names: Iterable[str]) -> str | None:
    """The name of the layout that a file's columns show, or None."""
    have = {plain_name(name) for name in names}
    for preset, layout in PRESETS.items():
        if {plain_name(name) for name in layout.signature} <= have:
            return preset
    return None


def match_roles(file: str, names: list[str], given: Mapping[str, str], preset: str | None) -> dict[str, str]:
    """Role → column; `given` comes first, then the preset's, then the synonyms. A column plays one role.

    Raises:
        DataError: a role that does not exist, or a column that the file lacks.
    """
    for role, column in given.items():
        if role not in ROLES:
            raise DataError(f"{role!r} is not a role of a column; one of {', '.join(ROLES)} is needed.")
        if column not in names:
            raise DataError(f"{file} has no column {column!r}; it has {listed(names)}.")
    known = {plain_name(name): name for name in reversed(names)}
    found = dict(given)
    for role, column in (PRESETS[preset].columns if preset else {}).items():
        if plain_name(column) in known:
            found.setdefault(role, known[plain_name(column)])
    for role, synonyms in ROLES.items():
        taken = set(found.values())
        free = [known[name] for name in synonyms if name in known and known[name] not in taken]
        if role not in found and free:
            found[role] = free[0]
    return found


def sides(names: list[str]) -> dict[str, dict[str, str]]:
    """{"call": role → column, "put": …} of a table with calls and puts side by side, else empty."""
    known = {plain_name(name): name for name in reversed(names)}
    found: dict[str, dict[str, str]] = {}
    for kind, marks in {"call": ("c", "call", "calls"), "put": ("p", "put", "puts")}.items():
        found[kind] = {}
        for role in SIDES:
            options = [mark + synonym for synonym in ROLES[role] for mark in marks]
            options += [synonym + mark for synonym in ROLES[role] for mark in marks]
            match = [known[name] for name in options if name in known]
            if match:
                found[kind][role] = match[0]
    both = set(found["call"]) & set(found["put"])
    return {kind: {role: roles[role] for role in both} for kind, roles in found.items()} if both else {}
