"""`edgecls push` over a fake ssh that runs each command here, in a folder for the device."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from edgecls import __version__
from edgecls.cli.main import run
from edgecls.deploy.locks import Target
from edgecls.deploy.wheelhouse import Wheelhouse, write_manifest

ROOT = Path(__file__).resolve().parents[3]
CONFIG = '[camera]\nkind = "demo"\n[web]\nenabled = false\n'
HOST = "pi@door.local"

# The last word is the command; what stands before it are ssh's options and the host.
FAKES = {
    "ssh": """echo "ssh $*" >>"$FAKES/log"
if [ -e "$FAKES/ssh-fails" ]; then cat "$FAKES/ssh-fails" >&2; exit 255; fi
for last; do :; done
cd "$FAKES/home"; exec sh -c "$last"
""",
    "scp": """echo "scp $*" >>"$FAKES/log"
for last; do :; done
eval "from=\\${$(($# - 1))}"
cp "$from" "$FAKES/home/${last#*:}"
[ ! -e "$FAKES/scp-dies" ] || { echo "lost connection" >&2; exit 1; }
""",
    "sudo": 'shift; exec "$@"',
    "id": 'case "$*" in -u) echo 1000 ;; *) exit 0 ;; esac',
    "uname": "echo aarch64",
    "getconf": "echo glibc 2.36",
    "getent": "",
    "chown": "",
    "sync": 'echo sync >>"$FAKES/log"',
    "systemctl": """echo "systemctl $*" >>"$FAKES/log"
link=$(readlink "$EDGECLS_ROOT/opt/edgecls/current")
case "$*" in *is-active*) [ ! -e "$FAKES/ill-${link##*/}" ] ;; esac
""",
    "python3": """case "$*" in
  *version_info*) echo 3.11 ;;
  *secrets*) echo ab12-cd34 ;;
  *venv*)
    for target; do :; done; mkdir -p "$target/bin"; cp "$FAKES/release-python" "$target/bin/python"
    [ ! -e "$FAKES/power-fails" ] || exit 1 ;;
esac
""",
    "release-python": """case "$*" in
  *pip-*) printf '#!/bin/sh\\ntrue\\n' >"${0%/*}/edgecls"; chmod 755 "${0%/*}/edgecls" ;;
  *edgecls.update*)
    folder=${0%/bin/*}
    [ ! -e "$FAKES/dies-${folder##*/}" ] || { echo "cut off" >&2; exit 1; }
    exec REAL_PYTHON "$@" --seconds 0 --pause 0 ;;
esac
""",
}


class Network:
    """A device behind a fake ssh, and the wheels for it; `push` runs the verb."""

    def __init__(
        self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._capsys = capsys
        self.fakes, self.root = folder / "fakes", folder / "device"
        self.wheels, self.config = folder / "wheels", folder / "door.toml"
        for path in (self.fakes / "home", self.root, self.wheels):
            path.mkdir(parents=True)
        for name, body in FAKES.items():
            text = "#!/bin/sh\n" + body.replace("REAL_PYTHON", sys.executable)
            (self.fakes / name).write_text(text)
            (self.fakes / name).chmod(0o755)
        self.config.write_text(CONFIG)
        monkeypatch.setenv("PATH", f"{self.fakes}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("FAKES", str(self.fakes))
        monkeypatch.setenv("EDGECLS_ROOT", str(self.root))
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        monkeypatch.setattr("edgecls.deploy.push.INBOX", str(folder / "inbox"))

    def build(self, content: str) -> str:
        """Make a wheelhouse of another build; return its release's name."""
        files = {}
        for name in ("pip-25.0-py3-none-any.whl", f"edgecls-{__version__}-py3-none-any.whl"):
            (self.wheels / name).write_text(name + content)
            files[name] = hashlib.sha256((self.wheels / name).read_bytes()).hexdigest()
        house = Wheelhouse(self.wheels, Target("3.11", "aarch64", "2.36"), __version__, files)
        write_manifest(house, "pip==25.0\n")
        return house.release

    def push(self, *more: str) -> tuple[int, str, str]:
        """Return exit code, standard output, standard error."""
        code = run(["push", HOST, "--wheelhouse", str(self.wheels), *more])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    @property
    def current(self) -> str | None:
        link = self.root / "opt/edgecls/current"
        return link.readlink().name if link.is_symlink() else None

    @property
    def log(self) -> str:
        return (self.fakes / "log").read_text()


@pytest.fixture
def network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Network:
    return Network(tmp_path, capsys, monkeypatch)


