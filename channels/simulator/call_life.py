"""The life of one call: queued, ringing, answered or not, over; with every report that Twilio makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from channels.simulator.callbacks import Lane
from channels.simulator.exchange import Exchange
from channels.simulator.handsets import CallBehaviour
from channels.simulator.interpreter import Interpreter, Line, call_params
from channels.simulator.person import Person, Plan
from channels.simulator.records import Call
from channels.simulator.signals import Answered, Ended, HungUp, Replaced, Stopped
from channels.simulator.timing import Work

SET_UP_S = 0.5
MACHINE_END_S = 8.0  # a greeting's length: DetectMessageEnd waits for its beep
SIP = {"completed": 200, "busy": 486, "no-answer": 480, "failed": 503, "canceled": 487}
UNALLOCATED = 404


def begin(exchange: Exchange, call: Call, plan: Plan | None = None) -> None:
    """Start the life of a call that has been accepted; with a `plan`, of one that a resident makes."""
    work = exchange.works.new()
    exchange.on_line[call.sid] = work
    exchange.add_call(call)
    life = CallLife(exchange, call, work)
    exchange.works.start(work, life.run(plan))


def plan_for(exchange: Exchange, address: str) -> Plan:
    """What will happen to the next call to this number; counts as a try."""
    tries = exchange.count_try("call", address)
    behaviour = exchange.call_behaviour(address, tries)
    is_manual = exchange.is_manual(address)
    result = behaviour.results[min(tries, len(behaviour.results) - 1)]
    plan = Plan(result, behaviour)
    return plan.by_hand() if is_manual else plan


def end_interrupted(exchange: Exchange) -> None:
    """A carrier that was started anew ends the calls that it was in, and says so."""
    for call in [call for call in exchange.calls.values() if not call.is_over]:
        CallLife(exchange, call, exchange.works.new()).finish(Ended("failed", SIP["failed"]))


class CallLife:
    def __init__(self, exchange: Exchange, call: Call, work: Work) -> None:
        self._exchange = exchange
        self._call = call
        self._work = work
        self._lane = Lane()

    async def run(self, plan: Plan | None) -> None:
        try:
            await self._talk(plan or await self._reach())
            end = Ended("completed", SIP["completed"])
        except Ended as ended:
            end = ended
        self.finish(end)

    async def _reach(self) -> Plan:
        """Dial and ring until somebody answers. Raises Ended."""
        await self._wait_for_turn()
        plan = self._plan()
        self._call.result = plan.result
        self._call.started_at = self._work.now()
        self._report("initiated", "initiated")
        await self._wait(self._work.now() + plan.span(SET_UP_S))
        self._refuse(plan)
        self._call.status = "ringing"
        self._exchange.keep_call(self._call)
        self._report("ringing", "ringing")
        return await self._ring(plan)

    async def _wait_for_turn(self) -> None:
        """Twilio dials an account's calls one after another at a fixed pace."""
        pace = self._exchange.carrier.settings.calls_per_second
        if pace is None:
            return
        turn = max(self._exchange.next_dial_at, self._work.now())
        self._exchange.next_dial_at = turn + timedelta(seconds=1 / pace)
        await self._wait(turn)

    def _plan(self) -> Plan:
        others = self._exchange.calls_to.get(self._call.to, ())
        if any(other is not self._call and other.status in ("ringing", "in-progress") for other in others):
            return Plan("busy", CallBehaviour())
        return plan_for(self._exchange, self._call.to)

    def _refuse(self, plan: Plan) -> None:
        match plan.result:
            case "busy":
                raise Ended("busy", SIP["busy"])
            case "unallocated" | "invalid":
                raise Ended("failed", UNALLOCATED)
            case "failed":
                raise Ended("failed", SIP["failed"])

    async def _ring(self, plan: Plan) -> Plan:
        """Until somebody or something answers. Raises Ended."""
        began_at = self._work.now()
        gives_up_at = began_at + timedelta(seconds=self._call.timeout_s)
        answers_at = self._answers_at(plan, began_at)
        moment = gives_up_at if answers_at is None else min(answers_at, gives_up_at)
        if answers_at is None and plan.behaviour.longest_s is not None:
            moment = began_at + plan.span(self._call.timeout_s)
        while True:
            match await self._until(moment):
                case None if moment == answers_at:
                    return plan
                case None:
                    raise Ended("no-answer", SIP["no-answer"])
                case Answered():
                    return plan.by_hand()
                case HungUp():
                    raise Ended("busy", SIP["busy"])

    def _answers_at(self, plan: Plan, began_at: datetime) -> datetime | None:
        if plan.is_manual or plan.result == "no_answer":
            return None
        behaviour = plan.behaviour
        rings = behaviour.voicemail_after_s if plan.result == "voicemail" else behaviour.ring_s
        return began_at + plan.span(rings)

    async def _talk(self, plan: Plan) -> None:
        person = Person(plan)
        self._call.status, self._call.answered_at = "in-progress", self._work.now()
        self._exchange.keep_call(self._call)
        self._report("answered", "in-progress")
        person.answered(self._call.answered_at)
        await self._detect(plan)
        line = Line(self._exchange, self._call, self._work, person)
        await Interpreter(line).run({})

    # --- answering machine detection ---

    async def _detect(self, plan: Plan) -> None:
        if not self._call.amd:
            return
        verdict, seconds = self._verdict(plan)
        if self._call.amd_is_async:
            work = self._exchange.works.new()
            self._exchange.works.start(work, self._detect_later(work, plan, verdict, seconds))
            return
        await self._wait(self._work.now() + plan.span(seconds))
        self._call.answered_by = verdict

    def _verdict(self, plan: Plan) -> tuple[str, float]:
        behaviour = plan.behaviour
        truth = "machine_start" if plan.result == "voicemail" else "human"
        verdict = behaviour.amd or truth
        if verdict == "machine_start" and self._call.amd == "DetectMessageEnd":
            return "machine_end_beep", MACHINE_END_S
        return verdict, behaviour.amd_after_s

    async def _detect_later(self, work: Work, plan: Plan, verdict: str, seconds: float) -> None:
        began_at = work.now()
        await work.sleep(plan.span(seconds).total_seconds())
        # Twilio has no verdict on a call that was over before it had one.
        self._call.answered_by = "unknown" if self._call.is_over else verdict
        took_ms = round((work.now() - began_at).total_seconds() * 1000)
        params = {
            "AccountSid": self._exchange.config.account_sid,
            "AnsweredBy": self._call.answered_by,
            "CallSid": self._call.sid,
            "MachineDetectionDuration": str(took_ms),
        }
        self._exchange.keep_call(self._call)
        self._exchange.callbacks.send(Lane(), self._call.amd_callback, params, is_last=True)

    # --- reports ---

    def finish(self, end: Ended) -> None:
        call = self._call
        call.status, call.sip, call.ended_at = end.status, end.sip, self._work.now()
        self._exchange.on_line.pop(call.sid, None)
        self._exchange.keep_call(call)
        self._report("completed", call.status)
        self._work.release()

    def _report(self, event: str, status: str) -> None:
        call = self._call
        if event not in call.events:
            return
        params = call_params(self._exchange.config.account_sid, call) | {
            "CallStatus": status,
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.sequence),
            "Timestamp": format_datetime(self._work.now().astimezone(UTC)),
        }
        call.sequence += 1
        if event == "completed":
            talked = call.talked_s
            params |= {"CallDuration": str(talked), "Duration": str(-(-talked // 60))}
            params |= {"SipResponseCode": str(call.sip)}
        self._exchange.callbacks.send(self._lane, call.callback, params, is_last=event == "completed")

    async def _wait(self, moment: datetime) -> None:
        """Wait for something that nobody at the handset can hasten. Raises Ended."""
        while await self._until(moment) is not None:
            pass

    async def _until(self, moment: datetime) -> Answered | HungUp | None:
        """Before the conversation: wait, unless our service stops the call."""
        while True:
            signal = await self._work.until(moment)
            match signal:
                case Stopped() if self._call.answered_at is None:
                    raise Ended("canceled", SIP["canceled"])
                case Stopped():
                    raise Ended("completed", SIP["completed"])
                case HungUp() if self._call.answered_at is not None:
                    raise Ended("completed", SIP["completed"])
                case None | Answered() | HungUp():
                    return signal
                case Replaced():
                    self._call.url, self._call.method = signal.url, signal.method
                    self._call.twiml = signal.twiml
