"""How a message names the argument that mends a file: as Python's keyword, or
as a command's flag."""

import shlex
from collections.abc import Callable

Spell = Callable[[str, object], str]


def keyword(name: str, value: object) -> str:
    """Name an argument of a function.

    >>> keyword("sep", ";")
    "sep=';'"
    """
    return f"{name}={value!r}"


def flag(name: str, value: object) -> str:
    r"""Name an argument of a command, as it is typed in a shell.

    >>> flag("date_format", "%Y%m%d"), flag("dayfirst", False)
    ('--date-format %Y%m%d', '--monthfirst')
    """
    if name == "dayfirst":
        return "--dayfirst" if value else "--monthfirst"
    typed = shlex.quote(str(value).replace("\t", "\\t"))
    return f"--{name.replace('_', '-')} {typed}"
