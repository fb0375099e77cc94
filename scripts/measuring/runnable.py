"""Which variants of a bundle this machine can run."""

from __future__ import annotations

from edgecls import plugins
from edgecls.bundle.manifest import Variant
from edgecls.bundle.open import Bundle
from edgecls.errors import MissingDependencyError
from edgecls.runtimes import RUNTIMES


def runnable_variants(bundle: Bundle) -> list[Variant]:
    """Return the variants whose runtime's library is installed, in the bundle's order."""
    found = []
    for variant in bundle.manifest.variants:
        try:
            plugins.load("runtime", RUNTIMES, variant.runtime)
        except MissingDependencyError:
            continue
        found.append(variant)
    return found
