"""A JRE of its own trusts whom the machine trusts."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from local_workspace.engines.trust_store import PASSWORD, write_trust_store


def make_certificate(name: str) -> bytes:
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string(f"CN={name}")
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, SHA256())
    return made.public_bytes(Encoding.PEM)


def names_in(store: Path) -> set[str]:
    found = pkcs12.load_pkcs12(store.read_bytes(), PASSWORD.encode()).additional_certs
    return {one.certificate.subject.rfc4514_string() for one in found}


def test_a_bundle_becomes_a_store_and_what_is_no_certificate_is_left_out(tmp_path: Path) -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"
    (tmp_path / "bundle").write_bytes(make_certificate("one") + broken + make_certificate("two"))
    options = write_trust_store(tmp_path / "store", (str(tmp_path / "bundle"), None))
    assert names_in(tmp_path / "store") == {"CN=one", "CN=two"}
    assert options[0] == f"-Djavax.net.ssl.trustStore={tmp_path / 'store'}"


def test_without_a_bundle_the_folder_counts(tmp_path: Path) -> None:
    (tmp_path / "one.pem").write_bytes(make_certificate("one"))
    write_trust_store(tmp_path / "store", (None, str(tmp_path)))
    assert names_in(tmp_path / "store") == {"CN=one"}


def test_without_any_java_keeps_its_own(tmp_path: Path) -> None:
    assert write_trust_store(tmp_path / "store", (None, None)) == ()
    assert not (tmp_path / "store").exists()


def test_openssl_says_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bundle").write_bytes(make_certificate("of the proxy"))
    monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(tmp_path / "bundle"))
    write_trust_store(tmp_path / "store")
    assert names_in(tmp_path / "store") == {"CN=of the proxy"}
