"""Opening bundles that are good, damaged, or made to do harm."""

from __future__ import annotations

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgecls.bundle import container
from edgecls.bundle.open import open_bundle
from edgecls.errors import BundleError
from tests.tiny_bundles import manifest_dict, model, tiny_bundle, variant, zip_of

CONTENT = model("int8.tflite")


def manifest_bytes(**changes: Any) -> bytes:
    return json.dumps(manifest_dict(variant("tflite-int8", CONTENT, **changes))).encode()


def refused(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        open_bundle(path)
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert str(path) in caught.value.message
    return caught.value.message


@pytest.fixture(params=["bundle", "bundle.edgecls"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / request.param)


def replace_artefact(bundle: Path, change: Callable[[bytes], bytes]) -> None:
    """Change one artefact inside a bundle of either form."""
    name = "tflite-int8.tflite"
    if bundle.is_dir():
        (bundle / name).write_bytes(change((bundle / name).read_bytes()))
        return
    with zipfile.ZipFile(bundle) as archive:
        contents = {entry: archive.read(entry) for entry in archive.namelist()}
    contents[name] = change(contents[name])
    zip_of(bundle, *contents.items())


def test_both_forms_open_and_hand_out_the_model(bundle: Path) -> None:
    opened = open_bundle(bundle)
    assert [v.name for v in opened.manifest.variants] == ["tflite-int8", "tflite-float32"]
    assert opened.artefact(opened.manifest.variants[0]) == CONTENT


def test_a_missing_bundle(tmp_path: Path) -> None:
    assert "no such bundle" in refused(tmp_path / "none.edgecls")


def test_a_changed_artefact_names_file_and_both_hashes(bundle: Path) -> None:
    expected = open_bundle(bundle).manifest.variants[0].sha256
    replace_artefact(bundle, lambda content: content[:-1] + bytes([content[-1] ^ 1]))
    message = refused(bundle)
    assert f"tflite-int8.tflite: expected sha256 {expected}, received " in message
    assert message.count(expected) == 1


def test_a_shortened_artefact_names_both_sizes(bundle: Path) -> None:
    replace_artefact(bundle, lambda content: content[:-7])
    assert f"expected {len(CONTENT)} bytes, received {len(CONTENT) - 7}" in refused(bundle)


def test_a_longer_artefact_is_not_read_to_its_end(bundle: Path) -> None:
    replace_artefact(bundle, lambda content: content + bytes(100))
    assert f"longer than the {len(CONTENT)} bytes expected" in refused(bundle)


def test_what_changes_after_opening_is_noticed(bundle: Path) -> None:
    opened = open_bundle(bundle)
    replace_artefact(bundle, lambda content: bytes(len(content)))
    with pytest.raises(BundleError, match="expected sha256"):
        opened.artefact(opened.manifest.variants[0])


def test_a_folder_without_manifest_or_artefact(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    assert "manifest.json cannot be read: No such file" in refused(folder)
    (folder / "manifest.json").write_bytes(manifest_bytes())
    assert "tflite-int8.tflite cannot be read: No such file" in refused(folder)


def test_a_manifest_that_is_too_large(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "b.edgecls", ("manifest.json", b" " * (1024 * 1024 + 1)))
    assert "manifest.json is longer than" in refused(path)


def test_artefacts_that_would_fill_the_memory(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "b.edgecls", ("manifest.json", manifest_bytes(bytes=10**13)))
    assert "artefacts of 10000000000000 bytes" in refused(path)


class TestFolder:
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "bundle"
        folder.mkdir()
        (folder / "manifest.json").write_bytes(manifest_bytes())
        return folder

    def test_a_link_to_outside(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(CONTENT)
        folder = self.folder(tmp_path)
        (folder / "tflite-int8.tflite").symlink_to(tmp_path / "secret")
        assert "leads outside the bundle" in refused(folder)

    def test_a_link_inside_is_followed(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path)
        (folder / "real").write_bytes(CONTENT)
        (folder / "tflite-int8.tflite").symlink_to("real")
        assert open_bundle(folder).manifest.name == "tiny"

    def test_links_in_a_circle(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path)
        (folder / "tflite-int8.tflite").symlink_to("tflite-int8.tflite")
        assert "tflite-int8.tflite cannot be read" in refused(folder)

    def test_a_pipe_does_not_block(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path)
        os.mkfifo(folder / "tflite-int8.tflite")
        assert "is not a file" in refused(folder)

    @pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret"])
    def test_a_manifest_naming_files_outside(self, tmp_path: Path, name: str) -> None:
        folder = tmp_path / "bundle"
        folder.mkdir()
        (folder / "manifest.json").write_bytes(manifest_bytes(file=name))
        with pytest.raises(BundleError, match="must be a plain relative path inside the bundle"):
            open_bundle(folder)


class TestZip:
    def good(self, tmp_path: Path, *more: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
        entries = (("manifest.json", manifest_bytes()), ("tflite-int8.tflite", CONTENT), *more)
        return zip_of(tmp_path / "b.edgecls", *entries)

    def test_other_files_beside_are_fine(self, tmp_path: Path) -> None:
        opened = open_bundle(self.good(tmp_path, ("MODEL_CARD.md", b"about")))
        assert opened.manifest.name == "tiny"

    @pytest.mark.parametrize("keep", [0, 10, 500, -1, -30])
    def test_truncated(self, tmp_path: Path, keep: int) -> None:
        path = self.good(tmp_path)
        path.write_bytes(path.read_bytes()[:keep])
        assert "not a bundle, or cut off" in refused(path)

    def test_not_a_zip(self, tmp_path: Path) -> None:
        path = tmp_path / "b.edgecls"
        path.write_bytes(b"hello" * 100)
        assert "not a bundle" in refused(path)

    def test_without_a_manifest(self, tmp_path: Path) -> None:
        assert "manifest.json is missing" in refused(zip_of(tmp_path / "b.zip", ("a", b"a")))

    @pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\..\\evil", "C:x"])
    def test_an_entry_that_leads_outside(self, tmp_path: Path, name: str) -> None:
        assert "leads outside the bundle" in refused(self.good(tmp_path, (name, b"")))

    def test_an_entry_without_a_name(self, tmp_path: Path) -> None:
        path = self.good(tmp_path, ("?", b""))
        path.write_bytes(path.read_bytes().replace(b"?", b"\0"))  # zipfile reads up to a zero
        assert "leads outside the bundle" in refused(path)

    def test_an_entry_that_is_a_link(self, tmp_path: Path) -> None:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        assert "is a link" in refused(self.good(tmp_path, (link, b"/etc/passwd")))

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_an_entry_named_twice(self, tmp_path: Path) -> None:
        path = self.good(tmp_path, ("tflite-int8.tflite", b"other"))
        assert "appears more than once" in refused(path)

    def test_other_packings(self, tmp_path: Path) -> None:
        packed = zipfile.ZipInfo("x")
        packed.compress_type = zipfile.ZIP_LZMA
        assert "expected stored or deflated" in refused(self.good(tmp_path, (packed, b"x")))

    def test_too_many_entries(self, tmp_path: Path) -> None:
        many = [(f"file{index}", b"") for index in range(300)]
        assert "302 entries" in refused(self.good(tmp_path, *many))

    def test_a_directory_of_more_entries_than_it_admits(self, tmp_path: Path) -> None:
        path = self.good(tmp_path, *[(f"{index:0200d}", b"") for index in range(1400)])
        data = bytearray(path.read_bytes())
        data[-14:-10] = struct.pack("<HH", 2, 2)  # the end record now claims two entries
        path.write_bytes(data)
        assert "2 entries listed in" in refused(path)

    def test_a_file_that_goes_away_after_opening(self, tmp_path: Path) -> None:
        path = self.good(tmp_path)
        opened = open_bundle(path)
        path.unlink()
        with pytest.raises(BundleError, match="cannot be read: No such file"):
            opened.artefact(opened.manifest.variants[0])
        path.mkdir()
        with pytest.raises(BundleError, match="cannot be read: Is a directory"):
            opened.artefact(opened.manifest.variants[0])

    def test_a_name_that_is_no_text_in_an_entrys_own_header(self, tmp_path: Path) -> None:
        path = self.good(tmp_path)
        data = bytearray(path.read_bytes())
        data[30] = 0xFF  # the first letter of the first entry's name
        data[7] |= 0x08  # said to be UTF-8, here and in the directory
        data[data.index(b"PK\x01\x02") + 9] |= 0x08
        path.write_bytes(data)
        assert "manifest.json is damaged: 'utf-8' codec can't decode" in refused(path)

    def test_zip64_is_refused(self, tmp_path: Path) -> None:
        path = self.good(tmp_path)
        data = path.read_bytes()
        locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
        path.write_bytes(data[:-22] + locator + data[-22:])
        assert "no zip64" in refused(path)

    def test_damaged_in_the_middle(self, tmp_path: Path) -> None:
        path = self.good(tmp_path)
        data = bytearray(path.read_bytes())
        data[data.index(CONTENT) + 100] ^= 0xFF
        path.write_bytes(data)
        assert "tflite-int8.tflite is damaged: Bad CRC-32" in refused(path)

    def test_a_bomb_by_ratio(self, tmp_path: Path) -> None:
        bomb = zipfile.ZipInfo("tflite-int8.tflite")
        bomb.compress_type = zipfile.ZIP_DEFLATED
        manifest = manifest_bytes(bytes=64 * 1024 * 1024)
        path = tmp_path / "b.edgecls"
        zip_of(path, ("manifest.json", manifest), (bomb, bytes(64 * 1024 * 1024)))
        assert path.stat().st_size < 100_000
        assert f"unpacks to more than {container.RATIO_MAX} times its size" in refused(path)

    def test_a_bomb_that_lies_of_its_size(self, tmp_path: Path) -> None:
        """The headers claim the size in the manifest; the stream holds far more."""
        packed = zlib.compress(bytes(8 * 1024 * 1024), 9)[2:-4]
        zipped = zipfile.ZipInfo("tflite-int8.tflite")
        path = zip_of(tmp_path / "b.edgecls", ("manifest.json", manifest_bytes()), (zipped, packed))
        data = bytearray(path.read_bytes())
        for magic, method_at, size_at in ((b"PK\3\4", 8, 22), (b"PK\1\2", 10, 24)):
            start = data.rindex(magic)
            data[start + method_at : start + method_at + 2] = struct.pack("<H", 8)
            data[start + size_at : start + size_at + 4] = struct.pack("<L", len(CONTENT))
        path.write_bytes(data)
        with zipfile.ZipFile(path) as archive:
            assert archive.getinfo("tflite-int8.tflite").file_size == len(CONTENT)
        assert "tflite-int8.tflite is damaged" in refused(path)
