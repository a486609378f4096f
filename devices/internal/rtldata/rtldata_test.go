package rtldata_test

import (
	"testing"

	"home.arpa/homehub/devices/internal/jsontext"
	"home.arpa/homehub/devices/internal/rtldata"
)

func TestMeaningOfFields(t *testing.T) {
	number, err := jsontext.Read([]byte("10"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key, component, property, class, unit string
		factor                                float64
	}{
		{"temperature_C", "sensor", "temperature", "temperature", "°C", 0},
		{"temperature_2_F", "sensor", "temperature-2", "temperature", "°C", 5.0 / 9},
		{"setpoint_C", "sensor", "setpoint", "temperature", "°C", 0},
		{"pressure_hPa", "sensor", "pressure", "atmospheric_pressure", "hPa", 0},
		{"pressure_kPa", "sensor", "pressure", "pressure", "hPa", 10},
		{"wind_avg_mi_h", "sensor", "wind-avg", "wind_speed", "km/h", 1.609344},
		{"gust_speed_m_s", "sensor", "gust-speed", "wind_speed", "km/h", 3.6},
		{"rain_rate_in_h", "sensor", "rain-rate", "precipitation_intensity", "mm/h", 25.4},
		{"rain_mm", "sensor", "rain", "precipitation", "mm", 0},
		{"power1_W", "sensor", "power1", "power", "W", 0},
		{"total_kWh", "sensor", "total", "energy", "kWh", 0},
		{"pm2_5_ug_m3", "sensor", "pm2-5", "pm25", "µg/m³", 0},
		{"co2_ppm", "sensor", "carbon-dioxide", "carbon_dioxide", "ppm", 0},
		{"battery_mV", "battery", "voltage", "voltage", "V", 1e-3},
		{"depth_cm", "sensor", "depth", "distance", "cm", 0},
		{"volume_gal", "sensor", "volume", "volume", "m³", 0.003785411784},
		{"something_new", "more", "something-new", "", "", 0},
		{"_C", "more", "c", "", "", 0},
	} {
		m, ok := rtldata.Meaning(c.key, number)
		p := m.Property
		if !ok || m.Component != c.component || p.ID != c.property || p.Class != c.class || p.Unit != c.unit || m.Factor != c.factor {
			t.Errorf("%s is %s/%s, class %q in %q, factor %v, %v", c.key, m.Component, p.ID, p.Class, p.Unit, m.Factor, ok)
		}
	}
	for _, key := range []string{"time", "mic", "raw_msg", "a-name-that-is-far-too-long-for-any-of-the-decoders"} {
		if m, ok := rtldata.Meaning(key, number); ok {
			t.Errorf("%s is %+v", key, m)
		}
	}
}

func TestIdentityIsSpeltAsInTopics(t *testing.T) {
	for in, want := range map[string]string{
		`{"model":"Nexus-TH","id":42,"channel":2}`:                       "Nexus-TH/2/42",
		`{"model":"Acurite-Tower","id":"12 4/x","channel":"A"}`:          "Acurite-Tower/A/12_4_x",
		`{"type":"TPMS","model":"Toyota","subtype":"a","id":"fb26ac5a"}`: "TPMS/Toyota/a/fb26ac5a",
		`{"model":"Generic-Remote"}`:                                     "Generic-Remote",
		`{"model":7}`:                                                    "",
		`{"id":7}`:                                                       "",
	} {
		v, err := jsontext.Read([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		if i, _ := rtldata.Identify(v); i.Key != want {
			t.Errorf("%s is %q, want %q", in, i.Key, want)
		}
	}
}
