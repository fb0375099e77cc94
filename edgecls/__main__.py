"""`python -m edgecls` is `edgecls`: for a Python whose scripts are not on the path."""

from __future__ import annotations

from edgecls.cli.main import main

if __name__ == "__main__":
    main()
