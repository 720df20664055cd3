"""What a socket may ask of the room itself, beside the frames that keep the connection."""

from datetime import datetime
from typing import Any
from uuid import UUID

from streams import bodies, chat, coupons, follows
from streams.frames import Caller, up
from streams.frames.coupons import ClaimCoupon
from streams.models import ChatMessage, Restraint
from streams.moderation import appeals, lines, mode, questions, reports, restraints

Reply = dict[str, Any]


def chat_send(caller: Caller, d: up.ChatSend, *, key: UUID, now: datetime) -> Reply:
    """Say a line of chat."""
    said = chat.say(stream_id=caller.stream_id, author_id=caller.signed_in(), key=key, text=d.text, now=now)
    return _said(said)


def chat_ask(caller: Caller, d: up.ChatAsk, *, key: UUID, now: datetime) -> Reply:
    """Ask a question."""
    said = chat.say(
        stream_id=caller.stream_id,
        author_id=caller.signed_in(),
        key=key,
        text=d.text,
        question=True,
        product_id=d.product,
        now=now,
    )
    return _said(said)


def chat_report(caller: Caller, d: up.ChatReport, *, key: UUID | None, now: datetime) -> Reply:
    """Report a line."""
    report = reports.make(
        stream_id=caller.stream_id,
        message_id=d.message,
        by_id=caller.signed_in(),
        category=d.category,
        note=d.note,
        now=now,
    )
    return {"id": str(report.id)}


def chat_appeal(caller: Caller, d: up.ChatAppeal, *, key: UUID | None, now: datetime) -> Reply:
    """Appeal against a decision about oneself."""
    appeal = appeals.make(decision_id=d.decision, by_id=caller.signed_in(), text=d.text, now=now)
    return {"id": str(appeal.id), "outcome": appeal.outcome}


def chat_remove(caller: Caller, d: up.ChatRemove, *, key: UUID | None, now: datetime) -> Reply:
    """Take a line down."""
    return _line(
        lines.remove(
            stream_id=caller.stream_id,
            message_id=d.message,
            by_id=caller.signed_in(),
            rule=d.rule,
            reason=d.reason,
            now=now,
        )
    )


def chat_restore(caller: Caller, d: up.ChatRestore, *, key: UUID | None, now: datetime) -> Reply:
    """Put a removed line back."""
    return _line(
        lines.restore(
            stream_id=caller.stream_id,
            message_id=d.message,
            by_id=caller.signed_in(),
            reason=d.reason,
            now=now,
        )
    )


def chat_decide(caller: Caller, d: up.ChatDecide, *, key: UUID | None, now: datetime) -> Reply:
    """Decide about a held or a reported line."""
    return _line(
        lines.decide(
            stream_id=caller.stream_id,
            message_id=d.message,
            by_id=caller.signed_in(),
            show=d.verdict == "show",
            rule=d.rule or "",
            reason=d.reason,
            now=now,
        )
    )


def chat_pin(caller: Caller, d: up.ChatPin, *, key: UUID | None, now: datetime) -> Reply:
    """Keep a line above the chat."""
    return _line(
        mode.pin(stream_id=caller.stream_id, message_id=d.message, by_id=caller.signed_in(), now=now)
    )


def chat_unpin(caller: Caller, d: up.ChatUnpin, *, key: UUID | None, now: datetime) -> Reply:
    """Take the line above the chat away."""
    mode.unpin(stream_id=caller.stream_id, by_id=caller.signed_in(), now=now)
    return {}


def chat_mode(caller: Caller, d: up.ChatMode, *, key: UUID | None, now: datetime) -> Reply:
    """Change the rules of the chat."""
    stream = mode.change(
        stream_id=caller.stream_id,
        by_id=caller.signed_in(),
        slow_s=d.slow_s,
        followers_only=d.followers_only,
        now=now,
    )
    return mode.body(stream)


def question_answer(caller: Caller, d: up.QuestionAnswer, *, key: UUID | None, now: datetime) -> Reply:
    """Mark a question as answered."""
    question = questions.answer(
        stream_id=caller.stream_id,
        question_id=d.question,
        by_id=caller.signed_in(),
        answered=d.answered,
        now=now,
    )
    return {"id": str(question.pk), **bodies.question(question)}


def user_mute(caller: Caller, d: up.UserMute, *, key: UUID | None, now: datetime) -> Reply:
    """Mute a user for a while."""
    restraint = restraints.mute(
        stream_id=caller.stream_id,
        user_id=d.user,
        by_id=caller.signed_in(),
        seconds=d.seconds,
        rule=d.rule,
        reason=d.reason,
        now=now,
    )
    return _restrained(restraint)


def user_ban(caller: Caller, d: up.UserBan, *, key: UUID | None, now: datetime) -> Reply:
    """Ban a user from the show."""
    restraint = restraints.ban(
        stream_id=caller.stream_id,
        user_id=d.user,
        by_id=caller.signed_in(),
        seconds=d.seconds,
        rule=d.rule,
        reason=d.reason,
        now=now,
    )
    return _restrained(restraint)


def user_pardon(caller: Caller, d: up.UserPardon, *, key: UUID | None, now: datetime) -> Reply:
    """Lift a mute or a ban."""
    lifted = restraints.pardon(
        stream_id=caller.stream_id,
        user_id=d.user,
        by_id=caller.signed_in(),
        kind=d.kind,
        reason=d.reason,
        now=now,
    )
    return {"lifted": sorted(each.kind for each in lifted)}


def host_follow(caller: Caller, d: up.HostFollow, *, key: UUID | None, now: datetime) -> Reply:
    """Follow the host."""
    follows.follow(stream_id=caller.stream_id, user_id=caller.signed_in(), now=now)
    return {"follows": True}


def host_unfollow(caller: Caller, d: up.HostUnfollow, *, key: UUID | None, now: datetime) -> Reply:
    """Follow the host no longer."""
    follows.unfollow(stream_id=caller.stream_id, user_id=caller.signed_in())
    return {"follows": False}


def coupon_claim(caller: Caller, d: ClaimCoupon, *, key: UUID | None, now: datetime) -> Reply:
    """Claim a coupon."""
    claimed = coupons.claim(
        stream_id=caller.stream_id, user_id=caller.signed_in(), coupon_id=d.coupon, now=now
    )
    return coupons.claim_body(claimed)


def _said(said: chat.Said) -> Reply:
    return {
        "id": str(said.message.id),
        "at": bodies.unix_ms(said.message.at),
        "held": said.held,
        "replayed": said.replayed,
    }


def _line(message: ChatMessage) -> Reply:
    return {"id": str(message.id), "status": message.status}


def _restrained(restraint: Restraint) -> Reply:
    return {
        "id": str(restraint.id),
        "kind": restraint.kind,
        "until": bodies.unix_ms(restraint.until) if restraint.until else None,
        "decision": str(restraint.decision_id),
    }
