package tasmota_test

import (
	"strings"
	"testing"

	"home.arpa/homehub/devices/internal/house"
)

func FuzzConvention(f *testing.F) {
	seeds := []string{
		"tasmota/discovery/" + mac + "/config " + config(mac, "hall", "") + "\ntele/hall/SENSOR " + plugSensor + "\ntele/hall/STATE " + plugState + "\nstat/hall/POWER ON\n",
		"tasmota/discovery/" + mac + "/sensors " + plugSensors + "\ntasmota/discovery/" + mac + "/config " + config(mac, "hall", `rl=[2];lt_st=5;lk=1;so={"20":1}`) +
			"\nstat/hall/RESULT {\"POWER\":\"ON\",\"Dimmer\":50,\"Color\":\"7F0000\",\"HSBColor\":\"0,100,50\",\"CT\":200,\"Scheme\":2}\ntele/hall/LWT Offline\n",
		"tasmota/discovery/" + mac + "/config " + config(mac, "hall", `rl=[3,3,2];if=1;sho=[1];sht=[[0,90,5]]`) +
			"\nstat/hall/RESULT {\"Shutter1\":{\"Position\":36,\"Direction\":1,\"Target\":100,\"Tilt\":3},\"FanSpeed\":2}\nstat/hall/SHUTTER1 20\n",
		"tasmota/discovery/" + mac + "/config " + config(mac, "hall", `btn=[1];swc=[0,3];swn=["a",null];so={"73":1}`) +
			"\nstat/hall/RESULT {\"Button1\":{\"Action\":\"HOLD\"},\"a\":{\"Action\":\"TOGGLE\"}}\ntele/hall/RESULT {\"RfReceived\":{\"Data\":\"0x1\"}}\n",
		"tele/old/STATE " + plugState + "\ntele/old/STATE " + plugState + "\ntele/old/SENSOR {\"Time\":\"x\",\"A\":{\"B\":[1,{\"C\":null}],\"D\":\"ON\"},\"TempUnit\":\"F\"}\n",
	}
	old := "tele/old/LWT Online\n"
	for _, m := range answers("old", "AA:00:00:00:00:06", `"POWER1":"ON","Channel1":5,"FanSpeed":1`, `"Shutter1":{"Position":5},"Switch1":"ON"`) {
		old += m[0] + " " + m[1] + "\n"
	}
	seeds = append(seeds, old)
	var houses [][]string
	for _, s := range seeds {
		houses = append(houses, strings.Split(strings.TrimSpace(s), "\n"))
	}
	house.Fuzz(f, newConvention, houses...)
}
