// Package e2e holds the end-to-end tests: the built programs, seen and steered by real MQTT clients and beside a real broker.
// It has no other code.
package e2e
