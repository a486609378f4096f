package simulator

import (
	"slices"
	"strings"
)

// ShellySpec is how a Shelly is set up. Its zero value is as it comes from the factory.
type ShellySpec struct {
	// Prefix is what the topics of a device of the second generation begin with; empty means its id.
	Prefix string `yaml:"prefix"`
	// Status: a device of the second generation publishes the status of its components in topics of their own, too.
	Status bool `yaml:"status"`
	// Light is a light's kind, rgbw for one with a white channel beside its colors; empty means what its abilities tell.
	Light string `yaml:"light"`
	// Uncalibrated: a cover does not know where it is.
	Uncalibrated bool `yaml:"uncalibrated"`
	// Clamp: a plug of the first generation measures with a clamp, as a Shelly EM does.
	Clamp bool `yaml:"clamp"`
	// ID is what people called a device of the first generation, which may have slashes in it; empty means the device's ID in the
	// house, since such a device has no other name. "factory" is the id that it was sold with.
	ID string `yaml:"id"`
}

func (s *ShellySpec) check(d DeviceSpec, fault func(format string, args ...any)) {
	for key, topic := range map[string]string{"prefix": s.Prefix, "id": s.ID} {
		if strings.ContainsAny(topic, "+#$") || strings.HasPrefix(topic, "/") || strings.HasSuffix(topic, "/") || len(topic) > 100 {
			fault("%s is the beginning of topics, without wildcards: %q", key, topic)
		}
	}
	if s.Light != "" && (s.Light != "rgbw" || !slices.Contains(d.Can, "color") || slices.Contains(d.Can, "temperature")) {
		fault("light is rgbw, for a light that can color and not temperature, not %q", s.Light)
	}
	if s.Uncalibrated && d.Kind != KindCover {
		fault("uncalibrated is for a cover, not for a %s", d.Kind)
	}
	switch {
	case d.Speaks == Shelly && (s.ID != "" || s.Clamp):
		fault("id and clamp are for a device that speaks %s", Shelly1)
	case d.Speaks == Shelly1 && (s.Prefix != "" || s.Status):
		fault("prefix and status are for a device that speaks %s", Shelly)
	}
}

// shelly returns the settings, the factory's where there are none.
func (d DeviceSpec) shelly() ShellySpec {
	if d.Shelly == nil {
		return ShellySpec{}
	}
	return *d.Shelly
}

// checkShelly finds fault with a device of either generation.
func checkShelly(d DeviceSpec, fault func(format string, args ...any)) {
	if d.Kind == KindLight && len(d.Can) == 0 {
		fault("a light that speaks %s can at least brightness", d.Speaks)
	}
	if d.Shelly != nil {
		d.Shelly.check(d, fault)
	}
}

// grownShelly gives a light the least that its new language can.
func grownShelly(d *DeviceSpec) {
	if d.Kind == KindLight && len(d.Can) == 0 {
		d.Can = []string{"brightness"}
	}
}
