"""WheelError in Dagster: shown as one line, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dagster._core.errors import DagsterUserCodeProcessError  # the one error whose text Dagster shows unchanged
from dagster_shared.error import SerializableErrorInfo

from wheel_assets.errors import WheelError


class OneLineError(DagsterUserCodeProcessError):
    """A WheelError that Dagster shows as one line; `error` is the original.

    `dagster.Failure` was rejected: it is shown with the stack of Dagster's own frames, twice, and one raised while an
    input is loaded is wrapped in another error with another stack.
    """

    def __init__(self, error: WheelError) -> None:
        self.error = error
        shown = SerializableErrorInfo(str(error), [], type(error).__name__)
        # Dagster leaves this constructor without types.
        super().__init__(str(error), user_code_process_error_infos=[shown])  # type: ignore[no-untyped-call]


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Raise a WheelError within the block as a OneLineError."""
    try:
        yield
    except WheelError as error:
        raise OneLineError(error) from error
