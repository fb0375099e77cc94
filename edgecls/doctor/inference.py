"""What judges pictures: libraries, the model, int8, TensorRT."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata

from edgecls import plugins
from edgecls.bundle.open import open_bundle
from edgecls.doctor.finding import Finding, fail, ok, skip, warn
from edgecls.doctor.patient import Patient
from edgecls.errors import EdgeclsError, IncompleteDependencyError, MissingDependencyError
from edgecls.runtimes import RUNTIMES
from edgecls.sections.firmware import TENSORRT_MIN, ImageSection, version_of

PACKAGES = {
    "tflite": ("ai-edge-litert", "tflite-runtime"),
    "onnx": ("onnxruntime",),
    "tensorrt": ("tensorrt",),
}
INT8_FLAGS = {
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX-VNNI",
    "i8mm": "int8 matrix products",
    "asimddp": "int8 dot products",
}
LIBRARY = "usr/lib/*-linux-gnu/libnvinfer.so.*"


def check_runtimes(patient: Patient) -> Iterator[Finding]:
    """Load each runtime; one is enough, and those that others need are named."""
    wanted = patient.firmware.inference.runtimes if patient.firmware else ("tflite", "onnx")
    loaded = []
    for key in wanted:
        subject = f"runtime {key}"
        try:
            plugins.load("runtime", RUNTIMES, key)
        except MissingDependencyError as error:
            firmware = patient.firmware
            if firmware is not None and key not in firmware.runtimes_as_it_comes:
                yield skip(subject, "not here: what comes with this board does not fit edgecls")
            elif isinstance(error, IncompleteDependencyError):
                yield fail(subject, error.message, fix=error.hint or "")
            else:
                yield skip(subject, f"not installed; to have it: {error.hint}")
        except Exception as error:  # a library that is there and broken may raise anything
            yield fail(
                subject,
                f"cannot be loaded: {type(error).__name__}: {error}",
                fix="install edgecls anew into a fresh environment",
            )
        else:
            loaded.append(key)
            yield ok(subject, _versions(key))
    if not loaded:
        yield fail("runtimes", "none can be used", fix="pip install edgecls")


def check_model(patient: Patient) -> Iterator[Finding]:
    """Open the bundle: its hashes are verified."""
    path = patient.config.model.bundle if patient.config else None
    try:
        bundle = open_bundle(path)
    except EdgeclsError as error:
        yield fail("model", error.message, fix=error.hint or "edgecls bundle verify FILE")
        return
    names = ", ".join(variant.name for variant in bundle.manifest.variants)
    yield ok("model", f"{bundle.manifest.name} {bundle.manifest.version}: {names}")


def check_int8(patient: Patient) -> Iterator[Finding]:
    """Tell what int8 is worth here; never a fault, but it decides which variant is fast."""
    firmware = patient.firmware
    if firmware is not None and not firmware.inference.int8:
        text = f"the GPU has no int8 hardware: {firmware.inference.precision} is what it is fast in"
        if "tensorrt" not in firmware.runtimes_as_it_comes:
            text += ", were it used; the CPU takes int8 models"
        yield ok("int8", text)
        return
    if firmware is not None and firmware.inference.compute_capability:
        cc = firmware.inference.compute_capability
        yield ok("int8", f"in the GPU's hardware (compute capability {cc})")
        return
    info = patient.text("proc/cpuinfo")
    flags = set(re.findall(r"\w+", info))
    found = [name for flag, name in INT8_FLAGS.items() if flag in flags]
    if not info:
        yield skip("int8", "this system does not tell what its processor can do")
    elif found:
        yield ok("int8", f"the processor has {', '.join(found)}")
    else:
        yield ok(
            "int8",
            "the processor has no int8 instructions of its own; `edgecls benchmark` tells what is "
            "fast here",
        )


def check_tensorrt(patient: Patient) -> Iterator[Finding]:
    """Compare TensorRT's library, its Python module and the JetPack that they should belong to."""
    if patient.firmware is None or "tensorrt" not in patient.firmware.inference.runtimes:
        yield skip("tensorrt", "no NVIDIA Jetson")
        return
    linux = getattr(patient.board, "jetson_linux", lambda: None)()
    library = _library_version(patient)
    image = None if linux is None else _image(patient.firmware.images, linux.release)
    if linux is None:
        yield warn(
            "jetpack",
            "/etc/nv_tegra_release is missing or unreadable: this is no Jetson Linux",
            fix="install JetPack; in a container, use --runtime nvidia",
        )
    elif image is None:
        yield warn(
            "jetpack",
            f"Jetson Linux {linux} is none that edgecls knows for this board",
            fix="go on if TensorRT below is well; else install one of `edgecls boards` lists",
        )
    else:
        yield ok("jetpack", f"{image.name}, Jetson Linux {linux}")
    if image is None and "tensorrt" not in patient.firmware.runtimes_as_it_comes:
        image = patient.firmware.images[0]  # whichever it is, its TensorRT is of no use
    yield from _tensorrt(library, _version("tensorrt"), image)


