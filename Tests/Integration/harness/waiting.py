"""Waiting for something to become true, with a bound."""

import time


def eventually(read, seconds: float = 15, every: float = 0.02):
    """Calls `read` until it returns something true, and returns that; fails after `seconds`.

    An AssertionError of `read` counts as "not yet", and the last one is what the failure shows.
    """
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = read()
            if value:
                return value
            last = AssertionError(f"still {value!r} after {seconds} s")
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise last
        time.sleep(every)
