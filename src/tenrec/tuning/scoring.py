"""Score rules on windows of ticks: the engine's step, walked by a scan, thousands of parameter sets at once.

A single set is scanned in scalars (XLA keeps them in registers, about 20 ns a tick); hundreds and more are mapped with
`vmap`. Between them lies a slow path, so that few sets are walked one after the other.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.hedging.costs import AbstractCost
from tenrec.hedging.engine import Account, Entry, Quote, Terms, fold, ledger
from tenrec.hedging.policies import AbstractPolicy, RuleView
from tenrec.tuning.book import Book, BookPath, Settlement
from tenrec.tuning.ticks import DAY, Ticks

BLOCK_SECONDS = 3600.0
LANES = 2048
"""Sets mapped at once; their state of some 20 numbers each stays in the cache."""
FEW = 64
TAIL = 0.05
"""CVaR is the mean of the worst 5 % of the hours."""


class Marks(eqx.Module):
    """What turns the ledger into P&L in the quote currency, at each tick.

    Fields:
        conversion: quote currency per unit of the ledger. book: value of the book since the first tick. contract:
        traded value of one contract. share: of the window's time until the next tick.
    """

    conversion: Float[Array, "*at"]
    book: Float[Array, "*at"]
    contract: Float[Array, "*at"]
    share: Float[Array, "*at"]


class Facts(NamedTuple):
    """What a window is: number of price intervals, their length in years, ticks before padding, and errors.

    `error` is what delta–gamma–theta misses of the book's P&L by full revaluation, `ideal` the P&L of a hedge of the
    whole delta at every tick without costs, both in the quote currency.
    """

    intervals: float = 0.0
    years: float = 0.0
    ticks: int = 0
    error: float = 0.0
    ideal: float = 0.0


class Window(eqx.Module):
    """One window ready to be walked; every leaf is cut into (blocks, ticks of a block, …), the last block padded."""

    quote: Quote
    known: RuleView
    marks: Marks
    facts: Facts = eqx.field(static=True)


class Tally(eqx.Module):
    """What is kept of a ledger while it passes by: scalars, quote currency unless said otherwise.

    Fields:
        wealth: P&L after costs so far. peak, drawdown: its maximum, and the largest fall from it. first … fourth: sums
        of the powers of its change from tick to tick. hedges: number. net_delta: time average of |net delta|, units of
        the underlying. turnover: traded value. cost. funding: received.
    """

    wealth: Float[Array, "*sets"]
    peak: Float[Array, "*sets"]
    drawdown: Float[Array, "*sets"]
    first: Float[Array, "*sets"]
    second: Float[Array, "*sets"]
    third: Float[Array, "*sets"]
    fourth: Float[Array, "*sets"]
    hedges: Float[Array, "*sets"]
    net_delta: Float[Array, "*sets"]
    turnover: Float[Array, "*sets"]
    cost: Float[Array, "*sets"]
    funding: Float[Array, "*sets"]


class Scores(eqx.Module):
    """Tallies at the end of a window, and what the hours came to; shapes (sets, …)."""

    tally: Tally
    cvar: Float[np.ndarray, "*sets"]
    hours: Float[np.ndarray, "*sets hours"]


def make_window(
    ticks: Ticks,
    book: Book,
    path: BookPath,
    *,
    mark: str = "revaluation",
    reference_volatility: float = 0.6,
    block: float = BLOCK_SECONDS,
) -> Window:
    """The arrays of one window, float64: quotes of the hedging contract in its settlement, what the rule sees, marks.

    linear         price S,   variation S_k − S_{k−1},        ledger in the quote currency
    inverse        price 1/S, variation 1/S_{k−1} − 1/S_k,    ledger in coin, converted at S_k
    inverse_swept  price 1,   variation S_k/S_{k−1} − 1,      ledger in the quote currency
    """
    spot, inverse = ticks.spot, book.settlement != "linear"
    price, change, conversion = _settled(spot, book.settlement)
    value = path.value - path.value[0]
    length = np.diff(ticks.time, append=ticks.time[-1:])
    total = max(ticks.seconds, 1e-9)
    paid = np.cumsum(path.flow)
    units = book.notional / spot[0]
    known = {
        "time": ticks.time - ticks.time[0], "spot": spot, "delta": path.delta, "gamma": path.gamma,
        "log_volatility": np.log(ticks.volatility / reference_volatility),
        "delta_per_contract": 1.0 / spot if inverse else np.ones_like(spot),
        "units": np.full_like(spot, units), "notional": np.full_like(spot, book.notional),
        "tradable": ticks.tradable.astype(float),
    }  # fmt: skip
    quote = {
        "price": price[:, None], "change": change[:, None], "growth": np.exp(book.rate * _years_before(ticks, book)),
        "carry": -(ticks.funding * price)[:, None], "half_spread": (ticks.half_spread * price / spot)[:, None],
        "flow": path.flow / conversion, "tradable": ticks.tradable,
    }  # fmt: skip
    shown = value if mark == "revaluation" else path.expansion - paid
    marks = {"conversion": conversion, "book": shown, "contract": price * conversion, "share": length / total}
    size = max(round(block / float(np.median(np.diff(ticks.time)))), 1)
    facts = Facts(
        intervals=float(len(spot) - 1), years=total / (book.day_count * DAY), ticks=len(spot),
        error=float(path.expansion[-1] - (value[-1] + paid[-1])),
    )  # fmt: skip
    with jax.enable_x64(True):
        return Window(
            Quote(**_in_blocks(quote, size)),
            RuleView(**_in_blocks(known, size)),
            Marks(**_in_blocks(marks, size)),
            facts,
        )


def _settled(spot: np.ndarray, settlement: Settlement) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Price of a contract in the ledger's currency, its variation margin, and that currency in the quote currency."""
    one = np.ones_like(spot)
    before = np.concatenate([spot[:1], spot[:-1]])
    match settlement:
        case "linear":
            return spot, spot - before, one
        case "inverse":
            return 1.0 / spot, 1.0 / before - 1.0 / spot, spot
        case "inverse_swept":
            return one, spot / before - 1.0, one


