"""The words of everything that people read, docstrings and comments included: a list of replaced words with reasons.

This is a list, not a style engine. Each word was in an earlier version as one of two terms for one thing, or as a
riddle. The replacement is the term of the product, in documentation, code, emails, pages, Slack and the command line.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.process import ROOT


@dataclass(frozen=True)
class Word:
    """A word that no text may have: its pattern, the words to use instead, and the reason."""

    name: str
    pattern: str
    instead: str
    reason: str


RIDDLE = "a pronoun hides who acts: name the person or the thing"
WORDS = (
    Word("somebody", r"somebody\b", "the person: approver, requester, user, caller", RIDDLE),
    Word("anybody", r"anybody\b", "anyone", "one spelling"),
    Word("everybody", r"everybody\b", "everyone, all approvers", "one spelling"),
    Word("whoever", r"who(so)?(m)?ever\b", "anyone who, the person who", RIDDLE),
    Word("who asked", r"who ask(s|ed)\b", "the requester", "glossary: requester"),
    Word("who is who", r"who is who\b", "identities", "the field's word"),
    Word("what is", r"what is\b(?! wrong)", "the noun that it stands for", RIDDLE),
    Word("so many", r"so many\b", "the number", RIDDLE),
    Word("of ours", r"of (ours|theirs)\b", "the product's, the author's", RIDDLE),
    Word("anew", r"anew\b", "again", "not a word of plain English"),
    Word("mend", r"mend(s|ed|ing)?\b", "fix", "glossary: fix"),
    Word("mail", r"(?<![/.`\"'-])\bmails?\b(?![/.`\"'(_])", "email", "glossary: email, countable; mail/ is the folder"),
    Word("call off", r"call(s|ed|ing)?( it| them)? off\b", "cancel", "glossary: cancel"),
    Word("whisper", r"whisper", "ephemeral message", "Slack's word"),
    Word("note", r"(private|ephemeral) notes?\b", "ephemeral message", "Slack's word"),
    Word("tick", r"ticks?\b(?! the box)", "scheduler run", "glossary: scheduler"),
    Word("the clock", r"the clock\b", "the scheduler", "glossary: scheduler"),
    Word("is there already", r"(is|are) there already\b", "duplicate", "glossary: duplicate"),
    Word("more time", r"more time\b", "extension, extend the deadline", "glossary: extend"),
    Word("may answer", r"may (not )?answer\b", "can respond", "glossary: respond; an answer is for a form field"),
    Word("counts", r"counts? as (rejected|approved|an? (rejection|approval))|(response|answer|click)s? counts?\b",
         "is recorded, is valid", "one set of outcome words: recorded, not recorded, withdrawn"),
    Word("stands", r"(decision|response|answer|outcome) stands\b", "is final, is recorded", "the same"),
    Word("taken", r"(answer|response|click)s? (is|was|are|were|be)? ?(not )?taken\b", "recorded", "the same"),
    Word("take back", r"t(ake|akes|ook|aken|aking)( \w+){0,3} back\b", "withdraw", "glossary: withdraw"),
    Word("in vain", r"in vain\b", "the workflow had already ended", "COPY: say what happened"),
)  # fmt: skip

CONTRACT = {
    "text, mend": "a key of the doctor's JSON",
    "### clock": "a check of the doctor",
    "mail[": "the package in the picture of the architecture",
    "<b>mail</b>": "the same",
    "--> mail": "the same",
    "mail -->": "the same",
    "bot handlers iam mail web": "the packages that are deployed",
    "Mails:": "a logical id of the template",
    "EVERYBODY": "a constant of the tests",
    "ADD mails :one": "a stored attribute of the rate limit",
    "(mails) OR mails <": "the same",
    "mail server": "a server that delivers emails",
    "Need more time?": "the question in COPY before the extension",
}
"""Texts that keep a word, and why: names of the public contract, and the word in another sense."""

PAGES = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "llms.txt",
    "docs",
    "examples",
    "bench",
    "action.yml",
)
CHECKED = (
    *PAGES,
    *("approvals", "bot", "cli", "demo", "handlers", "iam", "layer/trim.py", "mail", "web"),
    *("scripts", "statemachine", "template.yaml", "samconfig.toml", "Makefile", ".github", "tests/__main__.py"),
)
"""Everything that people read, but for the tests of the product."""
SUFFIXES = {".md", ".txt", ".yaml", ".yml", ".json", ".py", ".sh", ".tf", ".html", ""}


def files(name: str) -> list[Path]:
    """Return the text files of a folder, or the file itself."""
    path = ROOT / name
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [each for each in found if each.is_file() and each.suffix in SUFFIXES and "__pycache__" not in each.parts]


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts of a file with their lines: all of it, or a Python file's comments and strings with a blank."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield 1, source
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            yield node.lineno, node.value


def found(text: str) -> Iterator[tuple[int, Word, str]]:
    """Yield each listed word in a text: its line from 0, the word, and what is written."""
    for kept in CONTRACT:
        text = text.replace(kept, "\0" * len(kept))
    for word in WORDS:
        for match in re.finditer(rf"\b(?:{word.pattern})", text, re.IGNORECASE):
            yield text[: match.start()].count("\n"), word, text[max(0, match.start() - 40) : match.end() + 30]


@pytest.mark.parametrize("name", CHECKED)
def test_no_text_has_a_word_of_the_list(name: str) -> None:
    problems = [
        f"{path.relative_to(ROOT)}:{line + offset}: {written!r}: use {word.instead} ({word.reason})"
        for path in files(name)
        for line, text in texts(path)
        for offset, word, written in found(text)
    ]
    assert not problems, "\n".join(problems)


SENTENCES = {
    "somebody": "Somebody else must respond.",
    "anybody": "Anybody in the channel can respond.",
    "everybody": "The deadline moves for everybody.",
    "whoever": "Send it to whoever runs the stack.",
    "who asked": "Tell who asked.",
    "who is who": "Slack is asked who is who.",
    "what is": "Say what is left out.",
    "so many": "Show so many at most.",
    "of ours": "A bug of ours.",
    "anew": "Judge it anew.",
    "mend": "Please mend this first.",
    "mail": "A mail arrives.",
    "call off": "It was called off.",
    "whisper": "Whisper to the user.",
    "note": "A late click gets a private note.",
    "tick": "The next tick expires it.",
    "the clock": "The clock expires it.",
    "is there already": "Version is there already.",
    "more time": "Ask for more time.",
    "may answer": "Only Ann may answer.",
    "counts": "Your response counts.",
    "stands": "The decision stands.",
    "taken": "Your answer was not taken.",
    "take back": "Take it back first.",
    "in vain": "The response was in vain.",
}


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.name)
def test_each_word_of_the_list_is_found_in_a_sentence(word: Word) -> None:
    assert [each.name for _line, each, _written in found(SENTENCES[word.name])] == [word.name]


def test_allowed_senses_are_not_found() -> None:
    assert list(found("Need more time? Tick the box. The mail/ folder. An email address. Say what is wrong.")) == []
