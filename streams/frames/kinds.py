"""Every frame there is: its type, the shape of its body, and how it is delivered."""

from dataclasses import dataclass
from typing import Literal

from streams.frames import buying, coupons, down, drops, show, talk, up
from streams.frames.base import Body, Told

Class = Literal["connection", "must", "state", "best-effort"]


@dataclass(frozen=True, slots=True)
class Down:
    """A frame that the server sends."""

    t: str
    body: type[Told]
    cls: Class
    summary: str
    lane: Literal["s", "u"] | None = None


@dataclass(frozen=True, slots=True)
class Up:
    """A frame that clients send and the room itself answers; other commands are looked up in a table."""

    t: str
    body: type[Body]
    summary: str
    reply: type[Told] | None
    numbered: bool = True  # carries `id`, so that the reply can name it


DOWN: dict[str, Down] = {
    kind.t: kind
    for kind in (
        Down("welcome", down.Welcome, "connection", "Answer to hello."),
        Down(
            "snapshot",
            down.Snapshot,
            "connection",
            "The whole state, at the place in the envelope.",
        ),
        Down("reply", down.Nothing, "connection", "A command was carried out; its body depends on it."),
        Down("error", down.Error, "connection", "A command was refused, or a frame was not understood."),
        Down("reconnect", down.Reconnect, "connection", "The server is going away; come back."),
        Down("auth.expiring", down.AuthExpiring, "connection", "Send auth.refresh, or be disconnected then."),
        Down("resync", down.Lost, "connection", "Continuity was lost; a snapshot follows."),
        Down("stream.status", show.StreamStatus, "must", "The show began, ended or was cancelled.", "s"),
        Down("stream.cohosts", show.StreamCohosts, "must", "Others host the show with its host now.", "s"),
        Down("product.pinned", show.Item, "must", "The host explains this item now.", "s"),
        Down("product.unpinned", show.Unpinned, "must", "No item is pinned.", "s"),
        Down("product.changed", show.Item, "must", "An item of the list has other prices now.", "s"),
        Down("showcase.changed", show.Showcase, "must", "The whole list of the show, in order.", "s"),
        Down("offer.announced", show.OfferBody, "must", "An offer opens at a moment ahead.", "s"),
        Down("offer.started", show.OfferBody, "must", "An offer opened.", "s"),
        Down("offer.updated", show.OfferBody, "must", "An offer's terms or end changed.", "s"),
        Down("offer.ended", show.OfferEnded, "must", "An offer closed.", "s"),
        Down("coupon.opened", coupons.CouponBody, "must", "A coupon may be claimed.", "s"),
        Down("coupon.ended", coupons.CouponEnded, "must", "A coupon is over, also where claimed.", "s"),
        Down("stock.sold_out", show.SoldOut, "must", "The last unit was promised.", "s"),
        Down("chat.removed", talk.ChatRemoved, "must", "A line was taken down.", "s"),
        Down("chat.restored", talk.ChatMessage, "must", "A line stands that was held or taken down.", "s"),
        Down("chat.mode", talk.ChatMode, "must", "The rules of the chat changed.", "s"),
        Down("chat.pinned", talk.ChatMessage, "must", "This line stays above the chat.", "s"),
        Down("chat.unpinned", talk.ChatUnpinned, "must", "No line stays above the chat.", "s"),
        Down("question.answered", talk.QuestionAnswered, "must", "A question was answered, or not yet.", "s"),
        Down("me.updated", down.Me, "must", "Who one is here now; comes when lane u is told anew.", "u"),
        Down("cart.updated", buying.Cart, "must", "The shopper's cart, on all of her connections.", "u"),
        Down("cart.hold_expiring", buying.HoldExpiring, "must", "Goods in the cart go back soon.", "u"),
        Down("order.updated", buying.Purchase, "must", "What became of a purchase.", "u"),
        Down(
            "payment.waiting",
            buying.PaymentWaiting,
            "must",
            "A purchase's place in line to be charged.",
            "u",
        ),
        Down(
            "payment.action_required",
            buying.ActionRequired,
            "must",
            "The buyer has to confirm.",
            "u",
        ),
        Down("waitlist.joined", drops.Place, "must", "One stands in a line.", "u"),
        Down("waitlist.left", drops.Place, "must", "One left a line.", "u"),
        Down("waitlist.turn", drops.Place, "must", "It is one's turn: units are held until then.", "u"),
        Down("waitlist.lapsed", drops.Lapsed, "must", "A turn, or the waiting, is over.", "u"),
        Down("waitlist.updated", drops.Places, "must", "All of one's lines, when lane u is told anew.", "u"),
        Down("waitingroom.drawn", drops.RoomDrawn, "must", "One's number in the waiting room.", "u"),
        Down("waitingroom.admitted", drops.RoomAdmitted, "must", "One may buy until then.", "u"),
        Down("coupon.claimed", coupons.CouponClaim, "must", "A coupon of one's own, and its use.", "u"),
        Down("chat.held", talk.LineDecision, "must", "A line of one's own waits for a human.", "u"),
        Down("chat.decided", talk.LineDecision, "must", "What became of a line of one's own.", "u"),
        Down("user.restrained", talk.Restraint, "must", "One was muted or banned, until when and why.", "u"),
        Down("user.pardoned", talk.Restraint, "must", "A mute or ban was lifted.", "u"),
        Down("user.rights", talk.Rights, "must", "What one may do in a show changed.", "u"),
        Down("appeal.decided", talk.AppealDecided, "must", "What came of an appeal.", "u"),
        Down("moderation.waiting", talk.Waiting, "must", "How much waits for those who keep order.", "u"),
        Down("stock.changed", show.StockLeft, "state", "Units left of a variant."),
        Down("offer.progress", show.OfferProgress, "state", "Units left of an offer."),
        Down("waitlist.line", drops.Line, "state", "How long a line is, and which number is next."),
        Down("waitingroom.moved", drops.RoomMoved, "state", "Who of a waiting room may buy by now."),
        Down("coupon.updated", coupons.CouponLeft, "state", "How many may still claim a coupon."),
        Down("viewers.count", show.Viewers, "state", "How many watch."),
        Down("reaction.count", show.Reactions, "state", "How many reactions there were."),
        Down("chat.message", talk.ChatMessage, "best-effort", "A line of chat."),
        Down("chat.gap", talk.ChatGap, "best-effort", "Lines of chat that this connection missed."),
        Down("ping", down.Ping, "connection", "After heartbeat_ms of silence; answer with pong."),
    )
}

UP: dict[str, Up] = {
    kind.t: kind
    for kind in (
        Up("hello", up.Hello, "First frame: who is there, and where she was.", down.Welcome),
        Up("auth.refresh", up.AuthRefresh, "Stay beyond expires_at.", down.Renewed),
        Up("pong", up.Pong, "Answer to ping.", None, numbered=False),
        Up("time.sync", up.TimeSync, "Compare clocks.", down.Clock),
        Up("resync", up.Resync, "Ask for a snapshot; it follows the reply.", down.Nothing),
        Up("reaction.send", up.ReactionSend, "React to what is shown.", None, numbered=False),
    )
}
