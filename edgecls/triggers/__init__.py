"""What rings. A leaf takes its section of the configuration; one keyword argument per test seam."""

TRIGGERS: dict[str, str] = {
    "button": "edgecls.triggers.button:ButtonTrigger",
    "mqtt": "edgecls.triggers.mqtt:MqttTrigger",
    "http": "edgecls.triggers.http:HttpTrigger",
}
"""The word in the configuration -> the leaf's class."""
