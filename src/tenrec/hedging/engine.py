"""The one accountant: money moves in `step` and nowhere else.

At each date the account earns interest, receives the carry and the variation margin of what was held, receives the
contract's flows, and then trades to its new position:

    cash_k = cash_{k−1}·growth_k + carry_k·q_{k−1} + Σ_margined q_{k−1}·(S_k − S_{k−1}) + flow_k
             − Σ_funded n_k·S_k − cost_k(n_k)

The last date is the same step towards an empty position; its cost is charged only if the position must be unwound, so
that P&L_T is the cash that is left. The premium is the cash at the start, and grows with it.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from tenrec.contracts import AbstractContract
from tenrec.core.errors import ConfigError
from tenrec.core.paths import MarketPaths, batch_axes
from tenrec.hedging.costs import AbstractCost
from tenrec.hedging.policies.base import AbstractPolicy, Own
from tenrec.hedging.view import observe


class Terms(eqx.Module):
    """On what terms the hedger trades.

    Fields:
        margined: per instrument, False if it is paid for (stock, ETF, option), True if only its price changes are
            settled (future, forward).
        costs: members add up.
        unwind: whether giving up the last position is charged.
    """

    margined: tuple[bool, ...] = eqx.field(static=True, default=(False,))
    costs: tuple[AbstractCost, ...] = ()
    unwind: bool = eqx.field(static=True, default=False)


class Account(eqx.Module):
    """What the hedger has: units of each instrument, and cash in the quote currency."""

    position: Float[Array, " instruments"]
    cash: Float[Array, ""]


class Quote(eqx.Module):
    """What the market gives at one date."""

    price: Float[Array, "*dates instruments"]
    change: Float[Array, "*dates instruments"]
    growth: Float[Array, "*dates"]
    carry: Float[Array, "*dates instruments"]
    half_spread: Float[Array, "*dates instruments"]
    flow: Float[Array, "*dates"]
    tradable: Bool[Array, "*dates"]


class Entry(eqx.Module):
    """One line of the ledger; stacked over dates by `run`.

    Fields:
        position: units held after the trade. trade: units bought. cash: after everything, quote currency.
        cost: paid for the trade. carry: received for having held. flow: received from the contract.
    """

    position: Float[Array, "*dates instruments"]
    trade: Float[Array, "*dates instruments"]
    cash: Float[Array, "*dates"]
    cost: Float[Array, "*dates"]
    carry: Float[Array, "*dates"]
    flow: Float[Array, "*dates"]


def step(
    account: Account, target: Float[Array, " instruments"], quote: Quote, terms: Terms, charged: bool = True
) -> tuple[Account, Entry]:
    """One date: settle what was held, then trade to `target`. Pure; one path; `vmap` is the batch."""
    held = account.position
    carry = jnp.sum(held * quote.carry)
    trade = target - held
    paid = _value(trade, quote, terms)
    cost = jnp.zeros_like(account.cash)
    if charged:
        for member in terms.costs:
            cost = cost + member(trade, quote.price, quote.half_spread)
    cash = _settled(account, quote, terms) - paid - cost
    entry = Entry(position=target, trade=trade, cash=cash, cost=cost, carry=carry, flow=quote.flow)
    return Account(target, cash), entry


def wealth(account: Account, quote: Quote, terms: Terms) -> Float[Array, ""]:
    """What the account is worth at a date before it trades: settled cash, and what was paid for at mid prices."""
    return _settled(account, quote, terms) + _value(account.position, quote, terms)


def _settled(account: Account, quote: Quote, terms: Terms) -> Float[Array, ""]:
    """Cash after interest, carry, variation margin and the contract's flow."""
    held = account.position
    variation = jnp.sum(jnp.where(jnp.asarray(terms.margined), held * quote.change, 0.0))
    return account.cash * quote.growth + jnp.sum(held * quote.carry) + variation + quote.flow


