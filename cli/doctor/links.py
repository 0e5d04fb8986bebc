"""The check of the links: does the address that mails lead to answer?"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from urllib3.exceptions import HTTPError

from cli.doctor.findings import Check, Finding, fault, ok
from cli.doctor.patient import Patient

_OURS = "X-Robots-Tag"
"""A header that every page of ours has, and API Gateway's own errors do not."""


def links(patient: Patient) -> Iterator[Finding]:
    """A link without its signature gets our page that says so."""
    public = patient.parameters.get("PublicUrl", "")
    base = public or patient.output("ApiGatewayInvokeURL")
    mend = _mend(patient) if public else patient.deploy()
    try:
        answer = patient.http.request("HEAD", patient.address(f"{base}/execution"), redirect=False)
    except HTTPError as error:
        yield fault(Check.LINKS, f"{base} can't be reached from here: {type(error).__name__}", mend)
        return
    if answer.status == HTTPStatus.BAD_REQUEST and _OURS in answer.headers:
        yield ok(Check.LINKS, f"{base} answers")
    else:
        yield fault(Check.LINKS, f"{base} does not lead to this product: it answers {answer.status}", mend)


def _mend(patient: Patient) -> str:
    api = patient.output("ApiGatewayInvokeURL")
    return (
        f"API Gateway console > Custom domain names > API mappings: map the domain to {api}\n"
        f"{patient.deploy('--parameter-overrides', 'PublicUrl=')}   # or do without it"
    )
