# SPDX-License-Identifier: MIT
"""What a guest says of its network, for a test that has failed: why was a connection closed?"""
import http.client

COMMANDS = ("services", "netstat -s", "netstat -i", "ps", "free", "log | grep -v GET")


def network_state(guest):
    """At the end of the guest's console: its services, netd's counts and the log; and httpd's own
    page about itself. What does not answer is no new failure."""
    said = []
    try:
        guest.send("\r")
        guest.wait_for_shell(60)
        for command in COMMANDS:
            said.append(f"$ {command}\n{guest.command(command)[-3000:]}")
    except AssertionError as error:
        said.append(str(error))
    try:
        said.append(guest.get("/status")[2].decode(errors="replace")[:3000])
    except (OSError, http.client.HTTPException) as error:
        said.append(f"/status: {error!r}")
    return "\n".join(said)
