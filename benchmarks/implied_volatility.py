"""Implied volatilities per second and their errors, beside both engines of fast-vollib, on one core and in turns.

Out-of-the-money quotes over log-moneyness in [−1, 1], maturities 0.001–5 and volatilities 0.01–4, prices above 1e-300;
errors are those against 50 digits of mpmath at the very doubles that were inverted, on a sample of the same quotes. The
first call of each side compiles and is not counted; rates are per second of processor time, so that other load on the
core counts little.

    python benchmarks/implied_volatility.py --peer-python PYTHON
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import busy, pin_to_one_core
from peer import Peer, add_peer_option

ENGINES = ("jackel", "default")
SMALLEST = 1e-300


def quotes(count: int, seed: int) -> tuple[dict[str, Any], Any]:
    """Columns of quotes and the total volatilities that made them."""
    import numpy as np
    from scipy.special import log_ndtr

    draw = np.random.default_rng(seed).uniform
    size = 4 * count
    x, maturity, volatility = draw(-1, 1, size), 10 ** draw(-3, np.log10(5), size), 10 ** draw(-2, np.log10(4), size)
    total = volatility * np.sqrt(maturity)
    strike, sign = np.exp(x), np.where(x > 0, 1.0, -1.0)
    d1 = -x / total + total / 2
    log_gain, log_loss = log_ndtr(sign * d1), x + log_ndtr(sign * (d1 - total))
    price = np.abs(np.exp(log_gain) - np.exp(log_loss))
    kept = np.flatnonzero((price > SMALLEST) & (price < np.minimum(1.0, strike)))[:count]
    columns = {"price": price, "forward": np.ones(size), "strike": strike, "maturity": maturity, "sign": sign}
    return {name: column[kept] for name, column in columns.items()}, total[kept]


def exact(columns: dict[str, Any], near: Any, rows: Any) -> Any:
    """The volatility of each price by Newton's method in 50 digits; NaN where the price, rounded, holds none."""
    import mpmath as mp
    import numpy as np

    found = []
    with mp.workdps(50):
        for row in rows:
            price, strike, sign = (mp.mpf(float(columns[name][row])) for name in ("price", "strike", "sign"))
            total, change = mp.mpf(float(near[row])), mp.mpf(1)
            for _ in range(60):
                d1 = -mp.log(strike) / total + total / 2
                value = sign * (mp.ncdf(sign * d1) - strike * mp.ncdf(sign * (d1 - total)))
                change = mp.log(value / price) * value / mp.npdf(d1)
                total -= change
                if total <= 0 or abs(change) < 1e-30 * total:
                    break
            good = total > 0 and abs(change) < 1e-20 * total
            found.append(float(total / mp.sqrt(mp.mpf(float(columns["maturity"][row])))) if good else np.nan)
    return np.array(found)


def errors(name: str, found: Any, truth: Any, rate: float) -> str:
    """One line of the table."""
    import numpy as np

    off = np.abs(np.asarray(found) / np.asarray(truth) - 1.0)
    used = np.isfinite(np.asarray(truth))
    missed = used & ~(off < 1e-6)
    good = off[used & ~missed]
    return (
        f"{name:22s} {rate:6.2f} M/s   worst {good.max():.1e}, median {np.median(good):.1e}, "
        f"off by more than 1e-6 or missing {100 * missed.sum() / used.sum():.2f} %"
    )


def main() -> None:
    """Measure in turns, then compare the volatilities."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_peer_option(parser)
    parser.add_argument("--quotes", type=int, default=1_000_000, help="how many (default: 1,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds (default: 5)")
    parser.add_argument("--checked", type=int, default=1000, help="quotes compared with mpmath (default: 1000)")
    asked = parser.parse_args()
    print(pin_to_one_core(), "·", busy())
    import numpy as np

    from tenrec.pricing.implied import implied_volatilities

    columns, total = quotes(asked.quotes, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "quotes.npz", Path(folder) / "found.npy"
        np.savez(file, **columns)
        peer = None if asked.no_peer else Peer("fast_vollib_implied.py", asked.peer_python)
        seconds: dict[str, list[float]] = {}
        found: dict[str, Any] = {}
        for _ in range(asked.rounds + 1):
            began = time.process_time()
            found["tenrec"] = implied_volatilities(**columns).volatility
            seconds.setdefault("tenrec", []).append(time.process_time() - began)
            for engine in ENGINES if peer is not None else ():
                assert peer is not None
                answer = peer.ask(quotes=str(file), engine=engine, out=str(out))
                seconds.setdefault(f"fast-vollib {engine}", []).append(answer["seconds"])
                found[f"fast-vollib {engine}"] = np.load(out)
        if peer:
            peer.close()
    rows = np.linspace(0, len(total) - 1, min(asked.checked, len(total))).astype(int)
    truth = exact(columns, total, rows)
    print(f"{len(total):,} quotes, {np.isfinite(truth).sum()} of them compared")
    for name, volatility in found.items():
        rate = len(total) / statistics.median(seconds[name][1:]) / 1e6
        print(errors(name, np.asarray(volatility)[rows], truth, rate))


if __name__ == "__main__":
    main()
