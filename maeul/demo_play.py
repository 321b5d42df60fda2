"""Plays the demo: settles the villages through the HTTP API, then broadcasts four times."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.resources import files

import aiohttp

from broadcast.model import BroadcastId, ResidentId, Role
from broadcast.people.accounts import NewAccount, create_account, issue_token
from broadcast.store.queries.accounts import AccountQueries
from broadcast.store.queries.villages import VillageQueries
from channels.simulator.handsets import Handset
from maeul import demo_people as cast
from maeul.demo_played import Account, Act, Overtaken, Played, TakenBack
from maeul.demo_report import Show
from maeul.demo_stage import API, CARRIER, Stage

RECORDING = "recording.webm"  # three seconds, as a browser's MediaRecorder wrote them
EVERYTHING = ["notice", "administrative", "disaster"]
WAITING = frozenset({"held", "queued", "claimed"})


class Play:
    """`begins_at` is nine in the morning, Korean time."""

    def __init__(self, stage: Stage, show: Show, begins_at: datetime, passwords: tuple[str, str]) -> None:
        self._stage = stage
        self._show = show
        self._begins_at = begins_at
        self._passwords = passwords
        self._ids: dict[str, ResidentId] = {}

    async def run(self) -> Played:
        """Raises Surprise where the service does not do as it is asked."""
        await self._settle()
        typed = await self._typed()
        recorded, recording_s = await self._recorded()
        routine, emergency, overtaken = await self._emergency()
        recalled, taken_back = await self._recall()
        self._show.step("결과를 확인합니다", "checking what happened")
        stage = self._stage
        return Played(
            head=self._head,
            officer=self._officer,
            ids=self._ids,
            typed=typed,
            recorded=recorded,
            routine=routine,
            emergency=emergency,
            recalled=recalled,
            overtaken=overtaken,
            taken_back=taken_back,
            recording_s=recording_s,
            log=await stage.witness(),
            calls=(await stage.ask("GET", f"{CARRIER}/calls"))["calls"],
            messages=(await stage.ask("GET", f"{CARRIER}/messages"))["messages"],
            told_guardian=await self._bubbles(cast.GUARDIAN.kakao),
            dead=await self._dead(),
        )

    # --- the villages -----------------------------------------------------------------------------

    async def _settle(self) -> None:
        self._show.step("마을과 주민을 등록합니다", "enrolling villages and residents over the API")
        maeul = self._stage.served.maeul
        await VillageQueries(maeul.database, maeul.vault).set_county(cast.COUNTY, cast.CALL_BACK)
        self._officer = await self._account(cast.OFFICER, Role.COUNTY, self._passwords[1])
        await self._village(cast.VILLAGE, cast.VILLAGE_NAME, cast.HEAD)
        await self._village(cast.NEXT_VILLAGE, cast.NEXT_NAME, cast.NEXT_HEAD)
        self._head = await self._account(
            cast.HEAD, Role.HEAD, self._passwords[0], village=cast.VILLAGE, phone=cast.HEAD_PHONE
        )
        await self._account(
            cast.NEXT_HEAD, Role.HEAD, None, village=cast.NEXT_VILLAGE, phone=cast.NEXT_HEAD_PHONE
        )
        for person in cast.CAST:
            await self._enrol(person, cast.VILLAGE)
        for person in cast.neighbours():
            await self._enrol(person, cast.NEXT_VILLAGE)
        await self._look_after()
        await self._handsets({**cast.HANDSETS, **cast.neighbour_handsets()})

    async def _account(
        self, name: str, role: Role, password: str | None, *, village: str | None = None, phone: str = ""
    ) -> Account:
        maeul = self._stage.served.maeul
        store = AccountQueries(maeul.database, maeul.vault)
        new = NewAccount(name, role, village=village, password=password, phone=phone)
        id = await create_account(store, maeul.clock, new)
        return Account(name, password or "", await issue_token(store, maeul.clock, id))

    async def _village(self, code: str, name: str, head: str) -> None:
        new = {"code": code, "name": name, "township": "북면", "head_name": head}
        await self._stage.ask("POST", f"{API}/villages", self._officer.token, json=new)

    async def _enrol(self, person: cast.Person, village: str) -> None:
        kind = "phone" if person.phone else "kakao"
        new = {
            "village": village,
            "name": person.name,
            "born_in": self._begins_at.year - person.age,
            "addresses": [{"kind": kind, "value": person.address}],
            "consent": {"categories": EVERYTHING, "how": "paper", "words": "마을방송을 받겠습니다."},
            **person.traits,
        }
        made = await self._stage.ask("POST", f"{API}/residents", self._officer.token, json=new)
        self._ids[person.name] = ResidentId(made["id"])

    async def _look_after(self) -> None:
        """A guardian, a withdrawal and a death, as the office writes them down."""
        token, residents = self._officer.token, f"{API}/residents"
        guardian = {
            "name": cast.GUARDIAN.name,
            "addresses": [{"kind": "kakao", "value": cast.GUARDIAN.kakao}],
            "agreed_how": "paper",
        }
        parent = self._ids[cast.YEONGJA.name]
        await self._stage.ask("POST", f"{residents}/{parent}/guardians", token, json=guardian)
        withdrawn = f"{residents}/{self._ids[cast.MINHO.name]}/withdraw"
        await self._stage.ask("POST", withdrawn, token, json={"how": "telephone"})
        await self._stage.ask("POST", f"{residents}/{self._ids[cast.OKBUN.name]}/deceased", token)

    async def _handsets(self, handsets: Mapping[str, Handset]) -> None:
        described = {address: handset.model_dump() for address, handset in handsets.items()}
        await self._stage.ask("PUT", f"{CARRIER}/handsets", json=described)

    # --- the broadcasts ---------------------------------------------------------------------------

    async def _typed(self) -> Act:
        self._show.step("① 글로 쓴 일반 방송", "1: a typed ROUTINE broadcast")
        day = self._begins_at + timedelta(days=2)
        text = f"{day.month}월 {day.day}일 오전 9시부터 12시까지 물이 나오지 않습니다. 물을 받아 두세요."
        id, begun = await self._submit(self._head, title="단수 안내", text=text, lasts=timedelta(days=2))
        return await self._settled("① 글 방송 · 단수 안내", "typed, ROUTINE", id, begun, timedelta(days=2))

    async def _recorded(self) -> tuple[Act, float]:
        await self._stage.pass_until(self._begins_at + timedelta(days=2, hours=1))
        self._show.step("② 녹음한 일반 방송", "2: a recording, uploaded as a browser does")
        form = aiohttp.FormData()
        sound = (files("maeul") / "data" / RECORDING).read_bytes()
        form.add_field("file", sound, filename=RECORDING, content_type="audio/webm")
        kept = await self._stage.ask("POST", f"{API}/recordings", self._head.token, data=form)
        id, begun = await self._submit(
            self._head, title="이장님 말씀", recording_id=kept["id"], lasts=timedelta(days=2)
        )
        act = await self._settled(
            "② 녹음 방송 · 이장님 말씀", "recorded, ROUTINE", id, begun, timedelta(days=2)
        )
        return act, float(kept["seconds"])

    async def _emergency(self) -> tuple[Act, Act, Overtaken]:
        """While the next village's telephones ring, the head of the first has to warn of a fire."""
        await self._stage.pass_until(self._begins_at + timedelta(days=4, hours=1))
        await self._handsets(cast.IN_AN_EMERGENCY)
        self._show.step("③ 이웃 마을 일반 방송이 나가는 중에", "3: while a ROUTINE broadcast is going out,")
        text = "내일 오전 10시부터 마을회관에서 독감 예방 접종을 합니다. 신분증을 가져오세요."
        routine, routine_begun = await self._submit(
            self._officer, title="예방 접종", text=text, village=cast.NEXT_VILLAGE
        )
        await self._stage.pass_until(self._stage.clock.now() + timedelta(seconds=50))
        self._show.step("③ 긴급 방송이 앞질러 나갑니다", "3: an EMERGENCY overtakes it")
        with self._stage.clock.working():
            emergency, emergency_begun = await self._submit(
                self._head,
                title="산불 대피",
                text="샘골리 주민은 지금 샘골초등학교로 대피하십시오. 뒷산에 불이 났습니다.",
                lasts=timedelta(hours=3),
                category="disaster",
                severity="Extreme",
                urgency="Immediate",
                certainty="Observed",
                response_type="Evacuate",
            )
            before = await self._stage.traced(routine)
        overtaken = Overtaken(frozenset(one.id for one in before.deliveries if one.state in WAITING))
        acts = [
            await self._settled("③ 이웃 마을 · 예방 접종", "next village, ROUTINE", routine, routine_begun,
                                timedelta(hours=4), also=emergency),
            await self._settled("③ 긴급 방송 · 산불 대피", "EMERGENCY", emergency, emergency_begun,
                                timedelta(hours=4)),
        ]  # fmt: skip
        return acts[0], acts[1], overtaken

    async def _recall(self) -> tuple[Act, TakenBack]:
        await self._stage.pass_until(self._begins_at + timedelta(days=5, hours=1))
        self._show.step("④ 중간에 거두어들이는 방송", "4: a broadcast that is recalled half-way")
        text = "내일 오전 9시 마을회관에서 총회를 합니다. 꼭 나와 주세요."
        id, begun = await self._submit(self._officer, title="마을 총회", text=text, village=cast.NEXT_VILLAGE)
        await self._stage.pass_until(self._stage.clock.now() + timedelta(seconds=65))
        with self._stage.clock.working():
            await self._stage.ask("POST", f"{API}/broadcasts/{id}/recall", self._officer.token)
            then, at = await self._stage.traced(id), self._stage.clock.now()
        begun_then = frozenset(str(attempt.id) for one in then.deliveries for attempt in one.attempts)
        waiting = sum(not one.attempts for one in then.deliveries)
        act = await self._settled("④ 거두어들임 · 마을 총회", "recalled", id, begun, timedelta(hours=2))
        return act, TakenBack(at, begun_then, waiting)

    async def _submit(
        self,
        who: Account,
        *,
        village: str = cast.VILLAGE,
        lasts: timedelta | None = None,
        **draft: object,
    ) -> tuple[BroadcastId, float]:
        if lasts is not None:
            draft["expires_at"] = (self._stage.clock.now() + lasts).isoformat()
        draft.setdefault("category", "notice")
        began = time.monotonic()
        made = await self._stage.ask(
            "POST", f"{API}/broadcasts", who.token, json={"villages": [village], **draft}
        )
        self._show.follow(BroadcastId(made["id"]), str(draft["title"]))
        return BroadcastId(made["id"]), began

    async def _settled(
        self,
        title: str,
        english: str,
        id: BroadcastId,
        began: float,
        within: timedelta,
        *,
        also: BroadcastId | None = None,
    ) -> Act:
        """Let the time go on until nothing is under way for this broadcast any more."""
        stage = self._stage
        ids = [id] if also is None else [id, also]
        latest = stage.clock.now() + within
        await stage.until_settled(ids, self._officer.token, latest=latest, look=self._show.look)
        found = await stage.traced(id)
        begins_at = min((reach.started_at for reach in found.reaches), default=stage.clock.now())
        return Act(title, english, id, begins_at, began, found)

    # --- what is seen from outside ----------------------------------------------------------------

    async def _bubbles(self, user: str) -> list[str]:
        chat = await self._stage.ask("GET", f"{CARRIER}/chats/{user}")
        return [bubble["text"] for bubble in chat["bubbles"] if bubble["by"] == "bot"]

    async def _dead(self) -> frozenset[str]:
        """Whose address is dead."""
        query = f"{API}/residents?village={cast.VILLAGE}"
        found = await self._stage.ask("GET", query, self._officer.token)
        return frozenset(
            one["name"] for one in found["items"] if any(address["is_dead"] for address in one["addresses"])
        )
