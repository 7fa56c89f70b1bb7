"""The one accountant: money moves in `step` and nowhere else.

At each date the account earns interest, receives the carry and the variation margin of what was held, receives the
contract's flows, and then trades to its new position:

    cash_k = cash_{k−1}·growth_k + carry_k(q_{k−1}) + Σ_margined q_{k−1}·(S_k − S_{k−1}) + flow_k
             − Σ_funded n_k·S_k − cost_k(n_k)

with carry_k(q) = Σ q·carry_k − (funding·q + borrow·max(−q, 0))·S_{k−1}·Δt_{k−1}. A ledger in coin (inverse settlement)
is the same step in other quotes: prices 1/S, changes 1/S_{k−1} − 1/S_k, flows and carry divided by S_k.

A listed option that ends at a date (`Quote.life`) is closed first: its units leave the position at `closing`, at the
cost of a trade where it is sold and at none where it is paid out, and what is held next is bought anew.

The last date is the same step towards an empty position; its cost is charged only if the position must be unwound, so
that P&L_T is the cash that is left. The premium is the cash at the start, and grows with it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from tenrec.contracts import AbstractContract
from tenrec.core.errors import ConfigError
from tenrec.core.listed import GOES_ON, GONE, ROLLS
from tenrec.core.paths import MarketPaths, batch_axes
from tenrec.hedging.costs import AbstractCost
from tenrec.hedging.limits import Limits
from tenrec.hedging.policies.base import AbstractPolicy, Own
from tenrec.hedging.view import MarketView, observe
from tenrec.nets import columnar

# Paths that go through the engine at once on a CPU: of those tried, the fastest on one core and on two.
SMALLEST_BLOCK, LARGEST_BLOCK = 256, 2048


class Terms(eqx.Module):
    """On what terms the hedger trades.

    Fields:
        margined: per instrument, False if it is paid for (stock, ETF, option), True if only its price changes are
            settled (future, forward).
        costs: members add up.
        unwind: whether giving up the last position is charged.
        limits: lots and limits that a policy's wish meets before it is traded; giving up the last position meets none.
        funding: annual rate that a long position pays on its value and a short one receives, per instrument.
        borrow: annual rate that a short position pays on its value, per instrument.
        inverse: the ledger is kept in coin: every instrument is a contract worth one unit of the quote currency, and
            its price change is settled in coin. All must be margined; results are also told in the quote currency.
    """

    margined: tuple[bool, ...] = eqx.field(static=True, default=(False,))
    costs: tuple[AbstractCost, ...] = ()
    unwind: bool = eqx.field(static=True, default=False)
    limits: Limits | None = None
    funding: Float[Array, "*instruments"] | None = None
    borrow: Float[Array, "*instruments"] | None = None
    inverse: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if self.inverse and not all(self.margined):
            raise ConfigError(
                "terms.inverse is true and an instrument is paid for; settle every instrument in coin, or none."
            )


class Account(eqx.Module):
    """What the hedger has: units of each instrument, and cash in the quote currency."""

    position: Float[Array, " instruments"]
    cash: Float[Array, ""]


class Quote(eqx.Module):
    """What the market gives at one date, in the ledger's currency.

    Fields beyond `MarketPaths`:
        change: of the price since the date before. growth: of cash since then. flow: received from the contract.
        accrual: value of one unit at the date before, times the years since; what funding and borrowing are paid on.
        exchange: quote currency per unit of the ledger's, None where they are one.
        closing: what a unit held since the date before is worth. life: what becomes of it, see `Listed`; both None
            where no option is listed.
    """

    price: Float[Array, "*dates instruments"]
    change: Float[Array, "*dates instruments"]
    growth: Float[Array, "*dates"]
    carry: Float[Array, "*dates instruments"]
    half_spread: Float[Array, "*dates instruments"]
    flow: Float[Array, "*dates"]
    tradable: Bool[Array, "*dates"]
    accrual: Float[Array, "*dates instruments"] | None = None
    exchange: Float[Array, "*dates"] | None = None
    closing: Float[Array, "*dates instruments"] | None = None
    life: Int[Array, "*dates instruments"] | None = None


class Entry(eqx.Module):
    """One line of the ledger; stacked over dates by `run`.

    Fields:
        position: units held after the trade. trade: units bought. cash: after everything, quote currency.
        cost: paid for the trade. carry: received for having held. flow: received from the contract.
        closed: units of listed options that ended and left the position before the trade, None where none are listed:
            position = position before − closed + trade.
    """

    position: Float[Array, "*dates instruments"]
    trade: Float[Array, "*dates instruments"]
    cash: Float[Array, "*dates"]
    cost: Float[Array, "*dates"]
    carry: Float[Array, "*dates"]
    flow: Float[Array, "*dates"]
    closed: Float[Array, "*dates instruments"] | None = None


def step(
    account: Account, target: Float[Array, " instruments"], quote: Quote, terms: Terms, charged: bool = True
) -> tuple[Account, Entry]:
    """One date: settle what was held, then trade to `target`. Pure; one path; `vmap` is the batch."""
    carry = _carried(account.position, quote, terms)
    kept = going_on(account.position, quote)
    closed = account.position - kept
    trade = target - kept
    paid = _value(trade, quote, terms) - _closing_value(closed, quote, terms)
    cost = _charge(trade, quote, terms) + _closing_charge(closed, quote, terms)
    cost = cost if charged else jnp.zeros_like(account.cash)
    cash = _settled(account, quote, terms) - paid - cost
    ended = None if quote.life is None else closed
    entry = Entry(position=target, trade=trade, cash=cash, cost=cost, carry=carry, flow=quote.flow, closed=ended)
    return Account(target, cash), entry


def going_on(held: Float[Array, " instruments"], quote: Quote) -> Float[Array, " instruments"]:
    """What is left of a position once the options that end at this date have left it."""
    return held if quote.life is None else jnp.where(quote.life == GOES_ON, held, 0.0)


def wealth(account: Account, quote: Quote, terms: Terms) -> Float[Array, ""]:
    """What the account is worth at a date before it trades: settled cash, and what was paid for at mid prices."""
    return _settled(account, quote, terms) + _closing_value(account.position, quote, terms)


def _settled(account: Account, quote: Quote, terms: Terms) -> Float[Array, ""]:
    """Cash after interest, carry, variation margin and the contract's flow."""
    held = account.position
    variation = jnp.sum(jnp.where(jnp.asarray(terms.margined), held * quote.change, 0.0))
    return account.cash * quote.growth + _carried(held, quote, terms) + variation + quote.flow


