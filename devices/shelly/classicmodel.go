package shelly

import "strings"

// classicModel is a model of the first generation.
type classicModel struct {
	name   string
	sleeps bool // it runs on batteries
	button bool // it wakes up because it is pressed, so that its first word is a press
}

// classicModels are the models by the code in their announcements, and by the beginning of their ids.
var classicModels = map[string]classicModel{
	"SHSW-1": {name: "Shelly 1"}, "SHSW-L": {name: "Shelly 1L"}, "SHSW-PM": {name: "Shelly 1PM"},
	"SHSW-21": {name: "Shelly 2"}, "SHSW-25": {name: "Shelly 2.5"}, "SHSW-44": {name: "Shelly 4Pro"},
	"SHPLG-1": {name: "Shelly Plug"}, "SHPLG2-1": {name: "Shelly Plug E"}, "SHPLG-S": {name: "Shelly Plug S"},
	"SHPLG-U1": {name: "Shelly Plug US"}, "SHUNI-1": {name: "Shelly Uni"}, "SHAIR-1": {name: "Shelly Air"},
	"SHEM": {name: "Shelly EM"}, "SHEM-3": {name: "Shelly 3EM"}, "SHIX3-1": {name: "Shelly i3"},
	"SHDM-1": {name: "Shelly Dimmer"}, "SHDM-2": {name: "Shelly Dimmer 2"}, "SHDIMW-1": {name: "Shelly Dimmer W1"},
	"SHRGBWW-01": {name: "Shelly RGBWW"}, "SHRGBW2": {name: "Shelly RGBW2"}, "SHBLB-1": {name: "Shelly Bulb"},
	"SHCB-1": {name: "Shelly Bulb RGBW"}, "SHCL-255": {name: "Shelly Color"}, "SH2LED-1": {name: "Shelly 2LED"},
	"SHBDUO-1": {name: "Shelly Duo"}, "SHVIN-1": {name: "Shelly Vintage"}, "SHGS-1": {name: "Shelly Gas"},
	"SHSPOT-1": {name: "Shelly Spot"}, "SHSPOT-2": {name: "Shelly Spot 2"},
	"SHMOS-01": {name: "Shelly Motion"}, "SHMOS-02": {name: "Shelly Motion 2"}, "SHTRV-01": {name: "Shelly TRV"},
	"SHHT-1": {name: "Shelly H&T", sleeps: true}, "SHWT-1": {name: "Shelly Flood", sleeps: true},
	"SHSM-01": {name: "Shelly Smoke", sleeps: true}, "SHSM-02": {name: "Shelly Smoke 2", sleeps: true},
	"SHDW-1": {name: "Shelly Door/Window", sleeps: true}, "SHDW-2": {name: "Shelly Door/Window 2", sleeps: true},
	"SHBTN-1": {name: "Shelly Button 1", sleeps: true, button: true}, "SHBTN-2": {name: "Shelly Button 1", sleeps: true, button: true},
	"SHSEN-1": {name: "Shelly Sense", sleeps: true},
}

// classicFamilies are the models by the beginning of their ids.
var classicFamilies = map[string]string{
	"shelly1": "SHSW-1", "shelly1l": "SHSW-L", "shelly1pm": "SHSW-PM", "shellyswitch": "SHSW-21", "shellyswitch25": "SHSW-25",
	"shelly4pro": "SHSW-44", "shellyplug": "SHPLG-1", "shellyplug-s": "SHPLG-S", "shellyplug-u1": "SHPLG-U1", "shellyuni": "SHUNI-1",
	"shellyair": "SHAIR-1", "shellyem": "SHEM", "shellyem3": "SHEM-3", "shellyix3": "SHIX3-1", "shellydimmer": "SHDM-1",
	"shellydimmer2": "SHDM-2", "shellydimmerw1": "SHDIMW-1", "shellyrgbww": "SHRGBWW-01", "shellyrgbw2": "SHRGBW2",
	"shellybulb": "SHBLB-1", "shellycolorbulb": "SHCB-1", "shellybulbduo": "SHBDUO-1", "shellyvintage": "SHVIN-1",
	"shellygas": "SHGS-1", "shellymotionsensor": "SHMOS-01", "shellymotion2": "SHMOS-02", "shellytrv": "SHTRV-01",
	"shellyht": "SHHT-1", "shellyflood": "SHWT-1", "shellysmoke": "SHSM-01", "shellydw": "SHDW-1", "shellydw2": "SHDW-2",
	"shellybutton1": "SHBTN-1", "shellysense": "SHSEN-1",
}

// modelOf finds a model by its code, or else by the id that devices have from the factory.
func modelOf(code, id string) classicModel {
	if m, ok := classicModels[code]; ok {
		return m
	}
	if cut := strings.LastIndexByte(id, '-'); cut > 0 {
		return classicModels[classicFamilies[strings.ToLower(id[:cut])]]
	}
	return classicModel{}
}
