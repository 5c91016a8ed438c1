"""Java trusts whom this machine trusts: its certificates as a trust store, for a JRE that brings its own.

Behind a proxy that opens TLS the machine's bundle has the proxy's certificate, and a JRE from a wheel does not.
"""

from __future__ import annotations

import re
import ssl
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

PASSWORD = "changeit"  # Java's own for its trust store: certificates are public
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def write_trust_store(path: Path, places: tuple[str | None, str | None] | None = None) -> tuple[str, ...]:
    """Write the certificates to `path`, PKCS #12, and return Java's options for it; none found: no file, no options.

    `places`: a bundle and a folder of certificates; OpenSSL's own unless given, which SSL_CERT_FILE and SSL_CERT_DIR
    may set.
    """
    paths = ssl.get_default_verify_paths()
    certificates = set(_read_certificates(*(places or (paths.cafile, paths.capath))))
    if not certificates:
        return ()
    trusted = [pkcs12.PKCS12Certificate(one, str(number).encode()) for number, one in enumerate(certificates)]
    path.write_bytes(pkcs12.serialize_java_truststore(trusted, BestAvailableEncryption(PASSWORD.encode())))
    store = "-Djavax.net.ssl.trustStore"
    return f"{store}={path}", f"{store}Type=PKCS12", f"{store}Password={PASSWORD}"


def _read_certificates(bundle: str | None, folder: str | None) -> Iterator[x509.Certificate]:
    files = [Path(bundle)] if bundle and Path(bundle).is_file() else sorted(Path(folder or "/none").glob("*.pem"))
    with warnings.catch_warnings(action="ignore"):  # old roots have odd serial numbers
        for file in files:
            for block in _PEM.findall(file.read_bytes()):
                with suppress(ValueError):  # what cannot be read is not trusted
                    yield x509.load_pem_x509_certificate(block)
