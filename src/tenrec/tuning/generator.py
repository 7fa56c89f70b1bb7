"""Generated ticks: diffusion with clustering volatility, jumps, and funding every eight hours."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import lfilter

from tenrec.core.errors import ConfigError
from tenrec.tuning.ticks import DAY, WEEK, Ticks

FUNDING_INTERVAL = 8 * 3600.0


@dataclass(frozen=True)
class TickModel:
    """How ticks are generated; per window, each from `spot`, its volatility drawn from the stationary law.

        d log S = (drift − λ·(E e^J − 1) − σ²/2) dt + σ dW + J dN,   J normal, N Poisson of intensity λ a year
        σ = volatility·exp(x),  x an Ornstein–Uhlenbeck process of standard deviation `volatility_sd`

    The implied volatility of a tick is √ of the expected mean of σ² over `horizon_days` (to second order in x), times
    1 + `implied_premium`. Funding is an autoregression over the events, one every eight hours.

    Args:
        spot: quote currency. volatility: annualised decimal, the median. half_life_days: of a volatility shock.
        jumps_per_year, jump_mean, jump_sd: of the log price. funding_mean, funding_sd: decimal per eight hours;
        funding_persistence: correlation from one event to the next. drift: annual.
    """

    spot: float = 50_000.0
    volatility: float = 0.60
    volatility_sd: float = 0.25
    half_life_days: float = 3.0
    jumps_per_year: float = 12.0
    jump_mean: float = 0.0
    jump_sd: float = 0.03
    implied_premium: float = 0.0
    horizon_days: float = 30.0
    funding_mean: float = 1e-4
    funding_sd: float = 1.5e-4
    funding_persistence: float = 0.8
    drift: float = 0.0
    day_count: float = 365.0


@dataclass(frozen=True)
class GeneratedTicks:
    """Windows drawn from a model; window i is the same whatever else is drawn.

    Args:
        fitted_to: name of the record that the model was fitted to, for reports.

    Example:
        >>> source = GeneratedTicks(TickModel(), seed=42, count=2)
        >>> source.window(1).time.shape, float(source.window(0).spot[0])
        ((60480,), 50000.0)
    """

    model: TickModel
    seed: int
    count: int
    interval: float = 10.0
    seconds: float = WEEK
    fitted_to: str | None = None

    def __post_init__(self) -> None:
        if self.count < 1 or self.ticks < 2:
            raise ConfigError(
                f"{self.count} windows of {self.ticks} ticks were asked for; at least one of two ticks is needed."
            )

    @property
    def ticks(self) -> int:
        """Ticks in a window."""
        return round(self.seconds / self.interval)

    def window(self, number: int) -> Ticks:
        """The ticks of one window, drawn anew."""
        made = generate(self.model, np.random.default_rng([self.seed, number]), self.ticks, self.interval)
        if self.fitted_to is None:
            return made
        said = f"generated, fitted to {self.fitted_to}"
        return replace(made, about={**made.about, "price": said, "volatility": said})


def generate(model: TickModel, rng: np.random.Generator, count: int, interval: float) -> Ticks:
    """`count` ticks, `interval` seconds apart."""
    year = model.day_count * DAY
    dt = interval / year
    time = interval * np.arange(count)
    shock = autoregression(rng, model.volatility_sd, 0.5 ** (interval / (model.half_life_days * DAY)), count)
    sigma = model.volatility * np.exp(shock)
    jumps = _jumps(model, rng, count - 1, dt)
    compensator = model.jumps_per_year * (math.exp(model.jump_mean + 0.5 * model.jump_sd**2) - 1.0)
    drift = model.drift - compensator - 0.5 * sigma[:-1] ** 2
    moves = drift * dt + sigma[:-1] * math.sqrt(dt) * rng.standard_normal(count - 1) + jumps
    spot = model.spot * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
    return Ticks(
        time=time,
        spot=spot,
        volatility=implied_volatility(model, shock),
        funding=_funding(model, rng, time),
        half_spread=np.zeros(count),
        tradable=np.ones(count, bool),
        about={"price": "generated", "volatility": "generated", "funding": "generated"},
    )


def implied_volatility(model: TickModel, shock: np.ndarray) -> np.ndarray:
    """What an option of the horizon is quoted at while the log volatility is `shock` above its median.

    The log of the squared volatility reverts, so that its mean over the horizon T has shock·(1 − e^{−κT})/(κT) left;
    the stationary variance and the jumps' variance are added as constants.
    """
    reverted = math.log(2.0) * model.horizon_days / model.half_life_days
    share = (1.0 - math.exp(-reverted)) / reverted
    jump_variance = model.jumps_per_year * (model.jump_mean**2 + model.jump_sd**2)
    variance = model.volatility**2 * np.exp(2.0 * share * shock + 2.0 * (1.0 - share) * model.volatility_sd**2)
    return np.sqrt(variance + jump_variance) * (1.0 + model.implied_premium)


def autoregression(rng: np.random.Generator, sd: float, persistence: float, count: int) -> np.ndarray:
    """A first-order autoregression of standard deviation `sd`, started in its stationary law."""
    noise = rng.standard_normal(count) * sd
    noise[1:] *= math.sqrt(1.0 - persistence**2)
    return np.asarray(lfilter([1.0], [1.0, -persistence], noise))


def _jumps(model: TickModel, rng: np.random.Generator, count: int, dt: float) -> np.ndarray:
    """Sum of the jumps of the log price in each interval."""
    arrived = rng.poisson(model.jumps_per_year * dt, count)
    size = rng.standard_normal(count)
    return arrived * model.jump_mean + np.sqrt(arrived) * model.jump_sd * size


def _funding(model: TickModel, rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """Funding at the first tick of every eight hours after the start, zero elsewhere."""
    return spread_events(
        time,
        lambda events: model.funding_mean + autoregression(rng, model.funding_sd, model.funding_persistence, events),
    )


def spread_events(time: np.ndarray, draw: Callable[[int], np.ndarray]) -> np.ndarray:
    """Put the rates that `draw(number of events)` gives on the ticks at which eight hours have passed."""
    number = np.floor_divide(time, FUNDING_INTERVAL)
    event = np.concatenate([[False], np.diff(number) > 0])
    rates = np.zeros(len(time))
    rates[event] = draw(int(event.sum())) if event.any() else 0.0
    return rates
