"""A Jetson's CSI camera, through NVIDIA's Argus in a GStreamer program of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgecls.cameras.child import first_program
from edgecls.cameras.piped import PipedCamera, Reason
from edgecls.errors import MissingDependencyError

if TYPE_CHECKING:  # the capture process does without pydantic
    from edgecls.sections.camera import JetsonCsiCameraSection

PROGRAM = "gst-launch-1.0"
UPSIDE_DOWN = 2  # flip-method of nvvidconv: rotate by 180 degrees
INSTALL = "sudo apt install gstreamer1.0-tools nvidia-l4t-gstreamer   (on a Jetson)"


class JetsonCsiCamera(PipedCamera):
    """Let the image processor make the picture and the JPEG engine pack it."""

    data_fd = 3  # nvarguscamerasrc prints lines of its own on standard output
    reasons = (
        Reason(
            'no element "nv',
            "GStreamer lacks NVIDIA's elements",
            "sudo apt install nvidia-l4t-gstreamer; in a container, use NVIDIA's runtime",
            missing=True,
        ),
        Reason(
            "No cameras available|Invalid camera device specified",
            "the system sees no camera of this number",
            "switch it off and seat the flat cable; ls /dev/video*; choose the connector's sensor "
            "with sudo /opt/nvidia/jetson-io/jetson-io.py",
        ),
        Reason(
            "AlreadyAllocated|is in use",
            "another program uses the camera",
            "end it, then: sudo systemctl restart nvargus-daemon",
        ),
        Reason(
            "nvargus-daemon failed|Failed to create CameraProvider|Failed to create CaptureSession",
            "NVIDIA's camera service does not answer",
            "sudo systemctl restart nvargus-daemon; in a container, mount /tmp/argus_socket",
        ),
        Reason(
            "not-negotiated|could not link|Internal data stream error",
            "the sensor has no mode of this size and rate",
            "choose a width, height and sensor_fps that: v4l2-ctl --list-formats-ext shows",
        ),
    )

    def __init__(self, section: JetsonCsiCameraSection) -> None:
        super().__init__(f"CSI camera {section.sensor_id}")
        self._section = section

    def _command(self) -> Sequence[str]:
        """Return the pipeline, as the Jetson Linux guide to accelerated GStreamer builds it."""
        section = self._section
        if first_program((PROGRAM,)) is None:
            raise MissingDependencyError(
                f"{self._name} needs the program {PROGRAM}, which is not installed", hint=INSTALL
            )
        mode = (
            f"video/x-raw(memory:NVMM),format=NV12,width={section.width},height={section.height},"
            f"framerate={round(section.sensor_fps * 1000)}/1000"
        )
        turn = ("!", "nvvidconv", f"flip-method={UPSIDE_DOWN}") if section.rotation else ()
        return (
            *(PROGRAM, "--quiet", "nvarguscamerasrc", f"sensor-id={section.sensor_id}", "!", mode),
            *(*turn, "!", "queue", "max-size-buffers=1", "leaky=downstream"),
            *("!", "nvjpegenc", f"quality={section.quality}", "!", "fdsink", f"fd={self.data_fd}"),
        )
