"""Fixtures of other folders that verbs are tested with."""

from tests.unit.runtimes.conftest import jetson as jetson
