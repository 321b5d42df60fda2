"""A served county for stories: the whole app on loopback, a clock that jumps, villages with handsets."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
from pydantic import SecretStr

from broadcast.model import LIVE, BroadcastId, Purpose, ReachState, ResidentId, Role
from broadcast.people.accounts import NewAccount, create_account, issue_token
from broadcast.settings import Settings
from broadcast.store.queries.accounts import AccountQueries
from broadcast.store.queries.trace import Trace, TracedReach, trace
from broadcast.store.queries.villages import VillageQueries
from broadcast.store.unit import fetch
from channels.simulator.handsets import CallBehaviour, Handset
from maeul.service import Served, Simulated, serving
from scheduler.clock import JumpClock

API, CARRIER = "/api/v1", "/simulator/control"
KOREA = ZoneInfo("Asia/Seoul")
FIRST_DAY = datetime(2026, 3, 2, 6, 0, tzinfo=KOREA)
CALL_BACK = "031-555-0100"
TEXT = "내일 오전 9시부터 물이 나오지 않습니다. 물을 받아 두세요."
FIRE = "샘골리 주민은 지금 샘골초등학교로 대피하십시오. 뒷산에 불이 났습니다."
EMERGENCY: Mapping[str, object] = {
    "text": FIRE,
    "category": "disaster",
    "severity": "Extreme",
    "urgency": "Immediate",
    "certainty": "Observed",
    "response_type": "Evacuate",
}
EVERYTHING = ["notice", "administrative", "disaster"]

LISTENS = CallBehaviour(ring_s=5)
PRESSES_1 = CallBehaviour(ring_s=5, keys="1")
NEVER_ANSWERS = CallBehaviour(results=("no_answer",))
VOICEMAIL = CallBehaviour(results=("voicemail",))

LINES = 8  # of which six call out, one of them kept for emergencies
IN_LIVE = f"d.state IN ({', '.join(repr(str(state)) for state in sorted(LIVE))})"
SETTLED = f"""
    SELECT 1 FROM broadcast b WHERE b.id = :id AND b.state IN ('done', 'recalled', 'cancelled', 'expired')
      AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.broadcast_id = b.id AND {IN_LIVE})
"""
LOST = f"""
    SELECT 1 FROM reach r JOIN broadcast b ON b.id = r.broadcast_id
    WHERE b.state IN ('fanning_out', 'sending') AND r.state = 'open' AND r.deadline_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM delivery_reach l JOIN delivery d ON d.id = l.delivery_id
                      WHERE l.reach_id = r.id AND {IN_LIVE})
