"""A tab of the browser that takes down whatever must not happen in it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import ConsoleMessage, Dialog, Error, Page, Request, Route

#: Notes what the content security policy has forbidden.
_WATCH = """
globalThis.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


class Tab:
    """A page that can reach nothing but the file at `address`."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self._requests: list[str] = []
        self._complaints: list[str] = []
        page.add_init_script(_WATCH)
        page.route("**/*", self._route)
        page.on("request", self._asked)
        page.on("console", self._said)
        page.on("pageerror", self._failed)
        page.on("dialog", self._opened)

    def clean(self) -> bool:
        """Whether nothing was asked for but the file, nothing said in the console or in a dialog, nothing forbidden by
        the policy. What there was stands in the failure."""
        violations = self.page.evaluate("globalThis.violations ?? []")
        assert (self._requests, self._complaints, violations) == ([], [], [])
        return True

    def _route(self, route: Route) -> None:
        if self._own(route.request):
            route.continue_()
        else:
            route.abort()

    def _own(self, request: Request) -> bool:
        return request.url.partition("#")[0] == self.address

    def _asked(self, request: Request) -> None:
        if not self._own(request):
            self._requests.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        self._complaints.append(f"{message.type}: {message.text}")

    def _failed(self, error: Error) -> None:
        self._complaints.append(str(error))

    def _opened(self, dialog: Dialog) -> None:
        self._complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()


#: The fixture `opened`: the text of a page, then `width`, `height`, `fragment` and options of the browser's context.
Open = Callable[..., Tab]
