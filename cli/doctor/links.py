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
            f"{deploy(context, '--parameter-overrides', 'PublicUrl=')}   # or use the API's own URL"
        )
    try:
        response = context.http.request("HEAD", context.api_url(f"{base}/execution"), redirect=False)
    except HTTPError:
        yield fault(Check.LINKS, f"can't reach {base} from this machine", fix)
        return
    if response.status == HTTPStatus.BAD_REQUEST and _PAGE_HEADER in response.headers:
        yield ok(Check.LINKS, f"{base} responds")
    else:
        yield fault(Check.LINKS, f"{base} is not this stack's page (HTTP {response.status})", fix)
