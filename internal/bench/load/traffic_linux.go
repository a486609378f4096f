package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"home.arpa/homehub/internal/bench/proc"
)

// Broker is what is loaded.
type Broker struct {
	// Address is an IPv4 loopback address with a port.
	Address string
	// PID is the broker's process, whose processor time and memory are measured.
	PID int
}

// Shape says who gets whose messages.
type Shape int

// The shapes of traffic.
const (
	// Pairs: each publisher has a topic and a subscriber of its own.
	Pairs Shape = iota
	// FanOut: one publisher, whose messages all subscribers get.
	FanOut
	// FanIn: each publisher has a topic, and each subscriber gets all of them.
	FanIn
	// Shared is FanIn with a shared subscription: each message goes to one of the subscribers.
	Shared
	// Sensors: each publisher has a topic, and nobody subscribes.
	Sensors
)

// Traffic is messages from publishers to subscribers.
type Traffic struct {
	Shape Shape
	// Publishers and Subscribers are how many there are. With FanOut there is one publisher, with Pairs there are as many
	// subscribers as publishers.
	Publishers, Subscribers int
	QoS                     byte
	// Retain publishes retained messages, Persistent gives the subscribers sessions that outlive their connections.
	Retain, Persistent bool
	// Payload is in bytes, at least 20. Zero: 100.
	Payload int
	// Rate is how many messages a second each publisher sends, each in a write of its own, as devices do (an open loop).
	// Zero: as many as Window allows.
	Rate float64
	// Window is how many messages of one publisher may be undelivered or unacknowledged, so that a broker that drops is seen to
	// lose and one that is slow is not flooded (a closed loop); Batch of them share one write. Zero: 100, and 8.
	Window, Batch int
	// Warmup and Duration are how long it runs before and while it is measured.
	Warmup, Duration time.Duration
	// Latency also measures the time from a message's write to the read that returns it.
	Latency bool
	// Stall is how long nothing may move until the rest counts as lost. Zero: 2 s.
	Stall time.Duration
}

// Flow is what became of the traffic while it was measured.
type Flow struct {
	// Published messages; Acknowledged ones of the publishers', Total with those of the warm-up.
	Published, Acknowledged, Total int64
	// Delivered to subscribers, of those that were Expected; Repeated ones came twice or out of order.
	Delivered, Expected, Repeated int64
	// Wall is the time until the last delivery.
	Wall time.Duration
	proc.Usage
	// Peak is the broker's greatest resident memory in bytes, 0 if it cannot be read.
	Peak int64
	// Latency is set if it was asked for. Late says how late messages were sent, which is the generator's fault.
	Latency, Late Distribution
}

func (t *Traffic) fill() error {
	if t.Payload == 0 {
		t.Payload = 100
	}
	if t.Window == 0 {
		t.Window = 100
	}
	if t.Batch == 0 {
		t.Batch = 8
	}
	if t.Stall == 0 {
		t.Stall = 2 * time.Second
	}
	switch t.Shape {
	case Pairs:
		t.Subscribers = t.Publishers
	case FanOut:
		t.Publishers = 1
	case Sensors:
		t.Subscribers = 0
	}
	switch {
	case t.Payload < stampSize:
		return fmt.Errorf("checking the traffic: a payload of %d bytes is shorter than %d", t.Payload, stampSize)
	case t.Window < t.Batch || t.Window > 30_000:
		return fmt.Errorf("checking the traffic: a window of %d messages is not between the batch of %d and 30000", t.Window, t.Batch)
	case t.Publishers < 1:
		return errors.New("checking the traffic: nobody publishes")
	}
	return nil
}

// Run loads the broker with the traffic and measures it.
func (t Traffic) Run(ctx context.Context, b Broker) (Flow, error) {
	flows, err := t.Turns(ctx, t.Duration, b)
	if err != nil {
		return Flow{}, err
	}
	return flows[0], nil
}

// Turns loads several brokers, all of which are there all the time and have the traffic in turns of a length, each as long as t.Duration in all.
// What the machine does meanwhile so meets all of them alike. The flows are in the order of the brokers.
func (t Traffic) Turns(ctx context.Context, turn time.Duration, brokers ...Broker) ([]Flow, error) {
	if err := t.fill(); err != nil {
		return nil, err
	}
	flows := make([]*flow, len(brokers))
	warm := make([]int64, len(brokers))
	for i, b := range brokers {
		l, err := newLoop(ctx, b.Address)
		if err != nil {
			return nil, err
		}
		defer l.close()
		f := newFlow(l, &t, b.PID)
		if err := f.connect(); err != nil {
			return nil, err
		}
		if err := f.run(t.Warmup); err != nil {
			return nil, fmt.Errorf("warming up: %w", err)
		}
		if t.Warmup > 0 && t.Shape != Sensors && f.delivered == 0 {
			return nil, errors.New("warming up: nothing was delivered")
		}
		warm[i] = f.acknowledged
		f.forget()
		proc.ResetPeak(b.PID)
		flows[i] = f
	}
	for done := time.Duration(0); done < t.Duration; done += turn {
		for _, f := range flows {
			if err := f.run(min(turn, t.Duration-done)); err != nil {
				return nil, err
			}
		}
	}
	out := make([]Flow, len(flows))
	for i, f := range flows {
		out[i] = f.outcome(warm[i])
		for _, c := range append(f.publishers, f.subscribers...) {
			f.loop.leave(c)
		}
	}
	return out, nil
}

// outcome is what became of the traffic, of which so many messages were acknowledged during the warm-up.
func (f *flow) outcome(warm int64) Flow {
	peak, _ := proc.ResidentPeak(f.broker) // 0 where there is no process
	return Flow{
		Published: f.published, Acknowledged: f.acknowledged, Total: warm + f.acknowledged,
		Delivered: f.delivered, Expected: f.expected(), Repeated: f.repeated,
		Wall: f.wall, Usage: f.usage, Peak: peak, Latency: distribution(f.latency), Late: distribution(f.late),
	}
}

// connect brings everybody in, the subscribers first.
func (f *flow) connect() error {
	t := f.traffic
	logins := func(kind string, n int, persistent bool) []Login {
		list := make([]Login, n)
		for i := range list {
			list[i] = Login{Client: fmt.Sprintf("%s-%d", kind, i), KeepAlive: 300, Persistent: persistent}
		}
		return list
	}
	var err error
	if f.subscribers, err = f.loop.group(logins("sub", t.Subscribers, t.Persistent), f.toSubscriber); err != nil {
		return err
	}
	if err := f.loop.subscribe(f.subscribers, t.filter, t.QoS); err != nil {
		return err
	}
	if f.publishers, err = f.loop.group(logins("pub", t.Publishers, false), f.toPublisher); err != nil {
		return err
	}
	payload := bytes.Repeat([]byte("x"), t.Payload)
	for i := range f.publishers {
		f.templates = append(f.templates, newTemplate(topic(i), t.QoS, t.Retain, payload))
	}
	return nil
}

func topic(publisher int) string { return fmt.Sprintf("test/%d", publisher) }

func (t *Traffic) filter(subscriber int) string {
	switch t.Shape {
	case FanOut:
		return topic(0)
	case FanIn:
		return "test/#"
	case Shared:
		return "$share/g/test/#"
	}
	return topic(subscriber)
}
