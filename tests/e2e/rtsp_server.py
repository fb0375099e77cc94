"""A real RTSP server on loopback for tests: GStreamer's, playing H.264 clips in a loop.

Run with the system's Python (python3-gi, gir1.2-gst-rtsp-server-1.0):

    /usr/bin/python3 rtsp_server.py --clip a.h264 [--clip b.h264] [--port 8554]
        [--user door --password secret] [--seconds 60]

Prints `port N` once it listens. The stream is at rtsp://127.0.0.1:N/door. A clip is a raw H.264
stream with an access unit delimiter before each picture. Ends after --seconds by itself.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

DELIMITER = b"\x00\x00\x00\x01\x09"
LAUNCH = (
    "( appsrc name=source is-live=true do-timestamp=true format=time "
    "caps=video/x-h264,stream-format=byte-stream,alignment=au "
    "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


class ClipFactory(GstRtspServer.RTSPMediaFactory):
    """Play the pictures at `fps`, one stream shared by all viewers."""

    def __init__(self, pictures: list[bytes], fps: float) -> None:
        super().__init__()
        self._pictures = pictures
        self._fps = fps
        self.set_launch(LAUNCH)
        self.set_shared(True)

    def do_configure(self, media: GstRtspServer.RTSPMedia) -> None:
        source = media.get_element().get_child_by_name("source")
        pictures = itertools.cycle(self._pictures)

        def push() -> bool:
            source.emit("push-buffer", Gst.Buffer.new_wrapped(next(pictures)))
            return True  # refused before the pipeline has started, and that is no reason to end

        timer = GLib.timeout_add(round(1000 / self._fps), push)
        media.connect("unprepared", lambda _media: GLib.source_remove(timer) and None)


def pictures_from_clip(clip: Path) -> list[bytes]:
    """Cut a raw H.264 stream at its access unit delimiters."""
    _, *units = clip.read_bytes().split(DELIMITER)
    return [DELIMITER + unit for unit in units]


def require_password(
    server: GstRtspServer.RTSPServer, factory: ClipFactory, options: argparse.Namespace
) -> None:
    """Let only the one user see the stream."""
    user, password = options.user, options.password
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", user)
    auth.set_supported_methods(getattr(GstRtsp.RTSPAuthMethod, options.auth.upper()))
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role(user, "media.factory.access", True)
    permissions.add_permission_for_role(user, "media.factory.construct", True)
    factory.set_permissions(permissions)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clip", type=Path, action="append", required=True)
    parser.add_argument("--fps", type=float, default=25.0)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--auth", choices=("basic", "digest"), default="digest")
    parser.add_argument("--seconds", type=int, default=120)
    options = parser.parse_args()

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(options.port))
    pictures = [picture for clip in options.clip for picture in pictures_from_clip(clip)]
    factory = ClipFactory(pictures, options.fps)
    if options.user:
        require_password(server, factory, options)
    server.get_mount_points().add_factory("/door", factory)
    if server.attach(None) == 0:
        raise SystemExit(f"cannot listen on port {options.port}")
    print(f"port {server.get_bound_port()}", flush=True)
    loop = GLib.MainLoop()
    GLib.timeout_add_seconds(options.seconds, loop.quit)
    loop.run()


if __name__ == "__main__":
    main()
