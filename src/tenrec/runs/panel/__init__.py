"""`tenrec backtest PANEL.yaml`: deltas on recorded option panels."""

__all__: list[str] = []
