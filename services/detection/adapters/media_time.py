"""The time inside a recording: never falling, whatever the file's timestamps do."""

_JITTER_S = 1.0  # a longer step back is a wrong timestamp, or a clock set anew
# A step ahead that is longer, and more than so many usual ones, is wrong, or a pause.
_SURE_STEP_S, _SURE_STEPS = 10.0, 3
_LONGEST_GAP_S = 3600.0  # a longer pause is a clock set anew
_EARLY_S = 0.02


class MediaTime:
    """Turns the timestamps of a file into seconds since its first frame.

    One wrong timestamp is passed over. When the next one agrees with it, the recording paused for up to an hour, or the
    clock was set anew (recordings joined into one file): then the time goes on from where it was. Without timestamps
    it advances by the nominal rate.
    """

    def __init__(self, nominal_fps: float) -> None:
        self._step_s = 1.0 / nominal_fps
        self._longest_step_s = max(_SURE_STEP_S, _SURE_STEPS * self._step_s)
        self._offset_s: float | None = None
        self._raw_s: float | None = None
        self._shift_s = 0.0
        self._doubted = False  # the last timestamp was passed over

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
        ahead_s = raw_s + self._shift_s - last_s
        agrees = self._raw_s is not None and -_JITTER_S < raw_s - self._raw_s <= _LONGEST_GAP_S
        surely = self._doubted and agrees
        self._doubted = False
        if -_JITTER_S < ahead_s <= (_LONGEST_GAP_S if surely else self._longest_step_s):
            return last_s + max(0.0, ahead_s)
        if surely:
            self._shift_s = stepped - raw_s
        else:
            self._doubted = True
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