def _tensorrt(
    library: str | None, module: str | None, image: ImageSection | None
) -> Iterator[Finding]:
    passed_over = _passed_over(library, module, image)
    if passed_over is not None:
        yield skip("tensorrt", f"{passed_over}: the CPU judges, with tflite or onnx")
    elif library is None:
        yield warn(
            "tensorrt", "its library is not installed", fix="sudo apt install nvidia-jetpack"
        )
    elif image is not None and image.tensorrt_usable and not _same(library, image.tensorrt or ""):
        yield warn(
            "tensorrt",
            f"library {library}, but {image.name} comes with {image.tensorrt}",
            fix="sudo apt full-upgrade; engines are built anew by themselves",
        )
    elif module is None:
        yield warn(
            "tensorrt",
            f"library {library}, but Python does not see its module",
            fix="sudo apt install python3-libnvinfer; make the environment with "
            "python3 -m venv --system-site-packages",
        )
    elif not _same(module, library):
        yield fail(
            "tensorrt",
            f"the Python module is of {module}, the library of {library}",
            fix="pip uninstall tensorrt: the system's own module fits",
        )
    else:
        yield ok("tensorrt", f"library and Python module {library}")


def _passed_over(library: str | None, module: str | None, image: ImageSection | None) -> str | None:
    """Return why TensorRT cannot be used here and nothing is to be mended; None when it could."""
    least = ".".join(map(str, TENSORRT_MIN))
    found = module or library or (image.tensorrt if image else None)
    if found is not None and re.match(r"\d+\.\d", found) and version_of(found) < TENSORRT_MIN:
        return f"TensorRT {found} is older than {least}, which edgecls needs"
    if module is None and image is not None and image.container:
        return f"TensorRT's module in {image.name} is for its Python {image.python}"
    return None


def _same(one: str, other: str) -> bool:
    """Compare two versions as far as the shorter one goes."""
    return all(a == b for a, b in zip(one.split("."), other.split("."), strict=False))


def _image(images: tuple[ImageSection, ...], release: tuple[int, ...]) -> ImageSection | None:
    """Return the newest image of the same release of Jetson Linux that is not newer."""
    fitting = [
        (tuple(map(int, image.l4t.split("."))), image)
        for image in images
        if image.l4t and int(image.l4t.split(".")[0]) == release[0]
    ]
    return max(
        ((l4t, image) for l4t, image in fitting if l4t <= release[:2]),
        key=lambda item: item[0],
        default=(None, None),
    )[1]


def _library_version(patient: Patient) -> str | None:
    """Return the version in the library's file name: libnvinfer.so.10.3.0."""
    names = [path.name.partition(".so.")[2] for path in patient.root.glob(LIBRARY)]
    return max(names, key=lambda name: name.count("."), default=None)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _versions(key: str) -> str:
    """Name the packages of a runtime that are installed, with their versions."""
    found = [f"{name} {version}" for name in PACKAGES[key] if (version := _version(name))]
    return ", ".join(found) or "loads"
