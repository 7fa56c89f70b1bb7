"""Policies asked at a point instead of along a path: `target`, the band, and curves over spot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from tenrec.contracts import AbstractContract, EuropeanBook
from tenrec.core.errors import InputError
from tenrec.hedging.limits import Limits
from tenrec.hedging.options import OptionSlot, strikes_at
from tenrec.hedging.policies import AbstractBandPolicy, AbstractOwnBandPolicy, AbstractPolicy, Own
from tenrec.hedging.sensitivities import book_gamma, book_vega
from tenrec.hedging.view import MarketView, OptionView, view_at
from tenrec.markets import AbstractMarket
from tenrec.volatility.variance import dollar_gamma, variance_vega

Numbers = np.ndarray | float


@dataclass(frozen=True)
class Setting:
    """What a standalone question falls back on: the run's contract and market.

    Args:
        contract: the book, quantities in units of the underlying. maturity, period: years.
        initial_spot: quote currency; None for the strike asked about (listed options, which were sold near it).
        volatility: annualised decimal. rate, dividend_yield: continuous annual.
        future: whether the hedge is a future or forward on a spot that grows at rate − dividend yield.
        inverse: whether the hedge is a coin-margined contract worth one unit of the quote currency.
        signal_names: the market's signals, each neutral at zero.
        instruments: of the hedge. slots: the listed option of each of them, None where it is none; empty without any.
        model: the market that gives the instruments after the first their value, None where there are none.
        limits: lots and limits that every wish meets before it is traded.
    """

    contract: AbstractContract
    maturity: float
    period: float
    initial_spot: float | None
    volatility: float
    rate: float = 0.0
    dividend_yield: float = 0.0
    future: bool = False
    inverse: bool = False
    signal_names: tuple[str, ...] = ()
    instruments: int = 1
    slots: tuple[OptionSlot | None, ...] = ()
    model: AbstractMarket | None = None
    limits: Limits | None = None

    @property
    def option_names(self) -> tuple[str, ...]:
        """What can be said of the listed options: `option_2_strike` (quote currency), `option_2_time` (years)."""
        places = [place for place, slot in enumerate(self.slots, 1) if slot is not None]
        return tuple(f"option_{place}_{what}" for place in places for what in ("strike", "time"))

    def view(self, at: Mapping[str, Float[Array, " points"]], kind: str | None = None) -> MarketView:
        """What a policy sees at each point; `kind` and, of a single option, the strike are exchanged for the run's.

        `at` has spot, time_to_maturity, implied_vol, entry_volatility, strike, last_return and every signal.
        """
        book, price = self.contract, at["spot"]
        if self.future:
            price = price * jnp.exp((self.rate - self.dividend_yield) * at["time_to_maturity"])
        if self.inverse:
            price = jnp.ones_like(price)
        lag = np.asarray(book.expiry, np.float32) * self.period
        signals = [at[name] for name in self.signal_names]
        return _view_at(
            book if book.legs > 1 or book.exotics else _contract(book, at["strike"], kind),
            spot=at["spot"],
            time_to_expiry=at["time_to_maturity"][:, None] + (lag - lag.max()),
            volatility=at["implied_vol"],
            entry_volatility=at["entry_volatility"],
            maturity=self.maturity,
            period=self.period,
            initial_spot=at["strike"] if self.initial_spot is None else self.initial_spot,
            last_return=at["last_return"],
            rate=self.rate,
            dividend_yield=self.dividend_yield,
            price=jnp.repeat(price[:, None], self.instruments, axis=1),
            signals=jnp.stack(signals, axis=-1) if signals else None,
            signal_names=self.signal_names,
            options=self._options(at),
        )

    def _options(self, at: Mapping[str, Float[Array, " points"]]) -> OptionView | None:
        """The listed options at each point; one that has no strike, or strike 0, as if it were listed there now."""
        if not self.slots:
            return None
        spot, columns = at["spot"], []
        for place, slot in enumerate(self.slots, 1):
            if slot is None:
                columns.append((0.0 * spot, jnp.ones_like(spot), 0.0 * spot, spot, jnp.ones_like(spot)))
                continue
            time = at.get(f"option_{place}_time", jnp.full_like(spot, slot.life))
            growth = jnp.exp((self.rate - self.dividend_yield) * time)
            discount = jnp.exp(-self.rate * time)
            fresh = strikes_at(
                slot,
                spot=spot,
                volatility=at["implied_vol"],
                time=time,
                growth=growth,
                dividend_discount=growth * discount,
            )
            given = at.get(f"option_{place}_strike", jnp.zeros_like(spot))
            strike = jnp.where(given > 0.0, given, fresh)
            columns.append((jnp.full_like(spot, slot.sign), strike, time, spot * growth, discount))
        return OptionView(*(jnp.stack(column, axis=-1) for column in zip(*columns, strict=True)))


@dataclass(frozen=True)
class PolicyHandle:
    """A policy that answers questions in NumPy: what to hold at a spot, a time and a position.

    Example:
        >>> from tenrec.contracts import european
        >>> from tenrec.hedging.policies import BlackScholesDelta
        >>> setting = Setting(european("call", strike=1.0, expiry=30), 30 / 365, 1 / 365, 1.0, 0.2)
        >>> handle = PolicyHandle(BlackScholesDelta(), setting)
        >>> handle.target(spot=1.0, time_to_maturity=30 / 365, position=0.0, implied_vol=0.2).item()
        0.511...
        >>> handle.target(spot=np.array([0.9, 1.1]), time_to_maturity=30 / 365, kind="put").round(3)
        array([-0.965, -0.045])
    """

    policy: AbstractPolicy
    setting: Setting

    def target(
        self,
        *,
        spot: Numbers,
        time_to_maturity: Numbers,
        position: Numbers = 0.0,
        implied_vol: Numbers | None = None,
        **more: Any,
    ) -> np.ndarray:
        """Units of the first hedging instrument to hold next, within the run's limits; arguments broadcast.

        Args:
            spot: quote currency. time_to_maturity: years, to the last expiry of a book. position: units held now.
            implied_vol: annualised decimal.
            more: strike, kind ("call" or "put"), quantity (units of the underlying owned), last_return (log),
                entry_volatility, wealth (quote currency, the premium counted in), and any signal of the market by name;
                the run's contract and neutral values otherwise. Of a listed option among the instruments,
                option_2_strike (quote currency) and option_2_time (years to its expiry); as if listed now otherwise.

        Raises:
            InputError: a number that cannot be, or a keyword that is not known; a policy that remembers what it saw,
                asked at another date than its first.
        """
        self._refuse_later(time_to_maturity)
        view, asked, shape = self._view(spot, time_to_maturity, implied_vol, position, more)
        held, wealth = (jnp.asarray(asked[name] / asked["scale"], jnp.float32) for name in ("position", "wealth"))
        wanted = np.asarray(targets_of(self.policy, view, held, wealth))
        # A policy that keeps the position keeps it as it was given, not as single precision rounds it.
        units = np.where(wanted == np.asarray(held), asked["position"], asked["scale"] * wanted.astype(np.float64))
        return self._allowed(units[:, None], asked["position"][:, None])[:, 0].reshape(shape)

    def targets(self, *, positions: Sequence[Numbers] = (), **asked: Any) -> np.ndarray:
        """Units of every hedging instrument to hold next, instruments on the last axis; other arguments as in `target`.

        Args:
            positions: units held now of each instrument, numbers or arrays; none of those that are not given.

        Raises:
            InputError: as `target`, and for more positions than instruments.
        """
        count, given = self.setting.instruments, [_finite("position", number) for number in positions]
        if len(given) > count:
            raise InputError(f"{len(given)} positions were given; the hedge has {count} instruments, so give as many.")
        self._refuse_later(asked["time_to_maturity"])
        spot, time, volatility = asked.pop("spot"), asked.pop("time_to_maturity"), asked.pop("implied_vol", None)
        view, told, shape = self._view(spot, time, volatility, 0.0, asked)
        scale = told["scale"][:, None]
        held = np.zeros((len(scale), count))
        for place, units in enumerate(given):
            if units.shape not in ((), shape):
                raise InputError(
                    f"positions hold an array of shape {units.shape}; numbers, or arrays of the other arguments' shape "
                    f"{shape}, are needed."
                )
            held[:, place] = np.broadcast_to(units, shape).reshape(-1)
        wealth = jnp.asarray(told["wealth"] / told["scale"], jnp.float32)
        own = jnp.asarray(held / scale, jnp.float32)
        wanted = np.asarray(all_targets_of(self.policy, view, own, wealth))
        units = np.where(wanted == np.asarray(own), held, scale * wanted.astype(np.float64))
        return self._allowed(units, held).reshape(*shape, count)

    def _allowed(self, units: np.ndarray, held: np.ndarray) -> np.ndarray:
        """What the limits make of a wish, shapes (points, instruments), or the first of them alone."""
        limits = self.setting.limits
        if limits is None:
            return units
        if units.shape[-1] < limits.lot.shape[-1]:
            limits = jax.tree.map(lambda leaf: leaf[:1], limits)
        wish, own = (jnp.asarray(column, jnp.float32) for column in (units, held))
        allowed = np.asarray(jax.vmap(limits)(wish, own))
        return np.where(allowed == np.asarray(wish), units, allowed.astype(np.float64))

    def band(
        self, *, spot: Numbers, time_to_maturity: Numbers, implied_vol: Numbers | None = None, **more: Any
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Lower and upper edge of the no-trade band, or None if the policy has none; arguments as in `target`."""
        if not isinstance(self.policy, AbstractBandPolicy | AbstractOwnBandPolicy):
            return None
        self._refuse_later(time_to_maturity)
        view, asked, shape = self._view(spot, time_to_maturity, implied_vol, 0.0, more)
        edges = _edges(self.policy, view, jnp.asarray(asked["wealth"] / asked["scale"], jnp.float32))
        lower, upper = (asked["scale"] * np.asarray(edge, np.float64) for edge in edges)
        return np.minimum(lower, upper).reshape(shape), np.maximum(lower, upper).reshape(shape)

    def variance_greeks(
        self, *, spot: Numbers, time_to_maturity: Numbers, implied_vol: Numbers | None = None, **more: Any
    ) -> dict[str, np.ndarray]:
        """The book in variance terms, without its hedge; arguments as in `target`.

        `dollar_gamma` is ½·Γ·S², quote currency per squared log return; `variance_vega` is ∂V/∂(σ²) = vega/(2σ), quote
        currency per unit of annualised variance, which as many variance swaps of that notional offset.
        """
        view, asked, shape = self._view(spot, time_to_maturity, implied_vol, 0.0, more)
        gamma, vega = (np.asarray(part, np.float64) for part in _book_greeks(view))
        own = (
            asked["scale"] * dollar_gamma(asked["spot"], gamma),
            asked["scale"] * variance_vega(vega, asked["implied_vol"]),
        )
        return dict(zip(("dollar_gamma", "variance_vega"), (part.reshape(shape) for part in own), strict=True))

    def _refuse_later(self, time_to_maturity: Numbers) -> None:
        """What remembers can be asked only where there is nothing to remember."""
        whole = self.setting.maturity
        if self.policy.start() is None or np.allclose(time_to_maturity, whole, rtol=1e-4, atol=0.0):
            return
        raise InputError(
            f"time_to_maturity is {np.ravel(time_to_maturity)[0]:g} years and the policy remembers what it saw before, "
            f"which one question cannot tell; ask at its first date ({whole:g} years), or see the run's ledger."
        )

    def _view(
        self, spot: Numbers, time: Numbers, implied_vol: Numbers | None, position: Numbers, more: dict[str, Any]
    ) -> tuple[MarketView, dict[str, np.ndarray], tuple[int, ...]]:
        """What the policy sees at each point, the numbers asked with by name, flat, and the shape of the answer."""
        asked, shape = _flat(_checked(self.setting, spot, time, implied_vol, position, more))
        at = {name: jnp.asarray(value, jnp.float32) for name, value in asked.items()}
        return self.setting.view(at, more.get("kind")), asked, shape