"""
KEY = SecretStr("A" * 43 + "=")

Json = dict[str, Any]


class World:
    """One served county that many stories share, each with a village of its own, on a day of its own."""

    def __init__(
        self, served: Served, clock: JumpClock, http: aiohttp.ClientSession, tokens: tuple[str, str]
    ) -> None:
        self.served = served
        self.clock = clock
        self.county_token, self.officer_token = tokens
        self._http = http
        self._numbers = itertools.count(1)

    async def ask(self, method: str, path: str, token: str = "", **more: Any) -> Any:
        """The answer's JSON; time stands still meanwhile."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with self.clock.working():
            async with self._http.request(method, self.served.url + path, headers=headers, **more) as answer:
                assert answer.status < 400, f"{answer.status} {await answer.text()}"
                return await answer.json()

    async def village(self, *, at: str = "10:00") -> Village:
        """A new village at this hour of the next day."""
        await self.until_next(at)
        await self.carrier()
        return await self.next_village()

    async def next_village(self) -> Village:
        """One more village, now; its head has a mobile telephone."""
        number = next(self._numbers)
        code = f"41820{number:05}"
        new = {"code": code, "name": "샘골리", "head_name": "이정호"}
        await self.ask("POST", f"{API}/villages", self.county_token, json=new)
        head_phone = self.mobile()
        maeul = self.served.maeul
        store = AccountQueries(maeul.database, maeul.vault)
        head = NewAccount(f"이정호 {number}", Role.HEAD, village=code, phone=head_phone)
        id = await create_account(store, maeul.clock, head)
        return Village(self, code, await issue_token(store, maeul.clock, id), head_phone)

    def mobile(self) -> str:
        return f"+82103000{next(self._numbers):04}"

    def landline(self) -> str:
        return f"+8231556{next(self._numbers):04}"

    def chat(self) -> str:
        return f"chat-{next(self._numbers)}"

    # --- time -------------------------------------------------------------------------------------

    async def until(self, moment: datetime) -> None:
        """Let the time go on to this moment, with all that happens until then and at it."""
        running = asyncio.create_task(self.clock.run(until=moment))
        try:
            await self.clock.sleep_until(moment)
            await running
        finally:
            running.cancel()
        await self.clock.quiet()

    async def until_next(self, hour: str) -> None:
        """This hour of the next day."""
        tomorrow = self.clock.now().astimezone(KOREA).date() + timedelta(days=1)
        await self.until(datetime.fromisoformat(f"{tomorrow} {hour}").replace(tzinfo=KOREA))

    async def passes(self, **time: float) -> None:
        await self.until(self.clock.now() + timedelta(**time))

    # --- what the carrier saw ---------------------------------------------------------------------

    async def calls(self, to: str) -> list[Json]:
        found: list[Json] = (await self.ask("GET", f"{CARRIER}/calls", params={"to": to}))["calls"]
        return found

    async def rung_at(self, to: str) -> list[str]:
        """On which day (1 is the first of the calls) and when this number was rung."""
        moments = [datetime.fromisoformat(c["created_at"]).astimezone(KOREA) for c in await self.calls(to)]
        first = min(moments).date() if moments else None
        return [f"{(at.date() - first).days + 1} {at:%H:%M}" for at in moments if first is not None]

    async def texts(self, to: str) -> list[str]:
        found = (await self.ask("GET", f"{CARRIER}/messages", params={"to": to}))["messages"]
        return [sms["body"] for sms in found]

    async def chats(self, user: str) -> list[str]:
        found = (await self.ask("GET", f"{CARRIER}/chats/{user}"))["bubbles"]
        return [bubble["text"] for bubble in found if bubble["by"] == "bot"]

    async def contacts(self, *addresses: str) -> list[str]:
        """How these addresses were asked, in order: calls, messages, talks."""
        log = (await self.ask("GET", f"{CARRIER}/log"))["entries"]
        return [entry["kind"] for entry in log if entry["to"] in addresses]

    async def carrier(self, **settings: object) -> None:
        await self.ask("PUT", f"{CARRIER}/carrier", json=settings)

    async def behaves(self, address: str, handset: Handset) -> None:
        await self.ask("PUT", f"{CARRIER}/handsets/{address}", json=handset.model_dump())


