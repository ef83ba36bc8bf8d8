"""The test as a web application, without a socket or a clock of its own.

| request            | answer                                                                                    |
|--------------------|-------------------------------------------------------------------------------------------|
| GET /              | the page, with /page.css and /page.js                                                     |
| POST /raters       | a new listener: a token in a cookie that scripts cannot read                              |
| GET /state         | what this browser's listener has to do now                                                |
| GET /audio/ID.wav  | a sound of the current step; IDs are a listener's own and tell nothing                    |
| POST /votes        | an answer; the reply, what comes next, is sent when the answer is on the disk             |

Every request is checked. What breaks a rule gets a status of 400 or above and `{"error": reason}`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dred.errors import DredError, RemoteDataError
from dred.listening.plan import Item, Plan, Role, Sound
from dred.listening.plan_file import plan_digest
from dred.listening.requests import MAX_BODY_BYTES, TOKEN_FORM, parse_vote
from dred.listening.scales import HEADPHONE_QUESTION, RATING_QUESTIONS, VOLUME_QUESTION, Question
from dred.listening.sounds import ReadSpeech, render, wav_bytes
from dred.listening.steps import make_steps
from dred.listening.votes import CurrentStep, TooManyRatersError, VoteOutOfTurnError, Votes
from dred.local_server import (
    Guard,
    RefusedError,
    data_reply,
    json_reply,
    read_body,
    tell_failure,
    tell_http_error,
    tell_refusal,
)

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
else:
    # An optional package: imported when an application is built.
    Starlette = Request = Response = Any

__all__ = ["ListeningTest", "build_app"]

_COOKIE_SECONDS = 30 * 24 * 3600
_CACHED_SOUNDS = 128
_SECONDS_PER_ANSWER = 4
_PAGES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListeningTest:
    """What the application serves, and from where it has time and chance.

    Attributes:
        plan: What is heard.
        votes: Where answers are kept.
        read_speech: From an audio key to 16 kHz speech.
        now_s: Time since any epoch that lasts beyond restarts.
        new_token: Makes 43 letters, digits, - or _ that nobody can guess.
        names: Names of this machine, beside localhost and its addresses, that raters may use.
    """

    plan: Plan
    votes: Votes
    read_speech: ReadSpeech
    now_s: Callable[[], float]
    new_token: Callable[[], str]
    names: Collection[str] = ()


def build_app(test: ListeningTest) -> Starlette:
    """Build the application."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.requests import ClientDisconnect
    from starlette.routing import Route

    handlers = _Handlers(test)
    return Starlette(
        routes=[
            *(Route(path, handlers.page, methods=["GET"]) for path in _PAGES),
            Route("/state", handlers.state, methods=["GET"]),
            Route("/audio/{name}", handlers.audio, methods=["GET"]),
            Route("/raters", handlers.start, methods=["POST"]),
            Route("/votes", handlers.vote, methods=["POST"]),
        ],
        middleware=[Middleware(Guard, names=test.names)],
        exception_handlers={
            HTTPException: tell_http_error,
            RefusedError: tell_refusal,
            ClientDisconnect: tell_failure,
            DredError: tell_failure,
            Exception: tell_failure,
        },
    )


