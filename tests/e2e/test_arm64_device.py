"""The device's side on an arm64 Debian under qemu-user: real wheels, real script, real scores.

Times from emulation are no times of a device, and none is taken here.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgecls import __version__
from edgecls.boards.firmware import load_firmware
from edgecls.bundle.open import open_bundle
from edgecls.deploy.device_config import device_config
from edgecls.deploy.payload import make_payload
from edgecls.deploy.person import Identity
from edgecls.runtimes.tflite import TFLiteRuntime
from tests.arm64_root import arm64_tar, run_in_root, unpacked, why_no_arm64
from tests.device_wheels import BOARD, device_wheels

WHY_NOT = why_no_arm64()
CARD = "/boot/firmware/edgecls"
EDGECLS = "/opt/edgecls/current/bin/edgecls"
# All but those that need systemd to run.
STEPS = ("account", "settings", "services", "wheels", "environment", "packages", "current")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(5400),
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
]


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return an arm64 root on which the first boot took its steps, without a network."""
    folder = tmp_path_factory.mktemp("arm64")
    house = device_wheels("3.11")
    root = unpacked(arm64_tar(), folder / "root")
    config = folder / "door.toml"
    config.write_text('[camera]\nkind = "demo"\n')
    firmware = load_firmware(BOARD)
    payload = make_payload(
        folder / "payload", house, device_config(config, firmware, board=BOARD, bundle=None),
        Identity(), firmware=firmware, image=firmware.images[1], instance="test",
    )  # fmt: skip
    for name, source in payload.files.items():
        target = root / "boot/firmware" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for step in STEPS:
        script = f"{CARD}/edgecls-first-boot"
        run_in_root(root, "unshare", "-n", "sh", script, CARD, step, timeout_s=3600)
    yield root
    shutil.rmtree(folder, ignore_errors=True)


def test_edgecls_is_installed_from_the_wheelhouse_alone(device: Path) -> None:
    said = run_in_root(device, EDGECLS, "--version", timeout_s=300).stdout
    assert said == f"edgecls {__version__}\n"
    assert (device / "opt/edgecls/current").readlink().parts[0] == "releases"
    assert (device / "etc/edgecls/doorbell.toml").stat().st_mode & 0o777 == 0o640


def test_the_doctor_knows_where_it_is(device: Path) -> None:
    said = json.loads(run_in_root(device, EDGECLS, "doctor", "--json", timeout_s=600).stdout)
    assert said["counts"]["fail"] == 0, said
    found = {one["subject"]: (one["state"], one["text"]) for one in said["findings"]}
    assert "aarch64" in found["machine"][1]
    assert found["system"] == ("ok", "Debian GNU/Linux 12 (bookworm)")
    assert f"edgecls {__version__} on Python 3.11" in found["python"][1]
    assert found["runtime tflite"][0] == found["model"][0] == "ok"
    assert "no int8 instructions" in found["int8"][1]  # Cortex-A72: Armv8.0
    assert found["service"] == ("skip", "no systemd answers here")


def test_the_int8_scores_are_those_of_x86_within_one_quantum(device: Path) -> None:
    skimage = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    cv2 = pytest.importorskip("cv2")
    here = device / "tmp"
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        cv2.imwrite(str(here / f"{name}.png"), getattr(skimage, name)()[..., ::-1])
    words = ["classify", "--json", "--variant", "tflite-int8"]
    emulated = run_in_root(device, EDGECLS, *words, "/tmp/*.png", timeout_s=900).stdout
    code = "from edgecls.cli.main import main; main()"
    native = subprocess.run(
        [sys.executable, "-c", code, *words, f"{here}/*.png"],
        capture_output=True, text=True, check=True, timeout=300,
    ).stdout  # fmt: skip
    there, ours = json.loads(emulated)["results"], json.loads(native)["results"]
    assert len(there) == len(ours) == 4
    quantum = _output_scale()
    for one, other in zip(there, ours, strict=True):
        assert Path(one["file"]).name == Path(other["file"]).name
        assert one["label"] == other["label"]
        apart = abs(_log_odds(one["scores"]) - _log_odds(other["scores"])) / quantum
        assert apart < 1.01, (one["file"], apart)  # 0.01: scores are told with six digits


def _log_odds(scores: dict[str, float]) -> float:
    """Undo the softmax: what the int8 outputs of two labels are apart."""
    return math.log(scores["person"] / scores["no_person"])


def _output_scale() -> float:
    bundle = open_bundle()
    (variant,) = [item for item in bundle.manifest.variants if item.name == "tflite-int8"]
    with TFLiteRuntime(bundle.artefact(variant)) as runtime:
        assert runtime.output.scale is not None
        return float(runtime.output.scale)


def test_the_built_in_door_finds_its_visitors(device: Path) -> None:
    done = run_in_root(device, EDGECLS, "demo", "--once", "--json", "--port", "0", timeout_s=1800)
    answer = json.loads(done.stdout)
    assert answer["visits"] >= 1
