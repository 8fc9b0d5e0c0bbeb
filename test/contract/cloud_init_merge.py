"""What cloud-init makes of user data, which stdin has as a JSON list of texts in base64.

Prints for each a JSON object: the merged cloud-config, the scripts of the last stage in the order
in which they run, and the boothooks.
"""

import base64
import json
import logging
import os
import sys
import tempfile

from cloudinit import handlers, user_data, util
from cloudinit.handlers.cloud_config import CloudConfigPartHandler
from cloudinit.handlers.jinja_template import JinjaTemplatePartHandler
from cloudinit.handlers.shell_script import ShellScriptPartHandler

logging.disable(logging.CRITICAL)


class Paths:
    """Every path that a handler asks for is in one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.run_dir = folder

    def path(self, name=None):
        return os.path.join(self.folder, name or "")

    get_ipath = get_ipath_cur = get_cpath = get_runpath = path


class Boothooks(handlers.Handler):
    """Lists the boothooks, and runs none."""

    prefixes = ["#cloud-boothook"]

    def __init__(self):
        handlers.Handler.__init__(self, "always")
        self.names = []

    def handle_part(self, data, ctype, filename, payload, frequency):
        if ctype not in handlers.CONTENT_SIGNALS:
            self.names.append(filename)


def merged(message):
    folder = tempfile.mkdtemp()
    paths = Paths(folder)
    os.mkdir(paths.path("scripts"))
    for name in ("instance-data.json", "instance-data-sensitive.json", "instance_data", "instance_data_sensitive"):
        with open(paths.path(name), "w") as file:
            json.dump({"v1": {}}, file)
    processor = user_data.UserDataProcessor.__new__(user_data.UserDataProcessor)
    processor.paths, processor.ssl_details = paths, {}
    config, scripts, hooks = CloudConfigPartHandler(paths), ShellScriptPartHandler(paths), Boothooks()
    jinja = JinjaTemplatePartHandler(paths, sub_handlers=[config, scripts])
    table = {kind: each for each in (config, scripts, hooks, jinja) for kind in each.list_types()}
    handlers.call_begin(config, None, "always")
    data = {"handlers": table, "excluded": [], "data": None, "frequency": "always", "handlercount": 0}
    handlers.walk(processor.process(message), handlers.walker_callback, data)
    handlers.call_end(config, None, "always")
    with open(paths.path("cloud_config")) as file:
        return {
            "config": util.load_yaml(file.read()),
            "scripts": sorted(os.listdir(paths.path("scripts"))),
            "boothooks": hooks.names,
        }


print(json.dumps([merged(base64.b64decode(each)) for each in json.load(sys.stdin)]))
