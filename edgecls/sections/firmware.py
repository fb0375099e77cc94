"""What a device model is like: one TOML in firmware_configs/ for each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from edgecls.sections.section import Section

PYTHON_MIN = (3, 10)
"""The oldest Python that edgecls runs on; a system with an older one needs a container."""
TENSORRT_MIN = (8, 5)
"""The oldest TensorRT that edgecls runs engines with: it has named I/O tensors."""

CameraWord = Literal["picamera", "jetson_csi", "v4l2", "rtsp", "http", "replay", "demo"]
RuntimeWord = Literal["tensorrt", "tflite", "onnx"]


def version_of(text: str) -> tuple[int, int]:
    """Return the first two numbers of a version, "8.2.1" as (8, 2)."""
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


class ImageSection(Section):
    """An operating system that the device may carry."""

    name: str = Field(min_length=1, max_length=80, description="As its maker writes it.")
    system: Literal["raspios", "jetpack", "debian"] = Field(description="Whose system it is.")
    codename: str = Field(
        pattern=r"^[a-z]+$", description="VERSION_CODENAME in its /etc/os-release."
    )
    python: str = Field(
        pattern=r"^3\.[0-9]{1,2}$", description="Version of its own Python: the wheels' version."
    )
    glibc: str = Field(
        pattern=r"^2\.[0-9]{2}$", description="Version of its C library: which wheels fit."
    )
    first_boot: Literal["cloud-init", "custom-toml", "none"] = Field(
        description="Dialect of the first boot: cloud-init's NoCloud files, Raspberry Pi's "
        "custom.toml, or none: the card cannot be prepared, the device is set up over ssh."
    )
    boot_folder: str | None = Field(
        None, pattern=r"^/", description="Where the running system mounts the FAT boot partition."
    )
    jetpack: str | None = Field(
        None, pattern=r"^[0-9]+\.[0-9]+(\.[0-9]+)?$", description="JetPack's version."
    )
    l4t: str | None = Field(
        None, pattern=r"^[0-9]+\.[0-9]+$", description="Jetson Linux: release and first revision."
    )
    tensorrt: str | None = Field(
        None, pattern=r"^[0-9]+\.[0-9]+$", description="TensorRT that belongs to this JetPack."
    )

    @property
    def python_version(self) -> tuple[int, int]:
        """Return the Python version as numbers, (3, 11)."""
        return version_of(self.python)

    @property
    def container(self) -> bool:
        """Tell whether edgecls runs in a container, as the system's Python is too old for it."""
        return self.python_version < PYTHON_MIN

    @property
    def tensorrt_too_old(self) -> bool:
        """Tell whether its TensorRT is older than edgecls needs."""
        return self.tensorrt is not None and version_of(self.tensorrt) < TENSORRT_MIN

    @property
    def tensorrt_usable(self) -> bool:
        """Tell whether edgecls can use its TensorRT as it comes: not out of another Python."""
        return self.tensorrt is not None and not self.tensorrt_too_old and not self.container

    @model_validator(mode="after")
    def _whole(self) -> ImageSection:
        given = [value is not None for value in (self.jetpack, self.l4t, self.tensorrt)]
        if any(given) != all(given) or all(given) != (self.system == "jetpack"):
            raise ValueError("jetpack, l4t and tensorrt belong to system 'jetpack', all three")
        if (self.first_boot == "none") != (self.boot_folder is None):
            raise ValueError("boot_folder must be given exactly where there is a first boot")
        return self


class BootSection(Section):
    """What the boot partition of a Raspberry Pi gets."""

    config_txt: tuple[str, ...] = Field(
        (), description="Lines for config.txt, under a section of their own that starts with [all]."
    )
    cmdline: tuple[str, ...] = Field((), description="Words added to the one line of cmdline.txt.")

    @model_validator(mode="after")
    def _plain(self) -> BootSection:
        if any(len(line) > 98 or "\n" in line for line in self.config_txt):
            raise ValueError("config_txt: the firmware reads lines of at most 98 characters")
        if any(not word or any(map(str.isspace, word)) for word in self.cmdline):
            raise ValueError("cmdline: a word has no blanks")
        return self


class PipelineSection(Section):
    """Which cameras the device has."""

    default: CameraWord = Field(description="The kind that a configuration for it starts with.")
    kinds: tuple[CameraWord, ...] = Field(min_length=1, description="The kinds that work on it.")

    @model_validator(mode="after")
    def _contained(self) -> PipelineSection:
        if self.default not in self.kinds:
            raise ValueError("default must be one of kinds")
        return self


