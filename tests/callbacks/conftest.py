import pytest

from keras_aegan.callbacks import game_monitor


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Seconds that pass when the test says so.

    Until then looks take no time, and a monitor looks at each step, however
    busy the machine is.
    """

    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(game_monitor, "time", clock)
    return clock