def _value(units: Float[Array, " instruments"], quote: Quote, terms: Terms) -> Float[Array, ""]:
    """What units cost at mid prices; a margined instrument costs nothing."""
    return jnp.sum(jnp.where(jnp.asarray(terms.margined), 0.0, units * quote.price))


def quotes(paths: MarketPaths, contract: AbstractContract) -> Quote:
    """The market of one path, date by date, as the engine reads it."""
    price = paths.price
    start = jnp.zeros_like(paths.dt[:1])
    return Quote(
        price=price,
        change=jnp.diff(price, axis=0, prepend=price[:1]),
        growth=jnp.exp(jnp.concatenate([start, paths.rate * paths.dt])),
        carry=paths.carry,
        half_spread=paths.half_spread,
        flow=contract.flows(paths.spot),
        tradable=paths.tradable,
    )


def run(
    policy: AbstractPolicy, paths: MarketPaths, contract: AbstractContract, terms: Terms, premium: Float[Array, ""]
) -> Entry:
    """Hedge one path from the sale to the end; every line of the ledger, stacked over the dates 0..N."""
    account, entries, last = _walk(policy, paths, contract, terms, premium, keep=True)
    _, final = step(account, jnp.zeros_like(account.position), last, terms, charged=terms.unwind)
    return jax.tree.map(lambda rows, row: jnp.concatenate([rows, row[None]]), entries, final)


def terminal_pnl(
    policy: AbstractPolicy, paths: MarketPaths, contract: AbstractContract, terms: Terms, premium: Float[Array, ""]
) -> Float[Array, ""]:
    """P&L at the end of one path, quote currency: what `run` ends with, without keeping the lines."""
    account, _, last = _walk(policy, paths, contract, terms, premium, keep=False)
    closed, _ = step(account, jnp.zeros_like(account.position), last, terms, charged=terms.unwind)
    return closed.cash


def _walk(
    policy: AbstractPolicy,
    paths: MarketPaths,
    contract: AbstractContract,
    terms: Terms,
    premium: Float[Array, ""],
    *,
    keep: bool,
) -> tuple[Account, Any, Quote]:
    """Scan the trading dates 0..N−1; the step is rematerialised, since memory traffic is the limit in training."""
    if len(terms.margined) != paths.instruments:
        raise ConfigError(
            f"terms.margined has {len(terms.margined)} entries for {paths.instruments} hedging instruments; "
            "give one for each."
        )
    market = quotes(paths, contract)
    inputs = policy.inputs(observe(paths, contract))

    @jax.checkpoint
    def one_date(state: tuple[Account, Any], row: tuple[Quote, Any]) -> tuple[tuple[Account, Any], Entry | None]:
        (account, memory), (quote, known) = state, row
        wanted, memory = policy.act(known, Own(account.position, wealth(account, quote, terms), memory))
        target = jnp.where(quote.tradable, wanted, account.position)
        account, entry = step(account, target, quote, terms)
        return (account, memory), entry if keep else None

    trading = jax.tree.map(lambda leaf: leaf[:-1], market)
    last = jax.tree.map(lambda leaf: leaf[-1], market)
    account = Account(jnp.zeros_like(market.price[0]), jnp.asarray(premium, market.price.dtype))
    (account, _), entries = jax.lax.scan(one_date, (account, policy.start()), (trading, inputs))
    return account, entries, last


def over_paths(
    function: Any,
    policy: AbstractPolicy,
    paths: MarketPaths,
    contract: AbstractContract,
    terms: Terms,
    premium: Float[Array, "*paths"],
) -> Any:
    """`run` or `terminal_pnl` for every path; the contract and the premium may be one for all or one each."""
    contract_axis = 0 if contract.strike.ndim > 1 else None
    axes = (None, batch_axes(paths), contract_axis, None, 0 if premium.ndim else None)
    return jax.vmap(function, in_axes=axes)(policy, paths, contract, terms, premium)
