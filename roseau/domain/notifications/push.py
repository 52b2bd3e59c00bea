"""Push subscriptions: which notifications an app is woken for, and this site's keys for push services."""

from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, delete, exists, literal, select, update

from roseau.domain.events import Notified
from roseau.domain.site import Site
from roseau.kernel import ids
from roseau.network.webpush import Subscription, VapidKeys, generate_vapid_keys, to_subscription
from roseau.storage.database import Transaction
from roseau.storage.jobs import add_job
from roseau.storage.schema.accounts import accounts, users
from roseau.storage.schema.oauth import oauth_tokens, push_subscriptions
from roseau.storage.schema.relationships import follows
from roseau.storage.schema.timelines import notifications
from roseau.storage.secrets import find_secret, keep_secret
from roseau.storage.statements import insertion, statement

Policy = Literal["all", "followed", "follower", "none"]

KEYS = "vapid"
JOB = "push"


class PushJob(msgspec.Struct, frozen=True):
    """Wake one app for one notification."""

    subscription_id: int
    notification_id: int


class PushSubscription(msgspec.Struct):
    """Where an app receives, and what it wants. `alerts` is JSON: {"mention": true, ...}."""

    id: int
    account_id: int
    endpoint: str
    p256dh: str
    auth: str
    standard: bool
    alerts: str
    policy: Policy

    def wants(self, kind: str) -> bool:
        """Whether it asked for this type of notification."""
        return msgspec.json.decode(self.alerts, type=dict[str, bool]).get(kind, False)

    def receiver(self) -> Subscription:
        """The same for the one who sends."""
        return to_subscription(self.endpoint, self.p256dh, self.auth, self.standard)


_p = push_subscriptions
_columns = [_p.c[name] for name in PushSubscription.__struct_fields__]
_of_token = statement(select(*_columns).where(_p.c.token_id == bindparam("token")), into=PushSubscription)
_by_id = statement(
    select(*_columns, users.c.locale)
    .join(oauth_tokens, oauth_tokens.c.id == _p.c.token_id)
    .join(users, users.c.account_id == _p.c.account_id)
    .join(accounts, accounts.c.id == _p.c.account_id)
    .where(
        _p.c.id == bindparam("wanted"),
        oauth_tokens.c.revoked_at.is_(None),
        users.c.disabled_at.is_(None),
        accounts.c.suspended_at.is_(None),
        accounts.c.deleted_at.is_(None),
    )
)
_of_member = statement(
    select(*_columns)
    .join(oauth_tokens, oauth_tokens.c.id == _p.c.token_id)
    .where(_p.c.account_id == bindparam("member"), oauth_tokens.c.revoked_at.is_(None)),
    into=PushSubscription,
)
_insert = insertion(_p, "id token_id account_id endpoint p256dh auth standard alerts policy created_at")
_change = statement(
    update(_p)
    .where(_p.c.token_id == bindparam("token"))
    .values(alerts=bindparam("alerts"), policy=bindparam("policy"))
)
_remove = statement(delete(_p).where(_p.c.token_id == bindparam("token")))
_remove_one = statement(delete(_p).where(_p.c.id == bindparam("wanted")))
_n = notifications
_news = statement(
    select(
        _n.c.type,
        exists(
            select(literal(1)).where(
                follows.c.account_id == _n.c.account_id, follows.c.target_id == _n.c.from_account_id
            )
        ).label("followed"),
        exists(
            select(literal(1)).where(
                follows.c.account_id == _n.c.from_account_id, follows.c.target_id == _n.c.account_id
            )
        ).label("follower"),
    ).where(_n.c.id == bindparam("wanted"))
)


# This site's keys


def make_vapid_keys(tx: Transaction, site: Site) -> None:
    """Make the site's keys for push services, once: subscriptions are bound to them."""
    if find_secret(tx, site.data_key, KEYS) is None:
        keep_secret(tx, site.data_key, KEYS, msgspec.json.encode(generate_vapid_keys()))


def find_vapid_keys(tx: Transaction, site: Site) -> VapidKeys | None:
    """The site's keys for push services; None before the first start."""
    kept = find_secret(tx, site.data_key, KEYS)
    return None if kept is None else msgspec.json.decode(kept, type=VapidKeys)


def find_vapid_public_key(tx: Transaction, site: Site) -> str:
    """The key that apps subscribe with: base64url with padding, as in Mastodon. "" before the first start."""
    keys = find_vapid_keys(tx, site)
    return "" if keys is None else keys.public_key + "=" * (-len(keys.public_key) % 4)


# Subscriptions: one for each token


def subscribe(
    tx: Transaction,
    token_id: int,
    account_id: int,
    receiver: tuple[str, str, str, bool],
    alerts: dict[str, bool],
    policy: Policy,
) -> PushSubscription:
    """Wake this app, instead of whatever the token had. `receiver`: endpoint, p256dh, auth, standard.

    Raises Invalid when that is no place to send to.
    """
    to_subscription(*receiver)
    tx.run(_remove, token=token_id)
    made = PushSubscription(ids.new_id(), account_id, *receiver, _encode(alerts), policy)
    tx.run(_insert, token_id=token_id, created_at=tx.now, **msgspec.structs.asdict(made))
    return made


def find_subscription(tx: Transaction, token_id: int) -> PushSubscription | None:
    """The token's subscription, or None."""
    return tx.one(_of_token, token=token_id)


def change_subscription(
    tx: Transaction, token_id: int, alerts: dict[str, bool], policy: Policy
) -> PushSubscription | None:
    """Set what the app is woken for; None where there is no subscription."""
    tx.run(_change, token=token_id, alerts=_encode(alerts), policy=policy)
    return find_subscription(tx, token_id)


def unsubscribe(tx: Transaction, token_id: int) -> None:
    """Wake the app no more."""
    tx.run(_remove, token=token_id)


def remove_subscription(tx: Transaction, subscription_id: int) -> None:
    """Forget a subscription that its push service no longer knows."""
    tx.run(_remove_one, wanted=subscription_id)


def _encode(alerts: dict[str, bool]) -> str:
    return msgspec.json.encode(alerts).decode()


# Sending


def queue_pushes(tx: Transaction, site: Site, event: Notified) -> None:
    """Have each app woken that wants to be for this notification."""
    wanting = tx.all(_of_member, member=event.account_id)
    news = tx.one(_news, wanted=event.notification_id) if wanting else None
    if news is None:
        return
    let_through = {"all": True, "followed": news.followed, "follower": news.follower, "none": False}
    for subscription in wanting:
        if subscription.wants(news.type) and let_through[subscription.policy]:
            job = PushJob(subscription.id, event.notification_id)
            dedupe = f"{JOB}-{job.subscription_id}-{job.notification_id}"
            add_job(tx, JOB, job, dedupe=dedupe)


def find_receiver(tx: Transaction, subscription_id: int) -> tuple[PushSubscription, str] | None:
    """A subscription whose token and member are in good standing, and the member's language."""
    row: Any = tx.one(_by_id, wanted=subscription_id)
    return None if row is None else (PushSubscription(*row[:-1]), row[-1])