# Compiled: operation by operation the first answer would take seconds.
_view_at = eqx.filter_jit(view_at)


@eqx.filter_jit
def _book_greeks(view: MarketView) -> tuple[Float[Array, " points"], Float[Array, " points"]]:
    return book_gamma(view, view.volatility), book_vega(view, view.volatility)


@eqx.filter_jit
def targets_of(
    policy: AbstractPolicy, view: MarketView, held: Float[Array, " points"], wealth: Float[Array, " points"]
) -> Float[Array, " points"]:
    """What a policy holds next of the first instrument, at each point; it holds none of the others."""
    alone = jnp.zeros(view.price.shape, held.dtype).at[:, 0].set(held)
    return all_targets_of(policy, view, alone, wealth)[:, 0]


@eqx.filter_jit
def all_targets_of(
    policy: AbstractPolicy,
    view: MarketView,
    held: Float[Array, "points instruments"],
    wealth: Float[Array, " points"],
) -> Float[Array, "points instruments"]:
    """What a policy holds next of every instrument, at each point."""

    def targets(known: Any, position: Array, worth: Array) -> Array:
        return policy.act(known, Own(position, worth, policy.start()))[0]

    return jax.vmap(targets)(policy.inputs(view), held, wealth)


@eqx.filter_jit
def _edges(
    policy: AbstractBandPolicy | AbstractOwnBandPolicy, view: MarketView, wealth: Float[Array, " points"]
) -> tuple[Float[Array, " points"], Float[Array, " points"]]:
    known = policy.inputs(view)
    if isinstance(policy, AbstractBandPolicy):
        lower, upper = jax.vmap(policy.edges)(known)
    else:
        flat = jnp.zeros(view.price.shape[-1], view.price.dtype)

        def of_own(known: Any, worth: Array) -> tuple[Array, Array]:
            own = Own(flat, worth, policy.start())
            return policy.edges(known, Own(flat, worth, policy.remember(known, own)))

        lower, upper = jax.vmap(of_own)(known, wealth)
    return lower[:, 0], upper[:, 0]