def _carried(held: Float[Array, " instruments"], quote: Quote, terms: Terms) -> Float[Array, ""]:
    """Received for having held: dividends and the like, less funding and the borrowing of what was sold short."""
    received = jnp.sum(held * quote.carry)
    if quote.accrual is not None and terms.funding is not None:
        received = received - jnp.sum(terms.funding * held * quote.accrual)
    if quote.accrual is not None and terms.borrow is not None:
        received = received - jnp.sum(terms.borrow * jnp.maximum(-held, 0.0) * quote.accrual)
    return received


def _charge(trade: Float[Array, " instruments"], quote: Quote, terms: Terms) -> Float[Array, ""]:
    cost = jnp.zeros_like(quote.growth)
    for member in terms.costs:
        cost = cost + member(trade, quote.price, quote.half_spread)
    return cost


def _closing_charge(closed: Float[Array, " instruments"], quote: Quote, terms: Terms) -> Float[Array, ""]:
    """The cost of selling the options that are rolled; one that is paid out costs nothing."""
    if quote.life is None or quote.closing is None:
        return jnp.zeros_like(quote.growth)
    sold = jnp.where(quote.life == ROLLS, -closed, 0.0)
    return _charge(sold, dataclasses.replace(quote, price=quote.closing), terms)


def charges(line: Entry, quote: Quote, terms: Terms) -> Float[Array, " instruments"]:
    """What each instrument's part of a line's cost is, were the line charged; for the eye, no money moves here."""
    closed = jnp.zeros_like(line.trade) if line.closed is None else line.closed

    def of_one(own: Float[Array, " instruments"]) -> Float[Array, ""]:
        return _charge(own * line.trade, quote, terms) + _closing_charge(own * closed, quote, terms)

    return jax.vmap(of_one)(jnp.eye(line.trade.shape[0], dtype=line.trade.dtype))


