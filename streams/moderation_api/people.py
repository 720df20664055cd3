"""Doors to the people of a show: moderators, mutes and bans, followers; and to the host's list of words."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from streams import follows
from streams.models import Follow, Restraint, Right
from streams.moderation import desk, moderators, restraints, words
from streams.moderation_api import edge, narrowing, render, shapes

TAG = ["Moderation"]


class ModeratorsView(edge.View):
    """The moderators of a show."""

    @extend_schema(tags=TAG, operation_id="moderator_list", responses=shapes.ModeratorsSerializer)
    def get(self, request: Request, stream_id: UUID) -> Response:
        """List the show's moderators with their rights."""
        self.keeping(stream_id)
        found = {"moderators": [render.moderator(each) for each in moderators.of_show(stream_id=stream_id)]}
        return Response(shapes.ModeratorsSerializer(found).data)

    @extend_schema(
        tags=TAG,
        operation_id="moderator_appoint",
        request=shapes.AppointSerializer,
        responses=shapes.ModeratorSerializer,
    )
    def put(self, request: Request, stream_id: UUID) -> Response:
        """Make a user a moderator with these rights, or change a moderator's rights. For the host."""
        sent = self.read(shapes.AppointSerializer)
        made = moderators.appoint(
            stream_id=stream_id,
            by_id=self.user.id,
            rights=sent["rights"],
            user_id=sent.get("user"),
            email=sent.get("email"),
            now=timezone.now(),
        )
        return Response(shapes.ModeratorSerializer(render.moderator(made)).data)


class ModeratorView(edge.View):
    """One moderator."""

    @extend_schema(tags=TAG, operation_id="moderator_dismiss", request=None, responses={204: None})
    def delete(self, request: Request, stream_id: UUID, user_id: UUID) -> Response:
        """Take a moderator's rights away. For the host."""
        moderators.dismiss(stream_id=stream_id, by_id=self.user.id, user_id=user_id, now=timezone.now())
        return Response(status=204)


class RestraintsView(edge.PagedView):
    """Mutes and bans of a show."""

    queryset = Restraint.objects.none()
    serializer_class = shapes.RestraintSerializer
    filterset_class = narrowing.RestraintFilter

    @staticmethod
    def show(row: Restraint) -> dict[str, Any]:
        """Render a restraint as it stands now."""
        return render.restraint(row, now=timezone.now())

    def get_queryset(self) -> QuerySet[Restraint]:
        """Return the show's mutes and bans."""
        return desk.restraints(stream_id=self.kwargs["stream_id"])

    @extend_schema(tags=TAG, operation_id="restraint_list", responses=shapes.RestraintSerializer(many=True))
    def get(self, request: Request, stream_id: UUID) -> Response:
        """List who is or was muted or banned. Needs `mute` or `ban`."""
        self.keeping(stream_id, Right.MUTE, Right.BAN)
        return self.page(request)

    @extend_schema(
        tags=TAG,
        operation_id="restraint_set",
        request=shapes.RestrainSerializer,
        responses=shapes.RestraintSerializer,
    )
    def post(self, request: Request, stream_id: UUID) -> Response:
        """Mute or ban a user, in place of what there was of the same kind. Needs `mute` or `ban`."""
        sent = self.read(shapes.RestrainSerializer)
        kind, who = sent.pop("kind"), sent.pop("user")
        verb = restraints.mute if kind == Restraint.Kind.MUTE else restraints.ban
        made = verb(stream_id=stream_id, user_id=who, by_id=self.user.id, now=timezone.now(), **sent)
        return Response(shapes.RestraintSerializer(self.show(made)).data)


class PardonView(edge.View):
    """Letting in or speak again."""

    @extend_schema(
        tags=TAG, operation_id="restraint_lift", request=shapes.PardonSerializer, responses={204: None}
    )
    def post(self, request: Request, stream_id: UUID) -> Response:
        """Lift a user's mute, ban or both. Needs the rights to give them."""
        sent = self.read(shapes.PardonSerializer)
        restraints.pardon(
            stream_id=stream_id,
            user_id=sent["user"],
            by_id=self.user.id,
            kind=sent.get("kind"),
            reason=sent["reason"],
            now=timezone.now(),
        )
        return Response(status=204)


class FollowersView(edge.PagedView):
    """Who follows the host."""

    queryset = Follow.objects.none()
    serializer_class = shapes.FollowerSerializer
    show = staticmethod(render.follower)

    def get_queryset(self) -> QuerySet[Follow]:
        """Return the followers of the host who asks."""
        return follows.of_host(host_id=self.host_id)

    @extend_schema(tags=TAG, operation_id="follower_list", responses=shapes.FollowerSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the followers of the host who asks, the latest first."""
        return self.page(request)


class WordsView(edge.View):
    """The host's own list of words."""

    @extend_schema(tags=TAG, operation_id="word_list", responses=shapes.WordsSerializer)
    def get(self, request: Request) -> Response:
        """List the words whose lines are held in all shows of the host who asks."""
        found = {"words": [render.word(each) for each in words.of_host(self.host_id)]}
        return Response(shapes.WordsSerializer(found).data)

    @extend_schema(
        tags=TAG, operation_id="word_add", request=shapes.NewWordSerializer, responses=shapes.WordSerializer
    )
    def post(self, request: Request) -> Response:
        """Put a word or phrase on the host's list; one that means the same is there once."""
        sent = self.read(shapes.NewWordSerializer)
        added = words.add(host_id=self.host_id, text=sent["text"], by_id=self.user.id, now=timezone.now())
        return Response(shapes.WordSerializer(render.word(added)).data)


class WordView(edge.View):
    """One word of the host's list."""

    @extend_schema(tags=TAG, operation_id="word_drop", request=None, responses={204: None})
    def delete(self, request: Request, word_id: UUID) -> Response:
        """Take a word off the host's list."""
        words.drop(host_id=self.host_id, word_id=word_id)
        return Response(status=204)
