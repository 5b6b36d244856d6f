"""Names, numbers and times as the page writes them."""

import re


def number(value: float) -> str:
    """A value to four digits, whole ones with a comma every three."""
    whole = 1e4 <= abs(value) < 1e6
    return f"{value:,.0f}" if whole else plain(f"{value:.4g}")


def plain(digits: str) -> str:
    """`1e+06` as `1e6`."""
    return re.sub(r"e\+?(-?)0*", r"e\1", digits)


def counted(count: int, what: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def duration(seconds: float) -> str:
    """Seconds in the two largest units that they fill."""
    minutes, seconds = divmod(round(seconds), 60)
    if not minutes:
        return f"{seconds} s"
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"
