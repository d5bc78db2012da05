"""Files of strangers as text: bounded, UTF-8, and every complaint with file and line."""

from __future__ import annotations

from pathlib import Path

from imgaudit.errors import ConfigError

MAX_BYTES = 64 << 20


def read_text(path: Path) -> str:
    """The whole file as text, with or without a byte order mark; too long, missing or foreign files are refused."""
    return decoded(read_bytes(path), str(path))


def read_bytes(path: Path) -> bytes:
    """The whole file, unless it is missing, unreadable or too long."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(f"{path}:1: {size:,} bytes are too many; expected at most {MAX_BYTES:,}. Split the file")
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"{path}:1: cannot be read: {reason}; expected a readable file") from error


def decoded(data: bytes, name: str) -> str:
    """The text of UTF-8 bytes."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{name}:{line}: byte 0x{data[error.start]:02x} is not UTF-8; expected UTF-8 text. Save the file as UTF-8"
        ) from error