def test_a_device_gets_edgecls_then_a_newer_one_and_goes_back(network: Network) -> None:
    first = network.build("first")
    code, out, err = network.push("-c", str(network.config))
    assert code == 0, err
    assert f"{HOST} runs {first} and is well" in out
    assert "the page's first password: ssh" in out
    assert network.current == first
    assert (network.root / "etc/edgecls/doorbell.toml").is_file()
    assert (network.root / "etc/systemd/system/edgecls.service").is_file()
    assert "systemctl enable --quiet edgecls.service" in network.log
    assert not list((network.fakes / "home").iterdir())

    second = network.build("second")
    code, out, _ = network.push("--json")
    assert code == 0
    answer = json.loads(out)
    assert (answer["release"], answer["before"], answer["installed"]) == (second, first, True)
    assert network.current == second

    code, out, err = network.push("--rollback")
    assert code == 0, err
    assert f"runs {first} (before: {second})" in out
    assert network.current == first
    code, _, err = network.push("--rollback")
    assert code == 4
    assert "there is no earlier release to go back to" in err


def test_a_release_that_is_ill_gives_way_by_itself(network: Network) -> None:
    first = network.build("first")
    network.push("-c", str(network.config))
    second = network.build("second")
    (network.fakes / f"ill-{second}").touch()
    code, _, err = network.push()
    assert code == 4
    assert f"{second} was not well (edgecls.service is not active): {first} runs again" in err
    assert network.current == first


def test_a_push_that_stopped_halfway_is_recognised_and_done_again(network: Network) -> None:
    first = network.build("first")
    network.push("-c", str(network.config))
    second = network.build("second")
    (network.fakes / "power-fails").touch()
    code, _, err = network.push()
    assert code == 4
    assert network.current == first
    (network.fakes / "power-fails").unlink()
    code, _, err = network.push()
    assert code == 0, err
    assert f"an earlier push of {second} stopped halfway: done again" in err
    assert network.current == second


def test_a_copy_that_is_cut_off_leaves_everything_as_it_was(network: Network) -> None:
    first = network.build("first")
    network.push("-c", str(network.config))
    network.build("second")
    (network.fakes / "scp-dies").touch()
    code, _, err = network.push()
    assert code == 4
    assert "lost connection" in err
    assert network.current == first


def test_a_trial_that_was_cut_off_is_judged_first(network: Network) -> None:
    first = network.build("first")
    network.push("-c", str(network.config))
    second = network.build("second")
    network.push()
    state = {"state": "trying", "release": second, "previous": first}
    (network.root / "opt/edgecls/update.json").write_text(json.dumps(state))
    code, _, err = network.push()
    assert code == 0, err
    assert "an earlier push was cut off before its end" in err
    kept = json.loads((network.root / "opt/edgecls/update.json").read_text())
    assert kept["state"] == "good"


def test_what_settling_a_cut_off_trial_changed_is_asked_anew(network: Network) -> None:
    first = network.build("first")
    network.push("-c", str(network.config))
    second = network.build("second")
    network.push()
    third = network.build("third")
    releases = network.root / "opt/edgecls/releases"
    shutil.copytree(releases / second, releases / third)  # whole, and about to be pruned
    state = {"state": "trying", "release": second, "previous": first}
    (network.root / "opt/edgecls/update.json").write_text(json.dumps(state))
    code, out, err = network.push("--json")
    assert code == 0, err
    assert json.loads(out)["installed"]

    state = {"state": "trying", "release": third, "previous": second}
    (network.root / "opt/edgecls/update.json").write_text(json.dumps(state))
    (network.fakes / f"ill-{third}").touch()
    network.build("fourth")
    code, out, err = network.push("--json")
    assert code == 0, err
    assert json.loads(out)["before"] == second  # the third gave way to it just now


UNIT = "etc/systemd/system/edgecls.service"


def _flashed(network: Network) -> str:
    """Give the device a release as a card does: unit files of its own, and no copy of them."""
    first = network.build("first")
    network.push("-c", str(network.config))
    shutil.rmtree(network.root / "opt/edgecls/releases" / first / "system")
    (network.root / UNIT).write_text("the first's own\n")
    for path in (network.root / "etc/systemd").rglob("*.conf"):
        path.unlink()
    return first


def _unit_files(network: Network) -> set[str]:
    return {p.name for p in (network.root / "etc/systemd").rglob("*") if p.is_file()}


@pytest.mark.parametrize("ill", [True, False], ids=["by itself", "asked for"])
def test_unit_files_go_back_with_their_release(network: Network, ill: bool) -> None:
    first = _flashed(network)
    second = network.build("second")
    if ill:
        (network.fakes / f"ill-{second}").touch()
    code, _, err = network.push("--board", "raspberry-pi-4")
    assert code == (4 if ill else 0), err
    if not ill:
        assert "the first's own" not in (network.root / UNIT).read_text()
        assert len(_unit_files(network)) > 1  # the board's changes of it
        code, out, err = network.push("--rollback")
        assert code == 0, err
        assert "its unit files are back too" in out
        assert "the configuration and its model stay as they are" in out
    assert network.current == first
    assert (network.root / UNIT).read_text() == "the first's own\n"
    assert _unit_files(network) == {"edgecls.service"}


def test_a_rollback_without_kept_unit_files_says_so(network: Network) -> None:
    first = _flashed(network)
    network.build("second")
    network.push()
    shutil.rmtree(network.root / "opt/edgecls/releases" / first / "system")
    code, out, _ = network.push("--rollback")
    assert code == 0
    assert "its unit files were not kept: the newer ones stay" in out
    assert "the first's own" not in (network.root / UNIT).read_text()


