"""The root secret: made once, private, refused when unsafe; envelopes open only where they were sealed."""

import stat
from pathlib import Path

import pytest

from app.core.crypto import Cipher, EnvelopeError
from app.core.errors import ConfigError
from app.core.keyring import SECRET_FILE, Keyring, load_keyring
from app.core.settings import Settings, load_settings

SECRET = "a configured secret of enough characters"
OTHER = "another configured secret, long enough too"


def _settings(tmp_path: Path, **security: object) -> Settings:
    return load_settings(storage={"data_dir": tmp_path / "data"}, security=security)


def test_the_first_start_makes_a_private_secret_and_keeps_it(tmp_path: Path) -> None:
    first = load_keyring(_settings(tmp_path))
    path = tmp_path / "data" / SECRET_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700, "the database of SQLite is in it, too"
    assert [item.name for item in path.parent.iterdir()] == [SECRET_FILE]
    assert load_keyring(_settings(tmp_path)).derive("x") == first.derive("x")


def test_purposes_have_independent_keys() -> None:
    keyring = Keyring(SECRET)
    assert len({keyring.derive("a"), keyring.derive("b"), Keyring(OTHER).derive("a")}) == 3
    assert len(keyring.derive("a")) == 32


def test_production_mode_makes_no_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="LTB_SECURITY__SECRET_KEY"):
        load_keyring(_settings(tmp_path, production=True))
    assert not (tmp_path / "data").exists()
    assert load_keyring(_settings(tmp_path, production=True, secret_key=SECRET)).key_id == Keyring(SECRET).key_id


@pytest.mark.parametrize(
    ("mode", "text", "says"), [(0o644, SECRET, "chmod 600"), (0o600, "short", "32"), (0o600, "", "32")]
)
def test_an_unsafe_secret_file_is_refused(tmp_path: Path, mode: int, text: str, says: str) -> None:
    path = tmp_path / "data" / SECRET_FILE
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(ConfigError, match=says):
        load_keyring(_settings(tmp_path))


def test_an_envelope_opens_only_in_its_place() -> None:
    cipher = Cipher(Keyring(SECRET), "credential")
    envelope = cipher.seal("sk-secret", "provider:1")
    assert "sk-secret" not in envelope
    assert cipher.open(envelope, "provider:1") == "sk-secret"
    assert cipher.seal("sk-secret", "provider:1") != envelope
    other_purpose, other_secret = Cipher(Keyring(SECRET), "other"), Cipher(Keyring(OTHER), "credential")
    for opener, text, context in (
        (cipher, envelope, "provider:2"),
        (other_purpose, envelope, "provider:1"),
        (other_secret, envelope, "provider:1"),
        (cipher, envelope[:-4] + "AAAA", "provider:1"),
        (cipher, "junk", "provider:1"),
        (cipher, "v9.a.b.c", "provider:1"),
    ):
        with pytest.raises(EnvelopeError) as caught:
            opener.open(text, context)
        assert "sk-secret" not in str(caught.value)


def test_after_a_rotation_old_envelopes_still_open(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    envelope = Cipher(load_keyring(settings), "credential").seal("sk-secret", "provider:1")
    path = tmp_path / "data" / SECRET_FILE
    old = path.read_text()
    path.write_text(f"{OTHER}\n{old}")
    rotated = Cipher(load_keyring(settings), "credential")
    assert rotated.open(envelope, "provider:1") == "sk-secret"
    assert rotated.seal("x", "y").split(".")[1] != envelope.split(".")[1]

    given = load_keyring(_settings(tmp_path, secret_key=f"{SECRET}\n{path.read_text()}"))
    path.unlink()  # as in a container, whose secret is a mounted file
    assert given.key_id == Keyring(SECRET).key_id
    assert Cipher(given, "credential").open(envelope, "provider:1") == "sk-secret"
    with pytest.raises(ConfigError, match="per line"):
        load_keyring(_settings(tmp_path, secret_key=f"{SECRET}\nshort"))
    path.touch(mode=0o600)
    path.write_text(f"{OTHER}\n{old}")

    configured = load_keyring(_settings(tmp_path, secret_key=SECRET))
    assert Cipher(configured, "credential").open(envelope, "provider:1") == "sk-secret"