def _checked(
    setting: Setting,
    spot: Numbers,
    time: Numbers,
    implied_vol: Numbers | None,
    position: Numbers,
    more: dict[str, Any],
) -> dict[str, np.ndarray]:
    """Every number of a question, checked; `scale` is the units asked about per unit of the run's contract.

    The policy keeps the size that it was learned for. A held option in the place of a sold one has the mirrored hedge,
    which is exact but for the side of the costs.
    """
    book, own = setting.contract, ["strike", "kind", "quantity"]
    known = [*own, "last_return", "entry_volatility", "wealth", *setting.signal_names, *setting.option_names]
    unknown = [name for name in more if name not in known]
    if unknown:
        raise InputError(f"target() does not know {', '.join(unknown)}; it knows {', '.join(known)}.")
    if book.legs > 1 and set(own) & set(more):
        raise InputError(f"One of {', '.join(own)} was given for a book of several options; they need a single one.")
    volatility = setting.volatility if implied_vol is None else implied_vol
    if book.exotics and set(own) & set(more):
        raise InputError(f"One of {', '.join(own)} was given for a contract that is no plain option; leave it out.")
    units = 1.0 if book.exotics else float(book.quantity[0])
    quantity = more.get("quantity", units)
    asked = {
        "spot": _positive("spot", spot, "a positive price"),
        "time_to_maturity": _positive("time_to_maturity", time, "a positive number of years"),
        "implied_vol": _positive("implied_vol", volatility, "a positive annualised decimal"),
        "entry_volatility": _positive(
            "entry_volatility", more.get("entry_volatility", volatility), "a positive annualised decimal"
        ),
        "strike": _positive("strike", more.get("strike", float(book.strike[0])), "a positive price"),
        "scale": _numbers("quantity", quantity, lambda units: units != 0, "a number other than 0"),
        "position": _finite("position", position),
        "last_return": _finite("last_return", more.get("last_return", 0.0)),
        "wealth": _finite("wealth", more.get("wealth", 0.0)),
    }
    asked["scale"] = asked["scale"] / units
    asked |= {name: _positive(name, more[name], "a positive number") for name in setting.option_names if name in more}
    return asked | {name: _finite(name, more.get(name, 0.0)) for name in setting.signal_names}


