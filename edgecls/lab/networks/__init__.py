"""The networks that recipes can name: each a function (image, classes, **options) -> Network."""

from __future__ import annotations

from collections.abc import Mapping

NETWORKS: Mapping[str, str] = {
    "mobilenet_v1": "edgecls.lab.networks.mobilenets:mobilenet_v1",
    "mobilenet_v2": "edgecls.lab.networks.mobilenets:mobilenet_v2",
    "mobilenet_v3_small": "edgecls.lab.networks.mobilenets:mobilenet_v3_small",
    "mobilenet_v3_large": "edgecls.lab.networks.mobilenets:mobilenet_v3_large",
    "efficientnet_lite0": "edgecls.lab.networks.efficientnet_lite:efficientnet_lite0",
    "resnet8": "edgecls.lab.networks.resnet8:resnet8",
    "cifar10_cnn": "edgecls.lab.networks.cifar10_cnn:cifar10_cnn",
    "person_mobilenet_v1": "edgecls.lab.networks.person:person_mobilenet_v1",
    "person_mobilenet_v2": "edgecls.lab.networks.person:person_mobilenet_v2",
    "person_mobilenet_v2_slim": "edgecls.lab.networks.person:person_mobilenet_v2_slim",
}
