"""kill -9 of the service while accounts and keys are made and ended: what it answered holds, what it did not answer is whole or absent."""

from crash_loop import crash_for


def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(new_edge):
    crash_for(new_edge(), seed=20241, seconds=20)
