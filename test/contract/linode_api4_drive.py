"""Calls Linode's API through Linode's own Python client, and prints the results as JSON.

Arguments: the API's URL, a token with all scopes, a token that may only read Linodes.
"""

import json
import sys

from linode_api4 import (
    ApiError,
    ConfigInterface,
    Image,
    Instance,
    LinodeClient,
    LinodeInterfaceDefaultRouteOptions,
    LinodeInterfaceOptions,
    LinodeInterfacePublicOptions,
    LinodeInterfaceVLANOptions,
    Tag,
    Type,
)
from linode_api4.objects.filtering import and_, or_, order_by

PASSWORD = "aLongPasswordIndeed1!"


def catalogue(client):
    nanode = client.load(Type, "g6-nanode-1")
    return {
        "types": [one.id for one in client.linode.types()],
        "nanode": [nanode.vcpus, nanode.price.hourly, nanode.region_prices[0].hourly],
        "one_cpu": [one.id for one in client.linode.types(Type.vcpus == 1)],
        "regions": {one.id: one.capabilities for one in client.regions()},
        "images": [one.id for one in client.images()],
        "debian": client.load(Image, "linode/debian12").label,
        "sold_out": [
            [one.plan, one.region]
            for one in client.regions.availability()
            if one.plan == "g6-nanode-1" and not one.available
        ],
    }


def create(client, label, region="us-east", **more):
    more = {"image": "linode/debian12", "root_pass": PASSWORD, **more}
    return client.linode.instance_create("g6-nanode-1", region, label=label, **more)


def one_life(client):
    metadata = client.linode.build_instance_metadata(user_data="#cloud-config")
    made = create(client, "web-1", tags=["blue"], metadata=metadata)
    life = {"made": [made.label, made.status, made.tags, made.has_user_data, len(made.ipv4)]}
    life["created"] = made.created.isoformat()
    loaded = client.load(Instance, made.id)
    life["loaded"] = [loaded.label, loaded.type.id, loaded.region.id, loaded.image.id]
    loaded.tags = ["blue", "last"]
    life["saved"] = loaded.save()
    life["tags"] = client.load(Instance, made.id).tags
    empty = create(client, "empty", image=None, root_pass=None, tags=[])
    life["empty"] = empty.image
    life["deleted"] = empty.delete()
    life["gone"] = error_of(lambda: client.load(Instance, empty.id))
    return life


def filters(client):
    create(client, "web-2")
    create(client, "web-3", region="us-ord", tags=["blue"])
    labels = lambda *which: [one.label for one in client.linode.instances(*which)]
    return {
        "tag": labels(Instance.tags == "blue"),
        "label": labels(Instance.label == "web-2"),
        "both": labels(Instance.tags == "blue", Instance.region == "us-ord"),
        "either": labels(or_(Instance.label == "web-2", Instance.tags == "last")),
        "nested": labels(
            and_(Instance.tags == "blue", or_(Instance.label == "web-2", Instance.label == "web-3"))
        ),
        "part": labels(Instance.label.contains("eb-")),
        "not": labels(Instance.region != "us-east"),
        "ordered": labels(order_by(Instance.label, desc=True)),
        "none": labels(Instance.tags == "bl"),
    }


def paging(url, token):
    client = LinodeClient(token, base_url=url, retry=False, page_size=25)
    for index in range(30):
        create(client, f"page-{index}")
    found = client.linode.instances(Instance.label.contains("page-"))
    return {"total": len(found), "last": found[-1].label, "labels": [one.label for one in found]}


def tags(client):
    linode = client.linode.instances(Instance.label == "web-2").only()
    client.tag_create("a/b c", instances=[linode])
    tag = client.load(Tag, "blue")
    seen = {
        "all": [one.label for one in client.tags()],
        "put_on": client.load(Instance, linode.id).tags,
        "objects": [one.label for one in tag.objects],
        "deleted": tag.delete(),
    }
    seen["left"] = [one.label for one in client.linode.instances(Instance.tags == "blue")]
    return seen


def networks(client):
    legacy = [
        ConfigInterface(purpose="public"),
        ConfigInterface(purpose="vlan", label="lab", ipam_address="10.0.0.1/24"),
    ]
    own = [
        LinodeInterfaceOptions(
            firewall_id=-1,
            public=LinodeInterfacePublicOptions(),
            default_route=LinodeInterfaceDefaultRouteOptions(ipv4=True, ipv6=True),
        ),
        LinodeInterfaceOptions(
            vlan=LinodeInterfaceVLANOptions(vlan_label="lab", ipam_address="10.0.0.2/24")
        ),
    ]
    first = create(
        client, "net-1", interface_generation="legacy_config", interfaces=legacy, firewall=-1
    )
    second = create(
        client, "net-2", interface_generation="linode", interfaces=own, network_helper=True
    )
    vlans = client.networking.vlans()
    seen = {
        "generations": [first.interface_generation, second.interface_generation],
        "vlans": [[one.label, one.region.id, len(one.linodes)] for one in vlans],
        "default_firewall": client.networking.firewall_settings().default_firewall_ids.linode,
    }
    for one in (first, second):
        one.delete()
    seen["deleted"] = client.networking.delete_vlan("lab", "us-east")
    return seen


def account(client):
    first = client.linode.instances(Instance.label == "web-1").only()
    events = [one for one in client.account.events() if one.entity.id == first.id]
    return {
        "username": client.profile().username,
        "backups_enabled": client.account.settings().backups_enabled,
        "country": client.account().country,
        "events": sorted(one.action for one in events),
    }


def errors(url, token, few):
    client = LinodeClient(token, base_url=url, retry=False)
    other = lambda secret: LinodeClient(secret, base_url=url, retry=False)
    nowhere = lambda: client.linode.instance_create("g6-none", "xx-none")
    return {
        "fields": error_of(nowhere),
        "label": error_of(lambda: create(client, "web-1")),
        "invalid": error_of(lambda: create(other("revoked"), "web-9")),
        "scope": error_of(lambda: create(other(few), "web-9")),
        "page_size": error_of(lambda: client.get("/linode/instances?page_size=10")),
        "rate": error_of(lambda: [create(client, f"many-{n}") for n in range(100)]),
    }


def error_of(call):
    try:
        call()
    except ApiError as error:
        return [error.status, error.json["errors"]]
    return None


def main(url, token, few):
    client = LinodeClient(token, base_url=url, retry=False)
    seen = {
        "catalogue": catalogue(client),
        "life": one_life(client),
        "filters": filters(client),
        "tags": tags(client),
        "networks": networks(client),
        "account": account(client),
        "paging": paging(url, token),
        "errors": errors(url, token, few),
    }
    json.dump(seen, sys.stdout)


main(*sys.argv[1:])
