"""By which of the site's names a request came, for answers that the caller follows under the same name.

What others keep (addresses of accounts, posts and pictures) always carries the site's own domain.
"""

import msgspec
from starlette.requests import HTTPConnection

from roseau.domain.site import Site
from roseau.doors.server import server_of


def url_here(request: HTTPConnection) -> str:
    """The site's address as the caller names it; its own for a name that is not known."""
    server = server_of(request)
    return server.names.url_of(request.headers.get("host", "")) or server.site.base_url


def site_here(request: HTTPConnection) -> Site:
    """The site, at the address by which the caller names it."""
    site, url = server_of(request).site, url_here(request)
    return site if url == site.base_url else msgspec.structs.replace(site, base_url=url)
