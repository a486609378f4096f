"""Runs a real Home Assistant with nothing but its MQTT integration, as a client of a broker.

    python client.py PORT FOLDER

PORT is the broker's on 127.0.0.1, FOLDER where Home Assistant may keep its files. It wants homeassistant==2024.3.3 with
paho-mqtt==1.6.1 on Python 3.11. It is told what to do on its standard input, a JSON array a line, and answers each with a line:

    ["states"]                                   states {"light.lamp": "on", ...}
    ["devices"]                                  devices ["Lamp", ...]
    ["call", "light", "turn_on", {"entity_id": "light.lamp"}]   called

Warnings and errors of its log are lines that begin with "log". It ends when its input ends.
"""

import asyncio
import json
import logging
import os
import sys
import traceback

from homeassistant import config_entries, core, loader
from homeassistant.helpers import area_registry, device_registry, entity, entity_registry, issue_registry, restore_state, template, translation


def say(*words):
    print(*words, flush=True)


class Lines(logging.Handler):
    """Writes warnings and errors as lines."""

    def emit(self, record):
        text = record.getMessage()
        if record.exc_info:
            text += " " + "".join(traceback.format_exception(*record.exc_info))[-1500:]
        say("log", record.levelname, record.name, text.replace("\n", " ")[:2000])


async def load(hass):
    """Makes what Home Assistant's own start makes, as far as MQTT needs it."""
    loader.async_setup(hass)
    entity.async_setup(hass)
    template.async_setup(hass)
    translation.async_setup(hass)
    for registry in (area_registry, device_registry, entity_registry, issue_registry):
        await registry.async_load(hass)
    await restore_state.async_load(hass)


async def start(port, folder):
    os.makedirs(os.path.join(folder, ".storage"), exist_ok=True)
    with open(os.path.join(folder, "configuration.yaml"), "w") as f:
        f.write("# MQTT is set up by its entry\n")
    hass = core.HomeAssistant(folder)
    hass.config.skip_pip = True
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await hass.config_entries.async_initialize()
    await load(hass)
    # The integrations that MQTT depends on serve pages, which nobody asks for here.
    hass.config.components.update({"http", "file_upload"})
    entry = config_entries.ConfigEntry(
        version=1, minor_version=1, domain="mqtt", title="hub", source="user", entry_id="hub",
        data={"broker": "127.0.0.1", "port": port, "discovery": True, "discovery_prefix": "homeassistant"},
    )
    await hass.config_entries.async_add(entry)
    await hass.async_start()
    return hass


async def serve(hass):
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        what, *args = json.loads(line)
        if what == "states":
            say("states", json.dumps({s.entity_id: s.state for s in hass.states.async_all()}))
        elif what == "devices":
            say("devices", json.dumps(sorted(d.name or "" for d in device_registry.async_get(hass).devices.values())))
        elif what == "call":
            domain, service, data = args
            await hass.services.async_call(domain, service, data, blocking=True)
            say("called")


async def main():
    logging.basicConfig(level=logging.WARNING, handlers=[Lines()])
    hass = await start(int(sys.argv[1]), sys.argv[2])
    say("ready")
    await serve(hass)
    await hass.async_stop(force=True)


asyncio.run(main())
