"""Where the letters of moderation lead to: the pages of a record, of a notice, and of the rules."""


def record_url(front_url: str, number: int | None = None) -> str:
    """A member's moderation record, or one decision of it, with the form to appeal."""
    return f"{front_url}/record" if number is None else f"{front_url}/record/{number}"


def notice_url(front_url: str, number: str) -> str:
    """Where anybody who has its number sees what became of a notice, and may appeal."""
    return f"{front_url}/notices/{number}"


def case_url(front_url: str, number: int) -> str:
    """A case in the console."""
    return f"{front_url}/moderation/cases/{number}"


def rules_url(front_url: str) -> str:
    """The rules of the site."""
    return f"{front_url}/rules"


def appeal_url(front_url: str, appeal_id: int) -> str:
    """Where an outside reviewer reads and answers an appeal."""
    return f"{front_url}/appeals/{appeal_id}"
