"""Processors run over what capture published: the same sites as capture's tests."""

from tests.integration.capture.conftest import make_site

__all__ = ["make_site"]
