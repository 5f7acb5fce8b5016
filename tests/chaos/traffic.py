"""The people outside: they send, send again when nobody answers, read the warnings, confirm, ask again; and write down
what they were told. Nothing else is ever held against the system.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.chaos.orders import Case
from tests.support.stack import partner_key, token

TERMINAL = frozenset({"completed", "rejected", "failed"})
_ANSWER_WITHIN = 6.0
_WAIT_HEADER = "wait=3"
_LOOK_AFTER, _LOOK_AT_MOST_AFTER = 0.3, 2.0
_OFTEN_REPEATED = 0.15
_PEOPLE = 64
"""So many requests at once, at most."""


@dataclass
class Submission:
    """One case, and everything that was said about it."""

    case: Case
    order_ids: set[str] = field(default_factory=set)
    unanswered: int = 0
    """Posts without an answer: each may have made an order, or not."""
    first_answer: tuple[int, bytes] | None = None
    seen: list[str] = field(default_factory=list)
    """The statuses that GET has shown, each change once."""
    strange: list[str] = field(default_factory=list)
    """Answers that nobody should ever get."""
    at_rest: bool = False


@dataclass
class Traffic:
    """`intakes`: the addresses of intake's replicas. Who gets no answer at one asks the other."""

    intakes: tuple[str, ...]
    seed: int
    submissions: list[Submission] = field(default_factory=list)
    away: list[float] = field(default_factory=list)
    """When somebody was told 503, on the monotonic clock."""
    _clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict)
    _at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PEOPLE))

    # ── what becomes of one story ──────────────────────────────────────────────────────────────────────────────

    async def play(self, cases: tuple[Case, ...]) -> None:
        """From the first post until every case of the story has come to rest."""
        submissions = [Submission(case) for case in cases]
        self.submissions += submissions
        if cases[0].story == "equal at once":
            await asyncio.gather(*(self._play_one(submission) for submission in submissions))
        else:
            for submission in submissions:
                await self._play_one(submission)

    async def _play_one(self, submission: Submission) -> None:
        case = submission.case
        match case.story:
            case "web without a key":
                await self._submit_once(submission)
            case "one key at once":
                await asyncio.gather(*(self._submit(submission) for _ in range(4)))
            case "web waiting":
                await self._submit(submission, {"Prefer": _WAIT_HEADER})
            case _:
                await self._submit(submission)
        for order_id in submission.order_ids:
            await self._until_at_rest(submission, order_id)
        if case.key and random.Random(f"{self.seed} again {case.number}").random() < _OFTEN_REPEATED:
            await self._submit(submission)
        submission.at_rest = True

    async def _submit_once(self, submission: Submission) -> None:
        post = submission.case.post
        answer = await self._ask(
            "POST", post.path, post.caller, submission, content=post.body, content_type=post.content_type
        )
        if answer is None:
            submission.unanswered += 1
        else:
            _note(submission, answer)

    async def _submit(self, submission: Submission, headers: dict[str, str] | None = None) -> None:
        """Until there is an answer: that is what the key is for."""
        case, post = submission.case, submission.case.post
        headers = {"Idempotency-Key": case.key or "", **(headers or {})}
        answer = await self._insist(
            "POST",
            post.path,
            post.caller,
            submission,
            content=post.body,
            content_type=post.content_type,
            headers=headers,
        )
        _note(submission, answer)

    async def _until_at_rest(self, submission: Submission, order_id: str) -> None:
        pause = _LOOK_AFTER
        while True:
            shown = await self._insist("GET", f"/api/orders/{order_id}", "assistant", submission)
            status = shown.json().get("status") if shown.status_code == 200 else f"GET answered {shown.status_code}"
            if submission.seen[-1:] != [status]:
                submission.seen.append(status)
                pause = _LOOK_AFTER
            if status == "needs_confirmation" and submission.case.expected == "completed":
                await self._push(submission, f"/api/orders/{order_id}/confirm", "assistant")
            elif status == "failed":
                await self._push(submission, f"/api/orders/{order_id}/retry", "pharmacist")
            elif status in TERMINAL or status == "needs_confirmation" or shown.status_code == 404:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LOOK_AT_MOST_AFTER)

    async def _push(self, submission: Submission, path: str, caller: str) -> None:
        key = f"{submission.case.number} {path} {len(submission.seen)}"
        answer = await self._insist("POST", path, caller, submission, headers={"Idempotency-Key": key})
        if answer.status_code not in (202, 409):
            submission.strange.append(f"POST {path} answered {answer.status_code}")

    # ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _insist(
        self, method: str, path: str, caller: str, submission: Submission, **more: Any
    ) -> httpx2.Response:
        while True:
            answer = await self._ask(method, path, caller, submission, **more)
            if answer is not None:
                return answer
            await asyncio.sleep(random.uniform(0.3, 1.0))

    async def _ask(
        self,
        method: str,
        path: str,
        caller: str,
        submission: Submission,
        *,
        content: bytes = b"",
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response | None:
        """None where nobody answered, or only that the system is away."""
        url = random.choice(self.intakes)
        said = {"Authorization": f"Bearer {_credentials(caller)}", "Content-Type": content_type, **(headers or {})}
        try:
            async with self._at_once:
                answer = await self._client(url).request(method, path, content=content, headers=said)
        except httpx2.TransportError:
            return None
        if answer.status_code < 500:
            return answer
        if answer.status_code == 503 and "retry-after" in answer.headers:
            self.away.append(time.monotonic())
        else:
            submission.strange.append(f"{method} {path} answered {answer.status_code}")
        return None

    def _client(self, url: str) -> httpx2.AsyncClient:
        if url not in self._clients:
            self._clients[url] = httpx2.AsyncClient(base_url=url, timeout=_ANSWER_WITHIN)
        return self._clients[url]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    def orders(self) -> Iterator[tuple[Submission, str]]:
        for submission in self.submissions:
            for order_id in submission.order_ids:
                yield submission, order_id


def _note(submission: Submission, answer: httpx2.Response) -> None:
    """What was answered to a post: an order, or that its form is wrong; with a key, the same every time."""
    said = (answer.status_code, answer.content)
    if answer.status_code in (202, 409):
        body = answer.json()
        submission.order_ids.add(body.get("order_id") or body["detail"]["order_id"])
    elif not (answer.status_code == 400 and submission.case.expected == "refused"):
        submission.strange.append(f"POST answered {answer.status_code}: {answer.text[:200]}")
    if submission.first_answer is None:
        submission.first_answer = said
    elif submission.first_answer != said:
        submission.strange.append(
            f"the same key was answered {submission.first_answer[0]} first and {answer.status_code} then"
        )


_KNOWN: dict[str, str] = {}


def _credentials(caller: str) -> str:
    if caller not in _KNOWN:
        staff = caller in ("assistant", "pharmacist", "analyst", "admin")
        _KNOWN[caller] = token(caller) if staff else partner_key(caller)
    return _KNOWN[caller]
