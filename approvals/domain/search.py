"""Full-text search in approvals. Pure."""

from __future__ import annotations

from approvals.domain.facts import action, author_facts
from approvals.domain.model import Approval


def has_words(approval: Approval, words: str) -> bool:
    """Return True if the approval's ID, request, requester or workflow has all the words, in any case and order."""
    request, workflow = approval.request, approval.workflow
    texts = [
        approval.id,
        approval.title,
        request.details or "",
        request.requested_by or "",
        *(part for fact in author_facts(request) for part in fact),
        *(part for row in action(request) for part in row),
        workflow.execution_name,
        workflow.state_machine_name,
    ]
    searched = "\n".join(texts).casefold()
    return all(word in searched for word in words.casefold().split())
