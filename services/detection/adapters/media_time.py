"""The time inside a recording: never falling, whatever the file's timestamps do."""

# A step back of less than the one is jitter; a longer one, or a leap ahead over the other, is a clock set anew.
_JITTER_S = 1.0
_LONGEST_GAP_S = 3600.0
_EARLY_S = 0.02


class MediaTime:
    """Turns the timestamps of a file into seconds since its first frame.

    One wrong timestamp is passed over. When the next one agrees with it, the clock was set anew (recordings joined
    into one file): the time goes on from where it was. Without timestamps it advances by the nominal rate.
    """

    def __init__(self, nominal_fps: float) -> None:
        self._step_s = 1.0 / nominal_fps
        self._offset_s: float | None = None
        self._raw_s: float | None = None
        self._shift_s = 0.0

    def offset(self, raw_s: float | None) -> float:
        """Seconds since the first frame, for the next frame.

        Args:
            raw_s: its timestamp in seconds, from any start; None if it has none.
        """
        if self._offset_s is None:
            self._offset_s = 0.0
            self._shift_s = -(raw_s or 0.0)
        else:
            self._offset_s = self._next(self._offset_s, raw_s)
        self._raw_s = raw_s
        return self._offset_s

    def _next(self, last_s: float, raw_s: float | None) -> float:
        stepped = last_s + self._step_s
        if raw_s is None or raw_s == self._raw_s:
            return stepped
        placed = raw_s + self._shift_s
        if last_s - _JITTER_S < placed <= last_s + _LONGEST_GAP_S:
            return max(placed, last_s)
        if self._raw_s is not None and 0 < raw_s - self._raw_s <= _LONGEST_GAP_S:
            self._shift_s = stepped - raw_s
        return stepped


class Pace:
    """Picks frames so that on average at most *rate* a second are left, evenly; None picks all.

    A frame may come a little early: cameras do not keep time.
    """

    def __init__(self, rate: float | None) -> None:
        self._step_s = 1.0 / rate if rate else 0.0
        self._due_s = 0.0

    def wants(self, offset_s: float) -> bool:
        """Whether the frame at *offset_s*, not before the one asked about last, is picked."""
        if offset_s < self._due_s - min(_EARLY_S, self._step_s / 4):
            return False
        self._due_s = max(self._due_s + self._step_s, offset_s + self._step_s / 2)
        return True
