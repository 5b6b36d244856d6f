"""What happens during `fit`, beside the training itself."""

from keras_aegan.callbacks.game_monitor import GameMonitor
from keras_aegan.callbacks.push_to_hub import PushToHub
from keras_aegan.callbacks.sample_grid import SampleGrid
from keras_aegan.callbacks.stop_after import StopAfter
from keras_aegan.callbacks.timed_backup import TimedBackup

__all__ = ["GameMonitor", "PushToHub", "SampleGrid", "StopAfter", "TimedBackup"]
