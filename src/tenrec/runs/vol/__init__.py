"""Recipes of `tenrec vol`: read prices, forecast, watch, write."""
