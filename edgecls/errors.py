"""Errors a user can act on: one class per subsystem, each with its exit code.

The message says what was wrong, what was expected and what was received; the hint names the next
command to type. They are caught in `cli/` and `daemon/main.py` only, and where a loop retries.
"""

from __future__ import annotations

from typing import ClassVar


class EdgeclsError(Exception):
    """Report a failure that is not a bug.

    Args:    message: what, expected, received, on one line.   hint: what to do next, or None.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(EdgeclsError, ValueError):
    """Report a configuration or command line that cannot be used."""

    exit_code = 2


class MissingDependencyError(EdgeclsError, ImportError):
    """Report a library that a chosen part needs and this installation lacks."""

    exit_code = 3


class IncompleteDependencyError(MissingDependencyError):
    """Report a library that is installed, and lacks what it needs of the system itself."""


class BoardError(EdgeclsError, OSError):
    """Report hardware that is absent or refuses."""

    exit_code = 3


class BundleError(EdgeclsError, ValueError):
    """Report a bundle that is missing, damaged, unsafe or of another version."""


class ImageError(EdgeclsError, ValueError):
    """Report a file that cannot be read as an image."""


class CalibrationError(EdgeclsError, ValueError):
    """Report calibration data that cannot be used."""


class InferenceError(EdgeclsError, RuntimeError):
    """Report a model that could not be loaded or run."""


class CameraError(EdgeclsError, OSError):
    """Report a camera that delivers no frame: refused, unplugged, silent or broken."""


class CameraEndedError(CameraError):
    """Report that a finite source (a folder, a file) has delivered its last frame."""


class SinkError(EdgeclsError, OSError):
    """Report an event that could not be delivered.

    Args:    retryable: whether the same delivery may succeed later.
             reached: whether the other end was there at all; if not, the event is not at fault.
    """

    def __init__(
        self, message: str, *, retryable: bool, reached: bool = True, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable
        self.reached = reached


class StoreError(EdgeclsError, OSError):
    """Report a store that cannot be opened, read or written."""


class PageError(EdgeclsError, OSError):
    """Report a page that cannot be served, for example because its port is taken."""


class AccountError(EdgeclsError, OSError):
    """Report accounts of the page that cannot be read or changed."""


class UpdateError(EdgeclsError, RuntimeError):
    """Report an update that was refused or rolled back."""


class DeployError(EdgeclsError, RuntimeError):
    """Report a card or device that could not be prepared."""
