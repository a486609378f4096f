package simulator

import (
	"strings"

	"home.arpa/homehub/simulator/physics"
)

// ownWords are what some devices say instead of Home Assistant's usual words, which an announcement may replace.
var ownWords = map[string]string{
	"ON": "an", "OFF": "aus", "OPEN": "auf", "CLOSE": "zu", "STOP": "halt", physics.CoverOpen: "offen",
	physics.CoverOpening: "öffnet", physics.CoverClosed: "geschlossen", physics.CoverClosing: "schließt", physics.CoverStopped: "steht",
	"LOCK": "schließ ab", "UNLOCK": "schließ auf", "LOCKED": "zugesperrt", "UNLOCKED": "aufgesperrt", "LOCKING": "sperrt zu",
	"UNLOCKING": "sperrt auf", "JAMMED": "klemmt", "oscillate_on": "schwenkt", "oscillate_off": "schwenkt nicht",
}

// usualWords are the words that hold when an announcement of a platform says nothing else.
var usualWords = map[string]map[string]string{
	"switch":        {"payload_on": "ON", "payload_off": "OFF"},
	"light":         {"payload_on": "ON", "payload_off": "OFF"},
	"binary_sensor": {"payload_on": "ON", "payload_off": "OFF"},
	"fan": {
		"payload_on": "ON", "payload_off": "OFF", "payload_oscillation_on": "oscillate_on", "payload_oscillation_off": "oscillate_off",
	},
	"cover": {
		"payload_open": "OPEN", "payload_close": "CLOSE", "payload_stop": "STOP", "state_open": physics.CoverOpen,
		"state_opening": physics.CoverOpening, "state_closed": physics.CoverClosed, "state_closing": physics.CoverClosing,
		"state_stopped": physics.CoverStopped,
	},
	"lock": {
		"payload_lock": "LOCK", "payload_unlock": "UNLOCK", "state_locked": "LOCKED", "state_unlocked": "UNLOCKED",
		"state_locking": "LOCKING", "state_unlocking": "UNLOCKING", "state_jammed": "JAMMED",
	},
}

// rename puts a device's own words into an announcement. The words of a light with the JSON schema cannot be replaced.
func (h *haVoice) rename(platform string, config map[string]any) {
	if !h.device.spec.OwnWords || config["schema"] == "json" {
		return
	}
	for key, word := range usualWords[platform] {
		if _, set := config[key]; !set {
			config[key] = word
		}
	}
	for key, v := range config {
		text, _ := v.(string)
		if own, ok := ownWords[text]; ok && (strings.HasPrefix(key, "payload_") || strings.HasPrefix(key, "state_")) {
			config[key] = own
		}
	}
}

// ownWord has a field say the device's own word.
func (h *haVoice) ownWord(value func() any) func() any {
	if !h.device.spec.OwnWords {
		return value
	}
	return func() any {
		v := value()
		if text, ok := v.(string); ok && ownWords[text] != "" {
			return ownWords[text]
		}
		return v
	}
}

// commonWord is the usual word for the device's own. A device with words of its own does not know the usual ones.
func (h *haVoice) commonWord(payload []byte) []byte {
	if !h.device.spec.OwnWords {
		return payload
	}
	if _, usual := ownWords[string(payload)]; usual {
		return nil
	}
	for word, own := range ownWords {
		if own == string(payload) {
			return []byte(word)
		}
	}
	return payload
}
