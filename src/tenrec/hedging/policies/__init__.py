"""Hedging policies: one interface, classical and learned."""

from tenrec.hedging.policies.bands import WhalleyWilmott, Zakamouline
from tenrec.hedging.policies.base import (
    AbstractBandPolicy,
    AbstractOwnBandPolicy,
    AbstractPolicy,
    AbstractPositionPolicy,
    Own,
)
from tenrec.hedging.policies.cadence import CadenceMemory, CadenceThreshold, RuleView, cadence_threshold, rule_view
from tenrec.hedging.policies.coin import PremiumAdjusted
from tenrec.hedging.policies.delta import BlackScholesDelta, Leland, MinimumVarianceDelta, NoHedge
from tenrec.hedging.policies.ensembles import (
    BandEnsemble,
    Ensemble,
    OwnBandEnsemble,
    PositionEnsemble,
    ensemble,
)
from tenrec.hedging.policies.forecasting import (
    FORECAST_SIGNAL,
    ForecastDelta,
    ForecastingDelta,
    TightenedBand,
    make_forecasting_delta,
)
from tenrec.hedging.policies.networks import BandNetwork, FeedForward, make_band_network, make_feed_forward
from tenrec.hedging.policies.neural_delta import NeuralDelta, empty_neural_delta, neural_delta
from tenrec.hedging.policies.options import GreekHedge, Static
from tenrec.hedging.policies.recurrent import RecurrentBand, assemble_recurrent_band, make_recurrent_band
from tenrec.hedging.policies.residual import DeltaResidual, make_delta_residual
from tenrec.hedging.policies.response import (
    ClippedLinear,
    GreeksRegression,
    OddNetworks,
    ResponseDelta,
    SmileDelta,
    make_odd_networks,
)
from tenrec.hedging.policies.shrunk import Shrunk
from tenrec.hedging.policies.state import StateDelta, make_state_delta
from tenrec.hedging.policies.tick_band import TickBandNetwork, make_tick_band_network
from tenrec.hedging.policies.wealthy import (
    WealthBandNetwork,
    WealthFeedForward,
    WealthScale,
    fit_wealth_scale,
)

__all__ = [
    "FORECAST_SIGNAL",
    "AbstractBandPolicy",
    "AbstractOwnBandPolicy",
    "AbstractPolicy",
    "AbstractPositionPolicy",
    "BandEnsemble",
    "BandNetwork",
    "BlackScholesDelta",
    "CadenceMemory",
    "CadenceThreshold",
    "ClippedLinear",
    "DeltaResidual",
    "Ensemble",
    "FeedForward",
    "ForecastDelta",
    "ForecastingDelta",
    "GreekHedge",
    "GreeksRegression",
    "Leland",
    "MinimumVarianceDelta",
    "NeuralDelta",
    "NoHedge",
    "OddNetworks",
    "Own",
    "OwnBandEnsemble",
    "PositionEnsemble",
    "PremiumAdjusted",
    "RecurrentBand",
    "ResponseDelta",
    "RuleView",
    "Shrunk",
    "SmileDelta",
    "StateDelta",
    "Static",
    "TickBandNetwork",
    "TightenedBand",
    "WealthBandNetwork",
    "WealthFeedForward",
    "WealthScale",
    "WhalleyWilmott",
    "Zakamouline",
    "assemble_recurrent_band",
    "cadence_threshold",
    "empty_neural_delta",
    "ensemble",
    "fit_wealth_scale",
    "make_band_network",
    "make_delta_residual",
    "make_feed_forward",
    "make_forecasting_delta",
    "make_odd_networks",
    "make_recurrent_band",
    "make_state_delta",
    "make_tick_band_network",
    "neural_delta",
    "rule_view",
]
