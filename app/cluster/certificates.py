"""A private CA and a certificate for each part of a cluster.

EC keys (P-256), for server and client use alike: in mutual TLS every part is both. Files of keys have mode 0600.
"""

import datetime as dt
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.core.errors import ConfigError, ConflictError

ROLES = ("scheduler", "worker", "server")
_FILE_MODE = 0o600
_CLOCK_SLACK = dt.timedelta(hours=1)


def make_certificates(folder: Path, hosts: Sequence[str], days: int, *, now: dt.datetime, renew: bool) -> list[Path]:
    """Write `ca.pem`, `ca-key.pem`, and `ROLE.pem`, `ROLE-key.pem` for each role; the answer is what was written.

    A CA that is there already signs the new certificates, so that others of it stay good.

    Raises:
        ConflictError: there are certificates already, and `renew` is false.
        ConfigError: the CA there cannot be used, or the folder cannot be written.
    """
    files = [folder / f"{role}{part}.pem" for role in ROLES for part in ("", "-key")]
    there = [path.name for path in files if path.exists()]
    if there and not renew:
        raise ConflictError(f"{folder} already holds {', '.join(there)}; --renew replaces them under the same CA")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        written: list[Path] = []
        ca_path, ca_key_path = folder / "ca.pem", folder / "ca-key.pem"
        if ca_path.exists() or ca_key_path.exists():
            ca, ca_key = _load(ca_path, ca_key_path)
        else:
            ca, ca_key = _make_ca(now, days)
            written += [_write(ca_path, _pem(ca)), _write(ca_key_path, _key_pem(ca_key))]
        for role in ROLES:
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = _make_node(role, hosts, key, ca, ca_key, now, days)
            written += [
                _write(folder / f"{role}.pem", _pem(certificate)),
                _write(folder / f"{role}-key.pem", _key_pem(key)),
            ]
    except OSError as error:
        raise ConfigError(f"cannot write certificates into {folder}: {error.strerror}", errors=[]) from None
    return written


def _make_ca(now: dt.datetime, days: int) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("llm-test-bench private CA")
    usage = _usage(key_cert_sign=True, crl_sign=True)
    builder = _builder(name, name, key, now, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(identifier, critical=False).sign(key, hashes.SHA256()), key


def _make_node(
    role: str,
    hosts: Sequence[str],
    key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    now: dt.datetime,
    days: int,
) -> x509.Certificate:
    names = x509.SubjectAlternativeName([_alternative(host) for host in dict.fromkeys([role, "localhost", *hosts])])
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = _builder(_name(f"llm-test-bench {role}"), ca.subject, key, now, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(digital_signature=True), critical=True)
    builder = builder.add_extension(names, critical=False).add_extension(uses, critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return builder.add_extension(issuer, critical=False).sign(ca_key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _usage(**given: bool) -> x509.KeyUsage:
    every = {
        "digital_signature": False,
        "content_commitment": False,
        "key_encipherment": False,
        "data_encipherment": False,
        "key_agreement": False,
        "key_cert_sign": False,
        "crl_sign": False,
        "encipher_only": False,
        "decipher_only": False,
    }
    return x509.KeyUsage(**{**every, **given})


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    try:
        return x509.DNSName(host)
    except ValueError:
        raise ConfigError(f"{host!r} is neither a host name nor an address", errors=[]) from None


def _load(ca_path: Path, key_path: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate(ca_path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise ConfigError(f"{error.filename} is missing beside the other half of its CA", errors=[]) from None
    except (ValueError, TypeError):
        raise ConfigError(f"{ca_path} and {key_path} cannot be read as a CA", errors=[]) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ConfigError(f"{key_path} is not the key of {ca_path}", errors=[])
    return certificate, key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, data: bytes) -> Path:
    """Whole or not at all, and never readable by others even for a moment."""
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    aside.replace(path)
    return path
