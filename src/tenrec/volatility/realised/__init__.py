"""Realised measures: what intraday prices say about the variance of a day."""

from tenrec.volatility.realised.days import TradingDay, daily_measures, trading_days
from tenrec.volatility.realised.jumps import jump_statistic
from tenrec.volatility.realised.kernel import realised_kernel
from tenrec.volatility.realised.measures import (
    bipower_variation,
    realised_quarticity,
    realised_variance,
    semivariances,
    tripower_quarticity,
)
from tenrec.volatility.realised.overnight import whole_day_variance

__all__ = [
    "TradingDay",
    "bipower_variation",
    "daily_measures",
    "jump_statistic",
    "realised_kernel",
    "realised_quarticity",
    "realised_variance",
    "semivariances",
    "trading_days",
    "tripower_quarticity",
    "whole_day_variance",
]
