"""Small Protocols that the core needs from outside: channels, voice, media, clock, conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol, runtime_checkable

from broadcast.model import AttemptId, Channel, Message, Outcome, Priority, Receipt

# --- time -------------------------------------------------------------------------------------


class Clock(Protocol):
    """The domain's time. Time-outs of HTTP and of the operating system do not go through it."""

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        ...

    async def sleep_until(self, moment: datetime) -> None:
        """Return when `now() >= moment`."""
        ...

    def working(self) -> AbstractContextManager[None]:
        """Mark work in progress: a clock that jumps does not jump meanwhile."""
        ...


# --- channels ---------------------------------------------------------------------------------


@runtime_checkable
class Sender(Protocol):
    """One way to reach people. `send` never raises for a provider's sake."""

    name: ClassVar[str]  # the provider account's adapter: "twilio_voice"
    channel: ClassVar[Channel]
    batch_size: ClassVar[int]  # messages that one provider request may carry

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        """Hand over; one Outcome a message, in the same order."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class LooksUp(Protocol):
    """Settles Unclear by asking the provider; not every provider can."""

    async def look_up(self, message: Message) -> Outcome:
        """Accepted if the provider has it, Deferred if it surely has not, Unclear if it cannot say yet."""
        ...


@runtime_checkable
class Stoppable(Protocol):
    async def stop(self, reference: str) -> bool:
        """Ask the provider to end what is under way; True if it said that it did."""
        ...


@runtime_checkable
class Polled(Protocol):
    async def poll(self, reference: str) -> Sequence[Receipt]:
        """Ask for the result of a batch; one reference may cover many messages."""
        ...


# --- hooks and conversations ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A provider's callback as it came: `path` below /hooks/<channel>/, `url` the public URL as signed."""

    method: str
    path: str
    url: str
    headers: Mapping[str, str]  # lower-case names
    body: bytes = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class HookReply:
    """What to store and apply, then what to answer. `status` 403 means the signature was wrong."""

    receipts: Sequence[Receipt] = ()
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class CallTurn:
    """One turn of a telephone conversation: play these, then listen for one key, or hang up.

    `play`: absolute URLs of telephone renditions. `pause_s` is silence before them.
    `next_step`: where the key (or its absence) is to be sent; "" means hang up after playing.
    `wait_s`: how long to listen for a key after the last sound (0: just go on to `next_step`).
    """

    play: Sequence[str] = ()
    pause_s: int = 0
    next_step: str = ""
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a chat message: a link (`url`) or words that are said when it is tapped (`says`)."""

    label: str
    url: str = ""
    says: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What a chat conversation answers; adapters cut it to their provider's limits."""

    text: str
    title: str = ""
    buttons: Sequence[Button] = ()
    quick: Sequence[Button] = ()


@dataclass(frozen=True, slots=True)
class ChatInput:
    """What a chat user said or tapped. `attempt_id` where the words came from a message's button."""

    provider: str
    user: str = field(repr=False)
    words: str
    at: datetime
    attempt_id: AttemptId | None = None
    is_push: bool = False  # the provider asks for the message of a push that we started


class Conversation(Protocol):
    """The conversations of `phone_in/` and `chat_in/`, as an adapter's hook sees them."""

    async def call_turn(self, attempt_id: AttemptId, step: str, key: str) -> CallTurn:
        """The next turn of an outbound call. `step` "" is the beginning; `key` "" means none came."""
        ...

    async def chat_turn(self, said: ChatInput) -> ChatReply | None:
        """The answer to a chat user; None: say nothing."""
        ...


@runtime_checkable
class Hooked(Protocol):
    """The provider calls us: the signature is checked here, the answer is written here."""

    async def answer(self, request: HookRequest, conversation: Conversation) -> HookReply: ...


# --- voice ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Speech:
    """Mono 16-bit PCM as an engine or a decoder gives it."""

    pcm: bytes = field(repr=False)
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / self.rate


class EngineFailed(Exception):
    """A speech engine could not speak; the next one in order is tried."""


class Synthesizer(Protocol):
    """Turns a script (speakable text) into speech. Raises EngineFailed."""

    name: ClassVar[str]

    async def speak(self, script: str, *, language: str, voice: str, speed: float) -> Speech:
        """`speed` 1.0 is the engine's pace for elderly listeners; 0.8 is slower."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class RenditionInfo:
    """One sound file of one script on the shelf."""

    key: str  # media key
    format: str  # "mp3" | "telephone" | "telephone_pcm" | "opus" | "peaks"
    content_type: str
    seconds: float
    engine: str
    loudness_lufs: float
    true_peak_dbtp: float


class MediaStore(Protocol):
    """Where recordings and renditions are kept; keys are relative, slash-separated, made by us."""

    async def put(self, key: str, data: bytes, content_type: str) -> None: ...

    async def get(self, key: str) -> bytes:
        """Raises KeyError if there is none."""
        ...

    async def exists(self, key: str) -> bool: ...

    async def delete(self, key: str) -> None: ...

    def chunks(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Bytes start..end (end exclusive)."""
        ...

    async def size(self, key: str) -> int:
        """Raises KeyError if there is none."""
        ...


class Wakes(Protocol):
    """Level-triggered wake-up of the dispatcher: something may have become due."""

    def wake(self, priority: Priority = Priority.ROUTINE) -> None: ...


class Scribe(Protocol):
    """Prepares text for speech. Blocking, quick and pure."""

    def script(self, text: str, language: str) -> str:
        """Speakable text; raises InvalidInput when nothing speakable is left."""
        ...


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """A rendered script or recording on the shelf, named by `hash`."""

    hash: str
    seconds: float
    engine: str


class VoiceDesk(Protocol):
    """Makes sound of scripts and recordings, once each. Raises EngineFailed."""

    async def speak(self, script: str, *, language: str, slow: bool = False) -> ClipInfo: ...

    async def recording(self, key: str) -> ClipInfo: ...
