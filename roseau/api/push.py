"""Push subscriptions (docs.joinmastodon.org/methods/push): one for each token."""

from typing import Any

import msgspec
from starlette.responses import Response

from roseau.api.routing import Call, Routes
from roseau.domain.notifications import push
from roseau.domain.notifications.official import OFFICIAL
from roseau.domain.site import Site
from roseau.kernel.errors import NotFound
from roseau.storage.database import Transaction

routes = Routes()

PATH = "/api/v1/push/subscription"
#: What an app can be woken for; names of other things are not kept.
ALERTS = frozenset(
    ("mention", "quote", "status", "reblog", "follow", "follow_request", "favourite", "poll", "update",
     "quoted_update", "admin.sign_up", "admin.report", *OFFICIAL)
)  # fmt: skip
MOST_ENDPOINT = 2048


class Keys(msgspec.Struct):
    """The app's public key and secret, base64."""

    p256dh: str
    auth: str


class Receiver(msgspec.Struct):
    """Where the app receives."""

    endpoint: str
    keys: Keys
    standard: bool = False


class Data(msgspec.Struct):
    """What the app wants to be woken for."""

    alerts: dict[str, bool] = {}
    policy: push.Policy = "all"

    def known(self) -> dict[str, bool]:
        """The alerts that there are."""
        return {name: wanted for name, wanted in self.alerts.items() if name in ALERTS}


class SubscriptionForm(msgspec.Struct):
    """A new subscription."""

    subscription: Receiver
    data: Data = msgspec.field(default_factory=Data)


class DataForm(msgspec.Struct):
    """Changes of a subscription."""

    data: Data = msgspec.field(default_factory=Data)


Found = tuple[push.PushSubscription | None, str]


def _to_entity(found: Found) -> dict[str, Any]:
    subscription, server_key = found
    if subscription is None:
        raise NotFound
    return {
        # A number in Mastodon, the only id that is.
        "id": subscription.id,
        "endpoint": subscription.endpoint,
        "standard": subscription.standard,
        "alerts": msgspec.Raw(subscription.alerts.encode()),
        "server_key": server_key,
        "policy": subscription.policy,
    }


@routes.post(PATH, scope="push")
async def create(call: Call) -> Response:
    """Wake this app from now on."""
    form = await call.form(SubscriptionForm)
    return call.json(_to_entity(await call.server.database.write(_subscribe, call, form)))


def _subscribe(tx: Transaction, call: Call, form: SubscriptionForm) -> Found:
    keys = form.subscription.keys
    receiver = (
        form.subscription.endpoint[:MOST_ENDPOINT],
        keys.p256dh,
        keys.auth,
        form.subscription.standard,
    )
    made = push.subscribe(
        tx, call.member.token_id, call.viewer, receiver, form.data.known(), form.data.policy
    )
    return made, push.find_vapid_public_key(tx, call.server.site)


@routes.get(PATH, scope="push")
async def show(call: Call) -> Response:
    """What this app is woken for."""
    found = await call.server.database.read(_find, call.server.site, call.member.token_id)
    return call.json(_to_entity(found))


def _find(tx: Transaction, site: Site, token_id: int) -> Found:
    return push.find_subscription(tx, token_id), push.find_vapid_public_key(tx, site)


@routes.put(PATH, scope="push")
async def change(call: Call) -> Response:
    """Set what this app is woken for."""
    form = await call.form(DataForm)
    return call.json(_to_entity(await call.server.database.write(_change, call, form)))


def _change(tx: Transaction, call: Call, form: DataForm) -> Found:
    changed = push.change_subscription(tx, call.member.token_id, form.data.known(), form.data.policy)
    return changed, push.find_vapid_public_key(tx, call.server.site)


@routes.delete(PATH, scope="push")
async def delete(call: Call) -> Response:
    """Wake this app no more."""
    await call.server.database.write(push.unsubscribe, call.member.token_id)
    return call.json({})
