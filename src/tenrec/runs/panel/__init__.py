"""`tenrec backtest PANEL.yaml`: deltas on recorded option panels."""
