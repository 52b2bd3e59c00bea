"""Push subscriptions through the API, and what a locked telephone receives."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from roseau.network.webpush import PushRequest, to_base64url
from tests.api.test_streaming import REVOKE
from tests.network.guarded import make_client
from tests.network.test_webpush import AUTH, Phone

pytestmark = pytest.mark.anyio

PATH = "/api/v1/push/subscription"
ENDPOINT = "https://push.example/send/abc"


class Service:
    """A push service with one telephone behind it."""

    def __init__(self) -> None:
        self.phone = Phone()
        self.status = 201
        self.received: list[dict[str, Any]] = []
        self.requests: list[httpx2.Request] = []

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        push = PushRequest(str(request.url), dict(request.headers), request.content)
        self.received.append(json.loads(self.phone.read(push)))
        return httpx2.Response(self.status)

    def form(self, **more: Any) -> dict[str, Any]:
        """What an app sends to subscribe."""
        keys = {"p256dh": to_base64url(self.phone.point), "auth": to_base64url(AUTH)}
        return {"subscription": {"endpoint": ENDPOINT, "keys": keys, **more}}


@pytest.fixture
async def service(server: Any) -> AsyncIterator[Service]:
    """The push service that the server's client reaches."""
    made = Service()
    server.client = make_client(httpx2.MockTransport(made.answer))
    async with server.client:
        yield made


async def subscribe(client: Any, service: Service, member: Any, **data: Any) -> Any:
    standard = data.pop("standard", True)
    answer = await client.post(
        PATH, headers=member.auth, json={**service.form(standard=standard), "data": data}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def mention(client: Any, worker: Any, author: Any, text: str, **more: Any) -> Any:
    answer = await client.post("/api/v1/statuses", headers=author.auth, json={"status": text, **more})
    assert answer.status_code == 200
    await worker.settle()
    return answer.json()


async def test_a_subscription_and_its_life(client: Any, cast: Any, service: Service) -> None:
    assert (await client.get(PATH, headers=cast.ada.auth)).status_code == 404
    made = await subscribe(client, service, cast.ada, alerts={"mention": "1", "poll": False, "x": True})
    assert made == {
        "id": made["id"], "endpoint": ENDPOINT, "standard": True,
        "alerts": {"mention": True, "poll": False}, "server_key": made["server_key"], "policy": "all",
    }  # fmt: skip
    assert isinstance(made["id"], int)
    instance = (await client.get("/api/v2/instance")).json()
    assert made["server_key"] == instance["configuration"]["vapid"]["public_key"]
    assert len(made["server_key"]) == 88
    assert (await client.get(PATH, headers=cast.ada.auth)).json() == made
    other = cast.token(cast.ada, "push")
    assert (await client.get(PATH, headers=other)).status_code == 404
    changed = await client.put(
        PATH, headers=cast.ada.auth,
        data={"data[alerts][follow]": "1", "data[alerts][admin.sign_up]": "0", "data[policy]": "followed"},
    )  # fmt: skip
    assert changed.json() == made | {
        "alerts": {"follow": True, "admin.sign_up": False}, "policy": "followed",
    }  # fmt: skip
    assert (await client.delete(PATH, headers=cast.ada.auth)).json() == {}
    assert (await client.get(PATH, headers=cast.ada.auth)).status_code == 404
    assert (await client.put(PATH, headers=cast.ada.auth, json={"data": {}})).status_code == 404


async def test_forms_as_apps_send_them(client: Any, cast: Any, service: Service) -> None:
    form = service.form()["subscription"]
    sent = {
        "subscription[endpoint]": ENDPOINT,
        "subscription[keys][p256dh]": form["keys"]["p256dh"] + "=",
        "subscription[keys][auth]": form["keys"]["auth"] + "==",
        "data[alerts][mention]": "true",
        "policy": "none",
    }
    made = await client.post(PATH, headers=cast.ada.auth, data=sent)
    assert made.status_code == 200, made.text
    assert (made.json()["standard"], made.json()["policy"]) == (False, "all")


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "http://push.example/a"},
        {"endpoint": "file:///etc/passwd"},
        {"endpoint": ""},
        {"keys": {"p256dh": "AAAA", "auth": "AAAA"}},
        {"keys": {"p256dh": "é", "auth": "é"}},
        {"keys": {}},
        {"keys": "x"},
    ],
)
async def test_what_is_no_place_to_send_to(
    client: Any, cast: Any, service: Service, change: dict[str, Any]
) -> None:
    form = service.form()
    form["subscription"] |= change
    answer = await client.post(PATH, headers=cast.ada.auth, json=form)
    assert answer.status_code == 422
    assert "error" in answer.json()
    assert (await client.get(PATH, headers=cast.ada.auth)).status_code == 404


