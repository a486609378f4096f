package simulator

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"home.arpa/homehub/broker"
	"home.arpa/homehub/simulator/physics"
)

// tasmotaTime is how the firmware writes a time: that of the house, without a zone.
const tasmotaTime = "2006-01-02T15:04:05"

// The chips of climate sensors.
const (
	chipDS18B20 = "DS18B20"
	chipSI7021  = "SI7021"
	chipBME280  = "BME280"
)

// word is how the device spells off and on.
func (v *tasmotaVoice) word(on bool) string {
	if on {
		return v.spec.States[1]
	}
	return v.spec.States[0]
}

// result is an answer, or what happened: in the topic RESULT, or, with SetOption4, in that of the command.
func (v *tasmotaVoice) result(command string, o *ordered) broker.Message {
	last := "RESULT"
	if v.options[4] {
		last = strings.ToUpper(command)
	}
	return broker.Message{Topic: v.stat + last, Payload: []byte(o.String())}
}

// powerName is the name of a relay, counted from 0: with a number if there are several.
func (v *tasmotaVoice) powerName(i int) string {
	if len(v.relays) == 1 && v.fan == nil {
		return "POWER"
	}
	return "POWER" + strconv.Itoa(i+1)
}

// power tells a relay's state, in JSON and plainly.
func (v *tasmotaVoice) power(i int) []broker.Message {
	p, name := v.relays[i], v.powerName(i)
	v.said[p] = p.Read()
	word := v.word(p.Read().(bool))
	return []broker.Message{v.result(name, members(name, word)), {Topic: v.stat + name, Payload: []byte(word)}}
}

// fanSpeed is the speed of an iFan, 0 to 3.
func (v *tasmotaVoice) fanSpeed() int {
	if on := v.device.find("fan", "on"); !on.Read().(bool) {
		return 0
	}
	return int(min(math.Ceil(v.fan.Read().(float64)/100*3), 3))
}

func (v *tasmotaVoice) fanState() broker.Message {
	v.said[v.fan] = v.fan.Read()
	return v.result("FANSPEED", members("FanSpeed", v.fanSpeed()))
}

// telemetry is what is said every few minutes.
func (v *tasmotaVoice) telemetry() []broker.Message {
	out := []broker.Message{{Topic: v.tele + "STATE", Payload: []byte(v.state().String())}}
	if s := v.sensors(); s != nil {
		out = append(out, broker.Message{Topic: v.tele + "SENSOR", Payload: []byte(s.String())})
	}
	return out
}

// state is how the device is.
func (v *tasmotaVoice) state() *ordered {
	now := v.device.now()
	up := now.Sub(v.born)
	o := members("Time", now.Format(tasmotaTime), "Uptime", tasmotaSpan(up), "UptimeSec", int(up.Seconds()))
	if v.device.spec.Sleeps > 0 {
		o.with("Vcc", literal(fixed(2.6+v.charge()/100*0.7, 3)))
	}
	o.with("Heap", 26, "SleepMode", "Dynamic", "Sleep", 50, "LoadAvg", 19, "MqttCount", v.connects)
	if v.device.spec.Sleeps > 0 {
		o.with("BatteryPercentage", int(v.charge()))
	}
	switch {
	case v.light != nil:
		v.light.state(o, true)
	case v.fan != nil:
		o.with("POWER1", v.word(v.relays[0].Read().(bool)), "FanSpeed", v.fanSpeed())
	default:
		for i, p := range v.relays {
			o.with(v.powerName(i), v.word(p.Read().(bool)))
		}
	}
	n, _ := strconv.ParseUint(v.mac[6:], 16, 32) // it is made of hexadecimal digits
	signal := -45 - int(n%35)
	return o.with("Wifi", members(
		"AP", 1, "SSId", "home", "BSSId", "02:00:5E:00:53:01", "Channel", 6, "Mode", "11n", "RSSI", min(2*(signal+100), 100),
		"Signal", signal, "LinkCount", 1, "Downtime", "0T00:00:03"))
}

func (v *tasmotaVoice) charge() float64 {
	if p := v.device.find("battery", "battery"); p != nil {
		return p.Read().(float64)
	}
	return 100
}

// tasmotaSpan is a time span: days, and the clock.
func tasmotaSpan(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%dT%02d:%02d:%02d", s/86400, s/3600%24, s/60%60, s%60)
}

// sensors is what the device measures; nil when it measures nothing.
func (v *tasmotaVoice) sensors() *ordered {
	o := members("Time", v.device.now().Format(tasmotaTime))
	bare := o.b.Len()
	for i, in := range v.inputs {
		word := in.word
		if word == "" {
			word = "Switch" + strconv.Itoa(i+1)
		}
		o.with(word, v.word(in.of.Read().(bool)))
	}
	if v.shutter != nil {
		v.shutter.state(o)
	}
	if len(v.meters) > 0 {
		o.with("ENERGY", v.energy())
	}
	if p := v.device.find("illuminance", "illuminance"); p != nil {
		o.with("BH1750", members("Illuminance", p.Read()))
	}
	if air := v.device.find("air", "temperature"); air != nil {
		v.air(o, air)
	}
	if o.b.Len() == bare {
		return nil
	}
	return o
}

