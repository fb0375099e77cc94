"""What a push lays aside on the device before it changes anything, so that it can return there.

Shell lines, run with the rights of root. A copy gets its name when it is on the disk, never before:
after a power cut, what has the name is whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from edgecls.update.releases import UNITS
from edgecls.update.service import ASIDE, KEPT, LEFT

BROUGHT = ".brought"
"""Behind the configuration folder's name: SHA-256 of each file that cut-off pushes brought."""

# The copy of a push that was cut off is of what ran well; what that push brought was never tried.
# Once somebody has changed a file by hand since, the copy is of no use any more.
_STALE = r"""
by_hand() {
  (cd "$etc" && find . -type f) | while IFS= read -r name; do
    cmp -s "$etc/$name" "$kept/$name" && continue
    (cd "$etc" && sha256sum "$name") | grep -qxFf - "$brought" 2>/dev/null || echo "$name"
  done
}
rm -rf "$aside" "$left"
if [ -d "$kept" ] && [ -n "$(by_hand)" ]; then
  mv "$kept" "$aside"
  rm -rf "$aside"
fi
[ -d "$kept" ] || rm -f "$brought"
"""
_COPY = r"""
touch "$brought"
cp "$brought" "$brought.part"
(cd "$inbox/etc" && find . -type f -exec sha256sum {} +) >>"$brought.part"
rm -rf "$kept.part"
[ -d "$kept" ] || cp -a "$etc" "$kept.part"
sync
mv "$brought.part" "$brought"
[ -d "$kept" ] || mv "$kept.part" "$kept"
sync
"""


def keep_config(etc: str, inbox: str, *, bringing: bool) -> str:
    """Return lines that drop a copy that is stale, and make one where there is none.

    Args:    etc, inbox: the device's folders, as the shell reads them.
             bringing: whether this push brings a configuration in place of one that is there.
    """
    names = {"kept": KEPT, "aside": ASIDE, "left": LEFT, "brought": BROUGHT}
    lines = ["set -e", "umask 077", f'etc="{etc}"', f'inbox="{inbox}"']
    lines += [f'{name}="$etc{end}"' for name, end in names.items()]
    return "\n".join(lines) + _STALE + (_COPY if bringing else "")


def keep_units(
    opt: str, inbox: str, current: str | None, release: str, names: Iterable[str]
) -> str:
    """Return lines that lay unit files beside the releases that they belong to.

    Args:    opt, inbox: as `keep_config`.   names: of the new release's, below "/".
             current: came without such a folder if it came with a card; what is there of those
             names is then its own.
    """
    lines = ["set -e", f"new={opt}/releases/{release}/{UNITS}", "rm -rf $new.part"]
    lines += [f"cp -R {inbox}/system $new.part", "sync", "rm -rf $new", "mv $new.part $new"]
    if current and current != release:
        lines += [
            f"old={opt}/releases/{current}/{UNITS}",
            "[ -d ${old%/*} ] || exit 0",  # the release itself is gone: there is no way back to it
            "[ ! -d $old ] || exit 0",
            "rm -rf $old.part",
            "mkdir $old.part",
            f"for name in {' '.join(names)}; do",
            '  [ -f "${EDGECLS_ROOT:-}/$name" ] || continue',
            '  mkdir -p "$old.part/${name%/*}"',
            '  cp "${EDGECLS_ROOT:-}/$name" "$old.part/$name"',
            "done",
            "sync",
            "mv $old.part $old",
        ]
    return "\n".join(lines)