class InferenceSection(Section):
    """What judges pictures on it."""

    runtimes: tuple[RuntimeWord, ...] = Field(
        min_length=1,
        description="In the order in which they are tried. A TensorRT that is too old, or not "
        "there, is passed over.",
    )
    int8: bool = Field(description="Whether its GPU, or without one its CPU, computes in int8.")
    precision: Literal["int8", "fp16", "float32"] = Field(
        description="What to prefer: fp16 on a GPU without int8 hardware."
    )
    threads: int = Field(ge=1, le=16, description="CPU threads for one inference.")
    compute_capability: str | None = Field(
        None, pattern=r"^[0-9]+\.[0-9]$", description="Of its NVIDIA GPU."
    )


class PowerSection(Section):
    """How a Jetson's clocks are set."""

    nvpmodel: str | None = Field(
        None, min_length=1, description="NAME of the power mode in /etc/nvpmodel.conf."
    )
    jetson_clocks: bool = Field(False, description="Whether to hold the clocks at their maximum.")


class TemperatureSection(Section):
    """When `edgecls doctor` speaks of heat, in degrees Celsius."""

    warn_c: float = Field(gt=0, le=120, description="Above it the device is too warm for summer.")
    limit_c: float = Field(gt=0, le=120, description="From here on the device slows itself down.")

    @model_validator(mode="after")
    def _ordered(self) -> TemperatureSection:
        if self.warn_c >= self.limit_c:
            raise ValueError("warn_c must be below limit_c")
        return self


class ButtonSection(Section):
    """Where a doorbell button is connected: between this pin and ground."""

    header_pin: int = Field(ge=1, le=40, description="Position on the 40-pin header.")
    gpio: int = Field(ge=0, le=40, description="Its number in the header's usual (BCM) counting.")
    chip: str = Field(min_length=1, max_length=40, description="Label of the kernel's GPIO chip.")
    line: int = Field(ge=0, le=300, description="Line of that chip, for libgpiod.")


class DropInSection(Section):
    """A file beside a systemd unit that changes it for this device."""

    unit: str = Field(
        pattern=r"^[a-z0-9@_-]+\.(service|timer|mount)$|^system\.conf$",
        description='The unit, or "system.conf" for systemd itself.',
    )
    name: str = Field(pattern=r"^[0-9]{2}-[a-z0-9-]+\.conf$", description="File name.")
    text: str = Field(min_length=1, description="What it says.")

    @property
    def path(self) -> str:
        """Return where the file belongs on the device."""
        folder = "" if self.unit == "system.conf" else "system/"
        return f"/etc/systemd/{folder}{self.unit}.d/{self.name}"


class SystemdSection(Section):
    """What systemd starts on it."""

    units: tuple[str, ...] = Field(
        ("edgecls.service",), description="Units to enable, from firmware_configs/systemd."
    )
    drop_ins: tuple[DropInSection, ...] = Field((), description="Changes of units for this device.")


class Firmware(Section):
    """One device model."""

    name: str = Field(min_length=1, max_length=60, description="Shown to people.")
    board: Literal["raspberry_pi", "jetson", "host"] = Field(
        description="The row of the board table that reads its sensors."
    )
    arch: Literal["aarch64", "x86_64"] = Field(description="Machine word, as uname -m prints it.")
    models: tuple[str, ...] = Field(
        (), description="How /proc/device-tree/model begins on it; none for a generic machine."
    )
    compatible: tuple[str, ...] = Field(
        (), description="Or one of these words stands in /proc/device-tree/compatible."
    )
    images: tuple[ImageSection, ...] = Field(min_length=1, description="Best one first.")
    boot: BootSection = BootSection()
    camera: PipelineSection
    inference: InferenceSection
    power: PowerSection = PowerSection()
    temperature: TemperatureSection
    packages: tuple[str, ...] = Field(
        (), description="Packages of the operating system that edgecls uses on it."
    )
    button: ButtonSection | None = None
    systemd: SystemdSection = SystemdSection()
    notes: tuple[str, ...] = Field((), description="What a person must know about it.")

    @property
    def runtimes_as_it_comes(self) -> tuple[RuntimeWord, ...]:
        """Return the runtimes that work with one of its systems as its maker ships it."""
        usable = any(image.tensorrt_usable for image in self.images)
        return tuple(key for key in self.inference.runtimes if key != "tensorrt" or usable)
