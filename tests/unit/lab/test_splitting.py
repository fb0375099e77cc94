"""Drawn splits: whole groups, fair to classes, and the same tomorrow."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import cv2
from hypothesis import given
from hypothesis import strategies as st

from edgecls.bundle.images import read_image
from edgecls.lab.listing import Row, rows_from_folder
from edgecls.lab.splitting import groups_from_duplicates, with_splits


def _rows(groups: list[int], labels: list[int]) -> list[Row]:
    return [
        Row(Path(f"{i}.jpg"), f"{i}.jpg", str(label), group=f"g{group}" if group else "")
        for i, (group, label) in enumerate(zip(groups, labels, strict=True))
    ]


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), min_size=1, max_size=60))
def test_a_group_is_never_torn_apart(pairs: list[tuple[int, int]]) -> None:
    rows = _rows([p[0] for p in pairs], [p[1] for p in pairs])
    splits = defaultdict(set)
    for row in with_splits(rows, val_share=0.2, test_share=0.2):
        assert row.split in ("train", "val", "test")
        if row.group:
            splits[row.group].add(row.split)
    assert all(len(names) == 1 for names in splits.values())


def test_each_class_gets_its_share_in_each_split() -> None:
    rows = with_splits(_rows([0] * 200, [0, 1] * 100), val_share=0.2, test_share=0.1)
    for label in ("0", "1"):
        counts = {s: sum(r.label == label and r.split == s for r in rows) for s in ("val", "test")}
        assert counts == {"val": 20, "test": 10}


def test_images_keep_their_split_when_others_are_added() -> None:
    few = with_splits(_rows([0] * 100, [0] * 100), val_share=0.2, test_share=0.2)
    more = with_splits(_rows([0] * 102, [0] * 102), val_share=0.2, test_share=0.2)
    moved = sum(a.split != b.split for a, b in zip(few, more, strict=False))
    assert moved <= 2  # the borders between shares shift by at most one image each


def test_given_splits_stay_and_only_validation_is_drawn() -> None:
    rows = _rows([0] * 50, [0] * 50)
    given_test = [Row(r.path, r.file, r.label, "test" if i < 10 else "train", r.group)
                  for i, r in enumerate(rows)]  # fmt: skip
    drawn = with_splits(given_test, val_share=0.25, test_share=0.25)
    assert [r.split for r in drawn[:10]] == ["test"] * 10
    assert sum(r.split == "val" for r in drawn[10:]) == 10  # a quarter of 40
    assert sum(r.split == "test" for r in drawn) == 10


def test_near_duplicates_make_a_group(make_folder) -> None:  # type: ignore[no-untyped-def]
    root = make_folder(count=6, size_px=64)
    original = cv2.imread(str(root / "dark" / "00.png"))
    small = cv2.resize(original, (48, 48), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(root / "dark" / "copy.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 60])
    rows = groups_from_duplicates(rows_from_folder(root), lambda row: read_image(row.path))
    grouped = sorted(row.file for row in rows if row.group)
    assert grouped == ["dark/00.png", "dark/copy.jpg"]
    assert len({row.group for row in rows if row.group}) == 1


def test_the_rest_of_a_group_follows_those_that_say_their_split() -> None:
    said = [("test", "door"), ("", "door"), ("val", "gate"), ("", "gate"), ("", ""), ("train", "")]
    for rows in (said, [pair for pair in said if pair[0] != "val"]):
        listed = [
            Row(Path(f"{i}.jpg"), f"{i}.jpg", "a", split, group)
            for i, (split, group) in enumerate(rows)
        ]
        drawn = with_splits(listed, val_share=0.4, test_share=0.4)
        assert [row.split for row in drawn if row.group == "door"] == ["test", "test"]
        assert len({row.split for row in drawn if row.group == "gate"}) == 1
        assert all(row.split == before for row, (before, _) in zip(drawn, rows, strict=True)
                   if before in ("val", "test"))  # fmt: skip


def test_a_file_that_is_listed_twice_keeps_the_split_it_says() -> None:
    twice = [Row(Path("a.jpg"), "a.jpg", "a", split) for split in ("test", "train")]
    drawn = with_splits(twice, val_share=0.4, test_share=0.4)
    assert drawn[0].split == "test"