def _value(units: Float[Array, " instruments"], quote: Quote, terms: Terms) -> Float[Array, ""]:
    """What units cost at mid prices; a margined instrument costs nothing."""
    return jnp.sum(jnp.where(jnp.asarray(terms.margined), 0.0, units * quote.price))


def _closing_value(units: Float[Array, " instruments"], quote: Quote, terms: Terms) -> Float[Array, ""]:
    """What units held since the date before are worth."""
    return _value(units, quote if quote.closing is None else dataclasses.replace(quote, price=quote.closing), terms)


def quotes(paths: MarketPaths, contract: AbstractContract, terms: Terms | None = None) -> Quote:
    """The market of one path, date by date, as the engine reads it."""
    price = paths.price
    start = jnp.zeros_like(paths.dt[:1])
    years = jnp.concatenate([start, paths.dt])
    pays_for_time = terms is not None and not (terms.funding is None and terms.borrow is None)
    listed = paths.listed
    closing = price if listed is None else listed.closing
    market = Quote(
        price=price,
        change=closing - _before(price),
        growth=jnp.exp(jnp.concatenate([start, paths.rate * paths.dt])),
        carry=paths.carry,
        half_spread=paths.half_spread,
        flow=contract.flows(paths.levels),
        tradable=paths.tradable,
        accrual=_before(price) * years[:, None] if pays_for_time else None,
        closing=None if listed is None else closing,
        life=None if listed is None else jnp.broadcast_to(listed.life, price.shape),
    )
    return _in_coin(market, paths, years) if terms is not None and terms.inverse else market


def _before(rows: Float[Array, "dates instruments"]) -> Float[Array, "dates instruments"]:
    """The row of the date before; the first one's is its own."""
    return jnp.concatenate([rows[:1], rows[:-1]])


def _in_coin(market: Quote, paths: MarketPaths, years: Float[Array, " dates"]) -> Quote:
    """The same market in coin, one contract worth one unit of the quote currency; coin earns the underlying's yield."""
    spot, one = paths.spot[:, None], 1.0 / market.price
    lent = jnp.concatenate([jnp.zeros_like(paths.dt[:1]), paths.dividend_yield * paths.dt])
    return Quote(
        price=one,
        change=_before(one) - one,
        growth=jnp.exp(lent),
        # Carry and spread of one unit of the underlying, of which a contract is worth 1/S.
        carry=market.carry * one / spot,
        half_spread=market.half_spread * one**2,
        flow=market.flow / paths.spot,
        tradable=market.tradable,
        accrual=None if market.accrual is None else _before(one) * years[:, None],
        exchange=paths.spot,
    )


def run(
    policy: AbstractPolicy, paths: MarketPaths, contract: AbstractContract, terms: Terms, premium: Float[Array, ""]
) -> Entry:
    """Hedge one path from the sale to the end; every line of the ledger, stacked over the dates 0..N."""
    account, _, entries, last = _walk(policy, paths, contract, terms, premium, keep=True)
    _, final = step(account, jnp.zeros_like(account.position), last, terms, charged=terms.unwind)
    return jax.tree.map(lambda rows, row: jnp.concatenate([rows, row[None]]), entries, final)


