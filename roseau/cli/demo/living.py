"""Living through the demo: each moment somebody posts, answers, boosts, asks, or writes to a friend."""

from collections.abc import Callable
from itertools import accumulate

from roseau.cli.demo.community import Community, Post
from roseau.cli.demo.gallery import Gallery
from roseau.cli.demo.people import OWNER
from roseau.cli.demo.speaking import WORDINGS, fill, pick_theme, say_something
from roseau.cli.demo.wording import Question, Wording
from roseau.kernel import clock
from roseau.kernel.text import plain
from roseau.kernel.text.parsed import ResolvedMention
from roseau.kernel.text.searching import normalise_hashtag, words

#: An answer or a boost is to something of about so many posts ago, and never of more than the second number.
NEARNESS, FARTHEST = 60, 2_000
MOST_FAVOURITES = 80
LONGEST_ANSWER_TIME = 2 * clock.DAY


class Life:
    """What happens in a community, moment by moment."""

    def __init__(self, community: Community, gallery: Gallery) -> None:
        self.community = community
        self.gallery = gallery
        self.rng = community.rng
        #: What can be answered and boosted by anyone, in order.
        self.open: list[Post] = []
        self.latest: dict[int, Post] = {}
        self.boosted: set[tuple[int, int]] = set()
        #: Private conversations: the last post of each, and whom it was to.
        self.whispers: dict[int, tuple[Post, int]] = {}

    def live(self, count: int, report: Callable[[int, int], None]) -> None:
        """Live through `count` moments."""
        people = self.community.people
        weights = list(accumulate(person.activity for person in people))
        authors = self.rng.choices(range(len(people)), cum_weights=weights, k=count)
        for done, at in enumerate(self.community.list_moments(count)):
            self.act(authors[done], at)
            if done % 500 == 0:
                report(done, count)
        self._close_whispers()

    def act(self, author: int, at: int) -> None:
        """One moment of one person."""
        chance = self.rng.random()
        wording = WORDINGS[self.community.people[author].language]
        if chance < 0.16 and self._boost(author, at):
            return
        if chance < 0.42 and self._answer(author, at):
            return
        if chance < 0.46 and self._go_on(author, at, wording):
            return
        if chance < 0.48 and self._whisper(author, at):
            return
        if chance < 0.51:
            self._post(
                author, at, fill(self.rng, wording, self.rng.choice(wording.asides)), visibility="private"
            )
        elif chance < 0.53:
            self._ask(author, at, wording)
        elif chance < 0.55:
            warning, text = self.rng.choice(wording.warned)
            self._post(author, at, fill(self.rng, wording, text), warning=warning)
        else:
            self._tell(author, at, wording)

    # Kinds of posts

    def _tell(self, author: int, at: int, wording: Wording) -> None:
        theme = pick_theme(self.rng, wording, self.community.people[author].theme)
        text = say_something(self.rng, wording, theme)
        visibility = "unlisted" if self.rng.random() < 0.12 else "public"
        post = self._post(author, at, text, visibility=visibility, local_only=self.rng.random() < 0.02)
        if self.rng.random() < 0.16:
            self._show(post, wording)

    def _ask(self, author: int, at: int, wording: Wording) -> None:
        question = self.rng.choice(wording.questions)
        options = " ".join(question.options)
        post = self._post(author, at, fill(self.rng, wording, question.text), also_found_by=options)
        self._vote(post, question)

    def _go_on(self, author: int, at: int, wording: Wording) -> bool:
        before = self.latest.get(author)
        if before is None or at - before.at > LONGEST_ANSWER_TIME:
            return False
        text = fill(self.rng, wording, self.rng.choice(wording.continuations))
        self._post(author, at, text, visibility=before.visibility, parent=before)
        return True

    def _answer(self, author: int, at: int) -> bool:
        parent = self._pick(author)
        if parent is None:
            return False
        wording = WORDINGS[parent.language]
        text = fill(self.rng, wording, self.rng.choice(wording.answers))
        self._post(author, at, text, visibility=parent.visibility, parent=parent, to=parent.author)
        return True

    def _whisper(self, author: int, at: int) -> bool:
        friends = self.community.following[author]
        if not friends:
            return False
        to = 0 if author and self.rng.random() < 0.2 else self.rng.choice(friends)
        parent = None
        if self.whispers and self.rng.random() < 0.6:
            # Somebody answers what was written to them.
            parent, author = self.rng.choice(list(self.whispers.values())[-40:])
            to = parent.author
        wording = WORDINGS[self.community.people[author].language]
        text = fill(self.rng, wording, self.rng.choice(wording.private))
        post = self._post(author, at, text, visibility="direct", parent=parent, to=to)
        if post.conversation_id is not None:
            self.whispers.pop(post.conversation_id, None)
            self.whispers[post.conversation_id] = (post, to)
        return True

    def _boost(self, author: int, at: int) -> bool:
        target = self._pick(author)
        if target is None or (author, target.id) in self.boosted:
            return False
        self.boosted.add((author, target.id))
        post = Post(self.community.new_id(at), author, at, "public", target.language, reblog_of=target.id)
        self.community.posts.append(post)
        self._add_status(post, f"/statuses/{post.id}/activity")
        self.community.tell(target.author, "reblog", author, target.id, at, post.id)
        return True

    def _pick(self, author: int) -> Post | None:
        """A late public post by somebody else, more likely a very late one."""
        back = min(int(self.rng.expovariate(1 / NEARNESS)), FARTHEST)
        if back >= len(self.open):
            return None
        found = self.open[-1 - back]
        return None if found.author == author else found

    # Rows

    def _post(
        self,
        author: int,
        at: int,
        text: str,
        *,
        visibility: str = "public",
        warning: str = "",
        local_only: bool = False,
        parent: Post | None = None,
        to: int | None = None,
        also_found_by: str = "",
    ) -> Post:
        community = self.community
        language = parent.language if parent else community.people[author].language
        post = Post(community.new_id(at), author, at, visibility, language)
        if parent is None:
            post.conversation_id = post.id
            community.rows.add("conversations", id=post.id, created_at=at)
        else:
            post.conversation_id, post.parent_author = parent.conversation_id, parent.author
        if to is not None:
            text = f"@{community.people[to].username} {text}"
        parsed = plain.parse(text)
        content = plain.render(parsed, self._resolve(to), community.tag_url)
        parent_id = parent.id if parent else None
        self._add_status(post, f"/statuses/{post.id}", text, content, warning, local_only, parent_id)
        if to is not None:
            community.rows.add(
                "mentions", status_id=post.id, account_id=community.people[to].id, silent=False
            )
            community.tell(to, "mention", author, post.id, at, post.id)
        for name in dict.fromkeys(map(normalise_hashtag, parsed.hashtags)):
            community.rows.add("status_tags", tag_id=community.tag_ids[name], status_id=post.id)
        found_by = words(f"{warning} {text} {also_found_by}")
        community.rows.add("status_search", id=post.id, words=" ".join(dict.fromkeys(found_by)))
        community.posts.append(post)
        if visibility != "direct":
            self._please(post)
        if visibility in ("public", "unlisted") and not local_only:
            self.open.append(post)
            self.latest[author] = post
        return post

    def _resolve(self, to: int | None) -> dict[str, ResolvedMention]:
        if to is None:
            return {}
        name = self.community.people[to].username
        return {name: ResolvedMention(f"{self.community.base_url}/@{name}", name, name)}

    def _add_status(
        self,
        post: Post,
        path: str,
        text: str = "",
        content: str = "",
        warning: str = "",
        local_only: bool = False,
        parent_id: int | None = None,
    ) -> None:
        people = self.community.people
        author = people[post.author]
        self.community.rows.add(
            "statuses",
            id=post.id,
            account_id=author.id,
            uri=f"{self.community.base_url}/users/{author.username}{path}",
            text=text,
            content=content,
            spoiler_text=warning,
            sensitive=bool(warning),
            language=None if post.reblog_of else post.language,
            visibility=post.visibility,
            local_only=local_only,
            in_reply_to_id=parent_id,
            in_reply_to_account_id=None if parent_id is None else people[post.parent_author].id,
            reblog_of_id=post.reblog_of or None,
            conversation_id=post.conversation_id,
            created_at=post.at,
        )

    def _show(self, post: Post, wording: Wording) -> None:
        for drawn in self.rng.sample(self.gallery.pictures, self.rng.choice((1, 1, 1, 1, 2, 3, 4))):
            self.community.rows.add(
                "media_attachments",
                id=self.community.new_id(post.at),
                account_id=self.community.people[post.author].id,
                status_id=post.id,
                kind="image",
                state="ready",
                content_type="image/jpeg",
                file=drawn.file,
                small_file=drawn.small_file,
                meta=drawn.meta,
                blurhash=drawn.blurhash,
                description=wording.pictures[drawn.scene],
                created_at=post.at,
            )

    def _please(self, post: Post) -> None:
        """Have some followers like it: mostly few, sometimes many."""
        followers = self.community.followers[post.author]
        wanted = min(int(self.rng.paretovariate(1.25)) - 1, len(followers), MOST_FAVOURITES)
        if wanted <= 0:
            return
        for number in self.rng.sample(followers, wanted):
            at = self.community.soon_after(post.at, 5 * clock.HOUR)
            reader = self.community.people[number]
            self.community.rows.add(
                "favourites",
                id=self.community.new_id(at),
                account_id=reader.id,
                status_id=post.id,
                created_at=at,
            )
            self.community.tell(post.author, "favourite", number, post.id, at)

    def _vote(self, post: Post, question: Question) -> None:
        rng, rows, people = self.rng, self.community.rows, self.community.people
        followers = self.community.followers[post.author]
        voters = rng.sample(followers, min(len(followers), rng.randrange(3, 40)))
        poll_id = self.community.new_id(post.at)
        votes = [0] * len(question.options)
        expires_at = post.at + rng.choice((1, 2, 3, 7)) * clock.DAY
        cast: list[tuple[int, int]] = []
        for voter in voters:
            places = rng.sample(range(len(votes)), 2) if question.multiple else [rng.randrange(len(votes))]
            for place in places:
                votes[place] += 1
                cast.append((people[voter].id, place))
        rows.add(
            "polls",
            id=poll_id,
            status_id=post.id,
            account_id=people[post.author].id,
            multiple=question.multiple,
            votes_count=sum(votes),
            voters_count=len(voters),
            expires_at=expires_at,
            closed_at=expires_at if expires_at < self.community.until else None,
        )
        for place, title in enumerate(question.options):
            rows.add("poll_options", poll_id=poll_id, position=place, title=title, votes_count=votes[place])
        for account_id, place in cast:
            rows.add(
                "poll_votes",
                poll_id=poll_id,
                account_id=account_id,
                position=place,
                created_at=post.at + clock.HOUR,
            )

    def _close_whispers(self) -> None:
        """Lay each private conversation before both who are in it."""
        people = self.community.people
        for conversation_id, (post, to) in self.whispers.items():
            for reader, other in ((post.author, to), (to, post.author)):
                self.community.rows.add(
                    "account_conversations",
                    id=self.community.new_id(post.at),
                    account_id=people[reader].id,
                    conversation_id=conversation_id,
                    participant_ids=f"[{people[other].id}]",
                    last_status_id=post.id,
                    unread=reader == to and people[reader].username == OWNER,
                )
