"""The life of one SMS: queued, sent, delivered or not, with Twilio's reports; and what residents write."""

from __future__ import annotations

from secrets import token_hex

from channels.simulator.callbacks import Lane
from channels.simulator.exchange import Exchange
from channels.simulator.handsets import SMS_ALIASES
from channels.simulator.records import Sms
from channels.simulator.timing import Work


def result_for(exchange: Exchange, address: str) -> str:
    """What becomes of the next SMS to this number: "delivered" or Twilio's code. Counts as a try."""
    results = exchange.sms_behaviour(address).results
    result = results[min(exchange.count_try("sms", address), len(results) - 1)]
    return SMS_ALIASES.get(result, result)


def begin(exchange: Exchange, sms: Sms, result: str) -> None:
    work = exchange.works.new()
    exchange.add_sms(sms)
    exchange.works.start(work, _live(exchange, sms, result, work))


def go_on(exchange: Exchange) -> None:
    """After a new start the messages under way are delivered."""
    for sms in [sms for sms in exchange.messages.values() if not sms.is_over]:
        work = exchange.works.new()
        exchange.works.start(work, _live(exchange, sms, "delivered", work))


async def _live(exchange: Exchange, sms: Sms, result: str, work: Work) -> None:
    lane, after_s = Lane(), exchange.sms_behaviour(sms.to).after_s
    await work.sleep(after_s / 2)
    sms.sent_at = work.now()
    _move(exchange, sms, lane, "sent")
    await work.sleep(after_s / 2)
    if result.isdigit():
        sms.error_code = int(result)
        _move(exchange, sms, lane, "undelivered")
    else:
        _move(exchange, sms, lane, "delivered")


def _move(exchange: Exchange, sms: Sms, lane: Lane, status: str) -> None:
    sms.status = status
    exchange.keep_sms(sms)
    params = {
        "AccountSid": exchange.config.account_sid,
        "ApiVersion": "2010-04-01",
        "From": sms.sender,
        "MessageSid": sms.sid,
        "MessageStatus": status,
        "SmsSid": sms.sid,
        "SmsStatus": status,
        "To": sms.to,
    }
    if sms.error_code is not None:
        params["ErrorCode"] = str(sms.error_code)
    exchange.callbacks.send(lane, sms.callback, params, is_last=sms.is_over)


async def write_to_us(exchange: Exchange, address: str, to: str, text: str) -> int:
    """A resident texts our number: Twilio's message hook. The HTTP status of our service's answer."""
    sid = "SM" + token_hex(16)
    params = {
        "AccountSid": exchange.config.account_sid,
        "ApiVersion": "2010-04-01",
        "Body": text,
        "From": address,
        "MessageSid": sid,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "To": to,
    }
    return (await exchange.outward.signed(exchange.config.sms_url, "POST", params)).status
