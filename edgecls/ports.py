"""The contracts between the core and its plug-ins. Each is a context manager.

`edgecls.testing` holds an honest fake of each; one contract suite in tests/contract runs over every
plug-in row and its fake.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt
from typing_extensions import Self

from edgecls.types import BoardIdentity, DeviceState, Event, Frame, Press, TensorSpec

Tensor = npt.NDArray[Any]  # Any: the dtype is the model's, and is checked against its TensorSpec


class Closing(Protocol):
    """Something that holds a resource until `close`, which may be called twice."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class Camera(Closing, Protocol):
    """A source of frames. Opening happens on entering; a camera is used by one thread."""

    def read(self, timeout_s: float) -> Frame:
        """Return a frame newer than the last one returned; block until there is one.

        The newest frame wins: a slow reader never sees a backlog, `Frame.sequence` shows the gap.

        Raises:  CameraEndedError after the last frame of a finite source.
                 CameraError by `timeout_s` when unplugged or silent; never a stale frame.
        """
        ...


@runtime_checkable
class Runtime(Closing, Protocol):
    """A loaded model. Synchronous, one input tensor, one output tensor; used by one thread."""

    @property
    def input(self) -> TensorSpec: ...

    @property
    def output(self) -> TensorSpec: ...

    def infer(self, batch: Tensor) -> Tensor:
        """Run the model once.

        Args:    batch: exactly `input.shape` and `input.dtype`; not kept, not written to.
        Returns: `output.shape` and `output.dtype`, a copy the caller owns.
        Raises:  InferenceError if the batch does not fit or the engine fails.
        """
        ...


@runtime_checkable
class Sink(Closing, Protocol):
    """Somewhere that wants to be told. Delivering the same event twice is harmless."""

    def deliver(self, event: Event, snapshot: bytes | None) -> None:
        """Hand over one event and its JPEG. Raises: SinkError, retryable or not."""
        ...


@runtime_checkable
class StateSink(Sink, Protocol):
    """A sink that also shows how things are, and may be asked by people to do something."""

    def report(self, state: DeviceState) -> None:
        """Take in the state of the device. Never blocks long and never fails: it is told again."""
        ...

    def retract(self, timeout_s: float) -> None:
        """Take back what others were told of this device. Raises: SinkError."""
        ...


@runtime_checkable
class Board(Closing, Protocol):
    """The machine we run on."""

    def identity(self) -> BoardIdentity: ...

    def temperature_c(self) -> float | None:
        """Return the processor's temperature in degrees Celsius; None where there is no sensor."""
        ...

    def throttled(self) -> bool | None:
        """Tell whether the clock is held down by heat or voltage; None where it cannot be known."""
        ...

    def reboot(self) -> None: ...


@runtime_checkable
class Trigger(Closing, Protocol):
    """A doorbell button, real or not. It listens from entering on; presses wait to be taken."""

    def wait(self, timeout_s: float) -> Press | None:
        """Return the next press, the oldest first; block for it, for `timeout_s` at most.

        Returns: None when nobody pressed. A closed trigger tells what waits still, then None; at
                 once.
        """
        ...


@runtime_checkable
class Ringable(Trigger, Protocol):
    """A trigger that another part of the daemon pulls."""

    def ring(self) -> bool:
        """Press, from any thread. Does not block.

        Returns: whether `wait` will tell this press: not before entering, not after closing, and
                 not while too many wait.
        """
        ...
