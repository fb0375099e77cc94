"""Who is told. A leaf takes its section of the configuration."""

SINKS: dict[str, str] = {
    "mqtt": "edgecls.sinks.mqtt:MqttSink",
    "webhook": "edgecls.sinks.webhook:WebhookSink",
}
"""The word in the configuration -> the leaf's class."""
