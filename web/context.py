"""What the web needs of the composed service, and the queries and use cases built from it once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, cast

from starlette.requests import HTTPConnection

from broadcast.drafts import Draft, Who
from broadcast.links import Links
from broadcast.model import BroadcastId, Receipt
from broadcast.people.residents import People
from broadcast.ports import Clock, Conversation, MediaStore, Sender
from broadcast.render import Part, ToRender
from broadcast.store.queries.accounts import AccountQueries
from broadcast.store.queries.compose import ComposeQueries
from broadcast.store.queries.delivery_lists import DeliveryLists
from broadcast.store.queries.endings import EndingQueries
from broadcast.store.queries.idempotency import IdempotencyQueries
from broadcast.store.queries.pages import PageQueries
from broadcast.store.queries.people import PeopleQueries
from broadcast.store.queries.people_lists import PeopleLists
from broadcast.store.queries.report import ReportQueries
from broadcast.store.queries.villages import VillageQueries
from broadcast.store.unit import Database
from broadcast.store.vault import Vault
from broadcast.work import StopRequest
from voice.renditions import Studio

UPLOADS_IN_MEMORY = 4


class Composer(Protocol):
    async def submit(self, draft: Draft, who: Who) -> BroadcastId: ...

    async def approve(self, broadcast_id: BroadcastId, who: Who) -> object: ...

    async def refuse(self, broadcast_id: BroadcastId, who: Who) -> object: ...

    async def cancel(self, broadcast_id: BroadcastId, who: Who) -> object: ...

    async def recall(self, broadcast_id: BroadcastId, who: Who) -> object: ...

    async def resend_unheard(self, broadcast_id: BroadcastId, who: Who) -> object: ...


class Renderer(Protocol):
    async def preview(self, one: ToRender) -> Sequence[Part]:
        """Opening and text, as they will be made. Raises EngineFailed."""
        ...


class Receipts(Protocol):
    async def take(self, receipts: Sequence[Receipt]) -> None: ...


class Maeul(Protocol):
    """The part of `broadcast.wiring` that answers requests."""

    @property
    def database(self) -> Database: ...

    @property
    def vault(self) -> Vault: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def media(self) -> MediaStore: ...

    @property
    def studio(self) -> Studio: ...

    @property
    def links(self) -> Links: ...

    @property
    def public_url(self) -> str: ...

    @property
    def senders(self) -> Mapping[str, Sender]: ...

    @property
    def conversation(self) -> Conversation: ...

    @property
    def receipts(self) -> Receipts: ...

    @property
    def composer(self) -> Composer: ...

    @property
    def renderer(self) -> Renderer: ...

    async def ask_to_stop(self, requests: Sequence[StopRequest]) -> None:
        """Ask the providers to end what they have under way."""
        ...

    def run_background(self) -> AbstractAsyncContextManager[object]: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that a request may reach for."""

    maeul: Maeul
    accounts: AccountQueries
    people: People
    people_lists: PeopleLists
    villages: VillageQueries
    report: ReportQueries
    deliveries: DeliveryLists
    idempotency: IdempotencyQueries
    compose: ComposeQueries
    pages: PageQueries
    uploads: asyncio.Semaphore


def lay_out(maeul: Maeul) -> Desk:
    database, vault = maeul.database, maeul.vault
    store = PeopleQueries(database, vault)
    return Desk(
        maeul=maeul,
        accounts=AccountQueries(database, vault),
        people=People(store, EndingQueries(database), maeul.clock, maeul.ask_to_stop),
        people_lists=PeopleLists(database, vault),
        villages=VillageQueries(database, vault),
        report=ReportQueries(database, vault),
        deliveries=DeliveryLists(database),
        idempotency=IdempotencyQueries(database, vault),
        compose=ComposeQueries(database),
        pages=PageQueries(database, vault),
        uploads=asyncio.Semaphore(UPLOADS_IN_MEMORY),
    )


def desk(connection: HTTPConnection) -> Desk:
    return cast(Desk, connection.app.state.desk)