@dataclass
class Village:
    """A village and its head, acting over the API."""

    world: World
    code: str
    token: str
    head_phone: str
    addresses: dict[ResidentId, str] = field(default_factory=dict)

    async def resident(
        self,
        name: str = "박순자",
        *addresses: str,
        call: CallBehaviour | None = None,
        handset: Handset | None = None,
        **traits: object,
    ) -> ResidentId:
        """Somebody with these addresses (a mobile number if none); `call` says how the first one behaves."""
        ways = addresses or (self.world.mobile(),)
        new = {
            "village": self.code,
            "name": name,
            "addresses": [
                {"kind": "phone" if way.startswith("+") else "kakao", "value": way} for way in ways
            ],
            "consent": {"categories": EVERYTHING, "how": "paper"},
            **traits,
        }
        made = await self.world.ask("POST", f"{API}/residents", self.token, json=new)
        if handset is not None or call is not None:
            await self.world.behaves(ways[0], handset or Handset(call=call))
        id = ResidentId(made["id"])
        self.addresses[id] = ways[0]
        return id

    async def guardian(self, of: ResidentId, address: str) -> None:
        new = {
            "name": "박보호",
            "addresses": [{"kind": "phone" if address.startswith("+") else "kakao", "value": address}],
            "agreed_how": "paper",
        }
        await self.world.ask("POST", f"{API}/residents/{of}/guardians", self.token, json=new)

    async def says(self, *, lasts: timedelta | None = None, token: str = "", **draft: object) -> BroadcastId:
        """Submit; nothing of it has gone out yet when this returns, for the time stands still."""
        now = self.world.clock.now()
        if lasts is not None:
            draft["expires_at"] = (now + lasts).isoformat()
        body = {"title": "단수 안내", "text": TEXT, "villages": [self.code], **draft}
        made = await self.world.ask("POST", f"{API}/broadcasts", token or self.token, json=body)
        return BroadcastId(made["id"])

    async def warns(
        self, *, lasts: timedelta = timedelta(hours=3), token: str = "", **draft: object
    ) -> BroadcastId:
        return await self.says(lasts=lasts, token=token, **{**EMERGENCY, **draft})

    async def does(self, id: BroadcastId, what: str, token: str = "") -> None:
        """approve, cancel, recall, resend-unheard; the head does it unless another token is given."""
        await self.world.ask("POST", f"{API}/broadcasts/{id}/{what}", token or self.token)

    async def state(self, id: BroadcastId) -> str:
        return str((await self.world.ask("GET", f"{API}/broadcasts/{id}", self.token))["state"])

    async def traced(self, id: BroadcastId) -> Trace:
        maeul = self.world.served.maeul
        return await trace(maeul.database, maeul.vault, id)

    async def settled(self, id: BroadcastId, *, within: timedelta = timedelta(days=3)) -> Trace:
        """Let the time go on until the broadcast has ended and nothing of it is under way."""
        clock = self.world.clock
        latest = clock.now() + within
        await clock.quiet()
        while not await self._has_settled(id):
            assert clock.now() < latest, "it did not come to an end"
            assert await clock.step(latest), "nothing will happen any more"
            await clock.quiet()
        return await self.traced(id)

    async def _has_settled(self, id: BroadcastId) -> bool:
        async with self.world.served.maeul.database.read() as connection:
            assert not await fetch(connection, LOST), "somebody is lost"
            return bool(await fetch(connection, SETTLED, id=id))

    async def reach(self, id: BroadcastId, resident: ResidentId) -> TracedReach:
        found = (await self.traced(id)).reaches
        return next(reach for reach in found if reach.resident_id == resident)

    async def states(self, id: BroadcastId) -> Mapping[ResidentId, ReachState]:
        return {reach.resident_id: reach.state for reach in (await self.traced(id)).reaches}


def purposes(found: Trace) -> Sequence[Purpose]:
    return [one.purpose for one in found.deliveries]


@asynccontextmanager
async def served_county(folder: Path, database_url: str) -> AsyncIterator[World]:
    clock = JumpClock(FIRST_DAY)
    settings = Settings(data_dir=folder, database_url=database_url, secret_key=KEY, lines=LINES)
    async with (
        serving(settings, clock, simulated=Simulated()) as served,
        aiohttp.ClientSession() as http,
    ):
        maeul = served.maeul
        await VillageQueries(maeul.database, maeul.vault).set_county("한내군", CALL_BACK)
        store = AccountQueries(maeul.database, maeul.vault)
        county = await create_account(store, clock, NewAccount("한내군청", Role.COUNTY))
        officer = await create_account(store, clock, NewAccount("재난 담당", Role.DISASTER_OFFICER))
        tokens = await issue_token(store, clock, county), await issue_token(store, clock, officer)
        yield World(served, clock, http, tokens)