def terminal_pnl(
    policy: AbstractPolicy, paths: MarketPaths, contract: AbstractContract, terms: Terms, premium: Float[Array, ""]
) -> Float[Array, ""]:
    """P&L at the end of one path, quote currency: what `run` ends with, without keeping the lines."""
    return terminal(policy, paths, contract, terms, premium).pnl


class Terminal(eqx.Module):
    """How one path ends, quote currency.

    Fields:
        pnl: what `run` ends with. gains: the part of it that trading brought before costs, carried to the end; where
        the discounted prices are martingales its mean is zero, whatever the policy.
    """

    pnl: Float[Array, "*paths"]
    gains: Float[Array, "*paths"]


def terminal(
    policy: AbstractPolicy, paths: MarketPaths, contract: AbstractContract, terms: Terms, premium: Float[Array, ""]
) -> Terminal:
    """P&L and trading gains at the end of one path, without keeping the lines."""
    account, idle, _, last = _walk(policy, paths, contract, terms, premium, keep=False)
    closed, entry = step(account, jnp.zeros_like(account.position), last, terms, charged=terms.unwind)
    gains = closed.cash - _idled(idle, entry, last)
    return Terminal(in_quote_currency(closed.cash, last), in_quote_currency(gains, last))


def _idled(idle: Float[Array, ""], entry: Entry, quote: Quote) -> Float[Array, ""]:
    """Cash of an account that never trades but has the same premium and flows, and bears the same costs."""
    return idle * quote.growth + entry.flow - entry.cost


def in_quote_currency(amount: Float[Array, "*dates"], quote: Quote) -> Float[Array, "*dates"]:
    """An amount of the ledger at the date's rate of exchange."""
    return amount if quote.exchange is None else amount * quote.exchange


def fold(
    policy: AbstractPolicy,
    market: Quote,
    known: Any,
    terms: Terms,
    tally: Callable[[Any, Account, Entry, Any], Any],
    state: tuple[Account, Any, Any],
    extra: Any = None,
) -> tuple[Account, Any, Any]:
    """Walk dates of one path and keep, in place of a ledger, what `tally(tallied, account, entry, extra)` makes of it.

    For long paths (ticks) and thousands of parameter sets, whose ledgers would not fit. Nothing is unwound.

    Args:
        market, known, extra: leading axis dates; the policy acts on `known`, `extra` is handed to `tally` row by row.
        state: account, memory of the policy, and tally before the first of these dates; returned after the last, so
            that a path may be walked in parts.
    """

    def one_date(state: tuple[Account, Any, Any], row: tuple[Quote, Any, Any]) -> tuple[tuple[Account, Any, Any], None]:
        (account, memory, tallied), (quote, seen, more) = state, row
        account, memory, entry = _traded(policy, account, memory, quote, seen, terms)
        return (account, memory, tally(tallied, account, entry, more)), None

    return jax.lax.scan(one_date, state, (market, known, extra))[0]


def ledger(policy: AbstractPolicy, market: Quote, known: Any, terms: Terms) -> Entry:
    """Every line of what `fold` walks, from an empty account; leading axis dates."""

    def one_date(state: tuple[Account, Any], row: tuple[Quote, Any]) -> tuple[tuple[Account, Any], Entry]:
        account, memory, entry = _traded(policy, *state, *row, terms)
        return (account, memory), entry

    empty = Account(jnp.zeros_like(market.price[0]), jnp.zeros_like(market.flow[0]))
    return jax.lax.scan(one_date, (empty, policy.start()), (market, known))[1]


def _traded(
    policy: AbstractPolicy, account: Account, memory: Any, quote: Quote, known: Any, terms: Terms
) -> tuple[Account, Any, Entry]:
    """One date: ask the policy, and step to what it wants where that can be traded."""
    worth = in_quote_currency(wealth(account, quote, terms), quote)
    held = going_on(account.position, quote)
    wanted, memory = policy.act(known, Own(held, worth, memory))
    if terms.limits is not None:
        wanted = terms.limits(wanted, held)
    if quote.life is not None:
        wanted = jnp.where(quote.life == GONE, 0.0, wanted)
    account, entry = step(account, jnp.where(quote.tradable, wanted, held), quote, terms)
    return account, memory, entry


