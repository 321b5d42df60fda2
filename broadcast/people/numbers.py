"""Telephone numbers as people write them, made into E.164 with what can be done with them."""

from __future__ import annotations

from dataclasses import dataclass, field

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from broadcast.errors import InvalidInput

HOME = "KR"
RINGS_AND_TEXTS = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
RINGS = {
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.VOIP,  # 070
    PhoneNumberType.PERSONAL_NUMBER,  # 050
    PhoneNumberType.UAN,  # 15xx, 16xx: a care home's switchboard
}


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    e164: str = field(repr=False)
    can_ring: bool
    can_sms: bool


def parse_phone(written: str, *, where: str | None = None) -> PhoneNumber:
    """Read a number, Korean unless it begins with + or 00. Raises InvalidInput naming the field `where`."""
    try:
        number = phonenumbers.parse(written, HOME)
    except phonenumbers.NumberParseException:
        raise _not_a_number(where) from None
    kind = phonenumbers.number_type(number)
    if number.extension or kind not in RINGS | RINGS_AND_TEXTS:
        raise _not_a_number(where)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return PhoneNumber(e164, can_ring=True, can_sms=kind in RINGS_AND_TEXTS)


def _not_a_number(where: str | None) -> InvalidInput:
    return InvalidInput(
        "This is not a telephone number that can be called. Example: 010-1234-5678.",
        "걸 수 있는 전화번호가 아닙니다. 예: 010-1234-5678",
        field=where,
    )