def _flat(asked: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], tuple[int, ...]]:
    """The numbers broadcast against each other, shapes (points,), and the shape they had."""
    try:
        shape = np.broadcast_shapes(*(value.shape for value in asked.values()))
    except ValueError:
        shapes = {name: value.shape for name, value in asked.items() if value.shape}
        raise InputError(f"Shapes {shapes} do not broadcast; give numbers, or arrays of one shape.") from None
    return {name: np.broadcast_to(value, shape).reshape(-1) for name, value in asked.items()}, shape


def _numbers(name: str, value: Any, holds: Any, needed: str) -> np.ndarray:
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {value!r}; {needed} is needed.") from None
    bad = ~(np.isfinite(numbers) & holds(numbers))
    if bad.any():
        raise InputError(f"{name} is {numbers[bad].flat[0]:g}; {needed} is needed.")
    return numbers


def _positive(name: str, value: Any, needed: str) -> np.ndarray:
    return _numbers(name, value, lambda numbers: numbers > 0, needed)


def _finite(name: str, value: Any) -> np.ndarray:
    return _numbers(name, value, lambda numbers: np.full(numbers.shape, True), "a finite number")


def _contract(book: AbstractContract, strike: jax.Array, kind: str | None) -> EuropeanBook:
    """The run's single option, one for each point, with strike and kind exchanged where given."""
    if kind not in (None, "call", "put"):
        raise InputError(f"kind is {kind!r}; 'call' or 'put' is needed.")
    at = (strike.shape[0], 1)
    sign = book.sign if kind is None else jnp.asarray([1.0 if kind == "call" else -1.0])
    return EuropeanBook(
        strike=strike[:, None],
        sign=jnp.broadcast_to(sign, at),
        expiry=jnp.broadcast_to(book.expiry, at),
        quantity=jnp.broadcast_to(book.quantity, at),
    )
