"""As test_crash.py, for five minutes and at other instants each time; the seed is in the output of a failure."""

import secrets

from crash_loop import crash_for


def test_nothing_is_lost_over_hundreds_of_kills(new_edge):
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    crash_for(new_edge(), seed, seconds=300)
