"""Creates Linodes as the examples of Linode's client do.

Finds the type by a filter and the image by its label, and creates one Linode after the other.
Arguments: API URL, token, number of Linodes, label prefix. Prints how many Linodes it created.
"""

import sys

from linode_api4 import ApiError, Image, LinodeClient, Type

url, token, count, prefix = sys.argv[1:]
client = LinodeClient(token, base_url=url)
smallest = client.linode.types(Type.vcpus == 1, Type.memory == 1024).first()
image = client.images(Image.label == "Ubuntu 24.04 LTS").first()
created = 0
for index in range(int(count)):
    try:
        client.linode.instance_create(
            smallest, "us-east", image=image, label=f"{prefix}-{index}", root_pass="a-Long-0ne-for-a-bench"
        )
        created += 1
    except ApiError:
        pass
print(created)