def _years_before(ticks: Ticks, book: Book) -> np.ndarray:
    return np.diff(ticks.time, prepend=ticks.time[:1]) / (book.day_count * DAY)


STILL = frozenset(("change", "carry", "flow", "tradable", "share"))
"""Columns that are zero in rows beyond the last tick, where nothing moves, pays or trades; the others stand still."""


def _in_blocks(columns: dict[str, np.ndarray], size: int) -> dict[str, Array]:
    """Cut the ticks of each column into blocks; the last is filled up."""
    return {name: jnp.asarray(_filled(column, size, still=name in STILL)) for name, column in columns.items()}


def _filled(column: np.ndarray, size: int, *, still: bool) -> np.ndarray:
    short = -len(column) % size
    last = np.zeros_like(column[-1:]) if still else column[-1:]
    return np.concatenate([column, np.repeat(last, short, axis=0)]).reshape(-1, size, *column.shape[1:])


def walk(
    policy: AbstractPolicy, window: Window, known: Any, terms: Terms
) -> tuple[Tally, Float[Array, ""], Float[Array, " hours"]]:
    """One policy over one window: its tally, the CVaR of its hourly P&L, and that P&L."""
    dtype = window.quote.flow.dtype
    zero = jnp.zeros((), dtype)
    account = Account(jnp.zeros_like(window.quote.price[0, 0]), zero)
    tally = Tally(*(zero for _ in Tally.__dataclass_fields__))

    def block(state: Any, rows: Any) -> tuple[Any, Array]:
        quote, seen, delta, marks = rows
        state = fold(policy, quote, seen, terms, _tallied, state, (marks, delta))
        return state, state[2].wealth

    rows = (window.quote, known, (window.known.delta, window.known.delta_per_contract), window.marks)
    state, wealth = jax.lax.scan(block, (account, policy.start(), tally), rows)
    hours = jnp.diff(wealth, prepend=zero)
    worst = jnp.sort(hours)[: max(int(np.ceil(TAIL * hours.shape[0])), 1)]
    return state[2], -jnp.mean(worst), hours


def _tallied(tally: Tally, account: Account, entry: Entry, extra: tuple[Marks, tuple[Array, Array]]) -> Tally:
    """The tally after one more line of the ledger."""
    marks, (delta, per_contract) = extra
    wealth = account.cash * marks.conversion + marks.book
    peak = jnp.maximum(tally.peak, wealth)
    change = wealth - tally.wealth
    squared = change * change
    size = jnp.abs(entry.trade[0])
    net = jnp.abs(delta + account.position[0] * per_contract)
    return Tally(
        wealth=wealth,
        peak=peak,
        drawdown=jnp.maximum(tally.drawdown, peak - wealth),
        first=tally.first + change,
        second=tally.second + squared,
        third=tally.third + squared * change,
        fourth=tally.fourth + squared * squared,
        hedges=tally.hedges + (size > 0),
        net_delta=tally.net_delta + net * marks.share,
        turnover=tally.turnover + size * marks.contract,
        cost=tally.cost + entry.cost * marks.conversion,
        funding=tally.funding + entry.carry * marks.conversion,
    )


def replay(policy: AbstractPolicy, window: Window, costs: tuple[AbstractCost, ...], known: Any = None) -> Entry:
    """The whole ledger of one policy on one window, in float64: leading axis ticks."""
    with jax.enable_x64(True):
        policy, known, costs = _as(np.float64, (policy, known, costs))
        window = ready(window, np.float64)
        seen = window.known if known is None else known
        quote, seen = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), (window.quote, seen))
        return jax.tree.map(np.asarray, _ledger(policy, quote, seen, Terms((True,), costs)))


@eqx.filter_jit
def _ledger(policy: AbstractPolicy, quote: Quote, known: Any, terms: Terms) -> Entry:
    return ledger(policy, quote, known, terms)


@eqx.filter_jit
def _one(policy: AbstractPolicy, window: Window, known: Any, terms: Terms) -> Any:
    return walk(policy, window, known, terms)


@eqx.filter_jit
def _many(policies: AbstractPolicy, window: Window, known: Any, terms: Terms) -> Any:
    return eqx.filter_vmap(lambda policy: walk(policy, window, known, terms))(policies)


