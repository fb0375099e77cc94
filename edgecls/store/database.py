"""Open the SQLite file: durable, checked, and brought to this version's schema step by step."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from edgecls.errors import StoreError

APPLICATION_ID = 0x45434C53  # "ECLS": tells our files from other people's
BUSY_TIMEOUT_S = 5.0
FILE_NAME = "edgecls.sqlite3"
JOURNAL_PAGES = 256
"""So long the write-ahead log may grow: 1 MB. By default it takes 4, much on a full disk."""

DAMAGED_CODES = {11, 26}
"""SQLITE_CORRUPT and SQLITE_NOTADB; the sqlite3 module names them from Python 3.11 on only."""
FOLDER_TROUBLE = {
    errno.ENOTDIR: "part of its path is a file, expected folders only",
    errno.EEXIST: "there is a file of this name, expected a folder",
    errno.ENOENT: "it cannot be made there",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
    errno.EROFS: "the disk is read-only",
}
FOLDER_HINT = "choose a folder you can write to: --store FOLDER"


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema."""

    number: int
    name: str
    sql: str


def migrations() -> tuple[Migration, ...]:
    """Return the steps that ship in the package, in order: schema/0001_visits.sql and so on."""
    folder = resources.files("edgecls.store") / "schema"
    files = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".sql")),
        key=lambda item: item.name,
    )
    return tuple(
        Migration(int(item.name.partition("_")[0]), item.name, item.read_text(encoding="utf-8"))
        for item in files
    )


def open_for_writing(path: Path, steps: Sequence[Migration]) -> sqlite3.Connection:
    """Open or make the file and apply the steps it lacks, each in a transaction of its own.

    Raises:  StoreError if it is damaged, no database, not ours, or of a newer edgecls.
    """
    with store_errors(f"cannot open {path}"):
        database = _connect(path)
        try:
            _check(database, path)
            _migrate(database, path, steps)
        except BaseException:
            database.close()
            raise
        return database


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the file for a reader beside the one writer; it may be used by several threads in turn.

    Raises:  StoreError if there is none or it cannot be read.
    """
    with store_errors(f"cannot read {path}"):
        if not path.exists():
            raise StoreError(
                f"no store at {path}", hint="start the daemon once: edgecls run makes it"
            )
        database = _connect(path)
        database.execute("PRAGMA query_only = ON")
        return database


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Commit at the end, all or nothing; what is committed survives a power cut."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def shrink_journal(database: sqlite3.Connection) -> None:
    """Bring what the write-ahead log holds into the database, and give its room back if one can.

    It may be some MB long; on a full disk that is the difference.
    """
    with contextlib.suppress(sqlite3.Error):  # no room for that either, or a reader holds it
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


@contextlib.contextmanager
def store_errors(what: str) -> Iterator[None]:
    """Turn the system's and SQLite's errors into StoreError."""
    try:
        yield
    except StoreError:
        raise
    except (sqlite3.Error, OSError) as error:
        hint, why = None, str(error)
        if is_disk_full(error):
            hint = "free some space on the disk, or lower store.bytes_max"
        elif is_damaged(error):
            hint = f"stop the daemon, move {FILE_NAME} aside, and start again with a new one"
        elif isinstance(error, OSError) and error.errno in FOLDER_TROUBLE:
            hint, why = FOLDER_HINT, FOLDER_TROUBLE[error.errno]
        elif "readonly" in why or "unable to open" in why:
            hint = FOLDER_HINT
        raise StoreError(f"{what}: {why}", hint=hint) from error


def is_disk_full(error: BaseException) -> bool:
    """Tell whether `error` says that the disk, or this user's part of it, is full."""
    if isinstance(error, sqlite3.Error):
        return "disk is full" in str(error)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def is_damaged(error: BaseException) -> bool:
    """Tell whether `error` is SQLite's word that the file is broken or no database."""
    if not isinstance(error, sqlite3.Error):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in DAMAGED_CODES
    return "malformed" in str(error) or "not a database" in str(error)


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    database.row_factory = sqlite3.Row
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(f"PRAGMA wal_autocheckpoint = {JOURNAL_PAGES}")
        database.execute("PRAGMA foreign_keys = ON")
    except sqlite3.DatabaseError as error:
        database.close()
        if not is_damaged(error):
            raise
        raise _damaged(path, str(error)) from error
    return database


def _check(database: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is damaged or that another program made."""
    try:
        verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if not is_damaged(error):
            raise
        raise _damaged(path, str(error)) from error
    if verdict != "ok":  # a heading such as *** in database main ***, then what was found
        found = [line for line in verdict.splitlines() if not line.startswith("***")]
        raise _damaged(path, found[0] if found else "its pages do not fit together")
    tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and database.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreError(
            f"{path} is a database of another program, expected one made by edgecls",
            hint="choose another folder: edgecls run --store FOLDER",
        )


def _migrate(database: sqlite3.Connection, path: Path, steps: Sequence[Migration]) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    newest = steps[-1].number
    if version > newest:
        raise StoreError(
            f"{path} was made by a newer edgecls: it has schema {version}, "
            f"this one knows up to {newest}",
            hint="install the newer edgecls again, or choose another folder with --store",
        )
    for step in steps[version:]:
        script = (
            f"BEGIN IMMEDIATE;\n{step.sql}\nPRAGMA application_id = {APPLICATION_ID};\n"
            f"PRAGMA user_version = {step.number};\nCOMMIT;"
        )
        try:
            database.executescript(script)
        except sqlite3.Error as error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise StoreError(
                f"cannot bring {path} from schema {step.number - 1} to {step.number} "
                f"({step.name}): {error}"
            ) from error


def _damaged(path: Path, why: str) -> StoreError:
    return StoreError(
        f"{path} is damaged or not a database: {why}",
        hint=f"keep it aside and begin anew: mv {path} {path}.broken",
    )
