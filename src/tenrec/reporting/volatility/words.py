"""What a walk-forward comparison found, in sentences."""

from typing import Any


def findings(metrics: dict[str, Any]) -> list[str]:
    """One sentence for each horizon on who is best, and one on the confidence set."""
    said = []
    for horizon, judged in metrics["horizons"].items():
        models, reference = judged["models"], metrics["reference"]
        when = "Next day" if horizon == "1" else f"Next {horizon} days"
        if len(models) == 1:
            alone = models[reference]
            said.append(
                f"{when}: {alone['label']}, QLIKE {alone['qlike']:.4f} and MSE {alone['mse']:.3f}; nothing to compare "
                "with, since one model was asked for."
            )
            continue
        best = min(models, key=lambda name: models[name]["qlike"])
        least = min(models, key=lambda name: models[name]["mse"])
        first = f"{when}: {models[best]['label']} has the lowest QLIKE ({models[best]['qlike']:.4f})"
        first += " and" if least == best else f", {models[least]['label']}"
        first += f" the lowest MSE ({models[least]['mse']:.3f})"
        beaten = [
            name
            for name, entry in models.items()
            if entry["dm_qlike_p"] is not None
            and entry["dm_qlike_p"] < 0.05
            and entry["qlike"] > models[reference]["qlike"]
        ]
        first += f"; {models[reference]['label']} beats {len(beaten)} of {len(models) - 1} others at 5 % in QLIKE"
        kept = sum(entry["mcs_p"] > 0.05 for entry in models.values())
        said.append(f"{first}, and {kept} of {len(models)} models stay in the 95 % confidence set.")
    return said
