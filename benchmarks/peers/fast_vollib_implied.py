"""fast-vollib at work: its Jäckel engine in Numba and its default engine, on quotes from a file."""

# pyright: reportMissingImports=false
import json
import sys
import time

import numpy as np
from fast_vollib import fast_implied_volatility_black
from fast_vollib.jackel import jackel_iv_black


def main() -> None:
    """Answer requests {quotes: file.npz, engine: jackel | default, out: file.npy} with {seconds} of processor time."""
    for line in sys.stdin:
        request = json.loads(line)
        quotes = np.load(request["quotes"])
        price, forward, strike, maturity, sign = (
            quotes[name] for name in ("price", "forward", "strike", "maturity", "sign")
        )
        call, flag = sign > 0, np.where(sign > 0, "c", "p")
        began = time.process_time()
        if request["engine"] == "jackel":
            found = jackel_iv_black(price, forward, strike, maturity, call)
        else:
            found = fast_implied_volatility_black(
                price, forward, strike, np.zeros_like(price), maturity, flag, on_error="ignore", return_as="numpy"
            )
        seconds = time.process_time() - began
        np.save(request["out"], np.asarray(found, np.float64))
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