def test_the_kept_configuration_is_the_one_that_ran_well(network: Network) -> None:
    network.build("first")
    network.push("-c", str(network.config))
    good = (network.root / "etc/edgecls/doorbell.toml").read_text()
    second = network.build("second")
    network.config.write_text(CONFIG + "port = 8099\n")
    (network.fakes / f"dies-{second}").touch()
    assert network.push("-c", str(network.config))[0] == 4
    assert "port = 8099" in (network.root / "etc/edgecls/doorbell.toml").read_text()
    (network.fakes / f"dies-{second}").unlink()
    (network.fakes / f"ill-{second}").touch()
    assert network.push("-c", str(network.config))[0] == 4
    assert (network.root / "etc/edgecls/doorbell.toml").read_text() == good


def test_a_kept_configuration_is_no_use_once_somebody_repaired_the_device_by_hand(
    network: Network,
) -> None:
    network.build("first")
    network.push("-c", str(network.config))
    second = network.build("second")
    network.config.write_text(CONFIG + "port = 8099\n")
    (network.fakes / f"dies-{second}").touch()
    assert network.push("-c", str(network.config))[0] == 4
    (network.fakes / f"dies-{second}").unlink()
    repaired = CONFIG + "port = 8100\n"
    (network.root / "etc/edgecls/doorbell.toml").write_text(repaired)
    third = network.build("third")
    (network.fakes / f"ill-{third}").touch()
    assert network.push("-c", str(network.config))[0] == 4
    assert (network.root / "etc/edgecls/doorbell.toml").read_text() == repaired


def test_a_configuration_that_was_being_put_back_needs_no_other(network: Network) -> None:
    first = network.build("first")
    network.push("-c", str(network.config))
    etc = network.root / "etc/edgecls"
    etc.rename(etc.with_name("edgecls.before"))  # the new one is away already
    state = {"state": "trying", "release": first, "previous": None}
    (network.root / "opt/edgecls/update.json").write_text(json.dumps(state))
    code, _, err = network.push()
    assert code == 0, err
    assert (etc / "doorbell.toml").is_file()


def test_a_device_whose_release_was_removed_is_repaired(network: Network) -> None:
    first = network.build("first")
    network.push("-c", str(network.config))
    shutil.rmtree(network.root / "opt/edgecls/releases" / first)
    second = network.build("second")
    code, _, err = network.push()
    assert code == 0, err
    assert network.current == second


def test_what_is_kept_is_on_the_disk_before_it_gets_its_name(network: Network) -> None:
    _flashed(network)
    (network.fakes / "mv").write_text(
        '#!/bin/sh\necho "mv $*" >>"$FAKES/log"\nPATH=${PATH#*:} exec mv "$@"\n'
    )
    (network.fakes / "mv").chmod(0o755)
    network.build("second")
    assert network.push("-c", str(network.config))[0] == 0
    lines = network.log.splitlines()
    names = ("/system", "edgecls.before", "edgecls.brought")
    moves = [n for n, line in enumerate(lines) if line.startswith("mv ") and ".part" in line]
    kept = [n for n in moves if any(name in lines[n] for name in names)]
    assert len(kept) == 4
    for number in kept:
        before = [line for line in lines[:number] if not line.startswith("mv ")]
        assert before[-1] == "sync", lines[number]
    placed = [n for n, line in enumerate(lines) if line.endswith("doorbell.toml")]
    assert "sync" in lines[placed[-1] : placed[-1] + 3]


def test_a_dry_run_only_asks(network: Network) -> None:
    network.build("first")
    code, out, _ = network.push("--dry-run", "-c", str(network.config))
    assert code == 0
    assert "nothing was done; these would run:" in out
    assert "scp -q -o BatchMode=yes" in out
    assert "edgecls.update try" in out
    assert network.log.count("\nssh ") == 0  # the one question
    assert list(network.root.iterdir()) == []


def test_a_first_push_needs_a_configuration(network: Network) -> None:
    network.build("first")
    code, _, err = network.push()
    assert code == 4
    assert "has no /etc/edgecls/doorbell.toml, expected -c FILE the first time" in err


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "answers with another host key than before",
        ),
        ("No ED25519 host key is known.\nHost key verification failed.", "does not know yet"),
        (
            "ssh: connect to host door.local port 22: No route to host",
            "cannot be reached: ssh: con",
        ),
        ("ssh: Could not resolve hostname door.local", "is no name that this network knows"),
        ("pi@door.local: Permission denied (publickey).", "lets nobody in with the keys"),
    ],
)
def test_a_way_that_is_barred_is_told_in_one_line(said: str, told: str, network: Network) -> None:
    network.build("first")
    (network.fakes / "ssh-fails").write_text(said + "\n")
    code, _, err = network.push()
    assert code == 4
    assert err.startswith(f"error: {HOST} {told}") or told in err.splitlines()[0]
    assert err.splitlines()[1].startswith("hint:")
