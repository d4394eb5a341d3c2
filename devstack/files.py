"""Small file habits that several modules share: atomic writes, secrets, sizes."""

import json
import os
import shutil
from pathlib import Path


def write_atomically(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write `path` so that a reader sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def write_if_changed(path: Path, text: str, *, mode: int = 0o644) -> bool:
    """As `write_atomically`, but leaves an equal file alone. Returns whether it wrote."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    write_atomically(path, text, mode=mode)
    return True


def read_json(path: Path) -> dict[str, object]:
    """The JSON object in `path`; an empty one where the file is missing."""
    if not path.exists():
        return {}
    value = json.loads(path.read_text(encoding="utf-8"))
    return value if isinstance(value, dict) else {}


def tree_size(path: Path) -> int:
    """Bytes that the files below `path` take on disk; 0 where there is nothing."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            total += (Path(folder) / name).lstat().st_blocks * 512
    return total


def remove_tree(path: Path) -> None:
    """Remove a folder with everything in it; nothing happens where it does not exist."""
    if path.exists():
        shutil.rmtree(path)


def last_lines(path: Path, *, count: int = 8) -> str:
    """The last lines of a log for an error text; empty where there is no log."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8192))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(f"           {text}" for text in lines[-count:])
