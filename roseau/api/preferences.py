"""Preferences (docs.joinmastodon.org/methods/preferences)."""

from starlette.responses import Response

from roseau.api.routing import Call, Routes
from roseau.domain.accounts.preferences import load_preferences

routes = Routes()


@routes.get("/api/v1/preferences", scope="read:accounts")
async def show(call: Call) -> Response:
    """What the member prefers, under Mastodon's names."""
    preferences = await call.server.database.read(load_preferences, call.viewer)
    return call.json(
        {
            "posting:default:visibility": preferences.default_privacy,
            "posting:default:sensitive": preferences.default_sensitive,
            "posting:default:language": preferences.default_language,
            "posting:default:quote_policy": preferences.quote_policy,
            "reading:expand:media": preferences.expand_media,
            "reading:expand:spoilers": preferences.expand_spoilers,
            # Animated pictures never move by themselves here.
            "reading:autoplay:gifs": False,
        }
    )
