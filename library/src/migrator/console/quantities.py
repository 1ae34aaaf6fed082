"""Seconds and bytes as people read them."""


def duration(seconds: float) -> str:
    """Return seconds for people: 41 s, 1.2 s, 3 ms, 2 min 5 s."""
    if seconds >= 100:
        return f"{round(seconds) // 60} min {round(seconds) % 60} s"
    if seconds >= 10:
        return f"{seconds:.0f} s"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.0015 else "1 ms"


def size(number: int) -> str:
    """Return a number of bytes in kB, MB or GB."""
    if number >= 1e9:
        return f"{number / 1e9:.1f} GB"
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.1f} kB"
