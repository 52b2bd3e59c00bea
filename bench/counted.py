"""A Roseau server that also tells its commits, at `/commits`: `python -m bench.counted FOLDER PORT MODE`.

The same application as `roseau serve`, with one more answer around it; each commit under FULL is one sync.
"""

import sys

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from roseau.app import create_app, open_server
from roseau.settings import Settings


def main(folder: str, port: int, synchronous: str) -> None:
    """Serve until ended."""
    settings = Settings(data=folder, port=port, synchronous=synchronous, rate_limits=False, log="quiet")  # type: ignore[arg-type]
    server = open_server(settings)
    app = create_app(server)

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/commits":
            await PlainTextResponse(str(server.database.commits))(scope, receive, send)  # type: ignore[attr-defined]
        else:
            await app(scope, receive, send)

    uvicorn.run(counted, port=port, log_level="error", access_log=False)
    server.database.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
