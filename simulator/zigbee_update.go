package simulator

import (
	"fmt"
	"time"
)

// updateTakes is how long, in model time, a device takes to get a new firmware.
const updateTakes = time.Minute

func (b *zigbeeBridge) checkUpdate(r zigbeeRequest) (map[string]any, error) {
	n, err := b.node(r.word("id"))
	if err != nil {
		return nil, err
	}
	if n.battery || !n.powered {
		return nil, fmt.Errorf("Failed to check if OTA update available for '%s' (Error: Timeout)", n.name) //nolint:staticcheck // the bridge's own words
	}
	b.refreshUpdate(n)
	return map[string]any{"id": r.word("id"), "update_available": n.kept["installed_version"] != n.kept["latest_version"]}, nil
}

func (b *zigbeeBridge) startUpdate(r zigbeeRequest) (map[string]any, error) {
	n, err := b.node(r.word("id"))
	switch {
	case err != nil:
		return nil, err
	case n.battery || !n.powered || n.kept["installed_version"] == n.kept["latest_version"]:
		return nil, fmt.Errorf("Update of '%s' failed (No image currently available)", n.name) //nolint:staticcheck // the bridge's own words
	case n.updating >= 0:
		return nil, fmt.Errorf("OTA update or check for update already in progress for '%s'", n.name)
	}
	n.updating = 0
	b.refreshUpdate(n)
	// The real bridge answers when the update is done; this one says at once that it has begun, so that it need not remember who asked.
	return map[string]any{"id": r.word("id"), "from": n.kept["installed_version"], "to": n.kept["latest_version"]}, nil
}

// update goes on with an update of the firmware, which is told every few seconds.
func (b *zigbeeBridge) update(n *zigbeeNode) {
	if n.updating < 0 {
		return
	}
	before := int(n.updating * 12)
	n.updating += step.Seconds() / updateTakes.Seconds()
	if n.updating >= 1 {
		n.updating = -1
		n.kept["installed_version"] = n.kept["latest_version"]
	}
	if n.updating < 0 || int(n.updating*12) != before {
		b.refreshUpdate(n)
	}
}

func (b *zigbeeBridge) refreshUpdate(n *zigbeeNode) {
	n.state["update"] = n.updateState()
	b.publishState(n, nil)
}