def _walk(
    policy: AbstractPolicy,
    paths: MarketPaths,
    contract: AbstractContract,
    terms: Terms,
    premium: Float[Array, ""],
    *,
    keep: bool,
) -> tuple[Account, Array, Any, Quote]:
    """Scan the trading dates 0..N−1; the step is rematerialised, since memory traffic is the limit in training."""
    if len(terms.margined) != paths.instruments:
        raise ConfigError(
            f"terms.margined has {len(terms.margined)} entries for {paths.instruments} hedging instruments; "
            "give one for each."
        )
    market = quotes(paths, contract, terms)
    inputs = policy.inputs(seen(paths, contract, terms))

    @jax.checkpoint
    def one_date(
        state: tuple[Account, Array, Any], row: tuple[Quote, Any]
    ) -> tuple[tuple[Account, Array, Any], Entry | None]:
        (account, idle, memory), (quote, known) = state, row
        account, memory, entry = _traded(policy, account, memory, quote, known, terms)
        return (account, _idled(idle, entry, quote), memory), entry if keep else None

    trading = jax.tree.map(lambda leaf: leaf[:-1], market)
    last = jax.tree.map(lambda leaf: leaf[-1], market)
    cash = jnp.asarray(premium, market.price.dtype)
    cash = cash if market.exchange is None else cash / market.exchange[0]
    account = Account(jnp.zeros_like(market.price[0]), cash)
    (account, idle, _), entries = jax.lax.scan(one_date, (account, cash, policy.start()), (trading, inputs))
    return account, idle, entries, last


def seen(paths: MarketPaths, contract: AbstractContract, terms: Terms) -> MarketView:
    """What the hedger of one path sees: a coin-margined contract has the price of its face, one unit of quote currency.

    With that price a delta of d units of the underlying is d·S contracts, as for any instrument that moves with it.
    """
    view = observe(paths, contract)
    return dataclasses.replace(view, price=jnp.ones_like(view.price)) if terms.inverse else view


def over_paths(
    function: Any,
    policy: AbstractPolicy,
    paths: MarketPaths,
    contract: AbstractContract,
    terms: Terms,
    premium: Float[Array, "*paths"],
) -> Any:
    """`run` or `terminal_pnl` for every path; the contract and the premium may be one for all or one each.

    On a CPU many paths go in blocks whose intermediate results stay in its cache; values do not depend on that.
    """
    contract_axis = 0 if contract.strike.ndim > 1 else None
    axes = (batch_axes(paths), contract_axis, 0 if premium.ndim else None)
    policy = columnar(policy)

    def block(paths: MarketPaths, contract: AbstractContract, premium: Array) -> Any:
        many = jax.vmap(function, in_axes=(None, axes[0], axes[1], None, axes[2]))
        return many(policy, paths, contract, terms, premium)

    size = _block_size(paths.count)
    if size == paths.count:
        return block(paths, contract, premium)
    varies = jax.tree.map(lambda axis: axis is not None, axes, is_leaf=lambda axis: axis is None)
    own, shared = eqx.partition((paths, contract, premium), varies)
    rows = jax.tree.map(lambda leaf: leaf.reshape(-1, size, *leaf.shape[1:]), own)
    results = jax.lax.map(lambda some: block(*eqx.combine(some, shared)), rows)
    return jax.tree.map(lambda leaf: leaf.reshape(paths.count, *leaf.shape[2:]), results)


def _block_size(count: int) -> int:
    """The largest even share of the paths that fits a CPU's cache; all of them elsewhere, or if they do not divide."""
    if jax.default_backend() != "cpu":
        return count
    fitting = [size for size in range(SMALLEST_BLOCK, LARGEST_BLOCK + 1) if count % size == 0]
    return max(fitting, default=count) if count > LARGEST_BLOCK else count
