"""What `GameMonitor` wrote of a training, each step once."""

import dataclasses
import json
import pathlib
from collections.abc import Callable

#: What a record of each kind has to hold, besides the step.
_FIELDS = {
    "start": {
        "time": str,
        "model": str,
        "players": list,
        "parameters": dict,
        "backend": str,
        "keras": str,
        "keras_aegan": str,
    },
    "watch": {"values": dict},
    "epoch": {"epoch": int, "logs": dict},
    "verdict": {"epoch": int, "name": str, "text": str},
    "end": {},
}

#: Steps and values, `None` where the value was no number.
Points = list[tuple[int, float | None]]
#: The lines of each chart, by their names.
Charts = dict[str, dict[str, Points]]


@dataclasses.dataclass
class Session:
    """One `fit`."""

    start: dict
    seconds: float = 0.0
    has_ended: bool = False


@dataclasses.dataclass
class Log:
    """The sessions of a training and its records, without what was lost."""

    sessions: list[Session] = dataclasses.field(default_factory=list)
    records: list[dict] = dataclasses.field(default_factory=list)
    unreadable: int = 0

    def add(self, record: dict) -> None:
        step = record["step"]
        if record["kind"] == "start":
            # From a backup, or anew: what came after it is trained again.
            self.sessions = [s for s in self.sessions if s.start["step"] < step]
            self.sessions.append(Session(record))
            self.records = [r for r in self.records if r["step"] <= step]
        self.records.append(record)
        session = self.sessions[-1]
        seconds = _drawable(record.get("seconds")) or 0.0
        session.seconds = max(session.seconds, seconds)
        session.has_ended = record["kind"] == "end"

    def of(self, kind: str) -> list[dict]:
        return [record for record in self.records if record["kind"] == kind]

    @property
    def start(self) -> dict:
        return self.sessions[-1].start

    @property
    def resumed(self) -> list[int]:
        """The steps that the training went on from."""
        return [session.start["step"] for session in self.sessions[1:]]

    @property
    def step(self) -> int:
        return max(record["step"] for record in self.records)

    @property
    def epoch(self) -> int:
        return max((record["epoch"] for record in self.of("epoch")), default=0)

    def watched(self) -> Charts:
        """Charts by what stands before the `/`, lines by what follows."""

        def places(name):
            chart, _, line = name.partition("/")
            return chart, line or chart

        return self._charts("watch", "values", places)

    def logged(self) -> Charts:
        """What `fit` logged, of training and validation data in one chart."""
        return self._charts(
            "epoch", "logs", lambda name: (name.removeprefix("val_"), name)
        )

    def _charts(self, kind: str, field: str, places: Callable) -> Charts:
        charts = {}
        for record in self.of(kind):
            for name, value in record[field].items():
                chart, line = places(name)
                points = charts.setdefault(chart, {}).setdefault(line, [])
                points.append((record["step"], _drawable(value)))
        return charts


def read_log(path: pathlib.Path) -> Log:
    """Reads a `monitor.jsonl`, but for the lines that a kill cut short.

    Raises:
        ValueError: If that leaves nothing.
    """
    log = Log()
    for line in path.read_bytes().splitlines():
        record = _record(line)
        if record and (log.sessions or record["kind"] == "start"):
            log.add(record)
        else:
            log.unreadable += 1
    if not log.sessions:
        raise ValueError(
            f"Expected the lines that GameMonitor writes. Received: {path}, "
            "without the line of a start. Give the folder of another "
            "training, or wait until this one has begun."
        )
    return log


def _record(line: bytes) -> dict | None:
    try:
        record = json.loads(line)
        fields = {"step": int, **_FIELDS[record["kind"]]}
    except (ValueError, TypeError, KeyError):
        return None
    is_whole = all(isinstance(record.get(f), t) for f, t in fields.items())
    return record if is_whole else None


def _drawable(value) -> float | None:
    # An axis computes with twice the values.
    if not isinstance(value, (int, float)) or not abs(value) < 1e300:
        return None
    return float(value)
