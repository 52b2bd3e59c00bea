"""The site as Mastodon's `Instance` and `V1::Instance` (docs.joinmastodon.org/entities/Instance)."""

from typing import Any, Protocol

import msgspec

from roseau import __version__
from roseau.api.present.accounts import to_account
from roseau.domain.accounts.census import Census
from roseau.domain.accounts.loading import AccountView
from roseau.domain.accounts.names import MAX_DISPLAY_NAME
from roseau.domain.accounts.profiles import MAX_FIELD, MAX_FIELDS, MAX_NOTE, MAX_PICTURE_DESCRIPTION
from roseau.domain.media.uploads import MAX_DESCRIPTION
from roseau.domain.moderation.servers.published import ShownServer
from roseau.domain.policy import Rule
from roseau.domain.site import Choices, Site, minimum_age_of, registrations_of
from roseau.domain.statuses.drafts import LONGEST_POLL, MAX_OPTION_CHARACTERS, MAX_OPTIONS, SHORTEST_POLL
from roseau.domain.statuses.marks import MAX_PINS
from roseau.domain.timelines.followed_tags import MAX_FEATURED

#: Clients and libraries read this as the Mastodon whose API they may expect.
VERSION = f"4.6.0 (compatible; Roseau {__version__})"
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/heic", "image/heif")
LINK_CHARACTERS = 23


class Instance(Protocol):
    """What there is to tell; `api/instance.py` loads it."""

    choices: Choices
    rules: list[Rule]
    census: Census
    contact: AccountView | None
    vapid_key: str


def to_instance(site: Site, instance: Instance, url_here: str) -> dict[str, Any]:
    """The `Instance` entity of API version 2."""
    choices = instance.choices
    return {
        "domain": site.domain,
        "title": choices.title,
        "version": VERSION,
        "source_url": f"{site.base_url}/about",
        "description": choices.short_description,
        "usage": {"users": {"active_month": instance.census.active_month}},
        "thumbnail": {"url": _thumbnail(site), "description": ""},
        "icon": [],
        "languages": choices.languages,
        "configuration": _configuration(site, instance, url_here),
        "registrations": _registrations(site, choices),
        "api_versions": {"mastodon": 2},
        "contact": {"email": choices.contact_email, "account": _contact(site, instance)},
        # Ours: the contact points of DSA art. 11 and 12, and the languages they answer in.
        "contact_points": {
            "authorities": choices.contact_authorities or None,
            "users": choices.contact_users or None,
            "languages": choices.contact_languages or choices.languages,
        },
        "rules": [to_rule(rule, choices) for rule in instance.rules],
    }


def to_instance_v1(site: Site, instance: Instance, url_here: str) -> dict[str, Any]:
    """The `V1::Instance` entity."""
    choices, census = instance.choices, instance.census
    mode = registrations_of(site, choices)
    limits = _limits(site)
    return {
        "uri": site.domain,
        "title": choices.title,
        "short_description": choices.short_description,
        "description": choices.short_description,
        "email": choices.contact_email,
        "version": VERSION,
        "urls": {"streaming_api": _streaming(url_here)},
        "stats": {
            "user_count": census.users,
            "status_count": census.statuses,
            "domain_count": census.domains,
        },
        "thumbnail": _thumbnail(site),
        "languages": choices.languages,
        "registrations": mode in ("open", "approval"),
        "approval_required": mode == "approval",
        "invites_enabled": mode != "closed",
        "configuration": {
            "accounts": {"max_featured_tags": MAX_FEATURED, "max_pinned_statuses": MAX_PINS},
            **limits,
        },
        "contact_account": _contact(site, instance),
        "rules": [to_rule(rule, choices) for rule in instance.rules],
    }


def _configuration(site: Site, instance: Instance, url_here: str) -> dict[str, Any]:
    feed = "public" if instance.choices.public_timelines else "authenticated"
    return {
        "urls": {
            "streaming": _streaming(url_here),
            "status": None,
            "about": f"{site.base_url}/about",
            "privacy_policy": None,
            "terms_of_service": f"{site.base_url}/terms" if instance.choices.terms else None,
        },
        "vapid": {"public_key": instance.vapid_key},
        "accounts": {
            "max_display_name_length": MAX_DISPLAY_NAME,
            "max_note_length": MAX_NOTE,
            "max_avatar_description_length": MAX_PICTURE_DESCRIPTION,
            "max_header_description_length": MAX_PICTURE_DESCRIPTION,
            "max_featured_tags": MAX_FEATURED,
            "max_pinned_statuses": MAX_PINS,
            "max_profile_fields": MAX_FIELDS,
            "profile_field_name_limit": MAX_FIELD,
            "profile_field_value_limit": MAX_FIELD,
        },
        **_limits(site),
        "translation": {"enabled": False},
        "timelines_access": {
            "live_feeds": {"local": feed, "remote": feed},
            "hashtag_feeds": {"local": feed, "remote": feed},
            "trending_link_feeds": {"local": "disabled", "remote": "disabled"},
        },
        "limited_federation": False,
    }


def _limits(site: Site) -> dict[str, Any]:
    """What a post may be; the keys of video are there because clients read them, and none is accepted."""
    settings = site.settings
    return {
        "statuses": {
            "max_characters": settings.max_characters,
            "max_media_attachments": settings.max_media,
            "characters_reserved_per_url": LINK_CHARACTERS,
        },
        "media_attachments": {
            "description_limit": MAX_DESCRIPTION,
            "supported_mime_types": IMAGE_TYPES,
            "image_size_limit": settings.max_image_bytes,
            "image_matrix_limit": settings.max_image_pixels,
            "video_size_limit": 0,
            "video_frame_rate_limit": 0,
            "video_matrix_limit": 0,
        },
        "polls": {
            "max_options": MAX_OPTIONS,
            "max_characters_per_option": MAX_OPTION_CHARACTERS,
            "min_expiration": SHORTEST_POLL,
            "max_expiration": LONGEST_POLL,
        },
    }


def _registrations(site: Site, choices: Choices) -> dict[str, Any]:
    mode = registrations_of(site, choices)
    return {
        "enabled": mode in ("open", "approval"),
        "approval_required": mode == "approval",
        "reason_required": mode == "approval",
        "message": choices.registrations_message or None,
        "min_age": minimum_age_of(site, choices) or None,
        "url": None,
    }


def to_rule(rule: Rule, choices: Choices) -> dict[str, Any]:
    """The `Rule` entity: in the site's first language, with every other beside it."""
    said = rule.said_in(*choices.languages)
    return {
        "id": str(rule.id),
        "text": said.text,
        "hint": said.hint,
        "translations": {
            language: {"text": text.text, "hint": text.hint} for language, text in rule.texts.items()
        },
    }


def to_shown_server(server: ShownServer) -> dict[str, Any]:
    """The `DomainBlock` entity: a server that is limited, and why."""
    return {
        "domain": server.domain,
        "digest": server.digest,
        "severity": server.severity,
        "comment": server.comment,
    }


def _contact(site: Site, instance: Instance) -> msgspec.Raw | None:
    return None if instance.contact is None else msgspec.Raw(to_account(site.base_url, instance.contact))


def _streaming(base_url: str) -> str:
    return "ws" + base_url.removeprefix("http")


def _thumbnail(site: Site) -> str:
    return f"{site.base_url}/headers/original/missing.png"
