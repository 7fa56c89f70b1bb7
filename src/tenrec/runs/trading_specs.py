"""On what terms the hedge is traded: costs, limits, margin and settlement, as the configuration says them."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tenrec.runs.section import Positive, Section

Rate = Annotated[float, Field(ge=0, lt=1)]
Fee = Annotated[float, Field(ge=0, le=1e9)]
Yearly = Annotated[float, Field(ge=-10, le=10)]
Settlement = Literal["funded", "margined", "inverse"]


class CostSpec(Section):
    """What trading and holding cost; members add up.

    Rates are shares of the traded value, fees are in the ledger's currency (coin where settlement is inverse), funding
    and borrow are annual rates on the value held. `variance_swap` stands in the place of `proportional` for that
    instrument; the others hold for every one.
    """

    proportional: Rate = 0.0
    half_spread: bool = False
    fixed: Fee = 0.0
    minimum: Fee = 0.0
    quadratic: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    maker: Annotated[float, Field(gt=-1, lt=1)] = 0.0
    taker: Rate = 0.0
    slippage: Rate = 0.0
    maker_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    funding: Yearly = 0.0
    borrow: Annotated[float, Field(ge=0, le=10)] = 0.0
    unwind: bool = False
    variance_swap: Rate | None = None

    @model_validator(mode="after")
    def _never_a_gain(self) -> "CostSpec":
        if self.exchange < 0:
            raise ValueError(
                f"maker {self.maker:g} and maker_share {self.maker_share:g} make trading pay {-self.exchange:g} of the "
                "value traded; a cost cannot be negative, so lower maker_share or raise taker and slippage"
            )
        return self

    @property
    def exchange(self) -> float:
        """Share of the traded value that fees and slippage of an exchange come to."""
        return self.maker_share * self.maker + (1.0 - self.maker_share) * (self.taker + self.slippage)

    @property
    def linear(self) -> float:
        """Share of the traded value that any trade costs: what a classical band is made for."""
        return self.proportional + self.exchange

    @property
    def beyond_proportional(self) -> tuple[str, ...]:
        """Names of what is charged beside shares of the traded value."""
        names = ("half_spread", "fixed", "minimum", "quadratic", "funding", "borrow")
        return tuple(name for name in names if getattr(self, name))


class LimitsSpec(Section):
    """Lots, the most held and the most traded at a date, in units of the hedging instrument."""

    lot: Positive | None = None
    position: Annotated[float, Field(ge=0, le=1e12)] | None = None
    trade: Annotated[float, Field(ge=0, le=1e12)] | None = None

    @property
    def any(self) -> bool:
        """Whether anything is limited."""
        return not self.lot is self.position is self.trade is None


class MarginSpec(Section):
    """Shares of the value held that must lie in the account, and what the hedger brings beside the P&L."""

    initial: Annotated[float, Field(gt=0, le=1)] = 0.1
    maintenance: Annotated[float, Field(gt=0, le=1)] = 0.05
    collateral: Annotated[float, Field(ge=0, le=1e12)] = 0.0

    @model_validator(mode="after")
    def _in_order(self) -> "MarginSpec":
        if self.maintenance > self.initial:
            raise ValueError(
                f"maintenance {self.maintenance:g} is above initial {self.initial:g}; a position that may be opened "
                "must not be called at once, so lower maintenance"
            )
        return self
