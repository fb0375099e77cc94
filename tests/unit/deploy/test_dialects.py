"""What each image's first boot is told, read back as that image would."""

from __future__ import annotations

import json
import sys

from edgecls.deploy.dialects import DIALECTS
from edgecls.deploy.payload import CONFIG_TXT_MARK, cmdline_with, config_txt_with
from edgecls.deploy.person import Identity, Person
from edgecls.deploy.secrets import Wifi

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BOOT = "/boot/firmware"
KEY = "ssh-ed25519 AAAA anna"
WHOLE = Identity(
    "front-door", Person("anna", (KEY,), "$6$salt$hash"), Wifi('our "net"', "ab" * 32, "DE")
)


def test_cloud_init_is_told_everything() -> None:
    files, words = DIALECTS["cloud-init"](WHOLE, BOOT, "edgecls-1")
    assert words == ()
    assert files["user-data"].startswith("#cloud-config\n")
    user_data = json.loads(files["user-data"].partition("\n")[2])
    assert user_data["hostname"] == "front-door"
    (user,) = user_data["users"]
    assert (user["name"], user["passwd"], user["lock_passwd"]) == ("anna", "$6$salt$hash", False)
    assert user["ssh_authorized_keys"] == [KEY]
    ((shell, flag, line),) = user_data["bootcmd"]
    assert (shell, flag) == ("sh", "-c")
    assert line.endswith("sh /boot/firmware/edgecls/install-unit /boot/firmware/edgecls start")
    wifi = json.loads(files["network-config"])["wifis"]["wlan0"]
    assert wifi["access-points"] == {'our "net"': {"password": "ab" * 32}}
    assert wifi["regulatory-domain"] == "DE"
    assert json.loads(files["meta-data"]) == {"instance-id": "edgecls-1"}


def test_nobody_can_log_in_where_nobody_was_named() -> None:
    files, _ = DIALECTS["cloud-init"](Identity(), BOOT, "edgecls-1")
    user_data = json.loads(files["user-data"].partition("\n")[2])
    assert user_data.keys() == {"bootcmd", "ssh_pwauth"}
    assert user_data["ssh_pwauth"] is False
    assert "wifis" not in json.loads(files["network-config"])
    files, _ = DIALECTS["custom-toml"](Identity(), BOOT, "edgecls-1")
    assert tomllib.loads(files["custom.toml"]) == {"config_version": 1}


def test_a_key_alone_locks_the_password() -> None:
    identity = Identity(person=Person("anna", (KEY,)))
    files, _ = DIALECTS["cloud-init"](identity, BOOT, "edgecls-1")
    user_data = json.loads(files["user-data"].partition("\n")[2])
    assert user_data["users"][0]["lock_passwd"] is True
    assert "passwd" not in user_data["users"][0]
    assert user_data["ssh_pwauth"] is False
    files, _ = DIALECTS["custom-toml"](identity, BOOT, "edgecls-1")
    settings = tomllib.loads(files["custom.toml"])
    assert settings["user"]["password"] == "!"
    assert settings["ssh"]["password_authentication"] is False


def test_raspberry_pi_os_bookworm_is_told_everything() -> None:
    files, words = DIALECTS["custom-toml"](WHOLE, BOOT, "edgecls-1")
    settings = tomllib.loads(files["custom.toml"])
    assert settings["system"]["hostname"] == "front-door"
    assert settings["user"]["password_encrypted"] is settings["wlan"]["password_encrypted"] is True
    assert settings["ssh"]["authorized_keys"] == [KEY]
    assert settings["wlan"]["ssid"] == 'our "net"'
    assert words[0] == "systemd.run=/boot/firmware/firstrun.sh"
    assert "install-unit /boot/firmware/edgecls" in files["firstrun.sh"]


def test_the_firmware_s_files_gain_lines_once() -> None:
    stock = "dtparam=audio=on\n[pi4]\narm_boost=1\n"
    once = config_txt_with(stock, ["gpu_mem=76"])
    assert once == f"{stock}\n{CONFIG_TXT_MARK}\n[all]\ngpu_mem=76\n"
    assert config_txt_with(once, ["gpu_mem=76"]) == once
    line = cmdline_with("root=/dev/mmcblk0p2 rootwait\n", ["rootwait", "quiet"])
    assert line == "root=/dev/mmcblk0p2 rootwait quiet\n"