class _Handlers:
    """The answers to requests. What waits for the disk waits in a thread."""

    def __init__(self, test: ListeningTest) -> None:
        self._test = test
        self._items = {item.name: item for item in test.plan.items}
        self._digest = plan_digest(test.plan)
        # Browsers tell hosts apart by name, not by port: two tests need two cookies.
        self._cookie = f"dred_rater_{self._digest}"
        self._wav = lru_cache(_CACHED_SOUNDS)(lambda sound: wav_bytes(render(sound, test.read_speech)))
        self._pages = {
            path: (files("dred.listening") / "pages" / name).read_bytes() for path, (name, _) in _PAGES.items()
        }

    async def page(self, request: Request) -> Response:
        path = request.scope["path"]
        return data_reply(self._pages[path], _PAGES[path][1])

    async def state(self, request: Request) -> Response:
        def find() -> Mapping[str, Any]:
            rater = self._rater(request)
            return self._welcome() if rater is None else self._current(rater)

        return json_reply(await _in_thread(find))

    async def start(self, request: Request) -> Response:
        await read_body(request, MAX_BODY_BYTES)
        test, token = self._test, self._test.new_token()

        def let_in() -> Mapping[str, Any]:
            try:
                rater = test.votes.start_rater(
                    token, test.now_s(), test.plan.num_rows, lambda row, number: make_steps(test.plan, row, number)
                )
            except TooManyRatersError as error:
                raise RefusedError(503, str(error)) from error
            return self._current(rater)

        reply = json_reply(await _in_thread(let_in))
        reply.set_cookie(self._cookie, token, max_age=_COOKIE_SECONDS, path="/", httponly=True, samesite="strict")
        return reply

    async def vote(self, request: Request) -> Response:
        body = await read_body(request, MAX_BODY_BYTES)
        return await _in_thread(lambda: self._record(request, body))

    async def audio(self, request: Request) -> Response:
        def find() -> bytes:
            rater = self._required_rater(request)
            current = self._test.votes.current_step(rater)
            sounds = dict(zip(self._addresses(rater, current), self._sounds(current))) if current else {}
            sound = sounds.get(f"/audio/{request.path_params['name']}")
            if sound is None:
                raise RefusedError(404, "there is no such sound now")
            return self._wav(sound)

        return data_reply(await _in_thread(find), "audio/wav")

    def _record(self, request: Request, body: bytes) -> Response:
        rater = self._required_rater(request)
        try:
            vote = parse_vote(body)
        except RemoteDataError as error:
            raise RefusedError(400, error.rule) from error
        steps = self._test.votes.steps(rater)
        # Whatever is next now: by the time of recording, another request may have answered the step before.
        if vote.step < len(steps):
            num_answers = len(self._question(self._items[steps[vote.step].item]).answers)
            if vote.answer > num_answers:
                raise RefusedError(400, f"answer: a whole number from 1 to {num_answers}")
        try:
            self._test.votes.record(rater, vote.step, vote.answer, vote.plays, self._test.now_s())
        except VoteOutOfTurnError as error:
            # Answered already, perhaps in another window: the page goes on where the listener is.
            return json_reply({"error": str(error), "state": self._current(rater)}, 409)
        return json_reply(self._current(rater))

    def _rater(self, request: Request) -> int | None:
        token = request.cookies.get(self._cookie, "")
        return self._test.votes.find_rater(token) if TOKEN_FORM.fullmatch(token) else None

    def _required_rater(self, request: Request) -> int:
        rater = self._rater(request)
        if rater is None:
            raise RefusedError(403, "who asks has not started")
        return rater

    def _welcome(self) -> Mapping[str, Any]:
        steps = make_steps(self._test.plan, 0, 0)
        seconds = sum(self._items[step.item].seconds + _SECONDS_PER_ANSWER for step in steps)
        return {"stage": "welcome", "method": self._test.plan.config.method, "minutes": max(1, round(seconds / 60))}

    def _current(self, rater: int) -> Mapping[str, Any]:
        current = self._test.votes.current_step(rater)
        if current is None:
            return {"stage": "done", "rater": rater + 1}
        item = self._items[current.step.item]
        stages = [_stage(self._items[step.item]) for step in self._test.votes.steps(rater)]
        stage, question = _stage(item), self._question(item)
        return {
            "stage": stage,
            "method": self._test.plan.config.method,
            "step": current.number,
            "place": stages[: current.number].count(stage) + 1,
            "places": stages.count(stage),
            "done": current.number / len(stages),
            "audio": self._addresses(rater, current),
            "question": question.text,
            "answers": question.answers,
            "best_first": question.best_first,
        }

    def _question(self, item: Item) -> Question:
        if item.role is Role.VOLUME:
            return VOLUME_QUESTION
        if item.role is Role.HEADPHONES:
            return HEADPHONE_QUESTION
        return RATING_QUESTIONS[self._test.plan.config.method]

    def _sounds(self, current: CurrentStep) -> tuple[Sound, ...]:
        sounds = self._items[current.step.item].sounds
        return sounds[::-1] if current.step.swapped else sounds

    def _addresses(self, rater: int, current: CurrentStep) -> list[str]:
        """Name the sounds of a step so that names tell nothing about them, nor that two listeners hear the same."""
        places = range(len(self._sounds(current)))
        names = [sha256(f"{self._digest} {rater} {current.number} {place}".encode()).hexdigest() for place in places]
        return [f"/audio/{name}.wav" for name in names]


async def _in_thread(function: Callable[[], Any]) -> Any:
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(function)


def _stage(item: Item) -> str:
    """Name what a listener may know of an item: a trap looks like any other."""
    return Role.RATED.value if item.role is Role.TRAP else item.role.value
