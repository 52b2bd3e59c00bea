"""Taking persons out of a text that others will read: names of accounts, addresses, numbers.

What a pattern can find is taken out; a name in plain words is not found, so people write what is published
without names (`DecisionDraft.summary`) and this is what catches their slips.
"""

import re

#: What stands where something was.
GAP = "[…]"

_PERSONAL = re.compile(
    r"""
      \b(?:https?|ftp)://\S+                                 # addresses of pages
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+                           # mail addresses, and handles without the first @
    | (?<![\w@/])@[\w.-]*\w(?:@[\w.-]*\w)?                   # handles
    | \b\d{1,3}(?:\.\d{1,3}){3}\b                            # IPv4
    | (?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}(?!\w)   # IPv6
    | (?<![\w.])\+?\d(?:[ \u00a0\u202f().-]{0,2}\d){7,}(?!\w) # telephone numbers and the like
    """,
    re.VERBOSE | re.IGNORECASE,
)


def without_persons(text: str) -> str:
    """The text with a gap in the place of each handle, address or long number."""
    while (found := _PERSONAL.sub(GAP, text)) != text:
        # Taking one thing out may lay another bare; each round is shorter in what it can find.
        text = found
    return text


def names_somebody(text: str) -> bool:
    """Whether there is something in the text that `without_persons` would take out."""
    return _PERSONAL.search(text) is not None
