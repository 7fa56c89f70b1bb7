"""Early warning: the probability that volatility jumps over the next days, with its reasons."""

from tenrec.volatility.spikes.events import IMPLIED_SPIKE, VARIANCE_SPIKE, SpikeEvent
from tenrec.volatility.spikes.probability import SpikeProbability, spike_probability

__all__ = ["IMPLIED_SPIKE", "VARIANCE_SPIKE", "SpikeEvent", "SpikeProbability", "spike_probability"]
