"""The check of the address that links in emails lead to."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from urllib3.exceptions import HTTPError

from cli.context import Context
from cli.doctor.findings import Check, Finding, fault, ok
from cli.doctor.fixes import deploy

_PAGE_HEADER = "X-Robots-Tag"
"""A header that every page of the product has, and API Gateway's own errors do not."""


def check_links(context: Context) -> Iterator[Finding]:
    """Check that a link without a signature gets the product's error page."""
    api, public = context.output("ApiGatewayInvokeURL"), context.parameters.get("PublicUrl", "")
    base, fix = api, deploy(context)
    if public:
        base = public
        fix = (
            f"API Gateway console > Custom domain names > API mappings: map the domain to {api}\n"
            f"{deploy(context, '--parameter-overrides', 'PublicUrl=')}   # or do without it"
        )
    try:
        answer = context.http.request("HEAD", context.api_url(f"{base}/execution"), redirect=False)
    except HTTPError:
        yield fault(Check.LINKS, f"{base} can't be reached from here", fix)
        return
    if answer.status == HTTPStatus.BAD_REQUEST and _PAGE_HEADER in answer.headers:
        yield ok(Check.LINKS, f"{base} answers")
    else:
        yield fault(Check.LINKS, f"{base} does not lead to this product: it answers {answer.status}", fix)
