"""The TLS context of an HTTPS connection, from its settings."""

import ssl

from plumbing.settings import Tls


def ssl_context(tls: Tls) -> ssl.SSLContext | bool:
    """What aiohttp takes as `ssl`: True for the system's certificates."""
    if tls.ca_file is None and tls.cert_file is None and tls.verify:
        return True
    context = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file is not None else None)
    if tls.cert_file is not None:
        context.load_cert_chain(str(tls.cert_file), str(tls.key_file) if tls.key_file is not None else None)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
