"""Serves one H.264 clip in a loop as an RTSP camera does; run by the system's python3 (gst-rtsp-server).

    /usr/bin/python3 rtsp_server.py PORT CLIP.h264 FPS [USER PASSWORD]

Prints "ready" once it listens. The stream is /stream; all clients share it, so they join in its middle.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402  (only after the versions are chosen)


def main(port: str, clip: str, fps: str, user: str = "", password: str = "") -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=port)
    server.get_mount_points().add_factory("/stream", camera(clip, fps, protected=bool(user)))
    if user:
        server.set_auth(only_for(user, password))
    if not server.attach(None):
        sys.exit(f"cannot listen on port {port}")
    print("ready", flush=True)  # noqa: T201  (the parent waits for it)
    GLib.MainLoop().run()


def camera(clip: str, fps: str, protected: bool) -> GstRtspServer.RTSPMediaFactory:
    factory = GstRtspServer.RTSPMediaFactory()
    caps = f"video/x-h264,stream-format=byte-stream,framerate={fps}/1"
    factory.set_launch(
        f'( multifilesrc location="{clip}" loop=true caps="{caps}" ! h264parse config-interval=-1'
        " ! rtph264pay name=pay0 pt=96 )"
    )
    factory.set_shared(True)
    if protected:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        factory.set_permissions(permissions)
    return factory


def only_for(user: str, password: str) -> GstRtspServer.RTSPAuth:
    viewer = GstRtspServer.RTSPToken()
    viewer.set_string("media.factory.role", "viewer")
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), viewer)
    return auth


main(*sys.argv[1:])
