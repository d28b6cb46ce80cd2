"""What every client asks a Sonar first, its schema: answered before sandboxes are forked, which remember it.

It takes longer than all else that a sandbox of few accounts does. One that shows another schema answers anew.
"""

from graphql import get_introspection_query

from sandbox.sonar.execute import Engine
from sandbox.sonar.server import Clock
from sandbox.sonar.store import Store

Engine(Store(Clock())).execute(get_introspection_query(descriptions=False))