def ready(window: Window, precision: Any = np.float32) -> Window:
    """The window in one precision, without the facts that differ from window to window.

    One compilation then serves all windows, and many calls one conversion.
    """
    if window.quote.flow.dtype == precision and window.facts == Facts():
        return window
    with jax.enable_x64(precision == np.float64):
        return jax.tree.map(jnp.asarray, _as(precision, Window(window.quote, window.known, window.marks, Facts())))


def score_one(
    policy: AbstractPolicy,
    window: Window,
    costs: tuple[AbstractCost, ...],
    known: Any = None,
    precision: Any = np.float64,
) -> Scores:
    """One policy on one window; `known` is what it acts on where that is not the rule's view."""
    with jax.enable_x64(precision == np.float64):
        policy, known, costs = _as(precision, (policy, known, costs))
        window = ready(window, precision)
        return _scores(_one(policy, window, window.known if known is None else known, Terms((True,), costs)))


def score_many(policies: AbstractPolicy, window: Window, costs: tuple[AbstractCost, ...]) -> Scores:
    """Many parameter sets (leading axis of every array) on one window, in float32; few of them one by one."""
    sets = jax.tree.leaves(policies)[0].shape[0]
    policies, costs = _as(np.float32, (policies, costs))
    window = ready(window)
    if sets < FEW:
        rows = [jax.tree.map(lambda leaf, i=i: leaf[i], policies) for i in range(sets)]
        return _stack([score_one(row, window, costs, precision=np.float32) for row in rows])
    lanes = min(LANES, sets)
    terms = Terms((True,), costs)

    def chunk(begin: int) -> Scores:
        index = np.minimum(np.arange(begin, begin + lanes), sets - 1)
        part = jax.tree.map(lambda leaf: leaf[index], policies)
        found = _scores(_many(part, window, window.known, terms))
        return jax.tree.map(lambda leaf: leaf[: sets - begin], found)

    begins = range(0, sets, lanes)
    with ThreadPoolExecutor(max_workers=min(len(begins), cores())) as pool:
        return _join(list(pool.map(chunk, begins)))


def pack(windows: Sequence[Window]) -> list[Window]:
    """Windows of one shape stacked, in as many parts as there are cores; for `score_pack`. The order is kept.

    Each becomes a single block: trials do not ask for the hours, and are spared their overhead.
    """
    groups: list[list[Window]] = []
    for window in (jax.tree.map(lambda leaf: leaf.reshape(1, -1, *leaf.shape[2:]), one) for one in windows):
        if groups and groups[-1][0].quote.flow.shape == window.quote.flow.shape:
            groups[-1].append(window)
        else:
            groups.append([window])
    parts = []
    for group in groups:
        size = -(-len(group) // cores())
        parts += [group[begin : begin + size] for begin in range(0, len(group), size)]
    return [jax.tree.map(lambda *leaves: jnp.stack(leaves), *part) for part in parts]


def score_pack(policy: AbstractPolicy, packed: Sequence[Window], costs: tuple[AbstractCost, ...]) -> list[Scores]:
    """One rule on many windows in float32, a compiled call for each part; one entry a window, without hours."""
    policy, costs = _as(np.float32, (policy, costs))
    terms = Terms((True,), costs)
    with ThreadPoolExecutor(max_workers=cores()) as pool:
        parts = list(pool.map(lambda part: _scores(_mapped(policy, part, terms)), packed))
    return [jax.tree.map(lambda leaf, i=i: leaf[i], part) for part in parts for i in range(len(part.cvar))]


def score_stream(
    policies: AbstractPolicy, make: Callable[[int], Window], numbers: Sequence[int], costs: tuple[AbstractCost, ...]
) -> Iterator[tuple[Window, Scores]]:
    """Many sets on window after window, as many at a time as there are cores; what is done with is forgotten."""
    with ThreadPoolExecutor(max_workers=cores()) as pool:

        def one(number: int) -> tuple[Window, Scores]:
            window = make(number)
            return window, score_many(policies, window, costs)

        for begin in range(0, len(numbers), cores()):
            yield from pool.map(one, numbers[begin : begin + cores()])


@eqx.filter_jit
def _mapped(policy: AbstractPolicy, windows: Window, terms: Terms) -> Any:
    return jax.lax.map(lambda window: walk(policy, window, window.known, terms), windows)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _as(dtype: Any, tree: Any) -> Any:
    """Every real array in one precision, as NumPy."""

    def cast(leaf: Any) -> Any:
        if not eqx.is_array_like(leaf) or isinstance(leaf, bool | str):
            return leaf
        array = np.asarray(leaf)
        return array.astype(dtype) if np.issubdtype(array.dtype, np.floating) else array

    return jax.tree.map(cast, tree)


def _scores(found: Any) -> Scores:
    tally, cvar, hours = jax.tree.map(np.asarray, found)
    return Scores(tally, cvar, hours)


def _stack(parts: list[Scores]) -> Scores:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *parts)


def _join(parts: Iterable[Scores]) -> Scores:
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
