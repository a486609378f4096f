package simulator

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"home.arpa/homehub/broker"
)

// obeyStatus answers what it is asked about: 0 is everything.
func (v *tasmotaVoice) obeyStatus(o tasmotaOrder) []broker.Message {
	n, asked := o.number()
	if !asked || n < 0 || n > 13 {
		n = -1
	}
	var out []broker.Message
	say := func(topic, key string, value *ordered) {
		out = append(out, broker.Message{Topic: v.stat + topic, Payload: []byte(members(key, value).String())})
	}
	sensors := v.sensors()
	if sensors == nil {
		sensors = members("Time", v.device.now().Format(tasmotaTime))
	}
	if n <= 0 {
		say("STATUS", "Status", v.statusMain())
	}
	for i, key := range map[int]string{
		1: "StatusPRM", 2: "StatusFWR", 3: "StatusLOG", 4: "StatusMEM", 5: "StatusNET", 6: "StatusMQT", 7: "StatusTIM", 8: "StatusSNS",
		10: "StatusSNS", 11: "StatusSTS", 13: "StatusSHT",
	} {
		if n == i || n == 0 && i != 8 && (i != 13 || v.shutter != nil) {
			value := map[int]*ordered{8: sensors, 10: sensors, 11: v.state()}[i]
			if value == nil {
				value = v.status(i)
			}
			say("STATUS"+strconv.Itoa(i), key, value)
		}
	}
	slices.SortStableFunc(out, func(a, b broker.Message) int {
		return cmp.Or(cmp.Compare(len(a.Topic), len(b.Topic)), strings.Compare(a.Topic, b.Topic))
	})
	return out
}

func (v *tasmotaVoice) statusMain() *ordered {
	power := 0
	for i, p := range v.relays {
		if p.Read().(bool) {
			power |= 1 << i
		}
	}
	names := []string{v.name}
	for i := 1; i < len(v.relays); i++ {
		names = append(names, "Tasmota"+strconv.Itoa(i+1))
	}
	return members(
		"Module", 0, "DeviceName", v.name, "FriendlyName", names, "Topic", v.spec.Topic, "ButtonTopic", "0", "Power", power,
		"PowerOnState", 3, "LedState", 1, "LedMask", "FFFF", "SaveData", 1, "SaveState", 1, "SwitchTopic", "0", "SwitchMode", []int{1, 0, 0, 0},
		"ButtonRetain", 0, "SwitchRetain", 0, "SensorRetain", 0, "PowerRetain", 0, "InfoRetain", 0, "StateRetain", 0)
}

// status is one of the answers about the firmware itself.
func (v *tasmotaVoice) status(n int) *ordered {
	now := v.device.now()
	switch n {
	case 1:
		return members(
			"Baudrate", 115200, "SerialConfig", "8N1", "GroupTopic", "tasmotas", "OtaUrl", "", "RestartReason", "Power On",
			"Uptime", tasmotaSpan(now.Sub(v.born)), "StartupUTC", v.born.UTC().Format(tasmotaTime), "Sleep", 50, "CfgHolder", 4617, "BootCount", v.boots,
			"SaveCount", 12, "SaveAddress", "F9000")
	case 2:
		return members("Version", tasmotaVersion+"(tasmota)", "BuildDateTime", "2023-08-01T12:00:00", "Boot", 31, "Core", "2_7_4_9",
			"SDK", "2.2.2-dev(38a443e)", "CpuFrequency", 80, "Hardware", "ESP8266EX", "CR", "378/699")
	case 3:
		return members("SerialLog", 2, "WebLog", 2, "MqttLog", 0, "SysLog", 0, "SSId", []string{"home", ""},
			"TelePeriod", int(v.spec.Telemetry.Seconds()), "Resolution", "558180C0", "SetOption", []string{v.optionBits(), "00", "00", "00", "00", "00"})
	case 4:
		return members("ProgramSize", 630, "Free", 372, "Heap", 26, "ProgramFlashSize", 1024, "FlashSize", 1024)
	case 5:
		return members("Hostname", v.hostname(), "IPAddress", v.ip(), "Gateway", "192.168.4.1", "Subnetmask", "255.255.248.0",
			"DNSServer1", "192.168.4.1", "Mac", colons(v.mac), "Webserver", 2, "WifiConfig", 4, "WifiPower", 17.0)
	case 6:
		return members("MqttHost", "hub", "MqttPort", 1883, "MqttClientMask", "DVES_%06X", "MqttClient", "DVES_"+v.mac[6:],
			"MqttUser", "DVES_USER", "MqttCount", v.connects, "MAX_PACKET_SIZE", 1200, "KEEPALIVE", 30, "SOCKET_TIMEOUT", 4)
	case 7:
		return members("UTC", now.UTC().Format(tasmotaTime), "Local", now.Format(tasmotaTime), "Timezone", "+00:00")
	case 13:
		if v.shutter != nil {
			return members("SHT0", members("Relay1", 1, "Relay2", 2, "Open", 100, "Close", 100, "50perc", 50, "Delay", 0, "Opt", "0000"))
		}
	}
	return new(ordered)
}

// optionBits are the first 32 options as the firmware prints them.
func (v *tasmotaVoice) optionBits() string {
	bits := uint32(0)
	for n, on := range v.options {
		if on && n < 32 {
			bits |= 1 << n
		}
	}
	return fmt.Sprintf("%08X", bits)
}

// colons writes a network address with colons.
func colons(mac string) string {
	var parts []string
	for i := 0; i+1 < len(mac); i += 2 {
		parts = append(parts, mac[i:i+2])
	}
	return strings.Join(parts, ":")
}
