"""What the composer shows: a post that is being written, as the template needs it."""

from secrets import token_urlsafe

import msgspec


class PictureDraft(msgspec.Struct):
    """A picture that was uploaded and is not posted yet."""

    id: int
    #: The blob to show; empty while it is being prepared.
    preview: str = ""
    description: str = ""
    #: `x,y` as the form sends it, each from -1 to 1.
    focus: str = "0,0"


class Draft(msgspec.Struct):
    """A post that is being written. The names are those of the form's fields."""

    text: str = ""
    spoiler_text: str = ""
    visibility: str = "public"
    local_only: bool = False
    language: str = "en"
    content_type: str = "text/plain"
    sensitive: bool = False
    in_reply_to_id: int | None = None
    #: The post that is being edited.
    edit_id: int | None = None
    #: The post that this one takes the place of: it is deleted when this one is published.
    redraft_id: int | None = None
    pictures: list[PictureDraft] = []
    poll_options: list[str] = []
    poll_multiple: bool = False
    #: Seconds.
    poll_expires_in: int = 86_400
    #: The same for as long as this draft is on its way, so that a form sent twice is one post.
    key: str = msgspec.field(default_factory=lambda: token_urlsafe(9))
    #: Whether it comes back from the server with what was filled in, newer than what the browser kept.
    returned: bool = False

    @property
    def has_poll(self) -> bool:
        """Whether an answer of a poll was filled in or one more was asked for."""
        return bool(self.poll_options)