async def test_the_scope_is_push(client: Any, cast: Any) -> None:
    narrow = cast.token(cast.ada, "read write follow")
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert (await client.request(method, PATH, headers=narrow)).status_code == 403
        assert (await client.request(method, PATH)).status_code == 401


@pytest.mark.parametrize("standard", [True, False])
async def test_a_mention_wakes_the_phone(
    client: Any, cast: Any, worker: Any, service: Service, standard: bool
) -> None:
    await subscribe(client, service, cast.ada, alerts={"mention": True}, standard=standard)
    await mention(client, worker, cast.bob, "@ada Ceci est assez long. " + "la " * 100)
    [message] = service.received
    notification = (await client.get("/api/v1/notifications", headers=cast.ada.auth)).json()[0]
    assert message["notification_id"] == int(notification["id"])
    assert message["notification_type"] == "mention"
    assert message["title"] == "bob mentioned you"
    assert message["body"].startswith("@ada Ceci est assez long.")
    assert len(message["body"]) <= 140
    assert message["icon"] == notification["account"]["avatar_static"]
    assert (message["access_token"], message["preferred_locale"]) == ("", "en")
    [request] = service.requests
    assert request.headers["ttl"] == "172800"


async def test_in_french_behind_a_warning(client: Any, cast: Any, worker: Any, service: Service) -> None:
    elise = cast.join("elise", locale="fr")
    await subscribe(client, service, elise, alerts={"mention": True})
    await mention(client, worker, cast.bob, "@elise secret", spoiler_text="Attention")
    [message] = service.received
    assert message["preferred_locale"] == "fr"
    assert message["title"] != "bob mentioned you"
    assert message["body"] == "Attention"


async def test_alerts_and_policy_decide(client: Any, cast: Any, worker: Any, service: Service) -> None:
    await client.post(f"/api/v1/accounts/{cast.bob.id}/follow", headers=cast.ada.auth)
    await client.post(f"/api/v1/accounts/{cast.ada.id}/follow", headers=cast.carol.auth)
    await worker.settle()
    expected = {"all": ["bob", "carol", "dan"], "followed": ["bob"], "follower": ["carol"], "none": []}
    for policy, woken in expected.items():
        await subscribe(client, service, cast.ada, alerts={"mention": True}, policy=policy)
        service.received.clear()
        for who in (cast.bob, cast.carol, cast.dan):
            await mention(client, worker, who, f"@ada {policy}")
        assert [message["title"].split()[0] for message in service.received] == woken
    await subscribe(client, service, cast.ada, alerts={"follow": True})
    service.received.clear()
    await mention(client, worker, cast.bob, "@ada not asked for")
    assert not service.received


async def test_gone_is_forgotten(client: Any, cast: Any, worker: Any, service: Service) -> None:
    for status in (404, 410):
        await subscribe(client, service, cast.ada, alerts={"mention": True})
        service.status = status
        await mention(client, worker, cast.bob, "@ada are you there?")
        assert (await client.get(PATH, headers=cast.ada.auth)).status_code == 404
    assert len(service.requests) == 2


async def test_later_and_never(client: Any, cast: Any, worker: Any, service: Service, at: Any) -> None:
    await subscribe(client, service, cast.ada, alerts={"mention": True})
    service.status = 503
    await mention(client, worker, cast.bob, "@ada busy")
    assert len(service.requests) == 1
    service.status = 201
    at(60)
    await worker.settle()
    assert len(service.requests) == 2
    service.status = 400
    await mention(client, worker, cast.bob, "@ada refused")
    at(3600)
    await worker.settle()
    assert len(service.requests) == 3
    assert (await client.get(PATH, headers=cast.ada.auth)).status_code == 200


async def test_what_was_taken_back_wakes_nobody(
    client: Any, cast: Any, worker: Any, service: Service, at: Any
) -> None:
    await subscribe(client, service, cast.ada, alerts={"mention": True})
    service.status = 503
    posted = await mention(client, worker, cast.bob, "@ada oops")
    await client.delete(f"/api/v1/statuses/{posted['id']}", headers=cast.bob.auth)
    at(60)
    await worker.settle()
    assert len(service.requests) == 1


async def test_a_revoked_token_wakes_nobody(
    client: Any, cast: Any, worker: Any, service: Service, server: Any
) -> None:
    await subscribe(client, service, cast.ada, alerts={"mention": True})
    await server.database.write(lambda tx: tx.run(REVOKE, member=cast.ada.id, at=tx.now))
    await mention(client, worker, cast.bob, "@ada hello")
    assert not service.requests