// air adds the block of a climate sensor's chip, and the units.
func (v *tasmotaVoice) air(o *ordered, temperature *physics.Property) {
	humidity, pressure := v.device.find("air", "humidity"), v.device.find("air", "pressure")
	chip := v.spec.Sensor
	if chip == "" {
		chip = chipSI7021
		if pressure != nil {
			chip = chipBME280
		}
	}
	celsius := temperature.Read().(float64)
	if chip == chipDS18B20 {
		o.with(chip, members("Id", "0305"+v.mac[4:], "Temperature", number1(v.degrees(celsius))))
	} else {
		damp := humidity.Read().(float64)
		block := members("Temperature", number1(v.degrees(celsius)), "Humidity", number1(damp), "DewPoint", number1(v.degrees(dewPoint(celsius, damp))))
		if chip == chipBME280 {
			hpa := 1013.2
			if pressure != nil {
				hpa = pressure.Read().(float64)
			}
			block.with("Pressure", v.pressure(hpa))
		}
		o.with(chip, block)
	}
	if p := v.device.find("air", "illuminance"); p != nil {
		o.with("BH1750", members("Illuminance", p.Read()))
	}
	if chip == chipBME280 {
		o.with("PressureUnit", v.pressureUnit())
	}
	unit := "C"
	if v.options[8] {
		unit = "F"
	}
	o.with("TempUnit", unit)
}

func (v *tasmotaVoice) degrees(celsius float64) float64 {
	if v.options[8] {
		return celsius*9/5 + 32
	}
	return celsius
}

func (v *tasmotaVoice) pressureUnit() string {
	switch {
	case v.options[24] && v.options[139]:
		return "inHg"
	case v.options[24]:
		return "mmHg"
	}
	return "hPa"
}

func (v *tasmotaVoice) pressure(hpa float64) literal {
	switch v.pressureUnit() {
	case "inHg":
		return number2(hpa * 0.02952998)
	case "mmHg":
		return number1(hpa * 0.75006156)
	}
	return number1(hpa)
}

// dewPoint is the temperature at which the air's water condenses (Magnus).
func dewPoint(celsius, humidity float64) float64 {
	a := math.Log(max(humidity, 1)/100) + 17.62*celsius/(243.12+celsius)
	return 243.12 * a / (17.62 - a)
}

// tasmotaMeter is the meter of one socket, with what it had counted at midnight.
type tasmotaMeter struct {
	power, energy, voltage *physics.Property
	date                   int // of the year
	midnight, before       float64
}

func newTasmotaMeter(part *physics.Part) tasmotaMeter {
	find := func(id string) *physics.Property { return physics.Find([]physics.Part{*part}, part.ID, id) }
	m := tasmotaMeter{power: find("power"), energy: find("energy"), voltage: find("voltage"), date: -1}
	m.midnight = m.energy.Read().(float64)
	m.before = m.midnight
	return m
}

// day begins a new day at midnight.
func (m *tasmotaMeter) day(now time.Time) {
	if date := now.YearDay(); date != m.date {
		if m.date >= 0 {
			m.before, m.midnight = m.midnight, m.energy.Read().(float64)
		}
		m.date = date
	}
}

// energy is the block of the meters: lists where there are several.
func (v *tasmotaVoice) energy() *ordered {
	var total, today, yesterday float64
	var power, apparent, reactive, factor, current []any
	volts := math.Round(v.meters[0].voltage.Read().(float64))
	for _, m := range v.meters {
		energy := m.energy.Read().(float64)
		total, today, yesterday = total+energy, today+energy-m.midnight, yesterday+m.midnight-m.before
		watts := m.power.Read().(float64)
		pf := 0.0
		if watts > 0 {
			pf = 0.95
		}
		va := watts / 0.95
		power, apparent = append(power, number1(watts)), append(apparent, number1(va))
		reactive = append(reactive, number1(va*0.3122))
		factor, current = append(factor, number2(pf)), append(current, literal(fixed(va/volts, 3)))
	}
	of := func(list []any) any {
		if len(list) == 1 {
			return list[0]
		}
		return list
	}
	return members(
		"TotalStartTime", "2026-01-01T00:00:00", "Total", literal(fixed(total, 3)), "Yesterday", literal(fixed(yesterday, 3)),
		"Today", literal(fixed(today, 3)), "Power", of(power), "ApparentPower", of(apparent), "ReactivePower", of(reactive),
		"Factor", of(factor), "Voltage", volts, "Current", of(current))
}
