"""Questions that tests ask about processes."""

import psutil


def lives(process: int) -> bool:
    """False for a zombie too: in a container, nobody may ever collect an orphan."""
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
