"""Where frames come from: one leaf per kind of camera. Each takes its section of the config."""

CAMERAS = {
    "replay": "edgecls.cameras.replay:ReplayCamera",
    "rtsp": "edgecls.cameras.rtsp:RtspCamera",
    "v4l2": "edgecls.cameras.v4l2:V4l2Camera",
    "picamera": "edgecls.cameras.picamera:PicameraCamera",
    "jetson_csi": "edgecls.cameras.jetson_csi:JetsonCsiCamera",
    "http": "edgecls.cameras.http:HttpCamera",
    "demo": "edgecls.cameras.demo:DemoCamera",
}
