"""Variance as an asset: the index, variance and volatility swaps, futures, and what a book is worth in variance."""

from tenrec.volatility.variance.correlation import implied_correlation
from tenrec.volatility.variance.index import IndexValue, index, weekly
from tenrec.volatility.variance.replication import FairStrikes, Wings, fair_strikes, log_portfolio, replicated_variance
from tenrec.volatility.variance.smiles import Smile, fit_smiles, term_table
from tenrec.volatility.variance.strip import Strip, index_variance, quoted_strip, strip_skewness
from tenrec.volatility.variance.swaps import (
    VarianceSwap,
    convexity_adjusted,
    dollar_gamma,
    forward_variance,
    realised_variance,
    variance_vega,
)
from tenrec.volatility.variance.terms import ChainTerms, Term, chain_terms

__all__ = [
    "ChainTerms",
    "FairStrikes",
    "IndexValue",
    "Smile",
    "Strip",
    "Term",
    "VarianceSwap",
    "Wings",
    "chain_terms",
    "convexity_adjusted",
    "dollar_gamma",
    "fair_strikes",
    "fit_smiles",
    "forward_variance",
    "implied_correlation",
    "index",
    "index_variance",
    "log_portfolio",
    "quoted_strip",
    "realised_variance",
    "replicated_variance",
    "strip_skewness",
    "term_table",
    "variance_vega",
    "weekly",
]
