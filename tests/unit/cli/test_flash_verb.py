"""`edgecls flash` as a person runs it, on small images: what is written, and each clear refusal."""

from __future__ import annotations

import hashlib
import json
import lzma
import re
import shlex
from pathlib import Path

import pytest

from edgecls import __version__
from edgecls.cli.main import run
from edgecls.deploy.locks import Target
from edgecls.deploy.wheelhouse import Wheelhouse, default_folder, write_manifest
from tests.card_images import PI_FILES, TRIXIE_FILES, WHY_NOT, card_image, read_card

pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))

CONFIG = '[camera]\nkind = "rtsp"\nsource = "rtsp://192.168.1.20/stream"\n'
BOARD = "raspberry-pi-4"
TARGETS = {
    "3.11": Target("3.11", "aarch64", "2.36"),
    "3.13": Target("3.13", "aarch64", "2.36"),
}


class Desk:
    """A folder with a configuration, a stock image and wheels; `flash` runs the verb on them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.config, self.out = folder / "door.toml", folder / "card.img"
        self.config.write_text(CONFIG)
        self.image = folder / "system.img"
        self.wheels = folder / "wheels"

    def stock(self, files: dict[str, str], *, boot_bytes: int = 40 << 20) -> None:
        card_image(self.image, files, boot_bytes=boot_bytes)

    def fill_wheelhouse(self, python: str) -> None:
        self.wheels.mkdir(parents=True, exist_ok=True)
        wheel = self.wheels / "pip-25.0-py3-none-any.whl"
        wheel.write_bytes(b"wheel" * 1000)
        files = {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest()}
        house = Wheelhouse(self.wheels, TARGETS[python], __version__, files)
        write_manifest(house, "pip==25.0\n")

    def flash(self, *more: str, board: str = BOARD, out: bool = True) -> tuple[int, str, str]:
        """Return exit code, standard output, standard error."""
        words = ["flash", board, "--image", str(self.image), "-c", str(self.config)]
        words += [
            "--wheelhouse",
            str(self.wheels),
            *(["--out", str(self.out)] if out else []),
            *more,
        ]
        code = run(words)
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_a_trixie_card_has_all_that_its_first_boot_needs(desk: Desk) -> None:
    desk.stock(TRIXIE_FILES)
    desk.fill_wheelhouse("3.13")
    packed = desk.folder / "system.img.xz"
    packed.write_bytes(lzma.compress(desk.image.read_bytes(), preset=0))
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    (desk.folder / "system.img.xz.sha256").write_text(f"{digest}  system.img.xz\n")
    desk.image = packed
    secret, key = desk.folder / "wifi", desk.folder / "id.pub"
    secret.write_text("correct horse")
    secret.chmod(0o600)
    key.write_text("ssh-ed25519 AAAA anna\n")
    code, out, err = desk.flash(
        "--json", "--hostname", "front-door", "--ssh-key", str(key), "--wifi-ssid", "net",
        "--wifi-password-file", str(secret), "--wifi-country", "DE",
    )  # fmt: skip
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["schema"] == 1
    assert answer["system"] == "Raspberry Pi OS Trixie (64-bit)"
    assert answer["checksum_compared"] is answer["written"] is True
    assert answer["address"] == "https://front-door.local:8080"
    for name in answer["files"]:
        assert "correct horse" not in read_card(desk.out, name), name
    assert "front-door" in read_card(desk.out, "user-data")
    assert read_card(desk.out, "edgecls/release").startswith(
        f"version={__version__}\npython=3.13\n"
    )
    assert "dtparam=watchdog=on\n" in read_card(desk.out, "config.txt")
    assert 'source = "rtsp://192.168.1.20/stream"' in read_card(
        desk.out, "edgecls/etc/doorbell.toml"
    )
    unit = read_card(desk.out, "edgecls/system/etc/systemd/system/edgecls.service")
    assert "ExecStart=/opt/edgecls/current/bin/" in unit
    first = read_card(desk.out, "edgecls/edgecls-first-boot.service")
    assert "ExecStart=/bin/sh /boot/firmware/edgecls/edgecls-first-boot" in first
    assert "@BOOT@" not in first
    assert not list(desk.folder.glob(".card.img*"))


def test_the_readme_s_command_writes_a_card(
    desk: Desk, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (repository / "README.md").read_text().replace("\\\n", "")
    found = re.search(r"(?m)^\$ edgecls (flash .*)$", readme)
    assert found is not None
    monkeypatch.setenv("XDG_CACHE_HOME", str(desk.folder / "cache"))
    monkeypatch.chdir(desk.folder)
    desk.wheels = default_folder(TARGETS["3.13"])  # where `edgecls wheelhouse` puts them
    desk.fill_wheelhouse("3.13")
    desk.stock(TRIXIE_FILES)
    packed = lzma.compress(desk.image.read_bytes(), preset=0)
    (desk.folder / "raspios-lite.img.xz").write_bytes(packed)
    desk.config.rename(desk.folder / "doorbell.toml")
    assert run(shlex.split(found[1])) == 0
    assert "front-door" in read_card(desk.out, "user-data")


def test_a_bookworm_card_runs_its_script_after_the_system_s_own_first_start(desk: Desk) -> None:
    desk.stock(PI_FILES)
    desk.fill_wheelhouse("3.11")
    code, out, err = desk.flash()
    assert code == 0, err
    assert "is Raspberry Pi OS Bookworm (64-bit) with edgecls" in out
    assert "was not compared with a checksum" in out
    line = read_card(desk.out, "cmdline.txt")
    assert line.startswith("console=serial0,115200 root=PARTUUID=1234-02 rootwait systemd.run=")
    assert line.count("\n") == 1
    assert "install-unit" in read_card(desk.out, "firstrun.sh")


def test_a_dry_run_writes_nothing(desk: Desk) -> None:
    desk.stock(TRIXIE_FILES)
    desk.fill_wheelhouse("3.13")
    code, out, _ = desk.flash("--dry-run")
    assert code == 0
    assert "would be Raspberry Pi OS Trixie" in out
    assert "boot partition: edgecls/wheels.tar\n" in out
    assert not desk.out.exists()


def test_a_password_file_that_all_can_read_is_warned_of(desk: Desk) -> None:
    desk.stock(TRIXIE_FILES)
    desk.fill_wheelhouse("3.13")
    secret = desk.folder / "wifi"
    secret.write_text("correct horse")
    secret.chmod(0o644)
    code, _, err = desk.flash(
        "--wifi-ssid", "net", "--wifi-password-file", str(secret), "--wifi-country", "DE"
    )
    assert code == 0
    assert f"warning: {secret} can be read by other users of this machine" in err


REFUSED: dict[str, tuple[dict[str, str], str, str]] = {
    "32-bit": ({**PI_FILES, "kernel7l.img": ""}, "3.11", "is a 32-bit system, expected 64-bit"),
    "another board": (
        {name: text for name, text in TRIXIE_FILES.items() if "2711" not in name},
        "3.13",
        "is no image for raspberry-pi-4 (it has no device tree for this board)",
    ),
    "no first boot": ({"EFI.txt": ""}, "3.11", "(it has no first-boot files)"),
    "wheels of another Python": (TRIXIE_FILES, "3.11", "holds wheels for Python 3.11 on aarch64"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_image_that_does_not_fit_is_refused_and_nothing_left(name: str, desk: Desk) -> None:
    files, python, told = REFUSED[name]
    desk.stock(files)
    desk.fill_wheelhouse(python)
    code, out, err = desk.flash()
    assert (code, out) == (4, "")
    assert told in err
    assert "hint:" in err
    assert sorted(p.name for p in desk.folder.iterdir()) == ["door.toml", "system.img", "wheels"]


def test_a_card_without_room_is_refused(desk: Desk) -> None:
    desk.stock(TRIXIE_FILES, boot_bytes=4 << 20)
    desk.fill_wheelhouse("3.13")
    bundle = desk.folder / "large.edgecls"
    bundle.write_bytes(bytes(6 << 20))
    code, _, err = desk.flash("--bundle", str(bundle))
    assert code == 4
    assert f"the boot partition of {desk.image} is too small, expected 6." in err
    assert not desk.out.exists()


def test_damaged_downloads_are_refused(desk: Desk) -> None:
    desk.stock(TRIXIE_FILES)
    desk.fill_wheelhouse("3.13")
    packed = desk.folder / "system.img.xz"
    packed.write_bytes(lzma.compress(desk.image.read_bytes(), preset=0)[:-4000])
    desk.image = packed
    code, _, err = desk.flash()
    assert code == 4
    assert "is cut off before its end" in err
    (desk.folder / "system.img.xz.sha256").write_text("0" * 64)
    code, _, err = desk.flash()
    assert code == 4
    assert "is not what system.img.xz.sha256 says" in err
    assert not desk.out.exists()


def test_wheels_that_are_missing_or_changed_are_told(desk: Desk) -> None:
    desk.stock(TRIXIE_FILES)
    code, _, err = desk.flash()
    assert code == 4
    assert "there are no wheels in" in err
    assert f"edgecls wheelhouse {BOARD} --python 3.13" in err
    desk.fill_wheelhouse("3.13")
    wheel = desk.wheels / "pip-25.0-py3-none-any.whl"
    wheel.write_bytes(b"changed")
    assert "is not the wheel that was locked" in desk.flash()[2]
    wheel.unlink()
    assert "lacks the wheel pip-25.0-py3-none-any.whl" in desk.flash()[2]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--out", "a.img", "--device", "/dev/sdz"], "give either --out or --device"),
        (["--device", "/dev/null"], "/dev/null is no disk"),
        (["--out", "a.img", "--wifi-ssid", "net"], "the Wi-Fi is told in part"),
        (["--out", "a.img", "--hostname", "front_door"], "--hostname 'front_door'"),
    ],
)
def test_flags_that_cannot_be_are_usage_errors(more: list[str], told: str, desk: Desk) -> None:
    desk.stock(TRIXIE_FILES)
    code, _, err = desk.flash(*more, out=False)
    assert code == 2
    assert told in err


def test_a_board_that_is_set_up_otherwise_says_how(desk: Desk) -> None:
    desk.stock(TRIXIE_FILES)
    desk.fill_wheelhouse("3.13")
    code, _, err = desk.flash(board="jetson-orin-nano")
    assert code == 4
    assert "edgecls push" in err


def test_a_system_that_its_boot_partition_does_not_tell_is_named_by_its_python(desk: Desk) -> None:
    desk.stock(TRIXIE_FILES)
    desk.fill_wheelhouse("3.11")
    code, _, err = desk.flash(board="generic-aarch64")
    assert code == 4
    assert "expected Python 3.13 on aarch64" in err
    code, out, err = desk.flash("--python", "3.11", board="generic-aarch64")
    assert code == 0, err
    assert "is Debian 12 (bookworm, arm64) with edgecls" in out
