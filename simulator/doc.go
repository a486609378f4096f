// Package simulator is the pretend house: rooms, weather, people, and devices with physics, each device a real MQTT 5 client
// with a connection of its own, but for the Zigbee devices, which have one bridge. What devices speak is in language.go: Home
// Assistant's discovery, Homie 3 to 5, ESPHome, Zigbee2MQTT, Tasmota, Shelly.
//
// The simulator's program and the hub's demo call it: ParseHouse or DefaultHouse, House.Resize, New, Run. Tests run it inside
// a testing/synctest bubble by Broker.Dial.
//
// It is an outsider. It speaks MQTT only, and of the hub's code it uses broker and broker/remote and nothing else, so that
// both sides of every convention are written twice and cannot share a mistake. The same seed and house make the same day:
// the house runs on a model time of its own, in steps of a fixed length (see package physics).
package simulator
